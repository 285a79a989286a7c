// JSON of what was recognised: see recording_json.h.
#include "recording_json.h"

#include "base/attributes.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

// More digits than this say nothing about a probability. JSON has no word for what is not finite.
static json_t *number(double value)
{
    return isfinite(value) ? json_real(round(value * 1e6) / 1e6) : json_null();
}

// -1 stands for a number that there is none of.
static json_t *probability(double value)
{
    return value < 0 ? json_null() : number(value);
}

json_t *recording_json_seconds(double value)
{
    return json_real(BASE_MAX(round(value * 1e3) / 1e3, 0));
}

json_t *recording_json_text(const char *text)
{
    return json_string(text && utf8_valid(text, strlen(text)) ? text : "");
}

bool recording_json_put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool append(json_t *list, json_t *value)
{
    return json_array_append_new(list, value) == 0;
}

// object, or NULL in its place.
static json_t *if_good(json_t *object, bool good)
{
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_of_word(const ScoutWord *word, double start_s)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "word", recording_json_text(word->text),
                               "start", recording_json_seconds(word->start_s - start_s), "end",
                               recording_json_seconds(word->end_s - start_s), "probability",
                               number((double)word->probability));
    if (!object || !word->alternative_count)
        return object;
    json_t *list = json_array();
    bool good = recording_json_put(object, "alternatives", list);
    for (size_t i = 0; good && i < word->alternative_count; i++) {
        const ScoutAlternative *alternative = &word->alternatives[i];
        good = append(list, json_pack("{s:o, s:o}", "text", recording_json_text(alternative->text),
                                      "probability", number((double)alternative->probability)));
    }
    return if_good(object, good);
}

static bool put_words(json_t *object, const ScoutSegment *segment, double start_s)
{
    if (!segment->words)
        return true;
    json_t *list = json_array();
    bool good = recording_json_put(object, "words", list);
    for (size_t i = 0; good && i < segment->word_count; i++)
        good = append(list, json_of_word(&segment->words[i], start_s));
    return good;
}

static bool put_tokens(json_t *object, const ScoutSegment *segment)
{
    json_t *list = json_array();
    bool good = recording_json_put(object, "tokens", list);
    for (size_t i = 0; good && i < segment->token_count; i++)
        good = append(list, json_integer(segment->tokens[i]));
    return good;
}

json_t *recording_json_segment(const ScoutSegment *segment, double start_s)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "start",
                               recording_json_seconds(segment->start_s - start_s), "end",
                               recording_json_seconds(segment->end_s - start_s), "text",
                               recording_json_text(segment->text), "language",
                               recording_json_text(segment->language), "temperature",
                               number((double)segment->temperature), "avg_logprob",
                               number((double)segment->avg_logprob), "compression_ratio",
                               number((double)segment->compression_ratio), "no_speech_prob",
                               probability((double)segment->no_speech_prob), "speech_prob",
                               probability((double)segment->speech_prob));
    if (!object)
        return NULL;
    return if_good(object, put_tokens(object, segment) && put_words(object, segment, start_s));
}

json_t *recording_json_skipped(const ScoutSkipped *skipped, double start_s)
{
    static const char *const reasons[] = {
        [SCOUT_SKIP_NO_SPEECH] = "no_speech",
        [SCOUT_SKIP_SILENT] = "silent",
        [SCOUT_SKIP_UNRELIABLE] = "unreliable",
        [SCOUT_SKIP_OUTSIDE] = "outside",
    };
    const size_t reason = (size_t)skipped->reason;
    json_t *object = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "start",
                               recording_json_seconds(skipped->start_s - start_s), "end",
                               recording_json_seconds(skipped->end_s - start_s), "reason",
                               reason < BASE_COUNT(reasons) ? reasons[reason] : "unknown",
                               "speech_prob_max", probability((double)skipped->speech_prob_max),
                               "speech_prob_mean", probability((double)skipped->speech_prob_mean),
                               "no_speech_prob", probability((double)skipped->no_speech_prob),
                               "avg_logprob", number((double)skipped->avg_logprob));
    if (!object || !skipped->text)
        return object;
    return if_good(object, recording_json_put(object, "text", recording_json_text(skipped->text)));
}

json_t *recording_json_read(const char *text, size_t length, bool *no_memory)
{
    json_error_t problem;
    json_t *value = json_loadb(text, length, 0, &problem);
    // Out of memory inside a string, jansson takes what it read for a bad token. What was written
    // by us is never one, so it is looked at twice before it is believed.
    if (!value)
        value = json_loadb(text, length, 0, &problem);
    *no_memory = !value &&
                 (json_error_code(&problem) == json_error_out_of_memory || problem.text[0] == '\0');
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

static int append_piece(const char *piece, size_t length, void *context)
{
    return buffer_append(context, piece, length) ? 0 : -1;
}

bool recording_json_write(const json_t *value, size_t flags, Buffer *out)
{
    return value && json_dump_callback(value, append_piece, out,
                                       flags | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY) == 0;
}
