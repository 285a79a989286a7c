// A capture's events: a queue from the thread that takes the sound to the one that tells of it. See
// capture_internal.h.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/str.h"
#include "capture_internal.h"

static const int64_t LEVEL_NS = 100000000, DISK_NS = 1000000000, DISK_REPEAT_NS = 10000000000;
static const float FULL_SCALE = 32768.0f;

// ------------------------------------------------------------------------------------------- queue

static void copy_text(char *copy, size_t size, const char **text)
{
    if (!*text)
        return;
    (void)snprintf(copy, size, "%s", *text);
    *text = copy;
}

// Its texts are copied.
static void fill(CaptureNews *news, const ScoutCaptureEvent *event)
{
    news->event = *event;
    ScoutCaptureEvent *kept = &news->event;
    if (event->type == SCOUT_CAPTURE_EVENT_STATE) {
        copy_text(news->text, sizeof news->text, &kept->u.state.message);
        copy_text(news->device, sizeof news->device, &kept->u.state.device);
    } else if (event->type == SCOUT_CAPTURE_EVENT_DISK) {
        copy_text(news->text, sizeof news->text, &kept->u.disk.message);
    } else if (event->type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED ||
               event->type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED) {
        copy_text(news->text, sizeof news->text, &kept->u.recording.folder);
    }
}

// The texts of a copy are its own.
static void mend(CaptureNews *news, const CaptureNews *from)
{
    ScoutCaptureEvent *event = &news->event;
    if (event->type == SCOUT_CAPTURE_EVENT_STATE) {
        if (from->event.u.state.message)
            event->u.state.message = news->text;
        if (from->event.u.state.device)
            event->u.state.device = news->device;
    } else if (event->type == SCOUT_CAPTURE_EVENT_DISK && from->event.u.disk.message) {
        event->u.disk.message = news->text;
    } else if (event->type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED ||
               event->type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED) {
        event->u.recording.folder = news->text;
    }
}

static CaptureNews *news_at(ScoutCapture *capture, size_t i)
{
    return &capture->news[(capture->news_first + i) % CAPTURE_EVENTS_MAX];
}

// The lock is held.
static void remove_news(ScoutCapture *capture, size_t i)
{
    for (; i + 1 < capture->news_count; i++) {
        const CaptureNews *next = news_at(capture, i + 1);
        CaptureNews *here = news_at(capture, i);
        *here = *next;
        mend(here, next);
    }
    capture->news_count--;
}

static bool is_recording(ScoutCaptureEventType type)
{
    return type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED ||
           type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED;
}

// The lock is held. A receiver that is late is told of the level and the disk of now. What else
// there is comes so seldom that the room is enough for hours; that there is a recording is told in
// any case.
static void make_room(ScoutCapture *capture, ScoutCaptureEventType type)
{
    const bool passes = type == SCOUT_CAPTURE_EVENT_LEVEL || type == SCOUT_CAPTURE_EVENT_DISK;
    for (size_t i = 0; passes && i < capture->news_count; i++)
        if (news_at(capture, i)->event.type == type) {
            remove_news(capture, i);
            return;
        }
    if (capture->news_count < CAPTURE_EVENTS_MAX)
        return;
    size_t oldest = 0;
    while (oldest + 1 < CAPTURE_EVENTS_MAX && is_recording(news_at(capture, oldest)->event.type))
        oldest++;
    remove_news(capture, oldest);
}

void capture_post(ScoutCapture *capture, const ScoutCaptureEvent *event)
{
    pthread_mutex_lock(&capture->posting);
    make_room(capture, event->type);
    fill(news_at(capture, capture->news_count), event);
    capture->news_count++;
    pthread_cond_signal(&capture->posted);
    pthread_mutex_unlock(&capture->posting);
}

// One call at a time; who said no once is not asked again.
static bool call(ScoutCapture *capture, const ScoutCaptureEvent *event)
{
    pthread_mutex_lock(&capture->calling);
    if (!atomic_load(&capture->refused) && capture->callback(capture->context, event)) {
        atomic_store(&capture->refused, true);
        atomic_store(&capture->stop, true);
    }
    const bool refused = atomic_load(&capture->refused);
    pthread_mutex_unlock(&capture->calling);
    return !refused;
}

void *capture_teller(void *context)
{
    ScoutCapture *capture = context;
    CaptureNews news;
    pthread_mutex_lock(&capture->posting);
    while (capture->news_count > 0 || !capture->closing) {
        if (capture->news_count == 0) {
            condition_wait(&capture->posted, &capture->posting, NULL);
            continue;
        }
        const CaptureNews *front = &capture->news[capture->news_first];
        news = *front;
        mend(&news, front);
        capture->news_first = (capture->news_first + 1) % CAPTURE_EVENTS_MAX;
        capture->news_count--;
        pthread_mutex_unlock(&capture->posting);
        (void)call(capture, &news.event);
        pthread_mutex_lock(&capture->posting);
    }
    pthread_mutex_unlock(&capture->posting);
    return NULL;
}

int capture_hear_live(void *context, const ScoutLiveEvent *event)
{
    CaptureChannel *channel = context;
    const double at_s = capture_keep_event(channel, event);
    const ScoutCaptureEvent wrapped = {.type = SCOUT_CAPTURE_EVENT_LIVE,
                                       .at_s = at_s,
                                       .u.live = {.channel = channel->index, .event = event}};
    (void)call(channel->capture, &wrapped);
    // The text goes on for the recording, though nobody looks at it any more.
    return 0;
}

// ------------------------------------------------------------------------------------------ states

static double now_s(const ScoutCapture *capture)
{
    return capture_seconds(capture->taken.count);
}

static void tell_state(ScoutCapture *capture, ScoutCaptureState state,
                       const AudioCaptureReport *report)
{
    const ScoutCaptureEvent event = {
        .type = SCOUT_CAPTURE_EVENT_STATE,
        .at_s = now_s(capture),
        .u.state = {.state = state,
                    .device = report->device[0] ? report->device : NULL,
                    .message = report->message[0] ? report->message : NULL}};
    capture_post(capture, &event);
}

static void tell_lost(ScoutCapture *capture, ScoutCaptureEventType type,
                      const AudioCaptureReport *report, double seconds, bool filled)
{
    const ScoutCaptureEvent event = {
        .type = type,
        .at_s = now_s(capture),
        .u.lost = {.channel = (size_t)report->source, .seconds = seconds, .filled = filled}};
    capture_post(capture, &event);
    capture_keep_mark(capture, type == SCOUT_CAPTURE_EVENT_GAP ? "gap" : "overrun",
                      report->message[0] ? report->message : NULL);
}

static void tell_muted(ScoutCapture *capture, const AudioCaptureReport *report, bool muted)
{
    const ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_MUTED,
                                     .at_s = now_s(capture),
                                     .u.muted = {(size_t)report->source, muted}};
    capture_post(capture, &event);
}

void capture_tell_report(ScoutCapture *capture, const AudioCaptureReport *report, size_t count)
{
    switch (report->event) {
    case AUDIO_EVENT_STARTED:
    case AUDIO_EVENT_DEVICE: tell_state(capture, SCOUT_CAPTURE_RUNNING, report); break;
    case AUDIO_EVENT_RESUMED:
        tell_state(capture, SCOUT_CAPTURE_RUNNING, report);
        capture_keep_mark(capture, "device_resumed", NULL);
        break;
    case AUDIO_EVENT_LOST:
        capture_keep_mark(capture, "device_lost", report->message);
        tell_state(capture, SCOUT_CAPTURE_LOST, report);
        break;
    case AUDIO_EVENT_WAITING: tell_state(capture, SCOUT_CAPTURE_LOST, report); break;
    case AUDIO_EVENT_OVERRUN:
        tell_lost(capture, SCOUT_CAPTURE_EVENT_OVERRUN, report, capture_seconds(count), true);
        break;
    case AUDIO_EVENT_MUTED: tell_muted(capture, report, true); break;
    case AUDIO_EVENT_UNMUTED: tell_muted(capture, report, false); break;
    case AUDIO_EVENT_ENDED: tell_state(capture, SCOUT_CAPTURE_ENDED, report); break;
    case AUDIO_EVENT_NONE:
    case AUDIO_EVENT_SUSPENDED: break;
    }
    if (report->gap_ms > 0)
        tell_lost(capture, SCOUT_CAPTURE_EVENT_GAP, report, (double)report->gap_ms * 1e-3, false);
}

void capture_tell_level(ScoutCapture *capture, const int16_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < capture->channels; c++) {
            const float sample = (float)frames[i * capture->channels + c] / FULL_SCALE;
            capture->peak[c] = BASE_MAX(capture->peak[c], fabsf(sample));
            capture->squares[c] += (double)(sample * sample);
        }
    capture->squared += count;
    const int64_t now_ns = clock_monotonic_ns();
    if (capture->squared == 0 || now_ns - capture->level_ns < LEVEL_NS)
        return;
    capture->level_ns = now_ns;
    ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_LEVEL,
                               .at_s = now_s(capture),
                               .u.level = {.channels = capture->channels}};
    for (size_t c = 0; c < capture->channels; c++) {
        event.u.level.peak[c] = capture->peak[c];
        event.u.level.rms[c] = (float)sqrt(capture->squares[c] / (double)capture->squared);
        capture->peak[c] = 0;
        capture->squares[c] = 0;
    }
    capture->squared = 0;
    capture_post(capture, &event);
}

// -------------------------------------------------------------------------------------------- disk

static ScoutCaptureEvent disk_event(const ScoutCapture *capture, const JournalStatus *status)
{
    const double frame_bytes = (double)(capture->channels * sizeof(int16_t));
    const double held = (double)(status->appended_frames - status->written_frames);
    const bool known = status->free_bytes != UINT64_MAX;
    return (ScoutCaptureEvent){
        .type = SCOUT_CAPTURE_EVENT_DISK,
        .at_s = now_s(capture),
        .u.disk = {
            .full = status->disk == JOURNAL_DISK_FULL || status->disk == JOURNAL_DISK_FAILING,
            .held_s = held / AUDIO_CAPTURE_RATE,
            .lost_s = capture_seconds(status->lost_frames),
            .free_bytes = known ? status->free_bytes : 0,
            .left_s = known ? (double)status->free_bytes / frame_bytes / AUDIO_CAPTURE_RATE : -1,
            .message = status->problem[0] ? status->problem : NULL}};
}

void capture_tell_disk(ScoutCapture *capture)
{
    const int64_t now_ns = clock_monotonic_ns();
    if (now_ns - capture->disk_ns < DISK_NS)
        return;
    JournalStatus status;
    if (!capture_keep_status(capture, &status) ||
        (status.disk == capture->disk && now_ns - capture->disk_ns < DISK_REPEAT_NS))
        return;
    capture->disk = status.disk;
    capture->disk_ns = now_ns;
    const ScoutCaptureEvent event = disk_event(capture, &status);
    capture_post(capture, &event);
}
