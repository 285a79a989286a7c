// Sound files from journals: see audio/journal_export.h.
#include "audio/journal_export.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK_FRAMES = 8192, PROGRESS_FRAMES = 1 << 16 };

// The frames of a journal one after the other, silence where there are none.
typedef struct Playback {
    const JournalExport *job;
    JournalReader *reader;
    JournalRecord record; // FRAMES or GAP, of which position is the next frame
    uint64_t total;       // frames in the whole journal
    uint64_t told;        // position of the last progress
    uint32_t channels;
} Playback;

static const int16_t silence[CHUNK_FRAMES * JOURNAL_CHANNELS_MAX];

static ScoutStatus playback_open(Playback *playback, ScoutError *error)
{
    const JournalExport *job = playback->job;
    JournalSummary summary;
    ScoutStatus status = journal_summary(job->journal, NULL, &summary, error);
    if (status)
        return status;
    const uint64_t silent = summary.frames - summary.present_frames;
    if (silent / summary.info.rate_hz > JOURNAL_SILENCE_MAX_S)
        return error_set(error, SCOUT_ERROR_LIMIT,
                         "%s lacks %" PRIu64 " s of sound in its middle: this is not believed",
                         job->journal, silent / summary.info.rate_hz);
    playback->total = summary.frames;
    playback->channels = summary.info.channels;
    return journal_open(job->journal, NULL, &playback->reader, error);
}

static void tell_progress(Playback *playback)
{
    const uint64_t at = playback->record.position;
    if (!playback->job->progress || at - playback->told < PROGRESS_FRAMES)
        return;
    playback->told = at;
    playback->job->progress(playback->job->context, (double)at / (double)playback->total);
}

// The next CHUNK_FRAMES frames at most, borrowed until the next call; *count is 0 at the end.
static ScoutStatus playback_next(Playback *playback, const int16_t **samples, size_t *count,
                                 ScoutError *error)
{
    JournalRecord *record = &playback->record;
    if (cancel_is_raised(playback->job->cancel))
        return error_set(error, SCOUT_ERROR_CANCELLED, "cancelled");
    while (record->position == record->end ||
           (record->type != JOURNAL_FRAMES && record->type != JOURNAL_GAP)) {
        ScoutStatus status = journal_next(playback->reader, record, error);
        if (status)
            return status;
        if (record->type == JOURNAL_NONE) {
            *count = 0;
            return SCOUT_OK;
        }
    }
    *count = (size_t)BASE_MIN(record->end - record->position, (uint64_t)CHUNK_FRAMES);
    *samples = silence;
    if (record->type == JOURNAL_FRAMES) {
        *samples = record->samples;
        record->samples += *count * playback->channels;
    }
    record->position += *count;
    tell_progress(playback);
    return SCOUT_OK;
}

static ScoutStatus write_all(Playback *playback, SoundFile *file, uint64_t *frames,
                             ScoutError *error)
{
    for (*frames = 0;;) {
        const int16_t *samples = NULL;
        size_t count = 0;
        ScoutStatus status = playback_next(playback, &samples, &count, error);
        if (status || count == 0)
            return status;
        status = sound_file_write(file, samples, count, error);
        if (status)
            return status;
        *frames += count;
    }
}

ScoutStatus journal_export(const JournalExport *job, uint64_t *frames, ScoutError *error)
{
    Playback playback = {.job = job};
    ScoutStatus status = playback_open(&playback, error);
    if (status)
        return status;
    const JournalInfo *info = journal_info(playback.reader);
    SoundFile *file = NULL;
    uint64_t written = 0;
    status =
        sound_file_create(job->sound, job->format, info->rate_hz, info->channels, &file, error);
    if (!status)
        status = write_all(&playback, file, &written, error);
    journal_reader_free(playback.reader);
    if (status)
        sound_file_free(file);
    else
        status = sound_file_finish(file, error);
    if (!status && frames)
        *frames = written;
    return status;
}

static ScoutStatus differs(const JournalExport *job, uint64_t position, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s is not what was recorded from frame %" PRIu64
                     " on: the disk may be failing; the journal is kept",
                     job->sound, position);
}

// As long as both have frames; then both must have none.
static ScoutStatus compare_all(Playback *playback, SoundFile *file, int16_t *buffer,
                               ScoutError *error)
{
    const bool lossless = playback->job->format != SOUND_OPUS;
    for (uint64_t position = 0;;) {
        const int16_t *samples = NULL;
        size_t count = 0, done = 0;
        ScoutStatus status = playback_next(playback, &samples, &count, error);
        if (!status)
            status = sound_file_read(file, buffer, count ? count : 1, &done, error);
        if (status)
            return status;
        const size_t bytes = count * playback->channels * sizeof *buffer;
        if (done != count || (lossless && count && memcmp(buffer, samples, bytes) != 0))
            return differs(playback->job, position, error);
        if (count == 0)
            return SCOUT_OK;
        position += count;
    }
}

ScoutStatus journal_verify(const JournalExport *job, ScoutError *error)
{
    Playback playback = {.job = job};
    ScoutStatus status = playback_open(&playback, error);
    if (status)
        return status;
    SoundFile *file = NULL;
    status = sound_file_open(job->sound, &file, error);
    if (!status) {
        const JournalInfo *info = journal_info(playback.reader);
        const SoundInfo *sound = sound_file_info(file);
        if (sound->channels != info->channels || sound->rate_hz != info->rate_hz)
            status = differs(job, 0, error);
    }
    int16_t *buffer =
        status ? NULL : mem_array(CHUNK_FRAMES * JOURNAL_CHANNELS_MAX, sizeof *buffer);
    if (!status && !buffer)
        status = error_no_memory(error);
    if (!status)
        status = compare_all(&playback, file, buffer, error);
    mem_free(buffer);
    sound_file_free(file);
    journal_reader_free(playback.reader);
    return status;
}
