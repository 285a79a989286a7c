// A source that is no device: silence, or what a script says, as time passes or as fast as it is
// read. It behaves as a device in all else, and a script can lose it.
#include <pthread.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "capture_driver.h"

enum { FRAGMENT = AUDIO_CAPTURE_RATE * AUDIO_CAPTURE_FRAGMENT_MS / 1000 };

static const int64_t SECOND_NS = 1000000000;

typedef struct NullSource {
    CaptureFeed *feed;
    AudioScript script;
    void *context;
    bool fast;
    uint64_t position;
    int64_t begin_ns;
    pthread_t thread;
} NullSource;

static int silence(void *context, uint64_t position, int16_t *frames, int count)
{
    (void)context;
    (void)position;
    memset(frames, 0, (size_t)count * sizeof *frames);
    return count;
}

static int64_t time_of(const NullSource *source)
{
    return source->begin_ns + (int64_t)source->position * SECOND_NS / AUDIO_CAPTURE_RATE;
}

// Until what was made has been heard, or read. False when the feed closes.
static bool keep_pace(const NullSource *source)
{
    if (source->fast)
        return capture_feed_wait(source->feed, FRAGMENT);
    const int64_t ahead_ns = time_of(source) - clock_monotonic_ns();
    if (ahead_ns > 0)
        clock_sleep_ms((ahead_ns + 999999) / 1000000);
    return !atomic_load(&source->feed->closing);
}

static void *play(void *context)
{
    NullSource *source = context;
    int16_t frames[FRAGMENT];
    while (keep_pace(source)) {
        const int64_t captured_ns = time_of(source);
        const int made = source->script(source->context, source->position, frames, FRAGMENT);
        if (made <= 0) {
            const bool lost = made != AUDIO_SCRIPT_END;
            capture_feed_end(source->feed, lost ? SCOUT_ERROR_NOT_FOUND : SCOUT_OK,
                             lost ? "the scripted source is lost" : "");
            break;
        }
        source->position += (uint64_t)made;
        if (!source->fast)
            (void)keep_pace(source); // as a device, which gives a fragment when it is whole
        capture_feed_frames(source->feed, frames, (size_t)made, captured_ns);
    }
    return NULL;
}

static ScoutStatus open_null(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                             ScoutError *error)
{
    ScoutStatus status = capture_feed_begin(feed, AUDIO_CAPTURE_RATE, "the null source", error);
    if (status)
        return status;
    NullSource *source = mem_array(1, sizeof *source);
    if (!source)
        return error_no_memory(error);
    *source = (NullSource){
        .feed = feed,
        .script = options->null_script ? options->null_script : silence,
        .context = options->null_context,
        .fast = options->fast,
        .begin_ns = clock_monotonic_ns(),
    };
    if (pthread_create(&source->thread, NULL, play, source) != 0) {
        mem_free(source);
        return error_set(error, SCOUT_ERROR_BUSY, "the system gives no thread for the null source");
    }
    *state = source;
    return SCOUT_OK;
}

static void close_null(void *state)
{
    NullSource *source = state;
    (void)pthread_join(source->thread, NULL);
    mem_free(source);
}

const CaptureDriver CAPTURE_NULL = {
    .name = "null",
    .title = "silence, or a script",
    .live = true,
    .open = open_null,
    .close = close_null,
};
