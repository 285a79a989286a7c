// Text for sound that has none yet: see recording_listen.h.
#include "recording_listen.h"

#include "recording_json.h"
#include "recording_notes.h"
#include "stream.h"

#include "audio/journal_playback.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_FRAMES = 8192, REJECTED_BYTES_MAX = 1 << 20 };

// Shorter spans hold no word.
static const double SPAN_MIN_S = 0.2;

// Nor do those that never get louder than 60 dB below full scale.
enum { SPAN_PEAK_MIN = 33 };

// What the model itself takes for silence more likely than not is no find: without voice activity
// it writes a word or two there.
static const float NO_SPEECH_MAX = 0.5F;

static ScoutStatus cancelled(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CANCELLED, "cancelled");
}

static bool stops(const RecordingListen *listen, double done)
{
    return listen->progress && listen->progress(listen->context, "text", done) != 0;
}

static ScoutStatus options_for(const RecordingListen *listen, ScoutTranscribeOptions *options,
                               ScoutError *error)
{
    ScoutStatus status = stream_options(listen->transcribe, options, error);
    if (status)
        return status;
    const bool open = !options->language || str_equal_nocase(options->language, "auto");
    if (open && listen->language && *listen->language)
        options->language = listen->language;
    // They concern files as people give them, not a part of one.
    options->start_s = options->end_s = 0;
    options->prefix = NULL;
    options->previous_tokens = NULL;
    options->previous_token_count = 0;
    return SCOUT_OK;
}

// One channel of frames, as the stream wants it.
static ScoutStatus push(ScoutStream *stream, const int16_t *frames, size_t count, uint32_t channel,
                        uint32_t channels, ScoutError *error)
{
    float samples[PIECE_FRAMES];
    for (size_t at = 0; at < count;) {
        const size_t piece = BASE_MIN(count - at, (size_t)PIECE_FRAMES);
        for (size_t i = 0; i < piece; i++)
            samples[i] = (float)frames[(at + i) * channels + channel] / 32768;
        ScoutStatus status = scout_stream_push(stream, samples, piece, error);
        if (status)
            return status;
        at += piece;
    }
    return SCOUT_OK;
}

// --- Of a journal
// ---------------------------------------------------------------------------------------

typedef struct ToJournal {
    Journal *journal;
    uint32_t channel;
    double settled_s;
    ScoutStatus status; // why an event could not be kept
    ScoutError error;
} ToJournal;

static int keep_event(void *context, const ScoutEvent *event)
{
    ToJournal *to = context;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE:
        to->status =
            recording_note_language(to->journal, to->channel, &event->u.language, &to->error);
        break;
    case SCOUT_EVENT_SEGMENT:
        to->status =
            recording_note_segment(to->journal, to->channel, &event->u.segment, false, &to->error);
        break;
    case SCOUT_EVENT_SKIPPED:
        to->status =
            recording_note_skipped(to->journal, to->channel, &event->u.skipped, 0, &to->error);
        break;
    case SCOUT_EVENT_PROGRESS:
        if (event->u.progress.settled_s <= to->settled_s)
            break;
        to->settled_s = event->u.progress.settled_s;
        to->status = recording_note_settled(to->journal, to->channel, to->settled_s, &to->error);
        break;
    }
    return to->status != SCOUT_OK;
}

static ScoutStatus feed_journal(const RecordingListen *listen, ScoutStream *stream,
                                JournalPlayback *playback, uint32_t channel, ScoutError *error)
{
    const uint32_t channels = journal_playback_info(playback)->channels;
    const double total = (double)journal_playback_frames(playback);
    for (;;) {
        if (stops(listen, (double)journal_playback_position(playback) / total))
            return cancelled(error);
        const int16_t *frames = NULL;
        size_t count = 0;
        ScoutStatus status = journal_playback_next(playback, &frames, &count, error);
        if (!status && count == 0)
            return scout_stream_finish(stream, error);
        if (!status)
            status = push(stream, frames, count, channel, channels, error);
        if (status)
            return status;
    }
}

ScoutStatus recording_listen_journal(const RecordingListen *listen, Journal *journal,
                                     const char *path, uint32_t channel, uint64_t from,
                                     ScoutError *error)
{
    ScoutTranscribeOptions options;
    JournalPlayback *playback = NULL;
    ScoutStream *stream = NULL;
    const double from_s = (double)from / SCOUT_SAMPLE_RATE;
    ToJournal to = {.journal = journal, .channel = channel, .settled_s = from_s};
    ScoutStatus status = options_for(listen, &options, error);
    if (!status)
        status = journal_playback_open(path, from, &playback, error);
    if (!status)
        status =
            stream_open(listen->engine, &options, from_s, NULL, keep_event, &to, &stream, error);
    if (!status)
        status = feed_journal(listen, stream, playback, channel, error);
    const double end_s =
        playback ? (double)journal_playback_frames(playback) / SCOUT_SAMPLE_RATE : 0;
    scout_stream_free(stream);
    journal_playback_free(playback);
    if (to.status) {
        if (error)
            *error = to.error;
        return to.status;
    }
    return status ? status : recording_note_settled(journal, channel, end_s, error);
}

// --- Of skipped spans
// ---------------------------------------------------------------------------------------

typedef struct ToArray {
    json_t *utterances;
    int channel;
    bool failed;
    Buffer rejected; // text of which nothing was made
} ToArray;

static int keep_segment(void *context, const ScoutEvent *event)
{
    ToArray *to = context;
    if (event->type != SCOUT_EVENT_SEGMENT)
        return 0;
    const ScoutSegment *segment = &event->u.segment;
    if (segment->no_speech_prob > NO_SPEECH_MAX)
        return buffer_append_text(&to->rejected, segment->text) ? 0 : (to->failed = true);
    json_t *item = json_pack(
        "{s:o, s:o, s:o, s:[o], s:b, s:i}", "start", recording_json_seconds(segment->start_s),
        "end", recording_json_seconds(segment->end_s), "text", recording_json_text(segment->text),
        "segments", recording_json_segment(segment, 0), "from_skipped", 1, "channel", to->channel);
    to->failed = json_array_append_new(to->utterances, item) != 0;
    return to->failed;
}

typedef struct Span {
    double start_s, end_s;
    int channel;
} Span;

// The loudest sample of the frames.
static int peak_of(const int16_t *frames, size_t count, const Span *span, uint32_t channels)
{
    int peak = 0;
    for (size_t i = 0; i < count; i++)
        peak = BASE_MAX(peak, abs(frames[i * channels + (size_t)span->channel]));
    return peak;
}

// Reads the span, for the stream if there is one; *peak is how loud it gets.
static ScoutStatus feed_span(ScoutStream *stream, SoundFile *file, const Span *span, int *peak,
                             ScoutError *error)
{
    const SoundInfo *info = sound_file_info(file);
    const uint64_t end = BASE_MIN(info->frames, (uint64_t)(span->end_s * SCOUT_SAMPLE_RATE));
    uint64_t at = BASE_MIN(end, (uint64_t)(span->start_s * SCOUT_SAMPLE_RATE));
    int16_t *frames = mem_array((size_t)PIECE_FRAMES * info->channels, sizeof *frames);
    ScoutStatus status = frames ? sound_file_seek(file, at, error) : error_no_memory(error);
    while (!status && at < end) {
        size_t done = 0;
        status = sound_file_read(file, frames, (size_t)BASE_MIN(end - at, (uint64_t)PIECE_FRAMES),
                                 &done, error);
        if (status || done == 0)
            break;
        *peak = BASE_MAX(*peak, peak_of(frames, done, span, info->channels));
        if (stream)
            status = push(stream, frames, done, (uint32_t)span->channel, info->channels, error);
        at += done;
    }
    mem_free(frames);
    return status || !stream ? status : scout_stream_finish(stream, error);
}

// Takes what was found in the span to the utterances, and what was rejected to the span.
static ScoutStatus keep_finds(ToArray *to, json_t *utterances, json_t *skipped, ScoutError *error)
{
    bool good = !to->failed && json_array_extend(utterances, to->utterances) == 0;
    if (good && to->rejected.length)
        good = recording_json_put(skipped, "text", recording_json_text(to->rejected.data));
    good = good && recording_json_put(skipped, "listened", json_true());
    return good ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus listen_span(const RecordingListen *listen, SoundFile *file, const Span *span,
                               json_t *skipped, json_t *utterances, ScoutError *error)
{
    ScoutTranscribeOptions options;
    int peak = 0;
    ScoutStatus status = options_for(listen, &options, error);
    if (!status)
        status = feed_span(NULL, file, span, &peak, error);
    if (status)
        return status;
    options.vad = 0;
    // Collected aside: a span that is given up half-way leaves nothing.
    ToArray to = {.utterances = json_array(), .channel = span->channel};
    buffer_init(&to.rejected, REJECTED_BYTES_MAX);
    ScoutStream *stream = NULL;
    if (!to.utterances)
        status = error_no_memory(error);
    if (!status && peak >= SPAN_PEAK_MIN)
        status = stream_open(listen->engine, &options, span->start_s, NULL, keep_segment, &to,
                             &stream, error);
    if (stream)
        status = feed_span(stream, file, span, &peak, error);
    scout_stream_free(stream);
    if (!status || to.failed)
        status = keep_finds(&to, utterances, skipped, error);
    json_decref(to.utterances);
    buffer_done(&to.rejected);
    return status;
}

static bool span_of(const json_t *skipped, uint32_t channels, Span *span)
{
    *span = (Span){
        .start_s = json_number_value(json_object_get(skipped, "start")),
        .end_s = json_number_value(json_object_get(skipped, "end")),
        .channel = (int)json_integer_value(json_object_get(skipped, "channel")),
    };
    return !json_is_true(json_object_get(skipped, "listened")) && span->start_s >= 0 &&
           span->end_s < 1e9 && span->end_s - span->start_s >= SPAN_MIN_S && span->channel >= 0 &&
           span->channel < (int)channels;
}

// Where a new utterance belongs: after all that begin no later.
static ScoutStatus sort_in(json_t *utterances, size_t from, ScoutError *error)
{
    for (size_t i = from; i < json_array_size(utterances); i++) {
        json_t *item = json_array_get(utterances, i);
        const double start_s = json_number_value(json_object_get(item, "start"));
        size_t place = i;
        while (place > 0 && json_number_value(json_object_get(json_array_get(utterances, place - 1),
                                                              "start")) > start_s)
            place--;
        json_incref(item);
        if (json_array_remove(utterances, i) != 0 ||
            json_array_insert_new(utterances, place, item) != 0)
            return error_no_memory(error);
    }
    return SCOUT_OK;
}

ScoutStatus recording_listen_skipped(const RecordingListen *listen, const char *sound,
                                     json_t *text_json, ScoutError *error)
{
    SoundFile *file = NULL;
    ScoutStatus status = sound_file_open(sound, &file, error);
    if (status)
        return status;
    json_t *utterances = json_object_get(text_json, "utterances");
    const json_t *all = json_object_get(text_json, "skipped");
    const size_t count = json_array_size(all);
    for (size_t i = 0; !status && i < count; i++) {
        json_t *skipped = json_array_get(all, i);
        Span span;
        if (!span_of(skipped, sound_file_info(file)->channels, &span))
            continue;
        if (stops(listen, (double)i / (double)count)) {
            status = cancelled(error);
            break;
        }
        const size_t before = json_array_size(utterances);
        status = listen_span(listen, file, &span, skipped, utterances, error);
        if (!status)
            status = sort_in(utterances, before, error);
    }
    sound_file_free(file);
    return status;
}
