// Sound through PortAudio, for systems without PulseAudio and PipeWire: Core Audio, WASAPI, plain
// ALSA. PortAudio's thread calls back with frames; that it has fallen silent is the supervisor's to
// see.
#include <dlfcn.h>
#include <portaudio.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "capture_driver.h"

enum { FRAGMENTS_A_SECOND = 1000 / AUDIO_CAPTURE_FRAGMENT_MS, CARDS_BYTES = 4096, STALE_S = 30 };

typedef struct PortSource {
    PaStream *stream;
    CaptureFeed *feed;
} PortSource;

// PortAudio lists devices when it is initialised and never again, and each time it leaks some
// kilobytes. So it stays initialised, and is begun anew only while no source is open and there is
// reason to: the sound cards are others, or it was long ago.
static struct {
    pthread_mutex_t lock; // guards all below
    bool initialised;
    int users;
    int64_t at_ns; // when it was
    char cards[CARDS_BYTES];
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

// ---- Libraries behind PortAudio that write to standard error. What it writes itself, when a
// device vanishes, cannot be hushed.

static void say_nothing(const char *file, int line, const char *function, int code,
                        const char *format, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)code;
    (void)format;
}

static void say_nothing_either(const char *text)
{
    (void)text;
}

// Tells a library that is loaded already, if it is, where its messages go.
static void hush(const char *library, const char *setter, const void *handler)
{
    void *loaded = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    void *found = loaded ? dlsym(loaded, setter) : NULL;
    void (*set)(const void *) = NULL;
    memcpy(&set, &found, sizeof set);
    if (set)
        set(handler);
    if (loaded)
        (void)dlclose(loaded);
}

static void hush_libraries(void)
{
    void (*alsa)(const char *, int, const char *, int, const char *, ...) = say_nothing;
    void (*jack)(const char *) = say_nothing_either;
    const void *handlers[2];
    memcpy(&handlers[0], &alsa, sizeof handlers[0]);
    memcpy(&handlers[1], &jack, sizeof handlers[1]);
    hush("libasound.so.2", "snd_lib_error_set_handler", handlers[0]);
    hush("libjack.so.0", "jack_set_error_function", handlers[1]);
}

// The sound cards as Linux tells them; elsewhere nothing.
static void read_cards(char out[CARDS_BYTES])
{
    FILE *file = fopen("/proc/asound/cards", "re");
    const size_t length = file ? fread(out, 1, CARDS_BYTES - 1, file) : 0;
    out[length] = '\0';
    if (file)
        (void)fclose(file);
}

// The lock is held.
static PaError initialise(void)
{
    char cards[CARDS_BYTES];
    read_cards(cards);
    const bool stale =
        !str_equal(cards, shared.cards) || clock_seconds_since(shared.at_ns) > STALE_S;
    if (shared.initialised && (shared.users > 0 || !stale))
        return paNoError;
    if (shared.initialised)
        (void)Pa_Terminate();
    hush_libraries();
    const PaError code = Pa_Initialize();
    shared.initialised = code == paNoError;
    shared.at_ns = clock_monotonic_ns();
    memcpy(shared.cards, cards, sizeof cards);
    return code;
}

static ScoutStatus begin(ScoutError *error)
{
    pthread_mutex_lock(&shared.lock);
    const PaError code = initialise();
    shared.users += code == paNoError;
    pthread_mutex_unlock(&shared.lock);
    if (code == paNoError)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_IO, "PortAudio does not start: %s", Pa_GetErrorText(code));
}

static void end(void)
{
    pthread_mutex_lock(&shared.lock);
    shared.users--;
    pthread_mutex_unlock(&shared.lock);
}

// ---- Devices

// Names are unique within a host API, such as "ALSA: HDA Intel PCH: ALC257 Analog (hw:0,0)".
static void name_device(const PaDeviceInfo *info, char out[AUDIO_DEVICE_TEXT_MAX])
{
    const PaHostApiInfo *api = Pa_GetHostApiInfo(info->hostApi);
    (void)snprintf(out, AUDIO_DEVICE_TEXT_MAX, "%s: %s", api ? api->name : "?", info->name);
    str_make_line(out);
}

static PaDeviceIndex find_device(const char *wanted)
{
    if (str_equal(wanted, AUDIO_DEVICE_DEFAULT))
        return Pa_GetDefaultInputDevice();
    const int count = Pa_GetDeviceCount();
    for (int i = 0; i < count; i++) {
        const PaDeviceInfo *info = Pa_GetDeviceInfo(i);
        char name[AUDIO_DEVICE_TEXT_MAX];
        name_device(info, name);
        if (info->maxInputChannels > 0 && str_equal(name, wanted))
            return i;
    }
    return paNoDevice;
}

static ScoutStatus list_port(AudioDevice *devices, size_t *count, ScoutError *error)
{
    ScoutStatus status = begin(error);
    if (status)
        return status;
    const int total = Pa_GetDeviceCount();
    size_t found = 0;
    for (int i = 0; i < total && found < AUDIO_DEVICES_MAX; i++) {
        const PaDeviceInfo *info = Pa_GetDeviceInfo(i);
        if (info->maxInputChannels <= 0)
            continue;
        AudioDevice *device = &devices[found++];
        *device =
            (AudioDevice){.driver = "portaudio", .is_default = i == Pa_GetDefaultInputDevice()};
        name_device(info, device->id);
        (void)str_copy(device->name, sizeof device->name, device->id);
    }
    end();
    *count = found;
    return SCOUT_OK;
}

// ---- The stream

static int on_frames(const void *input, void *output, unsigned long count,
                     const PaStreamCallbackTimeInfo *times, PaStreamCallbackFlags flags, void *data)
{
    (void)output;
    (void)flags; // an overflow does not say how much; the times of what comes next do
    PortSource *source = data;
    const double length_s = (double)count / source->feed->rate;
    // Some host APIs give no times, or wrong ones.
    const double ago_s = times ? times->currentTime - times->inputBufferAdcTime : 0;
    const double heard_s = ago_s >= length_s && ago_s < 2 ? ago_s : length_s;
    const int64_t heard_ns = clock_monotonic_ns() - (int64_t)(heard_s * 1e9);
    if (input)
        capture_feed_frames(source->feed, input, count, heard_ns);
    else
        capture_feed_lost(source->feed, count);
    return paContinue;
}

static ScoutStatus fail_device(const char *wanted, ScoutError *error)
{
    if (str_equal(wanted, AUDIO_DEVICE_SYSTEM))
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "what the machine plays can only be captured from PulseAudio or PipeWire; "
                         "PortAudio has no such device");
    if (str_equal(wanted, AUDIO_DEVICE_DEFAULT))
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "PortAudio finds no microphone: connect one or switch it on");
    return error_set(error, SCOUT_ERROR_NOT_FOUND,
                     "PortAudio has no device '%s': connect it or switch it on, or choose one of "
                     "those it lists",
                     wanted);
}

static ScoutStatus open_stream(PortSource *source, PaDeviceIndex index, ScoutError *error)
{
    const PaDeviceInfo *info = Pa_GetDeviceInfo(index);
    const double own = info->defaultSampleRate;
    const bool fits = own >= AUDIO_CAPTURE_RATE && own <= AUDIO_CAPTURE_RAW_RATE_MAX;
    const int rate = fits ? (int)own : AUDIO_CAPTURE_RATE;
    char name[AUDIO_DEVICE_TEXT_MAX];
    name_device(info, name);
    ScoutStatus status = capture_feed_begin(source->feed, rate, name, error);
    if (status)
        return status;
    const PaStreamParameters parameters = {.device = index,
                                           .channelCount = 1,
                                           .sampleFormat = paInt16,
                                           .suggestedLatency = info->defaultLowInputLatency};
    PaError code =
        Pa_OpenStream(&source->stream, &parameters, NULL, rate,
                      (unsigned long)(rate / FRAGMENTS_A_SECOND), paNoFlag, on_frames, source);
    if (code == paNoError)
        code = Pa_StartStream(source->stream);
    if (code == paNoError)
        return SCOUT_OK;
    const bool busy = code == paDeviceUnavailable;
    return error_set(error, busy ? SCOUT_ERROR_BUSY : SCOUT_ERROR_IO, "%s cannot be opened: %s%s",
                     name, Pa_GetErrorText(code),
                     busy ? "; another program may be using it, or this user may not" : "");
}

static void close_port(void *state)
{
    PortSource *source = state;
    if (source->stream) {
        (void)Pa_AbortStream(source->stream);
        (void)Pa_CloseStream(source->stream);
    }
    end();
    mem_free(source);
}

static ScoutStatus open_port(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                             ScoutError *error)
{
    PortSource *source = mem_array(1, sizeof *source);
    if (!source)
        return error_no_memory(error);
    source->feed = feed;
    ScoutStatus status = begin(error);
    if (status) {
        mem_free(source);
        return status;
    }
    const PaDeviceIndex index = find_device(options->device);
    status = index == paNoDevice ? fail_device(options->device, error)
                                 : open_stream(source, index, error);
    if (status) {
        close_port(source);
        return status;
    }
    *state = source;
    return SCOUT_OK;
}

extern const CaptureDriver CAPTURE_DRIVER_SYMBOL;
__attribute__((visibility("default"))) const CaptureDriver CAPTURE_DRIVER_SYMBOL = {
    .name = "portaudio",
    .title = "PortAudio",
    .live = true,
    .open = open_port,
    .close = close_port,
    .list = list_port,
};
