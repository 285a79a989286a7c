// A capture's recordings: when one begins and ends, and what goes into its journal. See
// capture_internal.h.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "capture_internal.h"

enum {
    FLUSH_MS = 500,
    CLOSE_MS = 10000, // that a journal may take to be on the disk when it is closed
    SAFETY_S = 600    // of sound, after which a safety journal begins anew where all is told
};

double capture_seconds(uint64_t frames)
{
    return (double)frames / AUDIO_CAPTURE_RATE;
}

// ------------------------------------------------------------------------------------------ recent

ScoutStatus capture_recent_init(CaptureRecent *recent, size_t capacity, size_t channels,
                                ScoutError *error)
{
    *recent = (CaptureRecent){.capacity = capacity, .channels = channels};
    recent->frames = mem_array(mem_multiply(capacity, channels), sizeof *recent->frames);
    return recent->frames ? SCOUT_OK : error_no_memory(error);
}

void capture_recent_done(CaptureRecent *recent)
{
    mem_free(recent->frames);
    *recent = (CaptureRecent){0};
}

void capture_recent_put(CaptureRecent *recent, const int16_t *frames, size_t count)
{
    while (count > 0) {
        const size_t at = (size_t)(recent->count % recent->capacity);
        const size_t part = BASE_MIN(count, recent->capacity - at);
        memcpy(recent->frames + at * recent->channels, frames,
               part * recent->channels * sizeof *frames);
        recent->count += part;
        frames += part * recent->channels;
        count -= part;
    }
}

const int16_t *capture_recent_at(const CaptureRecent *recent, uint64_t from, size_t *count)
{
    const size_t at = (size_t)(from % recent->capacity);
    *count = (size_t)BASE_MIN(recent->count - from, (uint64_t)(recent->capacity - at));
    return recent->frames + at * recent->channels;
}

static uint64_t oldest(const CaptureRecent *recent)
{
    return recent->count > recent->capacity ? recent->count - recent->capacity : 0;
}

// ------------------------------------------------------------------------------------- recordings

// The lock is held. What was put into `taken` from `from` on goes into the journal.
static ScoutStatus append_from(ScoutCapture *capture, uint64_t from, ScoutError *error)
{
    CaptureRecording *recording = &capture->recording;
    ScoutStatus status = SCOUT_OK;
    while (from < capture->taken.count && status == SCOUT_OK) {
        size_t count;
        const int16_t *frames = capture_recent_at(&capture->taken, from, &count);
        status = journal_append_frames(recording->journal, from - recording->start, frames, count,
                                       error);
        from += count;
    }
    return status;
}

static void post_recording(ScoutCapture *capture, ScoutCaptureEventType type)
{
    const CaptureRecording *recording = &capture->recording;
    const ScoutCaptureEvent event = {
        .type = type,
        .at_s = capture_seconds(capture->taken.count),
        .u.recording = {.folder = recording->folder, .start_s = capture_seconds(recording->start)}};
    if (!recording->safety)
        capture_post(capture, &event);
}

// The lock is held. A new recording whose first frame is `start`, which `taken` still has.
static ScoutStatus begin(ScoutCapture *capture, const char *root, uint64_t start, bool safety,
                         ScoutError *error)
{
    CaptureRecording *recording = &capture->recording;
    const uint64_t before = capture->taken.count - start;
    const int64_t created_ms = clock_wall_ms() - (int64_t)(before * 1000 / AUDIO_CAPTURE_RATE);
    *recording = (CaptureRecording){.start = start, .safety = safety};
    ScoutStatus status = recording_folder_make(root, created_ms, &recording->folder, error);
    if (status)
        return status;
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(recording->folder, RECORDING_JOURNAL);
    if (!path)
        return error_no_memory(error);
    const JournalOptions options = {.rate_hz = AUDIO_CAPTURE_RATE,
                                    .channels = (uint32_t)capture->channels,
                                    .created_ms = created_ms};
    status = journal_create(path, &options, &recording->journal, error);
    if (status)
        return status;
    recording->notes =
        (RecordingNotes){.journal = recording->journal, .start_s = capture_seconds(start)};
    post_recording(capture, SCOUT_CAPTURE_EVENT_RECORDING_STARTED);
    return append_from(capture, start, error);
}

static void remove_recording(const CaptureRecording *recording)
{
    if (recording->folder)
        (void)file_remove_tree(recording->folder, NULL);
}

// The lock is held.
static void end(ScoutCapture *capture, bool well)
{
    CaptureRecording *recording = &capture->recording;
    ScoutError error = {0};
    if (!recording->journal)
        return;
    ScoutStatus status = journal_close(recording->journal, true, CLOSE_MS, &error);
    recording->journal = NULL;
    if (status && !capture->keep_failed) {
        capture->keep_failed = status;
        capture->keep_error = error;
    }
    if (recording->safety && well)
        remove_recording(recording);
    post_recording(capture, SCOUT_CAPTURE_EVENT_RECORDING_ENDED);
    mem_free(recording->folder);
    *recording = (CaptureRecording){0};
}

ScoutStatus capture_keep_begin(ScoutCapture *capture, ScoutError *error)
{
    const ScoutCaptureOptions *options = &capture->options;
    ScoutStatus status = SCOUT_OK;
    pthread_mutex_lock(&capture->keeping);
    if (options->recording == SCOUT_RECORD_ALL)
        status = begin(capture, options->folder, capture->taken.count, false, error);
    else if (options->recording == SCOUT_RECORD_NOTHING && options->safety_folder)
        status = begin(capture, options->safety_folder, capture->taken.count, true, error);
    pthread_mutex_unlock(&capture->keeping);
    return status;
}

// ------------------------------------------------------------------------------------------ voice

// The lock is held. Where the speech begins that has no recording yet; UINT64_MAX: there is none.
static uint64_t wanted_start(const ScoutCapture *capture)
{
    uint64_t start = UINT64_MAX;
    uint64_t heard = UINT64_MAX;
    for (size_t i = 0; i < capture->channels; i++) {
        if (capture->channel[i].speaking)
            start = BASE_MIN(start, capture->channel[i].speech_start);
        heard = BASE_MIN(heard, capture->channel[i].heard);
    }
    const uint64_t pre_roll = (uint64_t)(capture->options.pre_roll_s * AUDIO_CAPTURE_RATE);
    if (start != UINT64_MAX)
        return start > pre_roll ? start - pre_roll : 0;
    // Sound that nobody has listened to yet is about to be forgotten: it may be speech.
    const uint64_t waiting = capture->taken.count - heard;
    return waiting > capture->taken.capacity / 2 ? oldest(&capture->taken) : UINT64_MAX;
}

ScoutStatus capture_keep_frames(ScoutCapture *capture, size_t count, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    pthread_mutex_lock(&capture->keeping);
    if (capture->recording.journal) {
        status = append_from(capture, capture->taken.count - count, error);
    } else if (capture->options.recording == SCOUT_RECORD_VOICE) {
        const uint64_t start = wanted_start(capture);
        if (start != UINT64_MAX)
            status = begin(capture, capture->options.folder,
                           BASE_MAX(start, oldest(&capture->taken)), false, error);
    }
    pthread_mutex_unlock(&capture->keeping);
    return status;
}

// The lock is held. Whether everybody is silent, and all that was said is told of; for how long, as
// far as the sound was listened to.
static bool is_quiet(const ScoutCapture *capture, double *silent_s)
{
    uint64_t since = capture->recording.start, heard = capture->taken.count;
    for (size_t i = 0; i < capture->channels; i++) {
        const CaptureChannel *channel = &capture->channel[i];
        if (!channel->live)
            continue;
        if (channel->speaking || channel->settled < channel->speech_end)
            return false;
        since = BASE_MAX(since, channel->speech_end);
        heard = BASE_MIN(heard, channel->heard);
    }
    *silent_s = heard > since ? capture_seconds(heard - since) : 0;
    return true;
}

// A journal that waits for room on its disk is not ended at a pause: what is in memory would be
// lost with it.
static bool is_written(const ScoutCapture *capture)
{
    JournalStatus status;
    journal_status(capture->recording.journal, &status);
    return status.disk == JOURNAL_DISK_GOOD;
}

bool capture_keep_flush(ScoutCapture *capture)
{
    // Only this thread begins and ends recordings, so the lock, which live streams want, is not
    // held while it waits.
    Journal *journal = capture->recording.journal;
    if (!journal)
        return true;
    const ScoutStatus status = journal_flush(journal, FLUSH_MS, &capture->cancel, NULL);
    return status == SCOUT_OK || status == SCOUT_ERROR_CANCELLED;
}

void capture_keep_end(ScoutCapture *capture, bool now, bool well)
{
    const ScoutCaptureOptions *options = &capture->options;
    double silent_s;
    pthread_mutex_lock(&capture->keeping);
    if (now) {
        end(capture, well);
    } else if (capture->recording.journal && is_quiet(capture, &silent_s) && is_written(capture)) {
        const double length_s = capture_seconds(capture->taken.count - capture->recording.start);
        if (options->recording == SCOUT_RECORD_VOICE && silent_s > options->split_after_s) {
            end(capture, true);
        } else if (capture->recording.safety && length_s > SAFETY_S && silent_s > 1) {
            end(capture, true);
            ScoutError error = {0};
            if (begin(capture, options->safety_folder, capture->taken.count, true, &error) &&
                !capture->keep_failed) {
                capture->keep_failed = error.status;
                capture->keep_error = error;
            }
        }
    }
    pthread_mutex_unlock(&capture->keeping);
}

// ------------------------------------------------------------------------------------------ events

static uint64_t frame_of(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * AUDIO_CAPTURE_RATE + 0.5) : 0;
}

static void follow(CaptureChannel *channel, const ScoutLiveEvent *event)
{
    if (event->type == SCOUT_LIVE_SPEECH_STARTED) {
        channel->speaking = true;
        channel->speech_start = frame_of(event->u.speech.at_s);
    } else if (event->type == SCOUT_LIVE_SPEECH_ENDED) {
        channel->speaking = false;
        channel->speech_end = frame_of(event->u.speech.at_s);
    } else if (event->type == SCOUT_LIVE_PROGRESS) {
        channel->heard = frame_of(event->u.progress.received_s);
        channel->settled = frame_of(event->u.progress.settled_s);
    }
}

void capture_keep_event(CaptureChannel *channel, const ScoutLiveEvent *event)
{
    ScoutCapture *capture = channel->capture;
    ScoutError error = {0};
    pthread_mutex_lock(&capture->keeping);
    follow(channel, event);
    CaptureRecording *recording = &capture->recording;
    if (recording->journal &&
        recording_note_live(&recording->notes, (uint32_t)channel->index, event, &error) &&
        !capture->keep_failed) {
        capture->keep_failed = error.status;
        capture->keep_error = error;
    }
    pthread_mutex_unlock(&capture->keeping);
}

void capture_keep_mark(ScoutCapture *capture, const char *kind, const char *detail)
{
    pthread_mutex_lock(&capture->keeping);
    const CaptureRecording *recording = &capture->recording;
    const uint64_t position = capture->taken.count - recording->start;
    if (recording->journal)
        (void)recording_note_mark(recording->journal, kind, position, position, detail, NULL);
    pthread_mutex_unlock(&capture->keeping);
}
