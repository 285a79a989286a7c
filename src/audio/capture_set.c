// Several sources as the channels of one recording: see audio/capture.h.
#include <string.h>

#include "audio/capture.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "capture_align.h"
#include "capture_internal.h"

enum { PIECE = 1600, HOLD_BACK_MS = 1000 };

static const int64_t MS_NS = 1000000;

typedef struct SetSource {
    AudioCapture *capture;
    AudioCaptureState state;
    // Frames that follow a break, held back until what was before it is given.
    int16_t held[PIECE];
    size_t held_count;
    int64_t held_captured_ns;
    int64_t held_since_ns;
} SetSource;

struct AudioCaptureSet {
    size_t count;
    SetSource sources[AUDIO_CAPTURE_SOURCES_MAX];
    const Cancel *cancel;
    Wake arrived;
    uint64_t position;
    bool stopped;
    bool ended_told;
    Align align;
};

// Devices and raw sound keep their own time, whatever `fast` says.
static bool is_fast(const AudioCaptureOptions *source)
{
    return source->fast && source->driver &&
           (str_equal(source->driver, "file") || str_equal(source->driver, "null"));
}

ScoutStatus audio_capture_set_open(const AudioCaptureOptions *sources, size_t source_count,
                                   AudioCaptureSet **set, ScoutError *error)
{
    if (source_count < 1 || source_count > AUDIO_CAPTURE_SOURCES_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%zu sources of sound at once: 1 or %d can be captured", source_count,
                         AUDIO_CAPTURE_SOURCES_MAX);
    AudioCaptureSet *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    wake_init(&made->arrived);
    bool by_position = true;
    for (size_t i = 0; i < source_count; i++)
        by_position = by_position && is_fast(&sources[i]);
    align_init(&made->align, source_count, by_position);
    made->cancel = sources[0].cancel;
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < source_count && !status; i++) {
        status = capture_open_waking(&sources[i], &made->arrived, &made->sources[i].capture, error);
        made->count += !status;
    }
    if (status) {
        audio_capture_set_close(made);
        return status;
    }
    *set = made;
    return SCOUT_OK;
}

void audio_capture_set_close(AudioCaptureSet *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        audio_capture_close(set->sources[i].capture);
    wake_done(&set->arrived);
    mem_free(set);
}

void audio_capture_set_stop(AudioCaptureSet *set)
{
    set->stopped = true;
    for (size_t i = 0; i < set->count; i++)
        audio_capture_stop(set->sources[i].capture);
}

// What goes on as a whole.
static AudioCaptureState state_of(const AudioCaptureSet *set)
{
    AudioCaptureState state = AUDIO_CAPTURE_ENDED;
    for (size_t i = 0; i < set->count; i++) {
        const AudioCaptureState one = set->sources[i].state;
        if (one == AUDIO_CAPTURE_RUNNING)
            return one;
        if (one != AUDIO_CAPTURE_ENDED && state != AUDIO_CAPTURE_WAITING)
            state = one;
    }
    return state;
}

static bool held_are_due(const AudioCaptureSet *set, size_t i)
{
    const SetSource *source = &set->sources[i];
    return align_is_empty(&set->align, i) ||
           clock_monotonic_ns() - source->held_since_ns > HOLD_BACK_MS * MS_NS;
}

// Reads one source once. *came: there was something.
static ScoutStatus read_source(AudioCaptureSet *set, size_t i, bool *came,
                               AudioCaptureReport *report, ScoutError *error)
{
    SetSource *source = &set->sources[i];
    if (source->held_count > 0) {
        if (!held_are_due(set, i))
            return SCOUT_OK;
        align_push(&set->align, i, source->held, source->held_count, source->held_captured_ns,
                   true);
        source->held_count = 0;
        *came = true;
    }
    const size_t room = align_room(&set->align, i);
    if (source->state == AUDIO_CAPTURE_ENDED || room == 0)
        return SCOUT_OK;
    int16_t frames[PIECE];
    size_t count = 0;
    ScoutStatus status = audio_capture_read(source->capture, frames, BASE_MIN(room, (size_t)PIECE),
                                            &count, 0, report, error);
    if (status)
        return status;
    source->state = report->state;
    report->source = (int)i;
    *came = *came || count > 0 || report->event != AUDIO_EVENT_NONE;
    if (report->event == AUDIO_EVENT_RESUMED || report->event == AUDIO_EVENT_SUSPENDED) {
        memcpy(source->held, frames, count * sizeof *frames);
        source->held_count = count;
        source->held_captured_ns = report->captured_ns;
        source->held_since_ns = clock_monotonic_ns();
    } else if (count > 0) {
        align_push(&set->align, i, frames, count, report->captured_ns, false);
    }
    if (report->state != AUDIO_CAPTURE_RUNNING)
        align_pause(&set->align, i);
    return SCOUT_OK;
}

// Channels are measured one by one.
static void measure(const AudioCaptureSet *set, const int16_t *frames, size_t count,
                    AudioCaptureReport *report)
{
    int16_t channel[PIECE];
    for (size_t c = 0; c < set->count; c++) {
        const size_t few = BASE_MIN(count, (size_t)PIECE);
        for (size_t i = 0; i < few; i++)
            channel[i] = frames[i * set->count + c];
        report->levels[c] = capture_measure(channel, few);
    }
}

static void pull(AudioCaptureSet *set, int16_t *frames, size_t most, size_t *count,
                 AudioCaptureReport *report)
{
    int64_t captured_ns = 0;
    int64_t gap_ns = 0;
    const int64_t now = clock_monotonic_ns();
    *count =
        align_pull(&set->align, frames, BASE_MIN(most, (size_t)PIECE), now, &captured_ns, &gap_ns);
    report->position = set->position;
    report->captured_ns = captured_ns;
    report->gap_ms = gap_ns / MS_NS;
    report->latency_ms = *count ? (int)((now - captured_ns) / MS_NS) : 0;
    measure(set, frames, *count, report);
    set->position += *count;
}

// An event of one source, as the set tells it.
static void tell_event(AudioCaptureSet *set, AudioCaptureReport *report)
{
    report->state = state_of(set);
    report->position = set->position;
    report->gap_ms = 0;
    if (report->event != AUDIO_EVENT_ENDED)
        return;
    // The end of all is told when the last frames are given.
    const bool goes_on = report->state != AUDIO_CAPTURE_ENDED && !set->stopped;
    report->event = goes_on ? AUDIO_EVENT_LOST : AUDIO_EVENT_NONE;
    if (report->event == AUDIO_EVENT_LOST && !report->message[0])
        (void)str_copy(report->message, sizeof report->message, "one of the two sources has ended");
}

static ScoutStatus read_all(AudioCaptureSet *set, int16_t *frames, size_t most, size_t *count,
                            bool *came, AudioCaptureReport *report, ScoutError *error)
{
    for (size_t i = 0; i < set->count; i++) {
        AudioCaptureReport one = {0};
        ScoutStatus status = read_source(set, i, came, &one, error);
        if (status)
            return status;
        if (one.event == AUDIO_EVENT_NONE)
            continue;
        tell_event(set, &one);
        if (one.event != AUDIO_EVENT_NONE) {
            one.levels[0] = one.levels[1] = capture_measure(NULL, 0);
            *report = one;
            return SCOUT_OK;
        }
    }
    pull(set, frames, most, count, report);
    *came = *came || *count > 0;
    report->state = state_of(set);
    if (report->state != AUDIO_CAPTURE_ENDED || *count > 0 || *came)
        report->state =
            report->state == AUDIO_CAPTURE_ENDED ? AUDIO_CAPTURE_RUNNING : report->state;
    else if (!set->ended_told) {
        report->event = AUDIO_EVENT_ENDED;
        set->ended_told = true;
    }
    return SCOUT_OK;
}

static ScoutStatus read_one(AudioCaptureSet *set, int16_t *frames, size_t most, size_t *count,
                            int timeout_ms, AudioCaptureReport *report, ScoutError *error)
{
    return audio_capture_read(set->sources[0].capture, frames, most, count, timeout_ms, report,
                              error);
}

ScoutStatus audio_capture_set_read(AudioCaptureSet *set, int16_t *frames, size_t most,
                                   size_t *count, int timeout_ms, AudioCaptureReport *report,
                                   ScoutError *error)
{
    if (set->count == 1)
        return read_one(set, frames, most, count, timeout_ms, report, error);
    const int64_t deadline = clock_monotonic_ns() + timeout_ms * MS_NS;
    size_t got = 0;
    for (;;) {
        bool came = false;
        *report = (AudioCaptureReport){0};
        if (cancel_is_raised(set->cancel))
            return error_set(error, SCOUT_ERROR_CANCELLED, "capturing sound was cancelled");
        ScoutStatus status = read_all(set, frames, most, &got, &came, report, error);
        if (status)
            return status;
        const int64_t left = deadline - clock_monotonic_ns();
        if (got || report->event != AUDIO_EVENT_NONE || report->state == AUDIO_CAPTURE_ENDED ||
            left <= 0)
            break;
        // A channel that lacks frames is waited for until it is late, so look now and then.
        if (!came)
            wake_wait(&set->arrived, (int)BASE_MIN(left / MS_NS + 1, 20), set->cancel);
    }
    *count = got;
    return SCOUT_OK;
}
