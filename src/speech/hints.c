// Options to tokens: see hints.h.
#include "hints.h"

#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/str.h"
#include "models/tokenizer.h"
#include "text.h"
#include "window.h"

enum {
    MODEL_AUDIO_CTX = 1500, // positions of a window of 30 s
    MODEL_TEXT_CTX = 448
};

ScoutStatus hints_check_model(const WhisperModel *whisper, ScoutError *error)
{
    const WhisperDims *dims = whisper_dims(whisper);
    if (dims->n_audio_ctx == MODEL_AUDIO_CTX && dims->n_text_ctx == MODEL_TEXT_CTX)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                     "this model is made for %zu positions of sound and %zu tokens of text; only "
                     "models for %d and %d, as Whisper's are, can transcribe: choose another",
                     dims->n_audio_ctx, dims->n_text_ctx, MODEL_AUDIO_CTX, MODEL_TEXT_CTX);
}

static ScoutStatus choose_language(Hints *hints, const Bpe *bpe,
                                   const ScoutTranscribeOptions *options, ScoutError *error)
{
    bool multilingual = bpe_special(bpe)->multilingual;
    if (!multilingual && options->task == SCOUT_TASK_TRANSLATE)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "this model knows English only and cannot translate");
    bool automatic = !options->language || str_equal_nocase(options->language, "auto");
    if (automatic && multilingual)
        return SCOUT_OK;
    const char *name = automatic ? "en" : options->language;
    if (!language_find(name, &hints->language))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "\"%.40s\" is no language that is known; give an ISO code like \"en\"",
                         name);
    bool english = str_equal(language_code(hints->language), "en");
    if (multilingual ? bpe_language_token(bpe, hints->language) < 0 : !english)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "this model does not know %s",
                         language_name(hints->language));
    hints->language_known = true;
    return SCOUT_OK;
}

// The tokens of " text", without white space around it. *tokens is new; NULL text has none.
static ScoutStatus encode_text(const Bpe *bpe, const char *text, int32_t **tokens, size_t *count,
                               ScoutError *error)
{
    if (!text)
        return SCOUT_OK;
    size_t length = strlen(text);
    text_trim(&text, &length);
    Buffer spaced;
    buffer_init(&spaced, length + 1);
    buffer_append_char(&spaced, ' ');
    buffer_append(&spaced, text, length);
    int32_t *made = mem_array(length + 1, sizeof *made);
    if (!made || spaced.failed) {
        buffer_done(&spaced);
        mem_free(made);
        return error_no_memory(error);
    }
    *count = 0;
    ScoutStatus status = SCOUT_OK;
    if (length > 0)
        status =
            bpe_encode(bpe, buffer_text(&spaced), spaced.length, made, length + 1, count, error);
    buffer_done(&spaced);
    if (status != SCOUT_OK) {
        mem_free(made);
        return status;
    }
    *tokens = made;
    return SCOUT_OK;
}

ScoutStatus hints_init(Hints *hints, const WhisperModel *whisper,
                       const ScoutTranscribeOptions *options, ScoutError *error)
{
    const Bpe *bpe = whisper_bpe(whisper);
    *hints = (Hints){0};
    ScoutStatus status = choose_language(hints, bpe, options, error);
    if (status == SCOUT_OK)
        status = encode_text(bpe, options->prompt, &hints->prompt, &hints->prompt_count, error);
    if (status == SCOUT_OK)
        status = encode_text(bpe, options->prefix, &hints->prefix, &hints->prefix_count, error);
    if (status == SCOUT_OK && hints->prefix_count > WINDOW_PREFIX_MAX)
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                           "the prefix has %zu tokens; at most %d are taken", hints->prefix_count,
                           WINDOW_PREFIX_MAX);
    if (status == SCOUT_OK && options->hotword_count > 0 && options->hotword_boost > 0)
        status = hotwords_new(bpe, options->hotwords, options->hotword_count,
                              options->hotword_boost, &hints->hotwords, error);
    if (status != SCOUT_OK)
        hints_done(hints);
    return status;
}

void hints_done(Hints *hints)
{
    mem_free(hints->prompt);
    mem_free(hints->prefix);
    hotwords_free(hints->hotwords);
    *hints = (Hints){0};
}
