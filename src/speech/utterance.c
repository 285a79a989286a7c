// Agreement between one text and the next: see utterance.h.
#include "utterance.h"

#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

static bool begins_word(const Bpe *bpe, int32_t token, bool spaces)
{
    const char *bytes;
    size_t length;
    bpe_token_bytes(bpe, token, &bytes, &length);
    if (length == 0)
        return false;
    // Without spaces every character may be a word; one that goes on from the token before may not.
    return spaces ? bytes[0] == ' ' : ((unsigned char)bytes[0] & 0xC0) != 0x80;
}

// The tokens of `count` that are left when the last words are taken off.
static size_t without_last_words(const Bpe *bpe, const UtteranceHearing *hearing)
{
    size_t at = hearing->count;
    for (size_t words = 0; words < hearing->guard && at > 0; words++) {
        at--;
        while (at > 0 && !begins_word(bpe, hearing->tokens[at], hearing->spaces))
            at--;
    }
    return at;
}

// How many tokens the text has in common with the one before, from the beginning on.
static size_t common_count(const Utterance *utterance, const UtteranceHearing *hearing)
{
    const size_t most = BASE_MIN(utterance->count, hearing->count);
    size_t same = 0;
    while (same < most && utterance->tokens[same] == hearing->tokens[same])
        same++;
    return same;
}

// Of the tokens in common, those that may be settled.
static size_t agreed_count(const Utterance *utterance, const Bpe *bpe,
                           const UtteranceHearing *hearing, size_t common)
{
    size_t most = BASE_MIN(common, without_last_words(bpe, hearing));
    most = BASE_MIN(most, (size_t)UTTERANCE_SETTLED_MAX);
    size_t agreed = 0;
    while (agreed < most && hearing->heard - utterance->since[agreed] >= hearing->stays)
        agreed++;
    // Whole words only: the next token begins another one.
    while (agreed > 0 && agreed < hearing->count &&
           !begins_word(bpe, hearing->tokens[agreed], hearing->spaces))
        agreed--;
    return agreed;
}

void utterance_hear(Utterance *utterance, const Bpe *bpe, const UtteranceHearing *hearing)
{
    UtteranceHearing held = *hearing;
    held.count = BASE_MIN(held.count, (size_t)UTTERANCE_TOKENS_MAX);
    const size_t common = common_count(utterance, &held);
    const size_t agreed = held.may_settle ? agreed_count(utterance, bpe, &held, common) : 0;
    if (agreed > utterance->settled_count) {
        utterance->settled_count = agreed;
        utterance->settled_until = utterance->since[agreed - 1];
    }
    for (size_t i = common; i < held.count; i++) {
        utterance->tokens[i] = held.tokens[i];
        utterance->since[i] = held.heard;
    }
    utterance->count = held.count;
    utterance->heard = held.heard;
}

bool utterance_is_sentence(const char *text, size_t length)
{
    static const char *const ENDS[] = {".",      "?",      "!",      "\u3002",
                                       "\uFF1F", "\uFF01", "\u0964", "\u061F"};
    static const char *const CLOSING[] = {"\"", "'", ")", "\u201D", "\u2019", "\u00BB", "\u300D"};
    for (size_t i = 0; i < BASE_COUNT(CLOSING); i++) {
        const size_t size = strlen(CLOSING[i]);
        if (length >= size && memcmp(text + length - size, CLOSING[i], size) == 0)
            length -= size;
    }
    if (length >= 3 && memcmp(text + length - 3, "...", 3) == 0)
        return false;
    for (size_t i = 0; i < BASE_COUNT(ENDS); i++) {
        const size_t size = strlen(ENDS[i]);
        if (length >= size && memcmp(text + length - size, ENDS[i], size) == 0)
            return true;
    }
    return false;
}
