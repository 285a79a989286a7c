// JSON of what was recognised: see json_view.h.
#include "json_view.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

// More digits than this say nothing about a probability. JSON has no word for what is not finite.
static json_t *number(double value)
{
    return isfinite(value) ? json_real(round(value * 1e6) / 1e6) : json_null();
}

static json_t *seconds(double value)
{
    return json_real(round(value * 1e3) / 1e3);
}

// -1 stands for a number that there is none of.
static json_t *probability(double value)
{
    return value < 0 ? json_null() : number(value);
}

static json_t *text_of(const char *text)
{
    // Text that is not UTF-8 cannot be told in JSON; an engine never writes any.
    return json_string(utf8_valid(text, strlen(text)) ? text : "");
}

// Takes value; false when it is NULL.
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool append(json_t *list, json_t *value)
{
    return json_array_append_new(list, value) == 0;
}

static json_t *json_of_alternatives(const ScoutWord *word)
{
    json_t *list = json_array();
    for (size_t i = 0; i < word->alternative_count; i++) {
        const ScoutAlternative *alternative = &word->alternatives[i];
        if (!append(list, json_pack("{s:o, s:o}", "text", text_of(alternative->text), "probability",
                                    number((double)alternative->probability)))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_of_word(const ScoutWord *word)
{
    json_t *object = json_object();
    bool good = put(object, "word", text_of(word->text)) &&
                put(object, "start", seconds(word->start_s)) &&
                put(object, "end", seconds(word->end_s)) &&
                put(object, "probability", number((double)word->probability));
    if (good && word->alternative_count)
        good = put(object, "alternatives", json_of_alternatives(word));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_of_tokens(const ScoutSegment *segment)
{
    json_t *list = json_array();
    for (size_t i = 0; i < segment->token_count; i++) {
        if (!append(list, json_integer(segment->tokens[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_of_words(const ScoutSegment *segment)
{
    json_t *list = json_array();
    for (size_t i = 0; i < segment->word_count; i++) {
        if (!append(list, json_of_word(&segment->words[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *json_of_segment(const ScoutSegment *segment)
{
    json_t *object = json_object();
    bool good = put(object, "id", json_integer((json_int_t)segment->id)) &&
                put(object, "start", seconds(segment->start_s)) &&
                put(object, "end", seconds(segment->end_s)) &&
                put(object, "text", text_of(segment->text)) &&
                put(object, "language", text_of(segment->language ? segment->language : "")) &&
                put(object, "tokens", json_of_tokens(segment)) &&
                put(object, "temperature", number((double)segment->temperature)) &&
                put(object, "avg_logprob", number((double)segment->avg_logprob)) &&
                put(object, "compression_ratio", number((double)segment->compression_ratio)) &&
                put(object, "no_speech_prob", number((double)segment->no_speech_prob)) &&
                put(object, "speech_prob", probability((double)segment->speech_prob));
    if (good && segment->words)
        good = put(object, "words", json_of_words(segment));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static const char *const reasons[] = {
    [SCOUT_SKIP_NO_SPEECH] = "no_speech",
    [SCOUT_SKIP_SILENT] = "silent",
    [SCOUT_SKIP_UNRELIABLE] = "unreliable",
    [SCOUT_SKIP_OUTSIDE] = "outside",
};

json_t *json_of_skipped(const ScoutSkipped *skipped)
{
    const char *reason =
        (size_t)skipped->reason < BASE_COUNT(reasons) ? reasons[skipped->reason] : "unknown";
    json_t *object =
        json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "start", seconds(skipped->start_s), "end",
                  seconds(skipped->end_s), "reason", reason, "speech_prob_max",
                  probability((double)skipped->speech_prob_max), "speech_prob_mean",
                  probability((double)skipped->speech_prob_mean), "no_speech_prob",
                  probability((double)skipped->no_speech_prob), "avg_logprob",
                  number((double)skipped->avg_logprob));
    if (object && skipped->text && !put(object, "text", text_of(skipped->text))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *json_of_source(const ScoutSource *source)
{
    if (!source)
        return json_null();
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:o}", "container", source->container, "codec", source->codec,
        "sample_rate", source->sample_rate, "channels", source->channels, "claimed_duration",
        source->claimed_duration_s < 0 ? json_null() : seconds(source->claimed_duration_s));
}

static json_t *json_of_damage(const View *view)
{
    json_t *list = json_array();
    for (size_t i = 0; i < view->damage_count; i++) {
        const ScoutDamage *damage = &view->damage[i];
        if (!append(list, json_pack("{s:o, s:b, s:o}", "at", seconds(damage->at_s), "to_end",
                                    damage->to_end, "message", text_of(damage->message)))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_of_timings(const ScoutTimings *timings)
{
    if (!timings)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}",
                     "audio", number(timings->audio_s), "total", number(timings->total_s), "decode",
                     number(timings->decode_s), "vad", number(timings->vad_s), "mel",
                     number(timings->mel_s), "encoder", number(timings->encoder_s), "decoder",
                     number(timings->decoder_s), "align", number(timings->align_s), "draft",
                     number(timings->draft_s), "windows", (json_int_t)timings->windows, "tokens",
                     (json_int_t)timings->tokens, "fallbacks", (json_int_t)timings->fallbacks,
                     "drafted", (json_int_t)timings->drafted, "accepted",
                     (json_int_t)timings->accepted);
}

static json_t *text_of_view(const View *view)
{
    Buffer text;
    buffer_init(&text, 1 << 30);
    for (size_t i = 0; i < view->segment_count; i++)
        buffer_append_text(&text, view->segments[i].text);
    const char *start = buffer_text(&text);
    while (*start == ' ')
        start++;
    json_t *string = text.failed ? NULL : text_of(start);
    buffer_done(&text);
    return string;
}

static json_t *json_of_segments(const View *view)
{
    json_t *list = json_array();
    for (size_t i = 0; i < view->segment_count; i++) {
        if (!append(list, json_of_segment(&view->segments[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_of_all_skipped(const View *view)
{
    json_t *list = json_array();
    for (size_t i = 0; i < view->skipped_count; i++) {
        if (!append(list, json_of_skipped(&view->skipped[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *json_of_view(const View *view)
{
    bool known = *view->language.code != '\0';
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
                  "file", text_of(view->file), "text", text_of_view(view), "language",
                  known ? text_of(view->language.code) : json_null(), "language_probability",
                  known ? number((double)view->language.probability) : json_null(), "duration",
                  seconds(view->duration_s), "model", view->model, "task", view->task,
                  "interrupted", view->interrupted, "segments", json_of_segments(view), "skipped",
                  json_of_all_skipped(view), "damage", json_of_damage(view), "source",
                  json_of_source(view->source), "timings", json_of_timings(view->timings),
                  "options", view->options ? json_deep_copy(view->options) : json_object(),
                  "scout_version", SCOUT_VERSION);
    if (object && view->error && !put(object, "error", text_of(view->error))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

// -------------------------------------------------------------------------------------- from JSON

// Nothing that is written is larger; what is may not fit a float, or its rounding a double.
static const double NUMBER_MAX = 1e9;

static bool get_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    const double number = json_number_value(value);
    if (!json_is_number(value) || fabs(number) > NUMBER_MAX)
        return false;
    *out = number;
    return true;
}

static bool get_float(const json_t *object, const char *key, float *out)
{
    double value;
    if (json_is_null(json_object_get(object, key)))
        value = -1;
    else if (!get_number(object, key, &value))
        return false;
    *out = (float)value;
    return true;
}

static bool get_text(const json_t *object, const char *key, Arena *arena, const char **out)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        return false;
    *out = arena_copy_text(arena, text, strlen(text));
    return *out != NULL;
}

static bool get_alternatives(const json_t *object, Arena *arena, ScoutWord *word)
{
    const json_t *list = json_object_get(object, "alternatives");
    word->alternative_count = json_array_size(list);
    if (!word->alternative_count)
        return true;
    ScoutAlternative *made = arena_alloc(arena, word->alternative_count, sizeof(*made));
    if (!made)
        return false;
    word->alternatives = made;
    for (size_t i = 0; i < word->alternative_count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!get_text(item, "text", arena, &made[i].text) ||
            !get_float(item, "probability", &made[i].probability))
            return false;
    }
    return true;
}

static bool get_words(const json_t *object, Arena *arena, ScoutSegment *segment)
{
    const json_t *list = json_object_get(object, "words");
    segment->word_count = json_array_size(list);
    if (!segment->word_count)
        return true;
    ScoutWord *made = arena_alloc(arena, segment->word_count, sizeof(*made));
    if (!made)
        return false;
    segment->words = made;
    for (size_t i = 0; i < segment->word_count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!get_text(item, "word", arena, &made[i].text) ||
            !get_number(item, "start", &made[i].start_s) ||
            !get_number(item, "end", &made[i].end_s) ||
            !get_float(item, "probability", &made[i].probability) ||
            !get_alternatives(item, arena, &made[i]))
            return false;
    }
    return true;
}

static bool get_tokens(const json_t *object, Arena *arena, ScoutSegment *segment)
{
    const json_t *list = json_object_get(object, "tokens");
    segment->token_count = json_array_size(list);
    if (!segment->token_count)
        return true;
    int32_t *made = arena_alloc(arena, segment->token_count, sizeof(*made));
    if (!made)
        return false;
    for (size_t i = 0; i < segment->token_count; i++)
        made[i] = (int32_t)json_integer_value(json_array_get(list, i));
    segment->tokens = made;
    return true;
}

bool json_to_segment(const json_t *object, Arena *arena, ScoutSegment *segment)
{
    ScoutSegment made = {0};
    bool good = get_number(object, "start", &made.start_s) &&
                get_number(object, "end", &made.end_s) &&
                get_text(object, "text", arena, &made.text) &&
                get_text(object, "language", arena, &made.language) &&
                get_float(object, "temperature", &made.temperature) &&
                get_float(object, "avg_logprob", &made.avg_logprob) &&
                get_float(object, "compression_ratio", &made.compression_ratio) &&
                get_float(object, "no_speech_prob", &made.no_speech_prob) &&
                get_float(object, "speech_prob", &made.speech_prob) &&
                get_tokens(object, arena, &made) && get_words(object, arena, &made);
    if (good)
        *segment = made;
    return good;
}

bool json_to_skipped(const json_t *object, Arena *arena, ScoutSkipped *skipped)
{
    ScoutSkipped made = {0};
    const char *reason = json_string_value(json_object_get(object, "reason"));
    size_t index = 0;
    while (reason && index < BASE_COUNT(reasons) && !str_equal(reasons[index], reason))
        index++;
    if (!reason || index == BASE_COUNT(reasons))
        return false;
    made.reason = (ScoutSkipReason)index;
    bool good = get_number(object, "start", &made.start_s) &&
                get_number(object, "end", &made.end_s) &&
                get_float(object, "speech_prob_max", &made.speech_prob_max) &&
                get_float(object, "speech_prob_mean", &made.speech_prob_mean) &&
                get_float(object, "no_speech_prob", &made.no_speech_prob) &&
                get_float(object, "avg_logprob", &made.avg_logprob) &&
                (!json_object_get(object, "text") || get_text(object, "text", arena, &made.text));
    if (good)
        *skipped = made;
    return good;
}

static int append_piece(const char *piece, size_t length, void *context)
{
    return buffer_append(context, piece, length) ? 0 : -1;
}

bool json_write(const json_t *value, size_t flags, Buffer *out)
{
    return value && json_dump_callback(value, append_piece, out,
                                       flags | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY) == 0;
}
