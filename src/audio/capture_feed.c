// Frames, marks and notes from a driver's thread to the consumer: see capture_feed.h.
#include "capture_feed.h"

#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"

enum { MARKS = 4096, NOTES = 8, WAIT_MS = 100, RUNS_A_SECOND = 20 };

static const int64_t SECOND_NS = 1000000000;

ScoutStatus capture_feed_new(Wake *arrived, CaptureFeed **feed, ScoutError *error)
{
    CaptureFeed *made = mem_aligned(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (CaptureFeed){.arrived = arrived};
    wake_init(&made->room);
    ScoutStatus status = ring_init(&made->marks, sizeof(CaptureMark), MARKS, error);
    if (!status)
        status = ring_init(&made->notes, sizeof(CaptureNote), NOTES, error);
    if (status) {
        capture_feed_free(made);
        return status;
    }
    *feed = made;
    return SCOUT_OK;
}

void capture_feed_free(CaptureFeed *feed)
{
    if (!feed)
        return;
    ring_done(&feed->frames);
    ring_done(&feed->marks);
    ring_done(&feed->notes);
    wake_done(&feed->room);
    mem_free(feed);
}

ScoutStatus capture_feed_begin(CaptureFeed *feed, int rate, const char *name, ScoutError *error)
{
    if (rate < AUDIO_CAPTURE_RAW_RATE_MIN || rate > AUDIO_CAPTURE_RAW_RATE_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s gives %d frames a second; %d to %d can be converted", name, rate,
                         AUDIO_CAPTURE_RAW_RATE_MIN, AUDIO_CAPTURE_RAW_RATE_MAX);
    const size_t hold = (size_t)rate * AUDIO_CAPTURE_HOLD_MS / 1000;
    ScoutStatus status = ring_init(&feed->frames, sizeof(int16_t), hold, error);
    if (status)
        return status;
    feed->rate = rate;
    (void)str_copy(feed->device, sizeof feed->device, name);
    return SCOUT_OK;
}

static int64_t slept_ns(void)
{
    struct timespec boot;
    struct timespec awake;
    (void)clock_gettime(CLOCK_MONOTONIC, &awake);
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    return ((int64_t)boot.tv_sec - awake.tv_sec) * SECOND_NS + boot.tv_nsec - awake.tv_nsec;
}

// Frames of one mark: all of them or none.
static void deliver_run(CaptureFeed *feed, const int16_t *frames, size_t count, int64_t captured_ns)
{
    if (ring_room(&feed->marks) == 0 || ring_room(&feed->frames) < count) {
        capture_feed_lost(feed, count);
        return;
    }
    const CaptureMark mark = {
        .position = feed->position,
        .lost = feed->lost,
        .count = count,
        .captured_ns = captured_ns,
        .slept_ns = slept_ns(),
    };
    // The reader looks for frames only when it has their mark.
    (void)ring_write(&feed->frames, frames, count);
    (void)ring_write(&feed->marks, &mark, 1);
    feed->position += count;
    feed->written += count;
    feed->lost = 0;
}

void capture_feed_frames(CaptureFeed *feed, const int16_t *frames, size_t count,
                         int64_t captured_ns)
{
    const size_t run = (size_t)feed->rate / RUNS_A_SECOND;
    for (size_t at = 0; at < count; at += run)
        deliver_run(feed, frames + at, BASE_MIN(run, count - at),
                    captured_ns + (int64_t)at * SECOND_NS / feed->rate);
    atomic_store_explicit(&feed->delivered_ns, clock_monotonic_ns(), memory_order_relaxed);
    atomic_store_explicit(&feed->heard_ns, captured_ns + (int64_t)count * SECOND_NS / feed->rate,
                          memory_order_relaxed);
    wake_post(feed->arrived);
}

void capture_feed_lost(CaptureFeed *feed, size_t count)
{
    feed->lost += count;
    feed->position += count;
}

static void write_note(CaptureFeed *feed, CaptureNote *note, const char *text)
{
    note->frames = feed->written;
    (void)str_copy(note->text, sizeof note->text, text);
    (void)ring_write(&feed->notes, note, 1);
    wake_post(feed->arrived);
}

void capture_feed_device(CaptureFeed *feed, const char *name)
{
    CaptureNote note = {.kind = CAPTURE_NOTE_DEVICE};
    // One place stays free for the END.
    if (ring_room(&feed->notes) > 1)
        write_note(feed, &note, name);
}

void capture_feed_end(CaptureFeed *feed, ScoutStatus status, const char *text)
{
    if (atomic_load(&feed->end) != CAPTURE_FEED_GOES_ON)
        return;
    CaptureNote note = {.kind = CAPTURE_NOTE_END, .status = status, .lost = feed->lost};
    write_note(feed, &note, text ? text : "");
    atomic_store(&feed->end, status ? CAPTURE_FEED_BROKEN : CAPTURE_FEED_DONE);
}

bool capture_feed_wait(CaptureFeed *feed, size_t count)
{
    while (!atomic_load(&feed->closing)) {
        if (ring_room(&feed->frames) >= count && ring_room(&feed->marks) > 0)
            return true;
        wake_wait(&feed->room, WAIT_MS, NULL);
    }
    return false;
}
