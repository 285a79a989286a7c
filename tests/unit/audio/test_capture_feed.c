// Feeds and what is taken out of them: overruns to the frame, breaks, sleep, notes in their places.
#include "capture_feed.h"
#include "capture_intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/clock.h"

static const int64_t SECOND_NS = 1000000000;

static Wake arrived;
static ScoutError error;
static Intake intake;

static CaptureFeed *begun(int rate)
{
    CaptureFeed *feed = NULL;
    assert_int_equal(capture_feed_new(&arrived, &feed, &error), SCOUT_OK);
    assert_int_equal(capture_feed_begin(feed, rate, "a test", &error), SCOUT_OK);
    assert_int_equal(intake_begin(&intake, feed, &error), SCOUT_OK);
    return feed;
}

static void finish(CaptureFeed *feed)
{
    intake_done(&intake);
    capture_feed_free(feed);
}

static IntakePiece next(int16_t *frames, size_t most)
{
    IntakePiece piece;
    assert_int_equal(intake_next(&intake, frames, most, &piece, &error), SCOUT_OK);
    return piece;
}

static void deliver(CaptureFeed *feed, int from, size_t count, int64_t captured_ns)
{
    int16_t *frames = calloc(count, sizeof *frames);
    assert_non_null(frames);
    for (size_t i = 0; i < count; i++)
        frames[i] = (int16_t)(from + (int)i);
    capture_feed_frames(feed, frames, count, captured_ns);
    free(frames);
}

// Whatever the rate: what comes out is as long as what went in, with silence exactly where frames
// were lost.
static void check_overrun(int rate)
{
    CaptureFeed *feed = begun(rate);
    const size_t fragment = (size_t)rate / 50;
    const size_t capacity = feed->frames.capacity;
    int64_t now = SECOND_NS;
    uint64_t written = 0;
    uint64_t lost = 0;
    // Nobody reads: it fills up, and then counts.
    for (size_t sent = 0; sent < capacity + 20 * fragment; sent += fragment) {
        const uint64_t before = feed->lost;
        deliver(feed, 1, fragment, now);
        lost += feed->lost - before;
        written += feed->lost == before ? fragment : 0;
        now += (int64_t)fragment * SECOND_NS / rate;
    }
    assert_true(lost >= 20 * fragment && lost % fragment == 0);
    assert_int_equal(feed->lost, lost);
    // One reads again, and the next fragment says what was lost before it.
    static int16_t out[4096];
    uint64_t frames = 0;
    uint64_t silence = 0;
    bool last = false;
    for (;;) {
        IntakePiece piece = next(out, 4096);
        if (piece.kind == INTAKE_NOTHING && last)
            break;
        if (piece.kind == INTAKE_NOTHING) {
            deliver(feed, 1, fragment, now);
            capture_feed_end(feed, SCOUT_OK, "");
            last = true;
            continue;
        }
        if (piece.kind == INTAKE_NOTE) {
            assert_int_equal(piece.note.kind, CAPTURE_NOTE_END);
            break;
        }
        assert_true(piece.kind == INTAKE_FRAMES || piece.kind == INTAKE_SILENCE);
        if (piece.kind == INTAKE_SILENCE) {
            for (size_t i = 0; i < piece.count; i++)
                assert_int_equal(out[i], 0);
            if (silence == 0) {
                const double at = (double)frames / AUDIO_CAPTURE_RATE;
                assert_true(at * rate > (double)written - 2 && at * rate < (double)written + 2);
            }
            silence += piece.count;
        }
        frames += piece.count;
        // The times that come with frames stay true.
        const int64_t should = SECOND_NS + (int64_t)(frames - piece.count) * 62500;
        assert_true(llabs(piece.captured_ns - should) < 200000);
    }
    const double total = (double)(written + lost + fragment) * AUDIO_CAPTURE_RATE / rate;
    assert_true((double)frames > total - 2 && (double)frames < total + 2);
    const double should = (double)lost * AUDIO_CAPTURE_RATE / rate;
    assert_true((double)silence > should - 2 && (double)silence < should + 2);
    finish(feed);
}

static void test_overruns_are_silence_of_the_same_length(void **state)
{
    (void)state;
    check_overrun(16000);
    check_overrun(48000);
    check_overrun(44100);
    check_overrun(8000);
}

static void test_what_a_server_drops_is_silence(void **state)
{
    (void)state;
    CaptureFeed *feed = begun(16000);
    feed->live = true;
    static int16_t out[32000];
    deliver(feed, 1, 320, SECOND_NS);
    capture_feed_lost(feed, 1000); // a hole it tells
    deliver(feed, 5000, 320, SECOND_NS + 1320 * 62500);
    deliver(feed, 6000, 320, SECOND_NS + 1640 * 62500 + SECOND_NS); // one that it does not: 1 s
    assert_int_equal(next(out, 32000).count, 320);
    IntakePiece piece = next(out, 32000);
    assert_int_equal(piece.kind, INTAKE_SILENCE);
    assert_int_equal(piece.count, 1000);
    piece = next(out, 32000);
    assert_int_equal(piece.count, 320);
    assert_int_equal(out[0], 5000);
    piece = next(out, 32000);
    assert_int_equal(piece.kind, INTAKE_SILENCE);
    assert_in_range(piece.count, 15990, 16010);
    assert_int_equal(next(out, 32000).count, 320);
    finish(feed);
}

static void test_sleep_is_a_gap_and_no_silence(void **state)
{
    (void)state;
    CaptureFeed *feed = begun(48000);
    feed->live = true;
    static int16_t out[32000];
    deliver(feed, 1, 960, SECOND_NS);
    deliver(feed, 1, 960, SECOND_NS + SECOND_NS / 50);
    // Of the marks, the second was written after an hour's sleep.
    CaptureMark marks[2];
    assert_int_equal(ring_read(&feed->marks, marks, 2), 2);
    marks[1].slept_ns += 3600 * SECOND_NS;
    assert_int_equal(ring_write(&feed->marks, marks, 2), 2);
    size_t frames = 0;
    IntakePiece piece = next(out, 32000);
    while (piece.kind == INTAKE_FRAMES) {
        assert_true(llabs(piece.captured_ns - SECOND_NS) < SECOND_NS / 25);
        frames += piece.count;
        piece = next(out, 32000);
    }
    assert_int_equal(frames, 320);
    assert_int_equal(piece.kind, INTAKE_GAP);
    assert_in_range(piece.gap_ns / 1000000, 3600000 - 5, 3600000 + 5);
    capture_feed_end(feed, SCOUT_ERROR_IO, "it broke");
    piece = next(out, 32000);
    while (piece.kind == INTAKE_FRAMES) {
        frames += piece.count;
        piece = next(out, 32000);
    }
    assert_int_equal(frames, 640);
    assert_int_equal(piece.kind, INTAKE_NOTE);
    assert_string_equal(piece.note.text, "it broke");
    finish(feed);
}

static void test_notes_come_between_the_frames_they_were_written_between(void **state)
{
    (void)state;
    CaptureFeed *feed = begun(16000);
    int16_t out[1000];
    deliver(feed, 0, 100, SECOND_NS);
    capture_feed_device(feed, "another");
    deliver(feed, 100, 50, SECOND_NS + 100 * 62500);
    capture_feed_lost(feed, 30); // at the very end
    capture_feed_end(feed, SCOUT_ERROR_NOT_FOUND, "gone");
    capture_feed_end(feed, SCOUT_OK, "said too late");
    for (int i = 0; i < 20; i++)
        capture_feed_device(feed, "too many, and after the end");
    assert_int_equal(next(out, 60).count, 60);
    assert_int_equal(next(out, 60).count, 40);
    IntakePiece piece = next(out, 1000);
    assert_int_equal(piece.kind, INTAKE_NOTE);
    assert_string_equal(piece.note.text, "another");
    assert_int_equal(next(out, 1000).count, 50);
    piece = next(out, 1000);
    assert_int_equal(piece.kind, INTAKE_SILENCE);
    assert_int_equal(piece.count, 30);
    piece = next(out, 1000);
    assert_int_equal(piece.note.kind, CAPTURE_NOTE_END);
    assert_int_equal(piece.note.status, SCOUT_ERROR_NOT_FOUND);
    assert_string_equal(piece.note.text, "gone");
    finish(feed);
}

static void test_refuses_rates_it_cannot_convert(void **state)
{
    (void)state;
    CaptureFeed *feed = NULL;
    assert_int_equal(capture_feed_new(&arrived, &feed, &error), SCOUT_OK);
    assert_int_equal(capture_feed_begin(feed, 4000, "odd", &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(capture_feed_begin(feed, 200000, "odd", &error), SCOUT_ERROR_INVALID_ARGUMENT);
    capture_feed_free(feed);
}

static int begin_wake(void **state)
{
    (void)state;
    wake_init(&arrived);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overruns_are_silence_of_the_same_length),
        cmocka_unit_test(test_what_a_server_drops_is_silence),
        cmocka_unit_test(test_sleep_is_a_gap_and_no_silence),
        cmocka_unit_test(test_notes_come_between_the_frames_they_were_written_between),
        cmocka_unit_test(test_refuses_rates_it_cannot_convert),
    };
    return cmocka_run_group_tests(tests, begin_wake, NULL);
}
