// One source, read by its owner: frames in order, and what happened to them. See audio/capture.h.
#include "audio/capture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "capture_intake.h"
#include "capture_internal.h"
#include "capture_supervisor.h"

enum { LEVEL_RUN = 512 };

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000;

struct AudioCapture {
    Supervisor supervisor;
    Wake *arrived; // its own, or a set's
    Wake own;
    AudioCaptureOptions options;
    char *device; // the options' own copy
    Intake intake;
    AudioCaptureState state;
    bool ran;          // at least one frame came
    bool muted;        // and it was said
    unsigned told;     // the last problem that was
    unsigned seen;     // the last there was
    uint64_t position; // frames given
    int64_t heard_ns;  // CLOCK_BOOTTIME at the end of the last frame given
};

// ---- Opening and closing

ScoutStatus audio_capture_open(const AudioCaptureOptions *options, AudioCapture **capture,
                               ScoutError *error)
{
    return capture_open_waking(options, NULL, capture, error);
}

ScoutStatus capture_open_waking(const AudioCaptureOptions *options, Wake *arrived,
                                AudioCapture **capture, ScoutError *error)
{
    AudioCapture *made = mem_aligned(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (AudioCapture){.options = *options};
    const char *device = options->device ? options->device : AUDIO_DEVICE_DEFAULT;
    made->device = mem_copy_text(device, strlen(device));
    if (!made->device) {
        mem_free(made);
        return error_no_memory(error);
    }
    made->options.device = made->device;
    wake_init(&made->own);
    made->arrived = arrived ? arrived : &made->own;
    ScoutStatus status = supervisor_begin(&made->supervisor, &made->options, made->arrived, error);
    if (status) {
        wake_done(&made->own);
        mem_free(made->device);
        mem_free(made);
        return status;
    }
    *capture = made;
    return SCOUT_OK;
}

void audio_capture_close(AudioCapture *capture)
{
    if (!capture)
        return;
    intake_done(&capture->intake);
    supervisor_end(&capture->supervisor);
    wake_done(&capture->own);
    mem_free(capture->device);
    mem_free(capture);
}

void audio_capture_stop(AudioCapture *capture)
{
    supervisor_stop(&capture->supervisor);
}

// ---- Reading

static void set_event(AudioCaptureReport *report, AudioCaptureEvent event, ScoutStatus status,
                      const char *text)
{
    report->event = event;
    report->status = status;
    (void)str_copy(report->message, sizeof report->message, text);
}

static int64_t to_ms(int64_t ns)
{
    return ns > 0 ? (ns + MS_NS / 2) / MS_NS : 0;
}

// The first frames of a feed.
static void tell_running(AudioCapture *capture, const IntakePiece *piece,
                         AudioCaptureReport *report)
{
    const char *device = capture->intake.feed->device;
    char text[AUDIO_CAPTURE_TEXT_MAX];
    if (capture->ran) {
        report->gap_ms = to_ms(piece->captured_ns + piece->slept_ns - capture->heard_ns);
        (void)snprintf(text, sizeof text, "%.255s is back after %.1f s", device,
                       (double)report->gap_ms / 1000);
        set_event(report, AUDIO_EVENT_RESUMED, SCOUT_OK, text);
    } else {
        (void)snprintf(text, sizeof text, "listening to %.255s", device);
        set_event(report, AUDIO_EVENT_STARTED, SCOUT_OK, text);
    }
    (void)str_copy(report->device, sizeof report->device, device);
    capture->ran = true;
    capture->told = capture->seen; // what was wrong before is no more
    capture->muted = false;
    capture->state = AUDIO_CAPTURE_RUNNING;
}

static void tell_overrun(const IntakePiece *piece, AudioCaptureReport *report)
{
    char text[AUDIO_CAPTURE_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "%.3f s of sound were lost: this machine was too busy to take them; silence "
                   "stands in their place",
                   (double)piece->count / AUDIO_CAPTURE_RATE);
    set_event(report, AUDIO_EVENT_OVERRUN, SCOUT_OK, text);
}

// A hint when a microphone has given exact zeros for a while, and one when it gives others.
static void look_for_muting(AudioCapture *capture, AudioCaptureReport *report)
{
    const CaptureFeed *feed = capture->intake.feed;
    if (!feed->live || feed->monitor || report->event != AUDIO_EVENT_NONE)
        return;
    const uint64_t limit = (uint64_t)feed->rate * AUDIO_CAPTURE_MUTED_MS / 1000;
    const bool muted = capture->intake.zeros >= limit;
    char text[AUDIO_CAPTURE_TEXT_MAX];
    if (muted && !capture->muted) {
        (void)snprintf(
            text, sizeof text,
            "%.255s gives nothing but silence: it is probably muted; check its switch and "
            "the sound settings",
            feed->device);
        set_event(report, AUDIO_EVENT_MUTED, SCOUT_OK, text);
    } else if (capture->muted && capture->intake.zeros == 0) {
        (void)snprintf(text, sizeof text, "%.255s gives sound again", feed->device);
        set_event(report, AUDIO_EVENT_UNMUTED, SCOUT_OK, text);
    } else {
        return;
    }
    capture->muted = muted;
}

static void take_frames(AudioCapture *capture, const IntakePiece *piece, size_t *count,
                        AudioCaptureReport *report)
{
    if (capture->state != AUDIO_CAPTURE_RUNNING)
        tell_running(capture, piece, report);
    else if (piece->kind == INTAKE_SILENCE)
        tell_overrun(piece, report);
    else
        look_for_muting(capture, report);
    *count = piece->count;
    report->captured_ns = piece->captured_ns;
    report->latency_ms = (int)to_ms(clock_monotonic_ns() - piece->captured_ns);
    capture->position += piece->count;
    capture->heard_ns = piece->captured_ns + piece->slept_ns +
                        (int64_t)piece->count * SECOND_NS / AUDIO_CAPTURE_RATE;
}

static void take_end(AudioCapture *capture, const CaptureNote *note, AudioCaptureReport *report)
{
    const bool live = capture->intake.feed->live;
    const bool ran = capture->state == AUDIO_CAPTURE_RUNNING;
    intake_done(&capture->intake);
    supervisor_next_feed(&capture->supervisor);
    if (!live || note->status == SCOUT_OK) {
        capture->state = AUDIO_CAPTURE_ENDED;
        set_event(report, AUDIO_EVENT_ENDED, note->status, note->text);
        return;
    }
    capture->state = AUDIO_CAPTURE_WAITING;
    set_event(report, ran ? AUDIO_EVENT_LOST : AUDIO_EVENT_WAITING, note->status, note->text);
}

static void take_note(AudioCapture *capture, const CaptureNote *note, AudioCaptureReport *report)
{
    if (note->kind == CAPTURE_NOTE_END) {
        take_end(capture, note, report);
        return;
    }
    char text[AUDIO_CAPTURE_TEXT_MAX];
    (void)snprintf(text, sizeof text, "now listening to %.255s", note->text);
    set_event(report, AUDIO_EVENT_DEVICE, SCOUT_OK, text);
    (void)str_copy(report->device, sizeof report->device, note->text);
    (void)str_copy(capture->intake.feed->device, sizeof capture->intake.feed->device, note->text);
}

static void take_gap(const IntakePiece *piece, AudioCaptureReport *report)
{
    char text[AUDIO_CAPTURE_TEXT_MAX];
    report->gap_ms = to_ms(piece->gap_ns);
    (void)snprintf(text, sizeof text, "the machine slept for %.0f s; nothing was heard meanwhile",
                   (double)report->gap_ms / 1000);
    set_event(report, AUDIO_EVENT_SUSPENDED, SCOUT_OK, text);
}

static ScoutStatus take_piece(AudioCapture *capture, int16_t *frames, size_t most, size_t *count,
                              bool *idle, AudioCaptureReport *report, ScoutError *error)
{
    IntakePiece piece;
    ScoutStatus status = intake_next(&capture->intake, frames, most, &piece, error);
    if (status)
        return status;
    switch (piece.kind) {
    case INTAKE_NOTHING: *idle = true; break;
    case INTAKE_FRAMES:
    case INTAKE_SILENCE: take_frames(capture, &piece, count, report); break;
    case INTAKE_GAP: take_gap(&piece, report); break;
    case INTAKE_NOTE: take_note(capture, &piece.note, report); break;
    }
    return SCOUT_OK;
}

// Why nothing comes, if that is new and nothing has been running since.
static void tell_problem(AudioCapture *capture, const SupervisorProblem *problem,
                         AudioCaptureReport *report)
{
    if (problem->serial == capture->told || capture->state == AUDIO_CAPTURE_RUNNING)
        return;
    capture->told = problem->serial;
    capture->state = AUDIO_CAPTURE_WAITING;
    set_event(report, AUDIO_EVENT_WAITING, problem->status, problem->text);
}

// One step: frames, an event, or *idle.
static ScoutStatus step(AudioCapture *capture, int16_t *frames, size_t most, size_t *count,
                        bool *idle, AudioCaptureReport *report, ScoutError *error)
{
    SupervisorProblem problem;
    bool finished = false;
    CaptureFeed *feed = supervisor_feed(&capture->supervisor, &problem, &finished);
    capture->seen = problem.serial;
    if (feed && !capture->intake.feed) {
        ScoutStatus status = intake_begin(&capture->intake, feed, error);
        if (status)
            return status;
    }
    if (feed) {
        ScoutStatus status = take_piece(capture, frames, most, count, idle, report, error);
        if (status || !*idle)
            return status;
    }
    *idle = true;
    tell_problem(capture, &problem, report);
    if (!feed && finished && report->event == AUDIO_EVENT_NONE) {
        capture->state = AUDIO_CAPTURE_ENDED;
        set_event(report, AUDIO_EVENT_ENDED, SCOUT_OK, "");
    }
    return SCOUT_OK;
}

Levels capture_measure(const int16_t *frames, size_t count)
{
    float samples[LEVEL_RUN];
    float peak = LEVELS_FLOOR_DBFS;
    double power = 0;
    for (size_t at = 0; at < count; at += LEVEL_RUN) {
        const size_t run = BASE_MIN(count - at, (size_t)LEVEL_RUN);
        for (size_t i = 0; i < run; i++)
            samples[i] = (float)frames[at + i] / 32768.0F;
        const Levels levels = levels_measure(samples, run);
        peak = BASE_MAX(peak, levels.peak_dbfs);
        power += pow(10, (double)levels.rms_dbfs / 10) * (double)run;
    }
    return (Levels){
        .peak_dbfs = peak,
        .rms_dbfs = count ? (float)(10 * log10(power / (double)count)) : LEVELS_FLOOR_DBFS,
    };
}

ScoutStatus audio_capture_read(AudioCapture *capture, int16_t *frames, size_t most, size_t *count,
                               int timeout_ms, AudioCaptureReport *report, ScoutError *error)
{
    const Cancel *cancel = capture->options.cancel;
    const int64_t deadline = clock_monotonic_ns() + timeout_ms * MS_NS;
    size_t got = 0;
    *report = (AudioCaptureReport){.position = capture->position};
    while (capture->state != AUDIO_CAPTURE_ENDED) {
        if (cancel_is_raised(cancel))
            return error_set(error, SCOUT_ERROR_CANCELLED, "capturing sound was cancelled");
        bool idle = false;
        ScoutStatus status = step(capture, frames, most, &got, &idle, report, error);
        if (status)
            return status;
        const int64_t left = deadline - clock_monotonic_ns();
        if (got || report->event != AUDIO_EVENT_NONE || (idle && left <= 0))
            break;
        if (idle)
            wake_wait(capture->arrived, (int)(left / MS_NS) + 1, cancel);
    }
    report->levels[0] = report->levels[1] = capture_measure(frames, got);
    report->state = capture->state;
    *count = got;
    return SCOUT_OK;
}
