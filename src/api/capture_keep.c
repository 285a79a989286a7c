// A capture's recordings: when one begins and ends, and what goes into its journal. See
// capture_internal.h.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "capture_internal.h"

enum {
    FLUSH_MS = 500,
    CLOSE_MS = 10000, // that a journal may take to be on the disk when it is closed
    SAFETY_S = 600    // of sound, after which a safety journal begins anew where all is told
};

static const int64_t RETRY_NS = 1000000000; // between two attempts to begin a recording

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

// The lock is held.
static void note_failure(ScoutCapture *capture, ScoutStatus status, const ScoutError *error)
{
    if (!status || capture->keep_failed)
        return;
    capture->keep_failed = status;
    capture->keep_error = *error;
}

void capture_keep_failure(ScoutCapture *capture, ScoutStatus status, const ScoutError *error)
{
    pthread_mutex_lock(&capture->keeping);
    note_failure(capture, status, error);
    pthread_mutex_unlock(&capture->keeping);
}

// The lock is held. What was put into `taken` from `from` on goes into the journal.
static void append_from(ScoutCapture *capture, uint64_t from)
{
    const CaptureRecording *recording = &capture->recording;
    while (from < capture->taken.count) {
        size_t count;
        ScoutError error = {0};
        const int16_t *frames = capture_recent_at(&capture->taken, from, &count);
        note_failure(capture,
                     journal_append_frames(recording->journal, from - recording->start, frames,
                                           count, &error),
                     &error);
        from += count;
    }
}

static ScoutStatus make_journal(CaptureRecording *recording, const char *root,
                                const JournalOptions *options, ScoutError *error)
{
    ScoutStatus status =
        recording_folder_make(root, options->created_ms, &recording->folder, error);
    if (status)
        return status;
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(recording->folder, RECORDING_JOURNAL);
    status =
        path ? journal_create(path, options, &recording->journal, error) : error_no_memory(error);
    if (!status)
        return SCOUT_OK;
    // An empty folder is no recording.
    (void)rmdir(recording->folder);
    mem_free(recording->folder);
    recording->folder = NULL;
    return status;
}

// The lock is held. A new recording whose first frame is `start`, which `taken` still has. Not OK:
// there is none.
static ScoutStatus begin(ScoutCapture *capture, const char *root, uint64_t start, bool safety,
                         ScoutError *error)
{
    CaptureRecording *recording = &capture->recording;
    const uint64_t before = capture->taken.count - start;
    const JournalOptions options = {.rate_hz = AUDIO_CAPTURE_RATE,
                                    .channels = (uint32_t)capture->channels,
                                    .created_ms = clock_wall_ms() -
                                                  (int64_t)(before * 1000 / AUDIO_CAPTURE_RATE)};
    *recording = (CaptureRecording){.start = start, .safety = safety};
    ScoutStatus status = make_journal(recording, root, &options, error);
    if (status)
        return status;
    recording->notes =
        (RecordingNotes){.journal = recording->journal, .start_s = capture_seconds(start)};
    post_recording(capture, SCOUT_CAPTURE_EVENT_RECORDING_STARTED);
    append_from(capture, start);
    return SCOUT_OK;
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
    note_failure(capture, journal_close(recording->journal, true, CLOSE_MS, &error), &error);
    recording->journal = NULL;
    if (recording->safety && well)
        remove_recording(recording);
    post_recording(capture, SCOUT_CAPTURE_EVENT_RECORDING_ENDED);
    mem_free(recording->folder);
    *recording = (CaptureRecording){0};
}

// That a folder cannot be used is better known before somebody speaks.
static ScoutStatus check_folder(const char *folder, ScoutError *error)
{
    ScoutStatus status = file_make_folders(folder, error);
    if (!status && access(folder, W_OK | X_OK) != 0)
        status = error_set_errno(error, errno, "no recording can be made in %s", folder);
    return status;
}

// The lock is held. Nobody asked for this recording: without it the capture goes on.
static void begin_safely(ScoutCapture *capture)
{
    ScoutError error = {0};
    if (!begin(capture, capture->options.safety_folder, capture->taken.count, true, &error))
        return;
    mem_free(capture->recording.folder);
    capture->recording = (CaptureRecording){0};
    const ScoutCaptureEvent event = {
        .type = SCOUT_CAPTURE_EVENT_DISK,
        .at_s = capture_seconds(capture->taken.count),
        .u.disk = {.full = true, .left_s = -1, .message = error.message}};
    capture_post(capture, &event);
}

ScoutStatus capture_keep_begin(ScoutCapture *capture, ScoutError *error)
{
    const ScoutCaptureOptions *options = &capture->options;
    ScoutStatus status = SCOUT_OK;
    pthread_mutex_lock(&capture->keeping);
    if (options->recording == SCOUT_RECORD_ALL)
        status = begin(capture, options->folder, capture->taken.count, false, error);
    else if (options->recording == SCOUT_RECORD_NOTHING && options->safety_folder)
        begin_safely(capture);
    else if (options->recording == SCOUT_RECORD_VOICE)
        status = check_folder(options->folder, error);
    pthread_mutex_unlock(&capture->keeping);
    return status;
}

// ------------------------------------------------------------------------------------------ voice

// The lock is held. Where the speech begins that has no recording yet; UINT64_MAX: there is none.
static uint64_t wanted_start(const ScoutCapture *capture)
{
    uint64_t start = UINT64_MAX;
    uint64_t heard = UINT64_MAX;
    if (capture->late.status)
        return capture->late.start;
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

// The lock is held. Begins a recording when somebody speaks. While none can be made, because the
// disk is full, say, the last seconds of sound are there; what is older by then is lost.
static void begin_voice(ScoutCapture *capture)
{
    CaptureLate *late = &capture->late;
    const uint64_t wanted = wanted_start(capture);
    const int64_t now_ns = clock_monotonic_ns();
    if (wanted == UINT64_MAX || (late->status && now_ns - late->tried_ns < RETRY_NS))
        return;
    const uint64_t start = BASE_MAX(wanted, oldest(&capture->taken));
    ScoutError error = {0};
    ScoutStatus status = begin(capture, capture->options.folder, start, false, &error);
    if (status) {
        *late = (CaptureLate){status, error, wanted, now_ns};
        return;
    }
    if (late->status && start > wanted)
        note_failure(capture, late->status, &late->error);
    capture->recording.untold = late->status != SCOUT_OK;
    *late = (CaptureLate){0};
}

void capture_keep_frames(ScoutCapture *capture, const int16_t *frames, size_t count)
{
    pthread_mutex_lock(&capture->keeping);
    capture_recent_put(&capture->taken, frames, count);
    if (capture->recording.journal)
        append_from(capture, capture->taken.count - count);
    else if (capture->options.recording == SCOUT_RECORD_VOICE)
        begin_voice(capture);
    pthread_mutex_unlock(&capture->keeping);
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
        if (channel->deaf || channel->speaking || channel->settled < channel->speech_end)
            return false;
        since = BASE_MAX(since, channel->speech_end);
        heard = BASE_MIN(heard, channel->heard);
    }
    *silent_s = heard > since ? capture_seconds(heard - since) : 0;
    return true;
}

// The lock is held. A journal that waits for room on its disk is not ended at a pause: what is in
// memory would be lost with it, and the capture would wait for the disk.
static bool is_written(const ScoutCapture *capture)
{
    JournalStatus status;
    journal_status(capture->recording.journal, &status);
    return status.disk == JOURNAL_DISK_GOOD;
}

bool capture_keep_flush(ScoutCapture *capture)
{
    // The live streams have ended, and nobody else begins or ends a recording any more: the lock,
    // which whoever asks for the disk's state wants, is not held while it waits.
    Journal *journal = capture->recording.journal;
    if (!journal)
        return true;
    const ScoutStatus status = journal_flush(journal, FLUSH_MS, &capture->cancel, NULL);
    return status == SCOUT_OK || status == SCOUT_ERROR_CANCELLED;
}

// The lock is held.
static void end_in_pause(ScoutCapture *capture, double silent_s)
{
    const ScoutCaptureOptions *options = &capture->options;
    const double length_s = capture_seconds(capture->taken.count - capture->recording.start);
    const bool divides =
        options->recording == SCOUT_RECORD_VOICE && silent_s > options->split_after_s;
    const bool renews = capture->recording.safety && length_s > SAFETY_S && silent_s > 1;
    if (!(divides || renews) || !is_written(capture))
        return;
    end(capture, true);
    if (renews)
        begin_safely(capture);
}

void capture_keep_end(ScoutCapture *capture, bool now, bool well)
{
    double silent_s;
    pthread_mutex_lock(&capture->keeping);
    if (now) {
        if (capture->late.status) {
            capture->late.tried_ns = 0;
            begin_voice(capture);
        }
        end(capture, well);
        note_failure(capture, capture->late.status, &capture->late.error);
    } else if (capture->recording.journal && is_quiet(capture, &silent_s)) {
        end_in_pause(capture, silent_s);
    }
    pthread_mutex_unlock(&capture->keeping);
}

bool capture_keep_status(ScoutCapture *capture, JournalStatus *status)
{
    pthread_mutex_lock(&capture->keeping);
    const CaptureLate *late = &capture->late;
    const bool records = capture->recording.journal || late->status;
    *status = (JournalStatus){.free_bytes = UINT64_MAX};
    if (capture->recording.journal) {
        journal_status(capture->recording.journal, status);
    } else if (late->status) {
        const uint64_t start = BASE_MAX(late->start, oldest(&capture->taken));
        status->disk = JOURNAL_DISK_FAILING;
        status->appended_frames = capture->taken.count;
        status->written_frames = start;
        status->lost_frames = start - late->start;
        (void)str_copy(status->problem, sizeof status->problem, late->error.message);
    }
    pthread_mutex_unlock(&capture->keeping);
    return records;
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

double capture_keep_event(CaptureChannel *channel, const ScoutLiveEvent *event)
{
    ScoutCapture *capture = channel->capture;
    ScoutError error = {0};
    pthread_mutex_lock(&capture->keeping);
    follow(channel, event);
    CaptureRecording *recording = &capture->recording;
    // Here, too: there may be no more frames to come.
    if (channel->speaking && !recording->journal &&
        capture->options.recording == SCOUT_RECORD_VOICE)
        begin_voice(capture);
    if (recording->journal && !recording->untold) {
        ScoutStatus status =
            recording_note_live(&recording->notes, (uint32_t)channel->index, event, &error);
        recording->untold = status != SCOUT_OK;
        note_failure(capture, status, &error);
    }
    const double taken_s = capture_seconds(capture->taken.count);
    pthread_mutex_unlock(&capture->keeping);
    return taken_s;
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
