// The check of a caller's options: every number in its range, every text well formed, nothing that
// excludes something else. What depends on the model is checked by transcriber_new.
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "speech/transcriber.h"

enum { HOTWORDS_MAX = 1000, HOTWORD_BYTES_MAX = 1024, TEXT_BYTES_MAX = 1 << 16 };

static const float PATIENCE_MAX = 8.0f, BOOST_MAX = 10.0f, TEMPERATURE_MAX = 2.0f;

static ScoutStatus check_int(const char *name, int value, int low, int high, ScoutError *error)
{
    if (value >= low && value <= high)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is %d; it must be %d to %d", name,
                     value, low, high);
}

// Written so that NaN is refused.
static ScoutStatus check_number(const char *name, double value, double low, double high,
                                ScoutError *error)
{
    if (value >= low && value <= high)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is %g; it must be %g to %g", name,
                     value, low, high);
}

static ScoutStatus check_text(const char *name, const char *text, size_t max, ScoutError *error)
{
    if (!text)
        return SCOUT_OK;
    size_t length = strnlen(text, max + 1);
    if (length > max)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is longer than %zu bytes: shorten it", name, max);
    if (!utf8_valid(text, length))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is not valid UTF-8", name);
    return SCOUT_OK;
}

static ScoutStatus check_texts(const ScoutTranscribeOptions *options, ScoutError *error)
{
    ScoutStatus status = check_text("the prompt", options->prompt, TEXT_BYTES_MAX, error);
    if (status == SCOUT_OK)
        status = check_text("the prefix", options->prefix, TEXT_BYTES_MAX, error);
    if (status == SCOUT_OK)
        status = check_text("the language", options->language, TEXT_BYTES_MAX, error);
    if (status != SCOUT_OK)
        return status;
    if (options->previous_token_count > 0 && !options->previous_tokens)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "previous_token_count is %zu, but previous_tokens is NULL",
                         options->previous_token_count);
    if (options->hotword_count > HOTWORDS_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "there are %zu hotwords; at most %d are taken", options->hotword_count,
                         HOTWORDS_MAX);
    if (options->hotword_count > 0 && !options->hotwords)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "hotword_count is %zu, but hotwords is NULL", options->hotword_count);
    for (size_t i = 0; i < options->hotword_count; i++) {
        if (!options->hotwords[i])
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "hotword %zu is NULL", i);
        status = check_text("a hotword", options->hotwords[i], HOTWORD_BYTES_MAX, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus check_search(const ScoutTranscribeOptions *options, ScoutError *error)
{
    ScoutStatus status = check_int("beam_size", options->beam_size, 1, SCOUT_BEAM_MAX, error);
    if (status == SCOUT_OK)
        status = check_int("best_of", options->best_of, 1, SCOUT_BEAM_MAX, error);
    if (status == SCOUT_OK)
        status = check_int("alternatives", options->alternatives, 0, SCOUT_ALTERNATIVES_MAX, error);
    if (status == SCOUT_OK)
        status = check_int("batch_size", options->batch_size, 0, SCOUT_BATCH_MAX, error);
    if (status == SCOUT_OK)
        status =
            check_number("patience", (double)options->patience, 0.1, (double)PATIENCE_MAX, error);
    if (status == SCOUT_OK && options->draft && options->beam_size > 1)
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                           "a draft model guesses ahead of one text, and beam_size is %d: make it "
                           "1 (--beam-size 1), or do without the draft",
                           options->beam_size);
    if (status == SCOUT_OK && isnan(options->length_penalty))
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "length_penalty is not a number");
    if (status == SCOUT_OK && options->length_penalty >= 0)
        status = check_number("length_penalty", (double)options->length_penalty, 0, 1, error);
    if (status == SCOUT_OK)
        status = check_number("hotword_boost", (double)options->hotword_boost, 0, (double)BOOST_MAX,
                              error);
    if (status == SCOUT_OK &&
        (options->temperature_count < 1 || options->temperature_count > SCOUT_TEMPERATURES_MAX))
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                           "there are %zu temperatures; it must be 1 to %d",
                           options->temperature_count, SCOUT_TEMPERATURES_MAX);
    for (size_t i = 0; status == SCOUT_OK && i < options->temperature_count; i++)
        status = check_number("a temperature", (double)options->temperatures[i], 0,
                              (double)TEMPERATURE_MAX, error);
    return status;
}

static ScoutStatus check_thresholds(const ScoutTranscribeOptions *options, ScoutError *error)
{
    if (isnan(options->compression_ratio_threshold) || isnan(options->logprob_threshold) ||
        isnan(options->no_speech_threshold))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "a threshold is not a number");
    return check_number("vad_threshold", (double)options->vad_threshold, 0, 1, error);
}

static ScoutStatus check_range(const ScoutTranscribeOptions *options, ScoutError *error)
{
    ScoutStatus status = check_number("start_s", options->start_s, 0, 1e9, error);
    if (status == SCOUT_OK)
        status = check_number("end_s", options->end_s, 0, 1e9, error);
    if (status == SCOUT_OK && options->end_s > 0 && options->end_s <= options->start_s)
        status =
            error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "end_s (%g) is not after start_s (%g)",
                      options->end_s, options->start_s);
    if (status == SCOUT_OK)
        status = check_int("channel", options->channel, 0, 64, error);
    if (status == SCOUT_OK)
        status = check_number("max_seconds", options->max_seconds, 0, 1e9, error);
    return status;
}

ScoutStatus transcribe_options_check(const ScoutTranscribeOptions *options, ScoutError *error)
{
    if (options->priority != SCOUT_PRIORITY_NORMAL && options->priority != SCOUT_PRIORITY_LIVE &&
        options->priority != SCOUT_PRIORITY_BACKGROUND)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "the priority is unknown");
    if (options->task != SCOUT_TASK_TRANSCRIBE && options->task != SCOUT_TASK_TRANSLATE)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "the task is unknown");
    ScoutStatus status = check_texts(options, error);
    if (status == SCOUT_OK)
        status = check_search(options, error);
    if (status == SCOUT_OK)
        status = check_thresholds(options, error);
    if (status == SCOUT_OK)
        status = check_range(options, error);
    return status;
}
