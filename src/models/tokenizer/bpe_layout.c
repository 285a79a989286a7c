// Which ids have a meaning of their own: read off the names of the special tokens where the
// vocabulary has them, and known by its size where it has not.
#include "bpe_private.h"

#include "base/attributes.h"

#include <stdio.h>

enum {
    TEXT_ENGLISH = 50256, // text tokens of the English-only vocabulary
    TEXT_MULTILINGUAL = 50257,
    LANGUAGES_V1 = 99,
    LANGUAGES_V3 = 100, // with Cantonese
    TASKS = 6           // translate .. notimestamps
};

// In the order of their ids. Older files of Hugging Face call the fifth <|nocaptions|>.
static const char *const task_names[TASKS] = {
    "<|translate|>",   "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>",   "<|notimestamps|>",
};

// All special ids follow each other, so the first and the number of languages say it all.
static BpeSpecial layout_at(size_t end, size_t languages)
{
    const int32_t first = (int32_t)(end + 2);
    const int32_t tasks = first + (int32_t)languages;
    return (BpeSpecial){
        .end = (int32_t)end,
        .start = (int32_t)end + 1,
        .language_first = first,
        .language_count = (int32_t)languages,
        .translate = tasks,
        .transcribe = tasks + 1,
        .start_of_lm = tasks + 2,
        .start_of_prev = tasks + 3,
        .no_speech = tasks + 4,
        .no_timestamps = tasks + 5,
        .timestamp_first = tasks + TASKS,
        .multilingual = end != TEXT_ENGLISH,
    };
}

static bool names_language(TokenSpan token, size_t index)
{
    char name[16];
    (void)snprintf(name, sizeof name, "<|%s|>", language_code(index));
    return token_span_is(token, name);
}

static bool names_tasks(const TokenSpan *tokens)
{
    for (size_t i = 0; i < TASKS; i++) {
        const bool old_name = i == 4 && token_span_is(tokens[i], "<|nocaptions|>");
        if (!old_name && !token_span_is(tokens[i], task_names[i])) {
            return false;
        }
    }
    return true;
}

static ScoutStatus layout_by_names(const TokenSpan *tokens, size_t count, size_t n_vocab,
                                   size_t start, BpeSpecial *special, ScoutError *error)
{
    if (start == 0 || !token_span_is(tokens[start - 1], "<|endoftext|>")) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "the vocabulary has no <|endoftext|> before <|startoftranscript|>, as "
                         "Whisper's have");
    }
    size_t languages = 0;
    while (languages < language_count() && start + 1 + languages < count &&
           names_language(tokens[start + 1 + languages], languages)) {
        languages++;
    }
    const size_t tasks = start + 1 + languages;
    if (languages == 0 || tasks + TASKS > count || !names_tasks(tokens + tasks)) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "the special tokens after <|startoftranscript|> (id %zu) are not "
                         "Whisper's, or not in its order",
                         start);
    }
    if (n_vocab != tasks + TASKS + BPE_TIMESTAMPS) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "a vocabulary of %zu tokens, where its special tokens leave room for %zu: "
                         "models with tokens added after Whisper's are not supported",
                         n_vocab, tasks + TASKS + BPE_TIMESTAMPS);
    }
    *special = layout_at(start - 1, languages);
    return SCOUT_OK;
}

static ScoutStatus layout_by_size(size_t n_vocab, BpeSpecial *special, ScoutError *error)
{
    static const struct {
        size_t text, languages;
    } known[] = {
        {TEXT_ENGLISH, LANGUAGES_V1},
        {TEXT_MULTILINGUAL, LANGUAGES_V1},
        {TEXT_MULTILINGUAL, LANGUAGES_V3},
    };
    for (size_t i = 0; i < BASE_COUNT(known); i++) {
        if (n_vocab == known[i].text + 2 + known[i].languages + TASKS + BPE_TIMESTAMPS) {
            *special = layout_at(known[i].text, known[i].languages);
            return SCOUT_OK;
        }
    }
    return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                     "a vocabulary of %zu tokens, where Whisper's have 51864, 51865 or 51866; "
                     "import the model from a form whose vocabulary names its special tokens "
                     "(CTranslate2 or Hugging Face)",
                     n_vocab);
}

ScoutStatus bpe_layout(const TokenSpan *tokens, size_t count, size_t n_vocab, BpeSpecial *special,
                       ScoutError *error)
{
    for (size_t id = count; id-- > 0;) {
        if (token_span_is(tokens[id], "<|startoftranscript|>")) {
            return layout_by_names(tokens, count, n_vocab, id, special, error);
        }
    }
    return layout_by_size(n_vocab, special, error);
}
