// The sound of a journal: see audio/journal_playback.h.
#include "audio/journal_playback.h"

#include "base/attributes.h"
#include "base/memory.h"

#include <inttypes.h>

enum { CHUNK_FRAMES = 8192 };

struct JournalPlayback {
    JournalReader *reader;
    JournalRecord record; // FRAMES or GAP, of which position is the next frame
    uint64_t from;
    uint64_t total;
    uint32_t channels;
};

static const int16_t silence[CHUNK_FRAMES * JOURNAL_CHANNELS_MAX];

ScoutStatus journal_playback_open(const char *path, uint64_t from, JournalPlayback **playback,
                                  ScoutError *error)
{
    JournalSummary summary;
    ScoutStatus status = journal_summary(path, NULL, &summary, error);
    if (status)
        return status;
    const uint64_t silent_s = (summary.frames - summary.present_frames) / summary.info.rate_hz;
    if (silent_s > JOURNAL_SILENCE_MAX_S)
        return error_set(error, SCOUT_ERROR_LIMIT,
                         "%s lacks %" PRIu64 " s of sound in its middle: this is not believed",
                         path, silent_s);
    JournalPlayback *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->from = from;
    made->total = summary.frames;
    made->channels = summary.info.channels;
    status = journal_open(path, NULL, &made->reader, error);
    if (status) {
        mem_free(made);
        return status;
    }
    *playback = made;
    return SCOUT_OK;
}

void journal_playback_free(JournalPlayback *playback)
{
    if (!playback)
        return;
    journal_reader_free(playback->reader);
    mem_free(playback);
}

const JournalInfo *journal_playback_info(const JournalPlayback *playback)
{
    return journal_info(playback->reader);
}

uint64_t journal_playback_position(const JournalPlayback *playback)
{
    return BASE_MAX(playback->record.position, playback->from);
}

uint64_t journal_playback_frames(const JournalPlayback *playback)
{
    return playback->total;
}

static bool is_sound(const JournalRecord *record)
{
    return record->type == JOURNAL_FRAMES || record->type == JOURNAL_GAP;
}

// Passes over frames of the record.
static void pass(JournalPlayback *playback, uint64_t frames)
{
    JournalRecord *record = &playback->record;
    record->position += frames;
    if (record->type == JOURNAL_FRAMES)
        record->samples += frames * playback->channels;
}

ScoutStatus journal_playback_next(JournalPlayback *playback, const int16_t **samples, size_t *count,
                                  ScoutError *error)
{
    JournalRecord *record = &playback->record;
    *count = 0;
    while (!is_sound(record) || record->position == record->end) {
        const uint64_t reached = record->position;
        ScoutStatus status = journal_next(playback->reader, record, error);
        if (status)
            return status;
        if (record->type == JOURNAL_NONE) {
            record->position = reached;
            return SCOUT_OK;
        }
        if (is_sound(record) && record->position < playback->from)
            pass(playback, BASE_MIN(playback->from, record->end) - record->position);
    }
    *count = (size_t)BASE_MIN(record->end - record->position, (uint64_t)CHUNK_FRAMES);
    *samples = record->type == JOURNAL_FRAMES ? record->samples : silence;
    pass(playback, *count);
    return SCOUT_OK;
}
