// A recording's records but for sound: see recording_notes.h.
#include "recording_notes.h"

#include "recording_json.h"

#include <math.h>

// The record's range in frames. What lies before the recording's first frame is cut off.
typedef struct Range {
    uint64_t position, end;
} Range;

static uint64_t frame_of(double seconds)
{
    return seconds > 0 ? (uint64_t)llround(seconds * SCOUT_SAMPLE_RATE) : 0;
}

static Range range_of(double start_s, double end_s)
{
    const uint64_t position = frame_of(start_s), end = frame_of(end_s);
    return (Range){.position = position, .end = end > position ? end : position};
}

// Appends and gives up the object, which is NULL when memory was out.
static ScoutStatus append(Journal *journal, JournalType type, uint32_t channel, Range range,
                          json_t *object, ScoutError *error)
{
    Buffer text;
    buffer_init(&text, JOURNAL_JSON_BYTES_MAX);
    const bool good = recording_json_write(object, JSON_COMPACT, &text);
    json_decref(object);
    ScoutStatus status = SCOUT_OK;
    if (!good)
        status = error_no_memory(error);
    else if (type == JOURNAL_TEXT)
        status = journal_append_text(journal, channel, range.position, range.end, text.data,
                                     text.length, error);
    else if (type == JOURNAL_SKIPPED)
        status = journal_append_skipped(journal, channel, range.position, range.end, text.data,
                                        text.length, error);
    else if (type == JOURNAL_SETTLED)
        status =
            journal_append_settled(journal, channel, range.position, text.data, text.length, error);
    else
        status =
            journal_append_mark(journal, range.position, range.end, text.data, text.length, error);
    buffer_done(&text);
    return status;
}

static json_t *json_of_final(const ScoutLiveText *text, double start_s, bool with_segments)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:I, s:b}", "start",
                               recording_json_seconds(text->start_s - start_s), "end",
                               recording_json_seconds(text->end_s - start_s), "text",
                               recording_json_text(text->text), "utterance",
                               (json_int_t)text->utterance, "continues", text->continues);
    if (!object || !with_segments)
        return object;
    json_t *segments = json_array();
    bool good = recording_json_put(object, "segments", segments);
    for (size_t i = 0; good && i < text->segment_count; i++)
        good = json_array_append_new(segments,
                                     recording_json_segment(&text->segments[i], start_s)) == 0;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static ScoutStatus note_final(Journal *journal, uint32_t channel, double start_s,
                              const ScoutLiveText *text, ScoutError *error)
{
    const Range range = range_of(text->start_s - start_s, text->end_s - start_s);
    if (!text->text || !*text->text)
        return SCOUT_OK; // a skipped span tells of it
    if (text->end_s <= start_s)
        return SCOUT_OK; // of a recording before
    ScoutStatus status =
        append(journal, JOURNAL_TEXT, channel, range, json_of_final(text, start_s, true), error);
    // The text itself is what must not be lost; alternatives of many words may be too much.
    if (status)
        status = append(journal, JOURNAL_TEXT, channel, range, json_of_final(text, start_s, false),
                        error);
    return status;
}

static ScoutStatus note_command(Journal *journal, uint32_t channel, const ScoutLiveCommand *command,
                                ScoutError *error)
{
    if (command->type != SCOUT_LIVE_SCRATCH)
        return SCOUT_OK;
    json_t *object = json_pack("{s:s, s:I, s:I, s:I}", "kind", "scratch", "channel",
                               (json_int_t)channel, "utterance", (json_int_t)command->utterance,
                               "characters", (json_int_t)command->characters);
    return append(journal, JOURNAL_MARK, 0, (Range){0}, object, error);
}

static uint64_t settled_frame(double settled_s)
{
    // Not beyond what is settled: the rest of a frame is none.
    return settled_s > 0 ? (uint64_t)floor(settled_s * SCOUT_SAMPLE_RATE + 1e-6) : 0;
}

static ScoutStatus note_progress(RecordingNotes *notes, uint32_t channel, double settled_s,
                                 ScoutError *error)
{
    const uint64_t settled = settled_frame(settled_s - notes->start_s);
    if (settled <= notes->settled[channel])
        return SCOUT_OK;
    ScoutStatus status =
        recording_note_settled(notes->journal, channel, settled_s - notes->start_s, error);
    if (!status)
        notes->settled[channel] = settled;
    return status;
}

ScoutStatus recording_note_live(RecordingNotes *notes, uint32_t channel,
                                const ScoutLiveEvent *event, ScoutError *error)
{
    Journal *journal = notes->journal;
    switch (event->type) {
    case SCOUT_LIVE_LANGUAGE:
        return recording_note_language(journal, channel, &event->u.language, error);
    case SCOUT_LIVE_FINAL:
        return note_final(journal, channel, notes->start_s, &event->u.text, error);
    case SCOUT_LIVE_COMMAND: return note_command(journal, channel, &event->u.command, error);
    case SCOUT_LIVE_SKIPPED:
        return recording_note_skipped(journal, channel, &event->u.skipped, notes->start_s, error);
    case SCOUT_LIVE_PROGRESS:
        return note_progress(notes, channel, event->u.progress.settled_s, error);
    case SCOUT_LIVE_SPEECH_STARTED:
    case SCOUT_LIVE_PARTIAL:
    case SCOUT_LIVE_SPEECH_ENDED:
    case SCOUT_LIVE_DEGRADED: break;
    }
    return SCOUT_OK;
}

ScoutStatus recording_note_mark(Journal *journal, const char *kind, uint64_t position, uint64_t end,
                                const char *detail, ScoutError *error)
{
    json_t *object = json_pack("{s:s}", "kind", kind);
    if (object && detail && !recording_json_put(object, "detail", recording_json_text(detail))) {
        json_decref(object);
        object = NULL;
    }
    return append(journal, JOURNAL_MARK, 0, (Range){position, end}, object, error);
}

ScoutStatus recording_note_segment(Journal *journal, uint32_t channel, const ScoutSegment *segment,
                                   bool skipped, ScoutError *error)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:[o]}", "start", recording_json_seconds(segment->start_s), "end",
        recording_json_seconds(segment->end_s), "text", recording_json_text(segment->text),
        "segments", recording_json_segment(segment, 0));
    if (object && skipped && !recording_json_put(object, "from_skipped", json_true())) {
        json_decref(object);
        object = NULL;
    }
    return append(journal, JOURNAL_TEXT, channel, range_of(segment->start_s, segment->end_s),
                  object, error);
}

ScoutStatus recording_note_skipped(Journal *journal, uint32_t channel, const ScoutSkipped *skipped,
                                   double start_s, ScoutError *error)
{
    if (skipped->end_s <= start_s)
        return SCOUT_OK; // of sound before the recording
    return append(journal, JOURNAL_SKIPPED, channel,
                  range_of(skipped->start_s - start_s, skipped->end_s - start_s),
                  recording_json_skipped(skipped, start_s), error);
}

ScoutStatus recording_note_language(Journal *journal, uint32_t channel,
                                    const ScoutLanguage *language, ScoutError *error)
{
    json_t *object = json_pack("{s:s, s:I, s:o, s:f}", "kind", "language", "channel",
                               (json_int_t)channel, "language", recording_json_text(language->code),
                               "probability", (double)language->probability);
    return append(journal, JOURNAL_MARK, 0, (Range){0}, object, error);
}

ScoutStatus recording_note_settled(Journal *journal, uint32_t channel, double settled_s,
                                   ScoutError *error)
{
    const uint64_t position = settled_frame(settled_s);
    return append(journal, JOURNAL_SETTLED, channel, (Range){position, position}, json_object(),
                  error);
}

ScoutStatus recording_note_recovery(Journal *journal, ScoutError *error)
{
    return recording_note_mark(journal, "recovery", 0, 0, NULL, error);
}
