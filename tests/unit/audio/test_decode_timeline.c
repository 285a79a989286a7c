// The recording's clock: jitter is ignored, gaps are filled, jumps are left out.
#include "timeline.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { RATE = 1000 };

static Timeline started(int64_t next)
{
    Timeline timeline;
    timeline_init(&timeline, RATE, 3600);
    timeline.next = next;
    return timeline;
}

static void check(Timeline *timeline, int64_t at, int64_t count, int64_t silence, int64_t next)
{
    TimelinePlace place = timeline_place(timeline, true, at, count);
    assert_int_equal(place.silence, silence);
    assert_int_equal(place.jump, 0);
    assert_int_equal(timeline->next, next);
}

static void test_frames_follow_each_other(void **state)
{
    (void)state;
    Timeline timeline = started(0);
    check(&timeline, 0, 20, 0, 20);
    check(&timeline, 20, 20, 0, 40);
    TimelinePlace place = timeline_place(&timeline, false, 777, 20); // no timestamp
    assert_int_equal(place.silence, 0);
    assert_int_equal(timeline.next, 60);
    assert_true(timeline_seconds(&timeline) == 0.06);
}

static void test_jitter_is_not_heard(void **state)
{
    (void)state;
    Timeline timeline = started(0);
    int64_t next = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t at = next + (i % 3 - 1) * 30;
        next += 20;
        check(&timeline, at, 20, 0, next);
    }
}

// 20 ms lost here and there: no single gap is large, but the times must not run away.
static void test_small_gaps_add_up(void **state)
{
    (void)state;
    Timeline timeline = started(0);
    int64_t at = 0;
    int64_t inserted = 0;
    for (int i = 0; i < 1000; i++) {
        TimelinePlace place = timeline_place(&timeline, true, at, 20);
        inserted += place.silence;
        at += i % 10 == 0 ? 40 : 20;
        assert_true(at - timeline.next <= 120);
    }
    assert_in_range(inserted, 1900, 2000);
}

static void test_gap_is_filled_to_the_sample(void **state)
{
    (void)state;
    Timeline timeline = started(500);
    check(&timeline, 1700, 20, 1200, 1720);
    check(&timeline, 1720, 20, 0, 1740);
}

static void test_after_a_loss_the_timestamp_is_believed(void **state)
{
    (void)state;
    Timeline timeline = started(500);
    timeline.exact = true;
    check(&timeline, 505, 20, 5, 525);
    assert_false(timeline.exact);
    timeline.exact = true; // without a timestamp, it holds for the one that comes
    (void)timeline_place(&timeline, false, 0, 20);
    assert_true(timeline.exact);
    check(&timeline, 548, 20, 3, 568);
}

static void test_overlap_is_kept_and_caught_up(void **state)
{
    (void)state;
    Timeline timeline = started(1000);
    check(&timeline, 700, 100, 0, 1100); // 300 ms of overlap: no sample is dropped
    check(&timeline, 1150, 100, 0, 1200);
}

static void test_restarted_clock_goes_on(void **state)
{
    (void)state;
    Timeline timeline = started(50000);
    check(&timeline, 0, 100, 0, 50100); // the second of two joined recordings
    check(&timeline, 100, 100, 0, 50200);
    check(&timeline, 700, 100, 500, 50800); // its own gaps are still seen
}

static void test_jump_ahead_is_left_out_and_told(void **state)
{
    (void)state;
    Timeline timeline = started(1000);
    int64_t far = 1000 + INT64_C(3601) * RATE;
    TimelinePlace place = timeline_place(&timeline, true, far, 20);
    assert_int_equal(place.silence, 0);
    assert_int_equal(place.jump, INT64_C(3601) * RATE);
    assert_int_equal(timeline.next, 1020);
    check(&timeline, far + 20, 20, 0, 1040);
}

static void test_longest_gap(void **state)
{
    (void)state;
    Timeline timeline = started(0);
    check(&timeline, INT64_C(3600) * RATE, 20, INT64_C(3600) * RATE, INT64_C(3600) * RATE + 20);
}

static void test_change_of_rate(void **state)
{
    (void)state;
    Timeline timeline = started(3000);
    timeline.shift = -500;
    timeline_set_rate(&timeline, 2 * RATE);
    assert_int_equal(timeline.next, 6000);
    assert_int_equal(timeline.shift, -1000);
    assert_true(timeline_seconds(&timeline) == 3.0);
}

static void test_extreme_timestamps_do_not_overflow(void **state)
{
    (void)state;
    Timeline timeline = started(0);
    int64_t far = INT64_C(1) << 47;
    for (int i = 0; i < 100; i++) {
        (void)timeline_place(&timeline, true, i % 2 ? far : -far, 20);
        assert_true(timeline.next >= 0 && timeline.next <= 2000);
    }
}

static void test_anchor_takes_the_median(void **state)
{
    (void)state;
    Anchor anchor = {0};
    assert_int_equal(anchor_next(&anchor, 42), 42);
    const int64_t off[] = {0, 0, 448, 0, -3};
    int64_t at = 10000;
    for (int i = 0; i < 5; i++) {
        anchor_add(&anchor, true, at + off[i], 100);
        at += 100;
    }
    anchor_add(&anchor, false, 5, 100);
    assert_int_equal(anchor_next(&anchor, 42), 10600);
}

static void test_anchor_forgets_old_frames(void **state)
{
    (void)state;
    Anchor anchor = {0};
    int64_t at = 0;
    for (int i = 0; i < 500; i++) {
        anchor_add(&anchor, true, at + (i < 400 ? 7777 : 0), 10);
        at += 10;
    }
    assert_int_equal(anchor_next(&anchor, 0), at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_follow_each_other),
        cmocka_unit_test(test_jitter_is_not_heard),
        cmocka_unit_test(test_small_gaps_add_up),
        cmocka_unit_test(test_gap_is_filled_to_the_sample),
        cmocka_unit_test(test_after_a_loss_the_timestamp_is_believed),
        cmocka_unit_test(test_overlap_is_kept_and_caught_up),
        cmocka_unit_test(test_restarted_clock_goes_on),
        cmocka_unit_test(test_jump_ahead_is_left_out_and_told),
        cmocka_unit_test(test_longest_gap),
        cmocka_unit_test(test_change_of_rate),
        cmocka_unit_test(test_extreme_timestamps_do_not_overflow),
        cmocka_unit_test(test_anchor_takes_the_median),
        cmocka_unit_test(test_anchor_forgets_old_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
