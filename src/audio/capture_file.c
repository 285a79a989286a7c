// A recording in the place of a microphone: any file, through the decoder child, as time passes or
// as fast as it is read. Its sound is heard when it is handed out.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "capture_driver.h"

enum { FRAGMENT = AUDIO_CAPTURE_RATE * AUDIO_CAPTURE_FRAGMENT_MS / 1000 };

static const int64_t SECOND_NS = 1000000000;

typedef struct FileSource {
    CaptureFeed *feed;
    AudioDecoder *decoder;
    Cancel cancel; // the driver's own: raised when it closes
    bool fast;
    uint64_t position;
    int64_t begin_ns;
    pthread_t thread;
} FileSource;

static int64_t time_of(const FileSource *source)
{
    return source->begin_ns + (int64_t)source->position * SECOND_NS / AUDIO_CAPTURE_RATE;
}

// Fills a fragment; less only at the end.
static ScoutStatus read_fragment(FileSource *source, float samples[FRAGMENT], size_t *count,
                                 ScoutError *error)
{
    *count = 0;
    size_t got = 1;
    while (*count < FRAGMENT && got > 0) {
        ScoutStatus status =
            audio_decoder_read(source->decoder, samples + *count, FRAGMENT - *count, &got, error);
        if (status)
            return status;
        *count += got;
    }
    return SCOUT_OK;
}

// A fragment is handed out when its last sample would have been heard. A file that was late,
// because it came through a slow pipe, plays on from there: nothing is skipped.
static bool keep_pace(FileSource *source, size_t count)
{
    if (!source->fast) {
        const int64_t now = clock_monotonic_ns();
        const int64_t length_ns = (int64_t)count * SECOND_NS / AUDIO_CAPTURE_RATE;
        const int64_t ahead_ns = time_of(source) + length_ns - now;
        if (ahead_ns > 0)
            clock_sleep_ms((ahead_ns + 999999) / 1000000);
        else if (ahead_ns < -SECOND_NS / 5)
            source->begin_ns -= ahead_ns;
    }
    return capture_feed_wait(source->feed, count);
}

static void deliver(FileSource *source, const float *samples, size_t count)
{
    int16_t frames[FRAGMENT];
    for (size_t i = 0; i < count; i++) {
        const long value = lrintf(samples[i] * 32768.0F);
        frames[i] = (int16_t)BASE_MIN(BASE_MAX(value, INT16_MIN), INT16_MAX);
    }
    const int64_t length_ns = (int64_t)count * SECOND_NS / AUDIO_CAPTURE_RATE;
    capture_feed_frames(source->feed, frames, count,
                        source->fast ? clock_monotonic_ns() - length_ns : time_of(source));
    source->position += count;
}

// A sentence for the file's damage, if there was some.
static void tell_problems(const FileSource *source, char text[AUDIO_CAPTURE_TEXT_MAX])
{
    size_t kept = 0;
    size_t total = 0;
    const AudioProblem *problems = audio_decoder_problems(source->decoder, &kept, &total);
    if (kept > 0)
        (void)snprintf(text, AUDIO_CAPTURE_TEXT_MAX,
                       "%zu part%s of the file could not be decoded; the first, from %.2f s: %s",
                       total, total == 1 ? "" : "s", problems[0].at_s, problems[0].message);
}

static void *play(void *context)
{
    FileSource *source = context;
    ScoutError error = {0};
    ScoutStatus status = SCOUT_OK;
    float samples[FRAGMENT];
    source->begin_ns = clock_monotonic_ns();
    for (;;) {
        size_t count = 0;
        status = read_fragment(source, samples, &count, &error);
        if (!keep_pace(source, count))
            return NULL;
        if (count == 0)
            break;
        deliver(source, samples, count);
        if (status)
            break;
    }
    char text[AUDIO_CAPTURE_TEXT_MAX] = "";
    tell_problems(source, text);
    capture_feed_end(source->feed, status, status ? error.message : text);
    return NULL;
}

static ScoutStatus start(FileSource *source, ScoutError *error)
{
    if (pthread_create(&source->thread, NULL, play, source) != 0)
        return error_set(error, SCOUT_ERROR_BUSY, "the system gives no thread to read the file");
    return SCOUT_OK;
}

static ScoutStatus open_file(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                             ScoutError *error)
{
    FileSource *source = mem_array(1, sizeof *source);
    if (!source)
        return error_no_memory(error);
    source->feed = feed;
    source->fast = options->fast;
    cancel_init(&source->cancel);
    AudioDecoderOptions decoder = options->decoder;
    decoder.cancel = &source->cancel;
    ScoutStatus status = capture_feed_begin(feed, AUDIO_CAPTURE_RATE, options->device, error);
    if (!status)
        status = audio_decoder_open(options->device, &decoder, &source->decoder, error);
    if (!status)
        status = start(source, error);
    if (status) {
        audio_decoder_close(source->decoder);
        mem_free(source);
        return status;
    }
    *state = source;
    return SCOUT_OK;
}

static void close_file(void *state)
{
    FileSource *source = state;
    cancel_raise(&source->cancel);
    (void)pthread_join(source->thread, NULL);
    audio_decoder_close(source->decoder);
    mem_free(source);
}

const CaptureDriver CAPTURE_FILE = {
    .name = "file",
    .title = "a file",
    .open = open_file,
    .close = close_file,
};
