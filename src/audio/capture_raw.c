// Raw samples from a descriptor, as `arecord`, `sox` and `ffmpeg` write them to a pipe: any rate,
// any number of channels, three formats. Whoever writes waits when the consumer does.
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "capture_driver.h"

enum { POLL_MS = 50, BLOCK_BYTES = 32768, SAMPLE_BYTES_MAX = 4 };

static const int64_t SECOND_NS = 1000000000;

typedef struct RawSource {
    CaptureFeed *feed;
    int descriptor;
    int rate;
    size_t channels;
    size_t sample_bytes;
    AudioSampleFormat format;
    pthread_t thread;
    size_t filled; // bytes of a frame that is not whole yet, at the block's beginning
    uint8_t block[BLOCK_BYTES];
} RawSource;

// One sample of little-endian bytes, on the scale of 16 bits.
static double sample_at(AudioSampleFormat format, const uint8_t *bytes)
{
    if (format == AUDIO_S16LE)
        return (int16_t)(uint16_t)(bytes[0] | bytes[1] << 8);
    const uint32_t word = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
    if (format == AUDIO_S32LE)
        return (double)(int32_t)word / 65536;
    float value;
    memcpy(&value, &word, sizeof value);
    return isfinite(value) ? (double)value * 32768 : 0;
}

static int16_t mean_at(const RawSource *source, const uint8_t *frame)
{
    double sum = 0;
    for (size_t c = 0; c < source->channels; c++)
        sum += sample_at(source->format, frame + c * source->sample_bytes);
    const double mean = sum / (double)source->channels;
    return (int16_t)lrint(BASE_MIN(BASE_MAX(mean, (double)INT16_MIN), (double)INT16_MAX));
}

// Delivers the whole frames of the block and keeps what is left over. False when the feed closes.
static bool deliver(RawSource *source)
{
    _Static_assert(BLOCK_BYTES / 2 <= AUDIO_CAPTURE_RAW_RATE_MIN * AUDIO_CAPTURE_HOLD_MS / 1000,
                   "a block fits into the feed");
    const size_t frame_bytes = source->channels * source->sample_bytes;
    const size_t count = source->filled / frame_bytes;
    const int64_t heard_ns = clock_monotonic_ns() - (int64_t)count * SECOND_NS / source->rate;
    int16_t frames[BLOCK_BYTES / 2];
    for (size_t i = 0; i < count; i++)
        frames[i] = mean_at(source, source->block + i * frame_bytes);
    if (!capture_feed_wait(source->feed, count))
        return false;
    if (count > 0)
        capture_feed_frames(source->feed, frames, count, heard_ns);
    source->filled -= count * frame_bytes;
    memmove(source->block, source->block + count * frame_bytes, source->filled);
    return true;
}

typedef enum Input { INPUT_CAME, INPUT_ENDED, INPUT_CLOSED, INPUT_FAILED } Input;

static Input read_block(RawSource *source, int *code)
{
    while (!atomic_load(&source->feed->closing)) {
        struct pollfd input = {.fd = source->descriptor, .events = POLLIN};
        const int ready = poll(&input, 1, POLL_MS);
        if (ready <= 0)
            continue;
        const ssize_t got = read(source->descriptor, source->block + source->filled,
                                 sizeof source->block - source->filled);
        *code = errno;
        if (got == 0)
            return INPUT_ENDED;
        if (got > 0) {
            source->filled += (size_t)got;
            return INPUT_CAME;
        }
        if (*code != EINTR && *code != EAGAIN)
            return INPUT_FAILED;
    }
    return INPUT_CLOSED;
}

static void *read_all(void *context)
{
    RawSource *source = context;
    int code = 0;
    Input input = INPUT_CAME;
    while (input == INPUT_CAME) {
        input = read_block(source, &code);
        if (input == INPUT_CAME && !deliver(source))
            return NULL;
    }
    char text[AUDIO_CAPTURE_TEXT_MAX] = "";
    if (input == INPUT_ENDED && source->filled > 0)
        (void)snprintf(text, sizeof text,
                       "the raw sound ended in the middle of a frame, %zu bytes of %zu: is the "
                       "sample format or the number of channels another one?",
                       source->filled, source->channels * source->sample_bytes);
    ScoutError error = {0};
    if (input == INPUT_FAILED)
        (void)error_set_errno(&error, code, "the raw sound cannot be read");
    capture_feed_end(source->feed, error.status, error.status ? error.message : text);
    return NULL;
}

static ScoutStatus check(const AudioCaptureOptions *options, ScoutError *error)
{
    const int rate = options->raw_rate;
    if (rate != 0 && (rate < AUDIO_CAPTURE_RAW_RATE_MIN || rate > AUDIO_CAPTURE_RAW_RATE_MAX))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "raw sound of %d samples a second: rates from %d to %d are taken", rate,
                         AUDIO_CAPTURE_RAW_RATE_MIN, AUDIO_CAPTURE_RAW_RATE_MAX);
    if (options->raw_channels < 0 || options->raw_channels > AUDIO_CAPTURE_RAW_CHANNELS_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "raw sound of %d channels: 1 to %d are taken", options->raw_channels,
                         AUDIO_CAPTURE_RAW_CHANNELS_MAX);
    if (options->raw_format != AUDIO_S16LE && options->raw_format != AUDIO_S32LE &&
        options->raw_format != AUDIO_F32LE)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "raw sound is taken as s16le, s32le or f32le");
    if (isatty(options->raw_descriptor))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "raw sound is to come from a terminal: pipe it in");
    struct pollfd input = {.fd = options->raw_descriptor};
    if (poll(&input, 1, 0) < 0 || input.revents & POLLNVAL)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "raw sound is to come from a descriptor that is closed");
    return SCOUT_OK;
}

static ScoutStatus open_raw(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                            ScoutError *error)
{
    ScoutStatus status = check(options, error);
    const int rate = options->raw_rate ? options->raw_rate : AUDIO_CAPTURE_RATE;
    if (!status)
        status = capture_feed_begin(feed, rate, "raw sound", error);
    if (status)
        return status;
    RawSource *source = mem_array(1, sizeof *source);
    if (!source)
        return error_no_memory(error);
    source->feed = feed;
    source->descriptor = options->raw_descriptor;
    source->rate = rate;
    source->channels = options->raw_channels ? (size_t)options->raw_channels : 1;
    source->sample_bytes = options->raw_format == AUDIO_S16LE ? 2 : SAMPLE_BYTES_MAX;
    source->format = options->raw_format;
    if (pthread_create(&source->thread, NULL, read_all, source) != 0) {
        mem_free(source);
        return error_set(error, SCOUT_ERROR_BUSY, "the system gives no thread to read raw sound");
    }
    *state = source;
    return SCOUT_OK;
}

static void close_raw(void *state)
{
    RawSource *source = state;
    (void)pthread_join(source->thread, NULL);
    mem_free(source);
}

const CaptureDriver CAPTURE_RAW = {
    .name = "raw",
    .title = "raw samples",
    .open = open_raw,
    .close = close_raw,
};
