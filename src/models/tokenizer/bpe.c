// Byte-level BPE for whisper: the vocabulary, encoding and decoding, and the suppressed ids.
#include "bpe_private.h"

#include "base/memory.h"
#include "base/str.h"
#include "bpe_merge.h"
#include "bpe_split.h"

#include <stdio.h>
#include <string.h>

// Twice the 62 symbols below, two dashes, six special ids.
enum { SUPPRESSED_MAX = 160 };

struct Bpe {
    TokenTable table; // text tokens only: ids below special.end
    size_t n_vocab;
    BpeSpecial special;
    int32_t suppressed[SUPPRESSED_MAX]; // ascending
    size_t suppressed_count;
};

// What a transcript should not contain unless it was spoken: brackets, quotes, dashes that announce
// a speaker. Each is suppressed when it is one token, bare or after a space (as in OpenAI's
// tokenizer.py, non_speech_tokens).
static const char *const symbols[] = {
    "\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",   ">",
    "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",   "「",
    "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[",  "('",
    "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪",
};

// Note signs are suppressed by their first token even where they are several: that token is shared
// by no character that is spoken.
static const char *const notes[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

static void suppress(Bpe *bpe, int32_t id)
{
    size_t at = 0;
    while (at < bpe->suppressed_count && bpe->suppressed[at] < id) {
        at++;
    }
    const size_t after = bpe->suppressed_count - at;
    if ((after > 0 && bpe->suppressed[at] == id) || bpe->suppressed_count == SUPPRESSED_MAX) {
        return;
    }
    memmove(bpe->suppressed + at + 1, bpe->suppressed + at, after * sizeof *bpe->suppressed);
    bpe->suppressed[at] = id;
    bpe->suppressed_count++;
}

// Suppresses the first token of prefix and symbol, if there is no other or it may be shared.
static ScoutStatus suppress_symbol(Bpe *bpe, const char *prefix, const char *symbol, bool shared,
                                   ScoutError *error)
{
    char text[16];
    const int length = snprintf(text, sizeof text, "%s%s", prefix, symbol);
    int32_t ids[sizeof text] = {0};
    size_t count = 0;
    const ScoutStatus status =
        bpe_encode(bpe, text, (size_t)length, ids, BASE_COUNT(ids), &count, error);
    if (!status && (count == 1 || shared)) {
        suppress(bpe, ids[0]);
    }
    return status;
}

static ScoutStatus suppress_all(Bpe *bpe, ScoutError *error)
{
    ScoutStatus status = suppress_symbol(bpe, " ", "-", true, error);
    if (!status) {
        status = suppress_symbol(bpe, " ", "'", true, error);
    }
    for (size_t i = 0; i < 2 * BASE_COUNT(symbols) && !status; i++) {
        status = suppress_symbol(bpe, i % 2 ? " " : "", symbols[i / 2], false, error);
    }
    for (size_t i = 0; i < 2 * BASE_COUNT(notes) && !status; i++) {
        status = suppress_symbol(bpe, i % 2 ? " " : "", notes[i / 2], true, error);
    }
    const BpeSpecial *const special = &bpe->special;
    suppress(bpe, special->start);
    suppress(bpe, special->translate);
    suppress(bpe, special->transcribe);
    suppress(bpe, special->start_of_lm);
    suppress(bpe, special->start_of_prev);
    suppress(bpe, special->no_speech);
    return status;
}

// Every text token must be there (the multilingual vocabulary's last one is empty), and every byte.
static ScoutStatus check_tokens(const TokenSpan *tokens, size_t count, const BpeSpecial *special,
                                ScoutError *error)
{
    const size_t needed = (size_t)special->end;
    if (count < needed) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "the vocabulary holds %zu tokens, where a model of its size has %zu of "
                         "text",
                         count, needed);
    }
    for (size_t id = 0; id + 1 < needed; id++) {
        if (tokens[id].length == 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "token %zu of the vocabulary is empty",
                             id);
        }
    }
    return SCOUT_OK;
}

static ScoutStatus check_bytes(const TokenTable *table, ScoutError *error)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const char c = (char)byte;
        if (token_table_find(table, &c, 1) < 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT,
                             "the vocabulary has no token for the byte 0x%02X", byte);
        }
    }
    return SCOUT_OK;
}

static ScoutStatus bpe_fill(Bpe *bpe, const TokenSpan *tokens, size_t count, ScoutError *error)
{
    ScoutStatus status = bpe_layout(tokens, count, bpe->n_vocab, &bpe->special, error);
    if (!status) {
        status = check_tokens(tokens, count, &bpe->special, error);
    }
    if (!status) {
        status = token_table_init(&bpe->table, tokens, (size_t)bpe->special.end, error);
    }
    if (!status) {
        status = check_bytes(&bpe->table, error);
    }
    if (!status) {
        status = suppress_all(bpe, error);
    }
    return status;
}

ScoutStatus bpe_new_from_tokens(const TokenSpan *tokens, size_t count, size_t n_vocab, Bpe **bpe,
                                ScoutError *error)
{
    Bpe *const made = mem_array(1, sizeof *made);
    if (!made) {
        return error_no_memory(error);
    }
    made->n_vocab = n_vocab;
    const ScoutStatus status = bpe_fill(made, tokens, count, error);
    if (status) {
        bpe_free(made);
        return status;
    }
    *bpe = made;
    return SCOUT_OK;
}

void bpe_free(Bpe *bpe)
{
    if (!bpe) {
        return;
    }
    token_table_done(&bpe->table);
    mem_free(bpe);
}

const BpeSpecial *bpe_special(const Bpe *bpe)
{
    return &bpe->special;
}

size_t bpe_size(const Bpe *bpe)
{
    return bpe->n_vocab;
}

// A copy in which each malformed byte is a replacement character: what the reference makes of bytes
// that are no text. NULL when memory is out.
static char *repair(const char *text, size_t length, size_t *repaired_length)
{
    char *const out = mem_array(length, 3);
    if (!out) {
        return NULL;
    }
    size_t written = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code;
        at += utf8_decode(text + at, length - at, &code);
        // Three bytes at most for one read (malformed), four for four: it fits three times length.
        char bytes[4];
        const size_t count = utf8_encode(code, bytes);
        memcpy(out + written, bytes, count);
        written += count;
    }
    *repaired_length = written;
    return out;
}

static bool encode_valid(const Bpe *bpe, const char *text, size_t length, BpeSink *sink)
{
    BpeMerge merge = {0};
    bool ok = true;
    for (size_t at = 0; at < length && ok;) {
        const size_t piece = bpe_split_next(text + at, length - at);
        const int32_t whole = token_table_find(&bpe->table, text + at, piece);
        if (whole >= 0) {
            bpe_sink_put(sink, whole);
        } else {
            ok = bpe_merge_piece(&merge, &bpe->table, text + at, piece, sink);
        }
        at += piece;
    }
    bpe_merge_done(&merge);
    return ok;
}

ScoutStatus bpe_encode(const Bpe *bpe, const char *text, size_t length, int32_t *ids,
                       size_t capacity, size_t *count, ScoutError *error)
{
    if (length > BPE_TEXT_MAX_BYTES) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "a text of %zu bytes, %d at most",
                         length, BPE_TEXT_MAX_BYTES);
    }
    BpeSink sink = {.ids = ids, .capacity = capacity};
    bool ok;
    if (utf8_valid(text, length)) {
        ok = encode_valid(bpe, text, length, &sink);
    } else {
        size_t repaired_length = 0;
        char *const repaired = repair(text, length, &repaired_length);
        ok = repaired && encode_valid(bpe, repaired, repaired_length, &sink);
        mem_free(repaired);
    }
    if (!ok) {
        return error_no_memory(error);
    }
    *count = sink.count;
    if (sink.count > capacity) {
        return error_set(error, SCOUT_ERROR_LIMIT, "the text takes %zu tokens, %zu at most",
                         sink.count, capacity);
    }
    return SCOUT_OK;
}

void bpe_token_bytes(const Bpe *bpe, int32_t id, const char **bytes, size_t *length)
{
    const TokenSpan token = token_table_at(&bpe->table, id);
    *bytes = token.length > 0 ? token.bytes : "";
    *length = token.length;
}

bool bpe_decode(const Bpe *bpe, const int32_t *ids, size_t count, Buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const TokenSpan token = token_table_at(&bpe->table, ids[i]);
        if (token.length > 0 && !buffer_append(out, token.bytes, token.length)) {
            return false;
        }
    }
    return true;
}

bool bpe_is_timestamp(const Bpe *bpe, int32_t id)
{
    return id >= bpe->special.timestamp_first && id < bpe->special.timestamp_first + BPE_TIMESTAMPS;
}

double bpe_timestamp_seconds(const Bpe *bpe, int32_t id)
{
    return (id - bpe->special.timestamp_first) / 50.0;
}

void bpe_suppressed(const Bpe *bpe, const int32_t **ids, size_t *count)
{
    *ids = bpe->suppressed;
    *count = bpe->suppressed_count;
}

int32_t bpe_language_token(const Bpe *bpe, size_t language_index)
{
    if (language_index >= (size_t)bpe->special.language_count) {
        return -1;
    }
    return bpe->special.language_first + (int32_t)language_index;
}

bool bpe_language_of(const Bpe *bpe, int32_t id, size_t *index)
{
    const int32_t first = bpe->special.language_first;
    if (id < first || id >= first + bpe->special.language_count) {
        return false;
    }
    *index = (size_t)(id - first);
    return true;
}
