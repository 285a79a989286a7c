// Sound from PulseAudio, and from PipeWire, which serves the same protocol. libpulse's thread runs
// its loop; its callbacks write to the feed, and wake whoever opens or lists.
#include <pulse/pulseaudio.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "capture_driver.h"

enum { OPEN_MS = 1500, LIST_MS = 900, ANSWER_MS = 500 };

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000, LATENCY_MAX_NS = 3000000000;

// What a source is to be, and what it turned out to be.
typedef struct Target {
    const char *wanted; // an id, DEFAULT or SYSTEM
    char default_source[AUDIO_DEVICE_TEXT_MAX];
    char default_sink[AUDIO_DEVICE_TEXT_MAX];
    bool found;
    bool exact; // no better one can come
    bool monitor;
    int rate;
    char id[AUDIO_DEVICE_TEXT_MAX];
    char name[AUDIO_DEVICE_TEXT_MAX];
} Target;

typedef struct Pulse {
    pa_threaded_mainloop *loop;
    pa_context *context;
    pa_stream *stream;
    bool started;
    Wake wake;
    int64_t deadline_ns;

    // The loop's thread; others with its lock held.
    Target target;
    bool looking; // a look at the sources is under way
    bool again;   // and another is wanted after it
    bool looked;
    bool running; // opened: the feed is the loop's
    bool heard;   // the first frames have come

    char feed_name[AUDIO_DEVICE_TEXT_MAX]; // that was told

    CaptureFeed *feed; // NULL where devices are listed
    AudioDevice *devices;
    size_t device_count;
} Pulse;

// ---- Sentences

static ScoutStatus fail_server(const pa_context *context, ScoutError *error)
{
    const int code = context ? pa_context_errno(context) : PA_ERR_CONNECTIONREFUSED;
    if (code == PA_ERR_ACCESS || code == PA_ERR_AUTHKEY)
        return error_set(
            error, SCOUT_ERROR_PERMISSION,
            "the sound server refuses this user: run scout in the desktop session that "
            "the server belongs to, or allow it there");
    if (code == PA_ERR_TIMEOUT)
        return error_set(error, SCOUT_ERROR_TIMEOUT,
                         "the sound server does not answer; restart it, for instance with "
                         "'systemctl --user restart pipewire-pulse' or 'pulseaudio -k'");
    return error_set(error, SCOUT_ERROR_NOT_FOUND,
                     "no sound server is running for this user: start PipeWire or PulseAudio, for "
                     "instance with 'systemctl --user start pipewire-pulse' or 'pulseaudio "
                     "--start'");
}

static ScoutStatus fail_device(const char *wanted, ScoutError *error)
{
    if (str_equal(wanted, AUDIO_DEVICE_DEFAULT))
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "there is no microphone: connect one or switch it on; what the machine "
                         "plays can be captured as system audio");
    if (str_equal(wanted, AUDIO_DEVICE_SYSTEM))
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "there is no output whose sound could be captured: connect or switch on "
                         "loudspeakers or headphones");
    return error_set(error, SCOUT_ERROR_NOT_FOUND,
                     "the sound server has no device '%s': connect it or switch it on, or choose "
                     "one of those it lists",
                     wanted);
}

static void end_feed(Pulse *pulse, const ScoutError *error)
{
    if (pulse->running)
        capture_feed_end(pulse->feed, error->status, error->message);
    wake_post(&pulse->wake);
}

// ---- Looking for the source

static void look(Pulse *pulse);

static const char *name_of(const pa_source_info *info)
{
    return info->description && info->description[0] ? info->description : info->name;
}

static void choose(Target *target, const pa_source_info *info)
{
    const bool monitor = info->monitor_of_sink != PA_INVALID_INDEX;
    bool exact;
    bool fits;
    if (str_equal(target->wanted, AUDIO_DEVICE_SYSTEM)) {
        exact = monitor && str_equal(info->monitor_of_sink_name, target->default_sink);
        fits = exact;
    } else if (str_equal(target->wanted, AUDIO_DEVICE_DEFAULT)) {
        // Where the only default is what an output plays, that is no microphone.
        exact = !monitor && str_equal(info->name, target->default_source);
        fits = !monitor;
    } else {
        exact = str_equal(info->name, target->wanted);
        fits = exact;
    }
    if (!fits || target->exact || (target->found && !exact))
        return;
    target->found = true;
    target->exact = exact;
    target->monitor = monitor;
    target->rate = (int)info->sample_spec.rate;
    (void)str_copy(target->id, sizeof target->id, info->name);
    (void)str_copy(target->name, sizeof target->name, name_of(info));
    str_make_line(target->name);
}

static void keep_device(Pulse *pulse, const pa_source_info *info)
{
    if (pulse->device_count == AUDIO_DEVICES_MAX)
        return;
    const bool monitor = info->monitor_of_sink != PA_INVALID_INDEX;
    AudioDevice *device = &pulse->devices[pulse->device_count++];
    *device = (AudioDevice){.driver = "pulse", .is_monitor = monitor};
    (void)str_copy(device->id, sizeof device->id, info->name);
    (void)str_copy(device->name, sizeof device->name, name_of(info));
    str_make_line(device->name);
    device->is_default = monitor ? str_equal(info->monitor_of_sink_name, pulse->target.default_sink)
                                 : str_equal(info->name, pulse->target.default_source);
}

static void on_moved_by_us(pa_context *context, int success, void *data)
{
    (void)context;
    Pulse *pulse = data;
    if (success)
        return;
    ScoutError error = {0};
    (void)error_set(&error, SCOUT_ERROR_IO, "the sound server cannot change to %s",
                    pulse->target.name);
    end_feed(pulse, &error);
}

// The source that is wanted may be another one now.
static void follow(Pulse *pulse)
{
    const char *current = pa_stream_get_device_name(pulse->stream);
    if (!pulse->target.found) {
        ScoutError error = {0};
        (void)fail_device(pulse->target.wanted, &error);
        end_feed(pulse, &error);
        return;
    }
    if (!current)
        return;
    if (!str_equal(current, pulse->target.id)) {
        pa_operation *move = pa_context_move_source_output_by_name(
            pulse->context, pa_stream_get_index(pulse->stream), pulse->target.id, on_moved_by_us,
            pulse);
        if (move)
            pa_operation_unref(move);
        return;
    }
    if (str_equal(pulse->feed_name, pulse->target.name))
        return;
    (void)str_copy(pulse->feed_name, sizeof pulse->feed_name, pulse->target.name);
    capture_feed_device(pulse->feed, pulse->target.name);
}

static void on_source(pa_context *context, const pa_source_info *info, int end, void *data)
{
    (void)context;
    Pulse *pulse = data;
    if (!end) {
        choose(&pulse->target, info);
        if (pulse->devices)
            keep_device(pulse, info);
        return;
    }
    pulse->looking = false;
    pulse->looked = true;
    if (pulse->running && end > 0)
        follow(pulse);
    if (pulse->again)
        look(pulse);
    wake_post(&pulse->wake);
}

static void on_server(pa_context *context, const pa_server_info *info, void *data)
{
    Pulse *pulse = data;
    Target *target = &pulse->target;
    *target = (Target){.wanted = target->wanted};
    if (info && info->default_source_name)
        (void)str_copy(target->default_source, sizeof target->default_source,
                       info->default_source_name);
    if (info && info->default_sink_name)
        (void)str_copy(target->default_sink, sizeof target->default_sink, info->default_sink_name);
    pa_operation *list = pa_context_get_source_info_list(context, on_source, pulse);
    if (list)
        pa_operation_unref(list);
}

static void look(Pulse *pulse)
{
    pulse->again = pulse->looking;
    if (pulse->looking)
        return;
    pulse->looking = true;
    pa_operation *info = pa_context_get_server_info(pulse->context, on_server, pulse);
    if (info)
        pa_operation_unref(info);
}

// ---- Connecting

static void on_context(pa_context *context, void *data)
{
    Pulse *pulse = data;
    if (!PA_CONTEXT_IS_GOOD(pa_context_get_state(context))) {
        ScoutError error = {0};
        (void)error_set(
            &error, SCOUT_ERROR_NOT_FOUND,
            "the sound server has ended or broke the connection; scout goes on by itself "
            "when it is back");
        end_feed(pulse, &error);
    }
    wake_post(&pulse->wake);
}

static void on_change(pa_context *context, pa_subscription_event_type_t type, uint32_t index,
                      void *data)
{
    (void)context;
    (void)type;
    (void)index;
    Pulse *pulse = data;
    if (pulse->running)
        look(pulse);
}

typedef enum Answer { ANSWER_NOT_YET, ANSWER_YES, ANSWER_NO } Answer;

static Answer context_is_ready(const Pulse *pulse)
{
    const pa_context_state_t state = pa_context_get_state(pulse->context);
    if (state == PA_CONTEXT_READY)
        return ANSWER_YES;
    return PA_CONTEXT_IS_GOOD(state) ? ANSWER_NOT_YET : ANSWER_NO;
}

static Answer sources_are_known(const Pulse *pulse)
{
    if (context_is_ready(pulse) != ANSWER_YES)
        return ANSWER_NO;
    return pulse->looked ? ANSWER_YES : ANSWER_NOT_YET;
}

static Answer stream_is_ready(const Pulse *pulse)
{
    const pa_stream_state_t state = pa_stream_get_state(pulse->stream);
    if (state == PA_STREAM_READY)
        return ANSWER_YES;
    return PA_STREAM_IS_GOOD(state) ? ANSWER_NOT_YET : ANSWER_NO;
}

// The lock is not held. libpulse's own waits have no end.
static Answer wait_for(Pulse *pulse, Answer (*answer)(const Pulse *pulse))
{
    for (;;) {
        pa_threaded_mainloop_lock(pulse->loop);
        const Answer now = answer(pulse);
        pa_threaded_mainloop_unlock(pulse->loop);
        const int64_t left = pulse->deadline_ns - clock_monotonic_ns();
        if (now != ANSWER_NOT_YET || left <= 0)
            return now;
        wake_wait(&pulse->wake, (int)(left / MS_NS) + 1, NULL);
    }
}

static void disconnect(Pulse *pulse)
{
    if (pulse->started)
        pa_threaded_mainloop_stop(pulse->loop);
    // Its thread is gone: no lock is needed.
    if (pulse->stream) {
        pa_stream_set_state_callback(pulse->stream, NULL, NULL);
        pa_stream_set_read_callback(pulse->stream, NULL, NULL);
        pa_stream_set_moved_callback(pulse->stream, NULL, NULL);
        (void)pa_stream_disconnect(pulse->stream);
        pa_stream_unref(pulse->stream);
    }
    if (pulse->context) {
        pa_context_set_state_callback(pulse->context, NULL, NULL);
        pa_context_set_subscribe_callback(pulse->context, NULL, NULL);
        pa_context_disconnect(pulse->context);
        pa_context_unref(pulse->context);
    }
    if (pulse->loop)
        pa_threaded_mainloop_free(pulse->loop);
    wake_done(&pulse->wake);
}

// On failure the caller disconnects all the same.
static ScoutStatus connect_server(Pulse *pulse, int timeout_ms, ScoutError *error)
{
    pulse->deadline_ns = clock_monotonic_ns() + timeout_ms * MS_NS;
    wake_init(&pulse->wake);
    pulse->loop = pa_threaded_mainloop_new();
    if (pulse->loop)
        pulse->context = pa_context_new(pa_threaded_mainloop_get_api(pulse->loop), "Scout");
    if (!pulse->context)
        return error_no_memory(error);
    pa_context_set_state_callback(pulse->context, on_context, pulse);
    // A server is the desktop's to start.
    if (pa_context_connect(pulse->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0)
        return fail_server(pulse->context, error);
    pulse->started = pa_threaded_mainloop_start(pulse->loop) == 0;
    if (!pulse->started)
        return error_set(error, SCOUT_ERROR_BUSY, "the system gives no thread for libpulse");
    const Answer ready = wait_for(pulse, context_is_ready);
    if (ready == ANSWER_YES)
        return SCOUT_OK;
    if (ready == ANSWER_NO)
        return fail_server(pulse->context, error);
    return error_set(error, SCOUT_ERROR_TIMEOUT,
                     "the sound server does not answer; restart it, for instance with 'systemctl "
                     "--user restart pipewire-pulse' or 'pulseaudio -k'");
}

static ScoutStatus look_and_wait(Pulse *pulse, ScoutError *error)
{
    pa_threaded_mainloop_lock(pulse->loop);
    look(pulse);
    pa_threaded_mainloop_unlock(pulse->loop);
    const Answer known = wait_for(pulse, sources_are_known);
    if (known == ANSWER_YES)
        return SCOUT_OK;
    return known == ANSWER_NO ? fail_server(pulse->context, error)
                              : error_set(error, SCOUT_ERROR_TIMEOUT,
                                          "the sound server does not list its devices");
}

// ---- The stream

// When the next frame to be read was heard. libpulse's own pa_stream_get_latency will not do: its
// time never goes back, so that a device which is slow to begin looks late for as long. What it is
// made of does: at `timestamp` the server had written up to write_index, and what it wrote last was
// heard source_usec before; of a monitor it will be heard sink_usec later.
static int64_t heard_ns(pa_stream *stream, int64_t length_ns)
{
    const int64_t now = clock_monotonic_ns();
    const pa_timing_info *timing = pa_stream_get_timing_info(stream);
    // What was asked before the first frame came says nothing of those that did.
    if (!timing || timing->write_index <= 0 || timing->read_index_corrupt ||
        timing->write_index_corrupt)
        return now - length_ns;
    const pa_sample_spec *spec = pa_stream_get_sample_spec(stream);
    const int64_t ahead_bytes = timing->write_index - timing->read_index;
    const int64_t ahead_ns = ahead_bytes / (int64_t)sizeof(int16_t) * SECOND_NS / spec->rate;
    const int64_t source_ns = (int64_t)timing->source_usec * 1000;
    const int64_t sink_ns = (int64_t)timing->sink_usec * 1000;
    const int64_t asked_ns =
        ((int64_t)timing->timestamp.tv_sec * 1000000 + timing->timestamp.tv_usec) * 1000;
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    const int64_t wall_ns = (int64_t)wall.tv_sec * SECOND_NS + wall.tv_nsec;
    const int64_t heard = now - (wall_ns - asked_ns) - source_ns + sink_ns - ahead_ns;
    // The wall clock may have been set meanwhile.
    const bool sane = heard <= now && heard >= now - LATENCY_MAX_NS;
    return sane ? BASE_MIN(heard, now - length_ns) : now - length_ns;
}

static void on_frames(pa_stream *stream, size_t ready, void *data)
{
    (void)ready;
    Pulse *pulse = data;
    CaptureFeed *feed = pulse->feed;
    if (!pulse->heard) {
        pulse->heard = true;
        pa_operation *update = pa_stream_update_timing_info(stream, NULL, NULL);
        if (update)
            pa_operation_unref(update);
    }
    while (pa_stream_readable_size(stream) > 0) {
        const void *frames = NULL;
        size_t bytes = 0;
        if (pa_stream_peek(stream, &frames, &bytes) < 0 || bytes == 0)
            return;
        const size_t count = bytes / sizeof(int16_t);
        if (frames)
            capture_feed_frames(feed, frames, count,
                                heard_ns(stream, (int64_t)count * SECOND_NS / feed->rate));
        else // a hole: the server had to drop some
            capture_feed_lost(feed, count);
        (void)pa_stream_drop(stream);
    }
}

static void on_stream(pa_stream *stream, void *data)
{
    Pulse *pulse = data;
    const pa_stream_state_t state = pa_stream_get_state(stream);
    if (!PA_STREAM_IS_GOOD(state)) {
        ScoutError error = {0};
        (void)error_set(
            &error, SCOUT_ERROR_NOT_FOUND,
            "%s is gone: it was unplugged or switched off; scout goes on by itself when "
            "it is back",
            pulse->feed_name);
        end_feed(pulse, &error);
    }
    wake_post(&pulse->wake);
}

static void on_moved(pa_stream *stream, void *data)
{
    (void)stream;
    Pulse *pulse = data;
    if (pulse->running)
        look(pulse);
}

// The lock is held.
static ScoutStatus connect_stream(Pulse *pulse, ScoutError *error)
{
    const Target *target = &pulse->target;
    const bool follows = str_equal(target->wanted, AUDIO_DEVICE_DEFAULT) ||
                         str_equal(target->wanted, AUDIO_DEVICE_SYSTEM);
    const pa_sample_spec spec = {
        .format = PA_SAMPLE_S16NE, .rate = (uint32_t)pulse->feed->rate, .channels = 1};
    // Without these the server delivers seconds at a time.
    const pa_buffer_attr pieces = {
        .maxlength = UINT32_MAX,
        .tlength = UINT32_MAX,
        .prebuf = UINT32_MAX,
        .minreq = UINT32_MAX,
        .fragsize = (uint32_t)(pa_bytes_per_second(&spec) * AUDIO_CAPTURE_FRAGMENT_MS / 1000)};
    const pa_stream_flags_t flags = PA_STREAM_ADJUST_LATENCY | PA_STREAM_INTERPOLATE_TIMING |
                                    PA_STREAM_AUTO_TIMING_UPDATE |
                                    (follows ? PA_STREAM_NOFLAGS : PA_STREAM_DONT_MOVE);
    pulse->stream = pa_stream_new(pulse->context, "speech to text", &spec, NULL);
    if (!pulse->stream)
        return error_no_memory(error);
    pa_stream_set_state_callback(pulse->stream, on_stream, pulse);
    pa_stream_set_read_callback(pulse->stream, on_frames, pulse);
    pa_stream_set_moved_callback(pulse->stream, on_moved, pulse);
    if (pa_stream_connect_record(pulse->stream, target->id, &pieces, flags) < 0)
        return error_set(error, SCOUT_ERROR_IO, "%s cannot be opened: %s", target->name,
                         pa_strerror(pa_context_errno(pulse->context)));
    pa_context_set_subscribe_callback(pulse->context, on_change, pulse);
    pa_operation *subscribe = pa_context_subscribe(
        pulse->context, PA_SUBSCRIPTION_MASK_SERVER | PA_SUBSCRIPTION_MASK_SOURCE, NULL, NULL);
    if (subscribe)
        pa_operation_unref(subscribe);
    return SCOUT_OK;
}

// Rates between those that the resampler is made for; the server converts others.
static int rate_for(const Target *target)
{
    const bool fits = target->rate >= AUDIO_CAPTURE_RATE && target->rate <= 192000;
    return fits ? target->rate : AUDIO_CAPTURE_RATE;
}

static ScoutStatus begin_stream(Pulse *pulse, ScoutError *error)
{
    if (!pulse->target.found)
        return fail_device(pulse->target.wanted, error);
    ScoutStatus status =
        capture_feed_begin(pulse->feed, rate_for(&pulse->target), pulse->target.name, error);
    if (status)
        return status;
    pulse->feed->monitor = pulse->target.monitor;
    (void)str_copy(pulse->feed_name, sizeof pulse->feed_name, pulse->target.name);
    pa_threaded_mainloop_lock(pulse->loop);
    status = connect_stream(pulse, error);
    pulse->running = !status;
    pa_threaded_mainloop_unlock(pulse->loop);
    if (status)
        return status;
    const Answer ready = wait_for(pulse, stream_is_ready);
    if (ready == ANSWER_YES)
        return SCOUT_OK;
    if (ready == ANSWER_NOT_YET)
        return error_set(error, SCOUT_ERROR_TIMEOUT, "%s does not open: the sound server hangs",
                         pulse->feed_name);
    return error_set(error, SCOUT_ERROR_IO, "%s cannot be opened: %s", pulse->feed_name,
                     pa_strerror(pa_context_errno(pulse->context)));
}

static void close_pulse(void *state)
{
    Pulse *pulse = state;
    disconnect(pulse);
    mem_free(pulse);
}

static ScoutStatus open_pulse(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                              ScoutError *error)
{
    Pulse *pulse = mem_array(1, sizeof *pulse);
    if (!pulse)
        return error_no_memory(error);
    pulse->feed = feed;
    pulse->target.wanted = options->device;
    ScoutStatus status = connect_server(pulse, OPEN_MS, error);
    if (!status)
        status = look_and_wait(pulse, error);
    if (!status)
        status = begin_stream(pulse, error);
    if (status) {
        close_pulse(pulse);
        return status;
    }
    *state = pulse;
    return SCOUT_OK;
}

// ---- Without a stream

static ScoutStatus list_pulse(AudioDevice *devices, size_t *count, ScoutError *error)
{
    Pulse pulse = {.devices = devices, .target.wanted = ""};
    ScoutStatus status = connect_server(&pulse, LIST_MS, error);
    if (!status)
        status = look_and_wait(&pulse, error);
    disconnect(&pulse);
    if (!status)
        *count = pulse.device_count;
    return status;
}

static bool pulse_answers(void)
{
    Pulse pulse = {.target.wanted = ""};
    ScoutStatus status = connect_server(&pulse, ANSWER_MS, NULL);
    disconnect(&pulse);
    return status != SCOUT_ERROR_NOT_FOUND;
}

extern const CaptureDriver CAPTURE_DRIVER_SYMBOL;
__attribute__((visibility("default"))) const CaptureDriver CAPTURE_DRIVER_SYMBOL = {
    .name = "pulse",
    .title = "PulseAudio and PipeWire",
    .live = true,
    .open = open_pulse,
    .close = close_pulse,
    .answers = pulse_answers,
    .list = list_pulse,
};
