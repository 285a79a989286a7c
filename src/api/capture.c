// Captures, as include/scout/capture.h has them: options, threads, devices.
#include "capture_internal.h"

#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/condition.h"
#include "base/memory.h"

enum {
    OPTION_TEXT_MAX = 1 << 20,
    READ_FRAMES = AUDIO_CAPTURE_RATE / 10,
    RECENT_S = 30, // of what was taken
    ASIDE_S = 10   // of what came during a pause
};

// ----------------------------------------------------------------------------------------- devices

struct ScoutDevices {
    AudioDevice *found;
    ScoutDevice *list;
    size_t count;
};

ScoutStatus scout_devices_new(const char *driver, ScoutDevices **devices, ScoutError *error)
{
    if (!devices)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "devices is NULL");
    ScoutDevices *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    ScoutStatus status = audio_devices_list(driver, &made->found, &made->count, error);
    if (!status) {
        made->list = mem_array(BASE_MAX(made->count, (size_t)1), sizeof *made->list);
        if (!made->list)
            status = error_no_memory(error);
    }
    if (status) {
        scout_devices_free(made);
        return status;
    }
    for (size_t i = 0; i < made->count; i++) {
        const AudioDevice *device = &made->found[i];
        made->list[i] = (ScoutDevice){.id = device->id,
                                      .name = device->name,
                                      .driver = device->driver,
                                      .is_default = device->is_default,
                                      .is_monitor = device->is_monitor};
    }
    *devices = made;
    return SCOUT_OK;
}

void scout_devices_free(ScoutDevices *devices)
{
    if (!devices)
        return;
    mem_free(devices->found);
    mem_free(devices->list);
    mem_free(devices);
}

const ScoutDevice *scout_devices_list(const ScoutDevices *devices, size_t *count)
{
    *count = devices->count;
    return devices->list;
}

// ----------------------------------------------------------------------------------------- options

void scout_capture_options_init(ScoutCaptureOptions *options)
{
    if (options)
        *options = (ScoutCaptureOptions){.size = sizeof(*options),
                                         .rate = AUDIO_CAPTURE_RATE,
                                         .channels = 1,
                                         .split_after_s = 30,
                                         .pre_roll_s = 1};
}

static ScoutStatus wrong(ScoutError *error, const char *what)
{
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s", what);
}

static ScoutStatus check_options(const ScoutEngine *engine, const ScoutCaptureOptions *options,
                                 ScoutError *error)
{
    if (options->source > SCOUT_SOURCE_NULL)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "source is %d, not a "
                         "ScoutCaptureSource",
                         (int)options->source);
    if (options->source == SCOUT_SOURCE_FILE && !options->path)
        return wrong(error, "a file is captured, but path is NULL");
    if (options->format > SCOUT_SAMPLES_F32)
        return wrong(error, "format is no ScoutSampleFormat");
    if (options->recording > SCOUT_RECORD_VOICE)
        return wrong(error, "recording is no ScoutRecordingMode");
    if (options->recording != SCOUT_RECORD_NOTHING && !options->folder)
        return wrong(error, "a recording is to be made, but folder is NULL");
    if (options->recording == SCOUT_RECORD_VOICE && !options->live)
        return wrong(error, "recordings that begin when somebody speaks need live text");
    if (!(options->split_after_s >= 1 && options->split_after_s <= 3600))
        return wrong(error, "split_after_s must be 1 to 3600");
    if (!(options->pre_roll_s >= 0.5 && options->pre_roll_s <= 10))
        return wrong(error, "pre_roll_s must be 0.5 to 10");
    if (options->live && !engine)
        return wrong(error, "live text needs an engine, and engine is NULL");
    return SCOUT_OK;
}

static ScoutStatus copy_options(ScoutCapture *capture, const ScoutCaptureOptions *options,
                                ScoutError *error)
{
    capture->options = *options;
    const char **texts[] = {&capture->options.driver, &capture->options.device,
                            &capture->options.path, &capture->options.folder,
                            &capture->options.safety_folder};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        if (!*texts[i])
            continue;
        *texts[i] = arena_copy_text(&capture->arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return error_no_memory(error);
    }
    capture->options.live = NULL;
    return SCOUT_OK;
}

// ----------------------------------------------------------------------------------------- sources

static size_t describe_sources(const ScoutCapture *capture, AudioCaptureOptions *sources)
{
    static const AudioSampleFormat FORMATS[] = {[SCOUT_SAMPLES_S16] = AUDIO_S16LE,
                                                [SCOUT_SAMPLES_S32] = AUDIO_S32LE,
                                                [SCOUT_SAMPLES_F32] = AUDIO_F32LE};
    const ScoutCaptureOptions *options = &capture->options;
    const ScoutEngine *engine = capture->engine;
    AudioCaptureOptions source = {.driver = options->driver,
                                  .device = options->device,
                                  .fast = !options->real_time,
                                  .raw_descriptor = options->fd,
                                  .raw_rate = options->rate,
                                  .raw_channels = options->channels,
                                  .raw_format = FORMATS[options->format],
                                  .cancel = &capture->cancel};
    source.decoder.program = engine ? engine->decoder : NULL;
    source.decoder.starter = engine ? engine->starter : NULL;
    sources[0] = sources[1] = source;
    switch (options->source) {
    case SCOUT_SOURCE_DEVICE: return 1;
    case SCOUT_SOURCE_SYSTEM: sources[0].device = AUDIO_DEVICE_SYSTEM; return 1;
    case SCOUT_SOURCE_DEVICE_AND_SYSTEM: sources[1].device = AUDIO_DEVICE_SYSTEM; return 2;
    case SCOUT_SOURCE_FILE:
        sources[0].driver = "file";
        sources[0].device = options->path;
        return 1;
    case SCOUT_SOURCE_RAW: sources[0].driver = "raw"; return 1;
    case SCOUT_SOURCE_NULL: sources[0].driver = "null"; return 1;
    }
    return 1;
}

static ScoutStatus open_lives(ScoutCapture *capture, const ScoutLiveOptions *given,
                              ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < capture->channels; i++) {
        CaptureChannel *channel = &capture->channel[i];
        *channel = (CaptureChannel){.capture = capture, .index = i};
        if (!given || status)
            continue;
        ScoutLiveOptions live = *given;
        live.start_s = 0;
        live.patient = capture_can_wait(capture);
        capture->backlog_max_s = live.backlog_max_s;
        status = scout_live_new(capture->engine, &live, capture_hear_live, channel, &channel->live,
                                error);
    }
    return status;
}

static ScoutStatus make_memory(ScoutCapture *capture, ScoutError *error)
{
    const size_t rate = AUDIO_CAPTURE_RATE;
    ScoutStatus status =
        capture_recent_init(&capture->taken, RECENT_S * rate, capture->channels, error);
    if (!status)
        status = capture_recent_init(&capture->aside, ASIDE_S * rate, capture->channels, error);
    if (status)
        return status;
    capture->frames = mem_array(READ_FRAMES * capture->channels, sizeof *capture->frames);
    capture->news = mem_array(CAPTURE_EVENTS_MAX, sizeof *capture->news);
    return capture->frames && capture->news ? SCOUT_OK : error_no_memory(error);
}

// ----------------------------------------------------------------------------------------- threads

// *result is written before anything is told: a receiver may want to cancel at once.
static ScoutStatus start_threads(ScoutCapture *capture, ScoutCapture **result, ScoutError *error)
{
    static const char NO_THREAD[] = "the system gives no thread: close other programs";
    capture->telling = pthread_create(&capture->teller, NULL, capture_teller, capture) == 0;
    if (!capture->telling)
        return error_set(error, SCOUT_ERROR_BUSY, NO_THREAD);
    ScoutCapture *const before = *result;
    *result = capture;
    capture->taking = pthread_create(&capture->taker, NULL, capture_take, capture) == 0;
    if (capture->taking)
        return SCOUT_OK;
    *result = before;
    return error_set(error, SCOUT_ERROR_BUSY, NO_THREAD);
}

static void join_threads(ScoutCapture *capture)
{
    if (capture->taking)
        (void)pthread_join(capture->taker, NULL);
    capture->taking = false;
    pthread_mutex_lock(&capture->posting);
    capture->closing = true;
    pthread_cond_signal(&capture->posted);
    pthread_mutex_unlock(&capture->posting);
    if (capture->telling)
        (void)pthread_join(capture->teller, NULL);
    capture->telling = false;
}

static void init_locks(ScoutCapture *capture)
{
    pthread_mutex_t *const locks[] = {&capture->wishes, &capture->keeping, &capture->calling,
                                      &capture->posting};
    for (size_t i = 0; i < BASE_COUNT(locks); i++)
        pthread_mutex_init(locks[i], NULL);
    condition_init(&capture->posted);
    cancel_init(&capture->cancel);
    atomic_init(&capture->stop, false);
    atomic_init(&capture->refused, false);
}

static ScoutStatus open_capture(ScoutCapture *capture, const ScoutCaptureOptions *options,
                                ScoutError *error)
{
    AudioCaptureOptions sources[CAPTURE_CHANNELS_MAX];
    ScoutStatus status = copy_options(capture, options, error);
    if (status)
        return status;
    capture->channels = describe_sources(capture, sources);
    status = make_memory(capture, error);
    if (!status)
        status = open_lives(capture, options->live, error);
    // Last, so that no sound comes while models are loaded.
    if (!status)
        status = audio_capture_set_open(sources, capture->channels, &capture->set, error);
    return status;
}

ScoutStatus scout_capture_new(ScoutEngine *engine, const ScoutCaptureOptions *options,
                              ScoutCaptureCallback callback, void *context, ScoutCapture **capture,
                              ScoutError *error)
{
    static const EngineOptionsKind kind = {.name = "ScoutCaptureOptions",
                                           .first_size = sizeof(ScoutCaptureOptions),
                                           .size = sizeof(ScoutCaptureOptions)};
    if (!callback || !capture)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         callback ? "capture" : "callback");
    ScoutCaptureOptions chosen;
    scout_capture_options_init(&chosen);
    ScoutStatus status = engine_copy_options(&kind, options, &chosen, error);
    if (!status)
        status = check_options(engine, &chosen, error);
    if (status)
        return status;
    ScoutCapture *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->engine = engine;
    made->callback = callback;
    made->context = context;
    arena_init(&made->arena, OPTION_TEXT_MAX);
    init_locks(made);
    status = open_capture(made, &chosen, error);
    if (!status)
        status = start_threads(made, capture, error);
    if (status)
        scout_capture_free(made);
    return status;
}

ScoutStatus scout_capture_pause(ScoutCapture *capture, double after_s, ScoutError *error)
{
    if (!capture || !(after_s >= 0 && after_s <= 60))
        return wrong(error, capture ? "after_s must be 0 to 60" : "capture is NULL");
    pthread_mutex_lock(&capture->wishes);
    capture->wants_pause = true;
    capture->wants_resume = false;
    capture->pause_after_s = after_s;
    pthread_mutex_unlock(&capture->wishes);
    return SCOUT_OK;
}

ScoutStatus scout_capture_resume(ScoutCapture *capture, double pre_roll_s, ScoutError *error)
{
    if (!capture || !(pre_roll_s >= 0 && pre_roll_s <= ASIDE_S))
        return wrong(error, capture ? "pre_roll_s must be 0 to 10" : "capture is NULL");
    pthread_mutex_lock(&capture->wishes);
    capture->wants_pause = false;
    capture->wants_resume = true;
    capture->resume_pre_roll_s = pre_roll_s;
    pthread_mutex_unlock(&capture->wishes);
    return SCOUT_OK;
}

void scout_capture_stop(ScoutCapture *capture)
{
    if (capture)
        atomic_store(&capture->stop, true);
}

void scout_capture_cancel(ScoutCapture *capture)
{
    if (!capture)
        return;
    cancel_raise(&capture->cancel);
    for (size_t i = 0; i < CAPTURE_CHANNELS_MAX; i++)
        scout_live_cancel(capture->channel[i].live);
}

ScoutStatus scout_capture_wait(ScoutCapture *capture, ScoutError *error)
{
    if (!capture)
        return wrong(error, "capture is NULL");
    join_threads(capture);
    return capture->failed ? error_set(error, capture->failed, "%s", capture->error.message)
                           : SCOUT_OK;
}

void scout_capture_free(ScoutCapture *capture)
{
    if (!capture)
        return;
    scout_capture_cancel(capture);
    join_threads(capture);
    for (size_t i = 0; i < CAPTURE_CHANNELS_MAX; i++)
        scout_live_free(capture->channel[i].live);
    audio_capture_set_close(capture->set);
    capture_recent_done(&capture->taken);
    capture_recent_done(&capture->aside);
    mem_free(capture->frames);
    mem_free(capture->news);
    mem_free(capture->recording.folder);
    arena_done(&capture->arena);
    pthread_cond_destroy(&capture->posted);
    pthread_mutex_t *const locks[] = {&capture->wishes, &capture->keeping, &capture->calling,
                                      &capture->posting};
    for (size_t i = 0; i < BASE_COUNT(locks); i++)
        pthread_mutex_destroy(locks[i]);
    mem_free(capture);
}
