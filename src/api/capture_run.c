// The thread that takes the sound: reads the sources, keeps the frames, hands them on. See
// capture_internal.h.
#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "capture_internal.h"

enum {
    READ_FRAMES = AUDIO_CAPTURE_RATE / 10,
    READ_MS = 100,
    WAIT_MS = 10,  // for live streams to catch up
    PAUSED_MS = 60 // between two reads, less than one gives, while nobody waits for the sound
};

// A file waits while so much of it was not listened to, or half of what may wait.
static const double AHEAD_S = 5;

static bool is_cancelled(const ScoutCapture *capture)
{
    return cancel_is_raised(&capture->cancel);
}

// ----------------------------------------------------------------------------------------- frames

static ScoutStatus push_channel(const CaptureChannel *channel, const int16_t *frames, size_t count,
                                ScoutError *error)
{
    const size_t channels = channel->capture->channels;
    int16_t mono[READ_FRAMES];
    ScoutStatus status = SCOUT_OK;
    for (size_t done = 0; done < count && !status; done += READ_FRAMES) {
        const size_t part = BASE_MIN(count - done, (size_t)READ_FRAMES);
        for (size_t i = 0; i < part; i++)
            mono[i] = frames[(done + i) * channels + channel->index];
        status = scout_live_push_s16(channel->live, mono, part, error);
    }
    return status;
}

// Without text there still is the recording, which can be transcribed later. A stream that missed
// sound would tell wrong times from then on: it gets no more.
static ScoutStatus hear_channel(CaptureChannel *channel, const int16_t *frames, size_t count,
                                ScoutError *error)
{
    ScoutCapture *capture = channel->capture;
    if (!channel->live || channel->deaf)
        return SCOUT_OK;
    ScoutError failure = {0};
    ScoutStatus status = push_channel(channel, frames, count, &failure);
    if (!status)
        return SCOUT_OK;
    if (status == SCOUT_ERROR_CANCELLED || capture->options.recording == SCOUT_RECORD_NOTHING)
        return error_set(error, status, "%s", failure.message);
    channel->deaf = true;
    capture_keep_failure(capture, status, &failure);
    capture_keep_mark(capture, "text_failed", failure.message);
    return SCOUT_OK;
}

// From here on the frames are the recording's, and the text's.
static ScoutStatus take_frames(ScoutCapture *capture, const int16_t *frames, size_t count,
                               ScoutError *error)
{
    // What is kept comes first: recognition may fail, the sound stays.
    capture_keep_frames(capture, frames, count);
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < capture->channels && !status; i++)
        status = hear_channel(&capture->channel[i], frames, count, error);
    return status;
}

static void flush_lives(ScoutCapture *capture)
{
    for (size_t i = 0; i < capture->channels; i++)
        if (capture->channel[i].live)
            (void)scout_live_flush(capture->channel[i].live, NULL);
}

// ------------------------------------------------------------------------------------------ pauses

static void tell_state(ScoutCapture *capture, ScoutCaptureState state)
{
    const ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_STATE,
                                     .at_s = capture_seconds(capture->taken.count),
                                     .u.state = {.state = state}};
    capture_post(capture, &event);
}

// The sound from before the wish that is wanted, too.
static ScoutStatus resume(ScoutCapture *capture, double pre_roll_s, ScoutError *error)
{
    CaptureRecent *aside = &capture->aside;
    const uint64_t wanted = (uint64_t)llround(pre_roll_s * AUDIO_CAPTURE_RATE);
    const uint64_t there = BASE_MIN(aside->count, (uint64_t)aside->capacity);
    uint64_t from = aside->count - BASE_MIN(wanted, there);
    ScoutStatus status = SCOUT_OK;
    capture->paused = false;
    capture_keep_mark(capture, "resumed", NULL);
    while (from < aside->count && !status) {
        size_t count;
        const int16_t *frames = capture_recent_at(aside, from, &count);
        status = take_frames(capture, frames, count, error);
        from += count;
    }
    aside->count = 0;
    tell_state(capture, SCOUT_CAPTURE_RUNNING);
    return status;
}

static void pause_now(ScoutCapture *capture)
{
    capture->paused = true;
    flush_lives(capture);
    capture_keep_mark(capture, "paused", NULL);
    tell_state(capture, SCOUT_CAPTURE_PAUSED);
}

// Does what was wished for before these `count` frames; a pause may have to wait for some more.
static ScoutStatus follow_wishes(ScoutCapture *capture, size_t count, ScoutError *error)
{
    pthread_mutex_lock(&capture->wishes);
    const bool resumes = capture->wants_resume;
    const bool pauses = capture->wants_pause && capture->pause_after_s <= 0;
    const double pre_roll_s = capture->resume_pre_roll_s;
    capture->wants_resume = false;
    if (pauses)
        capture->wants_pause = false;
    capture->pause_after_s -= capture_seconds(count);
    pthread_mutex_unlock(&capture->wishes);
    if (resumes && capture->paused)
        return resume(capture, pre_roll_s, error);
    if (pauses && !capture->paused)
        pause_now(capture);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------ course

static double backlog_s(const ScoutCapture *capture)
{
    double most = 0;
    for (size_t i = 0; i < capture->channels; i++)
        if (capture->channel[i].live)
            most = BASE_MAX(most, scout_live_backlog_s(capture->channel[i].live));
    return most;
}

bool capture_can_wait(const ScoutCapture *capture)
{
    const ScoutCaptureSource source = capture->options.source;
    return !capture->options.real_time &&
           (source == SCOUT_SOURCE_FILE || source == SCOUT_SOURCE_RAW);
}

// A source that waits is not read faster than it is listened to.
static void wait_for_lives(const ScoutCapture *capture)
{
    const bool waits = capture_can_wait(capture);
    const double ahead_s = BASE_MIN(AHEAD_S, capture->backlog_max_s / 2);
    while (waits && backlog_s(capture) > ahead_s && !is_cancelled(capture) &&
           !atomic_load(&capture->stop))
        clock_sleep_ms(WAIT_MS);
}

static ScoutStatus take_some(ScoutCapture *capture, AudioCaptureReport *report, ScoutError *error)
{
    size_t count = 0;
    wait_for_lives(capture);
    if (capture->paused && !capture_can_wait(capture))
        clock_sleep_ms(PAUSED_MS);
    ScoutStatus status = audio_capture_set_read(capture->set, capture->frames, READ_FRAMES, &count,
                                                READ_MS, report, error);
    if (status)
        return status;
    capture_tell_report(capture, report, count);
    if (report->gap_ms > 0)
        flush_lives(capture);
    status = follow_wishes(capture, count, error);
    if (status)
        return status;
    capture_tell_level(capture, capture->frames, count);
    if (capture->paused)
        capture_recent_put(&capture->aside, capture->frames, count);
    else
        status = take_frames(capture, capture->frames, count, error);
    capture_tell_disk(capture);
    capture_keep_end(capture, false, true);
    return status;
}

static ScoutStatus take_all(ScoutCapture *capture, ScoutError *error)
{
    AudioCaptureReport report = {0};
    ScoutStatus status = SCOUT_OK;
    bool stopped = false;
    while (!status && report.state != AUDIO_CAPTURE_ENDED) {
        if (!stopped && atomic_load(&capture->stop)) {
            stopped = true;
            audio_capture_set_stop(capture->set);
        }
        status = take_some(capture, &report, error);
    }
    if (!status && report.status)
        status = error_set(error, report.status, "%s", report.message);
    return status;
}

// Whatever went wrong, what was taken is listened to.
static ScoutStatus finish_lives(ScoutCapture *capture, ScoutStatus status, ScoutError *error)
{
    for (size_t i = 0; i < capture->channels; i++) {
        if (!capture->channel[i].live)
            continue;
        ScoutStatus finished = scout_live_finish(capture->channel[i].live, status ? NULL : error);
        if (!status)
            status = finished;
    }
    return status;
}

void *capture_take(void *context)
{
    ScoutCapture *capture = context;
    ScoutError error = {0};
    ScoutStatus status = capture_keep_begin(capture, &error);
    if (!status)
        status = take_all(capture, &error);
    status = finish_lives(capture, status, &error);
    // However long it takes for a full disk to have room: what is in memory is all there is of it.
    while (!capture_keep_flush(capture))
        capture_tell_disk(capture);
    capture_keep_end(capture, true, status == SCOUT_OK);
    if (!status && capture->keep_failed) {
        status = capture->keep_failed;
        error = capture->keep_error;
    }
    capture->failed = status;
    capture->error = error;
    pthread_mutex_lock(&capture->posting);
    capture->closing = true;
    pthread_cond_signal(&capture->posted);
    pthread_mutex_unlock(&capture->posting);
    return NULL;
}
