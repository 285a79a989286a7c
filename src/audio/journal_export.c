// Sound files from journals: see audio/journal_export.h.
#include "audio/journal_export.h"

#include "audio/journal_playback.h"
#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

enum { PROGRESS_FRAMES = 1 << 16 };

typedef struct Work {
    const JournalExport *job;
    JournalPlayback *playback;
    SoundFile *file;
    uint64_t position;
    uint64_t told; // position of the last progress
} Work;

static ScoutStatus next(Work *work, const int16_t **samples, size_t *count, ScoutError *error)
{
    const JournalExport *job = work->job;
    if (cancel_is_raised(job->cancel))
        return error_set(error, SCOUT_ERROR_CANCELLED, "cancelled");
    ScoutStatus status = journal_playback_next(work->playback, samples, count, error);
    if (status)
        return status;
    work->position += *count;
    if (job->progress && work->position - work->told >= PROGRESS_FRAMES) {
        work->told = work->position;
        job->progress(job->context,
                      (double)work->position / (double)journal_playback_frames(work->playback));
    }
    return SCOUT_OK;
}

static ScoutStatus write_all(Work *work, ScoutError *error)
{
    for (;;) {
        const int16_t *samples = NULL;
        size_t count = 0;
        ScoutStatus status = next(work, &samples, &count, error);
        if (status || count == 0)
            return status;
        status = sound_file_write(work->file, samples, count, error);
        if (status)
            return status;
    }
}

ScoutStatus journal_export(const JournalExport *job, uint64_t *frames, ScoutError *error)
{
    Work work = {.job = job};
    ScoutStatus status = journal_playback_open(job->journal, 0, &work.playback, error);
    if (status)
        return status;
    const JournalInfo *info = journal_playback_info(work.playback);
    const SoundInfo sound = {.rate_hz = info->rate_hz,
                             .channels = info->channels,
                             .frames = journal_playback_frames(work.playback)};
    status = sound_file_create(job->sound, job->format, &sound, &work.file, error);
    if (!status)
        status = write_all(&work, error);
    journal_playback_free(work.playback);
    if (status)
        sound_file_free(work.file);
    else
        status = sound_file_finish(work.file, error);
    if (!status && frames)
        *frames = work.position;
    return status;
}

static ScoutStatus differs(const Work *work, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s is not what was recorded at frame %" PRIu64
                     " or after: the disk may be failing; the journal is kept",
                     work->job->sound, work->position);
}

// As long as both have frames; then both must have none.
static ScoutStatus compare_all(Work *work, int16_t *buffer, size_t buffer_frames, uint32_t channels,
                               ScoutError *error)
{
    const bool lossless = work->job->format != SOUND_OPUS;
    for (;;) {
        const int16_t *samples = NULL;
        size_t count = 0, done = 0;
        ScoutStatus status = next(work, &samples, &count, error);
        if (!status && count == 0) {
            status = sound_file_read(work->file, buffer, 1, &done, error);
            return status || done == 0 ? status : differs(work, error);
        }
        for (size_t at = 0; !status && at < count; at += done) {
            const size_t wanted = BASE_MIN(count - at, buffer_frames);
            status = sound_file_read(work->file, buffer, wanted, &done, error);
            const int16_t *expected = samples + at * channels;
            if (!status &&
                (done != wanted ||
                 (lossless && memcmp(buffer, expected, done * channels * sizeof *buffer) != 0)))
                status = differs(work, error);
        }
        if (status)
            return status;
    }
}

static ScoutStatus compare(Work *work, ScoutError *error)
{
    const JournalInfo *info = journal_playback_info(work->playback);
    const SoundInfo *sound = sound_file_info(work->file);
    if (sound->channels != info->channels || sound->rate_hz != info->rate_hz)
        return differs(work, error);
    enum { BUFFER_FRAMES = 4096 };
    int16_t *buffer = mem_array((size_t)BUFFER_FRAMES * info->channels, sizeof *buffer);
    if (!buffer)
        return error_no_memory(error);
    ScoutStatus status = compare_all(work, buffer, BUFFER_FRAMES, info->channels, error);
    mem_free(buffer);
    return status;
}

ScoutStatus journal_verify(const JournalExport *job, ScoutError *error)
{
    Work work = {.job = job};
    ScoutStatus status = journal_playback_open(job->journal, 0, &work.playback, error);
    if (!status)
        status = sound_file_open(job->sound, &work.file, error);
    if (!status)
        status = compare(&work, error);
    sound_file_free(work.file);
    journal_playback_free(work.playback);
    return status;
}
