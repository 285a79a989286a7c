// Which sound is a window: speech joined over short pauses, cut in pauses, at most 30 s.
#include "plan.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "window.h"

enum { RATE = 16000, SPANS_MAX = 64, FRAMES_MAX = 4096, FRAME = VAD_FRAME_SAMPLES };

// A track as voice activity would have filled it, up to `decided`.
typedef struct Heard {
    Track track;
    TrackSpan spans[SPANS_MAX];
    float probabilities[FRAMES_MAX];
} Heard;

static int64_t frames_of(double seconds)
{
    return (int64_t)(seconds * RATE) / FRAME * FRAME;
}

static void heard_init(Heard *heard, double decided_s)
{
    memset(heard, 0, sizeof *heard);
    heard->track = (Track){.end = frames_of(decided_s),
                           .decided = frames_of(decided_s),
                           .spans = heard->spans,
                           .span_capacity = SPANS_MAX,
                           .probabilities = heard->probabilities,
                           .frame_capacity = FRAMES_MAX,
                           .frame_count = (size_t)(frames_of(decided_s) / FRAME)};
    assert_true(heard->track.frame_count <= FRAMES_MAX);
}

static void set_probability(Heard *heard, double start_s, double end_s, float probability)
{
    for (int64_t i = frames_of(start_s) / FRAME; i < frames_of(end_s) / FRAME; i++)
        heard->probabilities[i] = probability;
}

static void add_speech(Heard *heard, double start_s, double end_s)
{
    Track *track = &heard->track;
    track->spans[track->span_count++] = (TrackSpan){frames_of(start_s), frames_of(end_s)};
    track->open = track->spans[track->span_count - 1].end == track->decided;
    set_probability(heard, start_s, end_s, 0.9f);
}

static void check(const Heard *heard, int64_t cursor, bool finished, PlanKind kind, double start_s,
                  double end_s)
{
    const Heard before = *heard;
    Plan plan = plan_next(&heard->track, cursor, finished);
    assert_memory_equal(&before, heard, sizeof before);
    Plan again = plan_next(&heard->track, cursor, finished);
    assert_int_equal(plan.kind, again.kind);
    assert_int_equal(plan.kind, kind);
    if (kind == PLAN_WAIT)
        return;
    assert_true(fabs((double)plan.start / RATE - start_s) <= 0.033);
    assert_true(fabs((double)plan.end / RATE - end_s) <= 0.033);
    assert_true(plan.end - plan.start <= WINDOW_SAMPLES_MAX);
}

static void silence_is_skipped_up_to_where_it_is_known(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 12);
    check(&heard, 0, false, PLAN_SKIP, 0, 12);
    check(&heard, frames_of(5), false, PLAN_SKIP, 5, 12);
    check(&heard, heard.track.decided, false, PLAN_WAIT, 0, 0);
    add_speech(&heard, 8, 9);
    check(&heard, 0, false, PLAN_SKIP, 0, 8);
}

static void short_pauses_join_and_long_ones_end_a_window(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 20);
    add_speech(&heard, 1, 4);
    add_speech(&heard, 5.5, 7);
    add_speech(&heard, 9.5, 11); // after 2.5 s
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 7);
    check(&heard, frames_of(2), false, PLAN_DECODE, 2, 7);
    check(&heard, frames_of(7), false, PLAN_SKIP, 7, 9.5);
    check(&heard, frames_of(9.5), false, PLAN_DECODE, 9.5, 11);
}

static void the_last_speech_waits_for_what_follows(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 5);
    add_speech(&heard, 1, 4);
    check(&heard, frames_of(1), false, PLAN_WAIT, 0, 0);
    check(&heard, frames_of(1), true, PLAN_DECODE, 1, 4);
    heard_init(&heard, 6.5);
    add_speech(&heard, 1, 4);
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 4);
    heard_init(&heard, 4);
    add_speech(&heard, 1, 4); // goes on
    check(&heard, frames_of(1), false, PLAN_WAIT, 0, 0);
    check(&heard, frames_of(1), true, PLAN_DECODE, 1, 4);
}

static void a_full_window_ends_before_the_speech_that_does_not_fit(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 60);
    add_speech(&heard, 1, 20);
    add_speech(&heard, 21, 29);
    add_speech(&heard, 30, 40);
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 29);
}

static void long_speech_is_cut_in_its_pause(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 50);
    add_speech(&heard, 1, 50);
    set_probability(&heard, 12, 12.4, 0.1f); // long, but early
    set_probability(&heard, 24, 24.15, 0.1f);
    set_probability(&heard, 26, 26.3, 0.1f);
    set_probability(&heard, 30.9, 31.3, 0.1f); // the window ends in it
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 26.15);
    Plan plan = plan_next(&heard.track, frames_of(1), false);
    assert_false(plan.cut);
    // Of equal pauses the last; more than half a second is no better.
    set_probability(&heard, 28, 28.6, 0.1f);
    set_probability(&heard, 22.5, 23.9, 0.1f);
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 28.3);
}

static void early_pauses_are_taken_when_there_are_no_others(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 50);
    add_speech(&heard, 1, 50);
    set_probability(&heard, 12, 12.4, 0.1f);
    set_probability(&heard, 4, 5, 0.1f);      // too early: little would be gained
    set_probability(&heard, 25, 25.05, 0.1f); // no pause
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 12.2);
}

static void speech_without_a_pause_is_cut_where_the_window_is_full(void **state)
{
    (void)state;
    Heard heard;
    heard_init(&heard, 50);
    add_speech(&heard, 1, 50);
    check(&heard, frames_of(1), false, PLAN_DECODE, 1, 31);
    Plan plan = plan_next(&heard.track, frames_of(1), false);
    assert_true(plan.cut);
    assert_int_equal(plan.end - plan.start, WINDOW_SAMPLES_MAX);
    check(&heard, frames_of(31), false, PLAN_WAIT, 0, 0);
    check(&heard, frames_of(31), true, PLAN_DECODE, 31, 50);
}

static void without_voice_activity_all_is_speech(void **state)
{
    (void)state;
    TrackSpan span = {0, (int64_t)75 * RATE};
    Track track = {.end = span.end,
                   .decided = span.end,
                   .spans = &span,
                   .span_capacity = 1,
                   .span_count = 1,
                   .open = true};
    Plan plan = plan_next(&track, 0, false);
    assert_int_equal(plan.kind, PLAN_DECODE);
    assert_true(plan.cut && plan.start == 0 && plan.end == WINDOW_SAMPLES_MAX);
    assert_int_equal(plan_next(&track, (int64_t)50 * RATE, false).kind, PLAN_WAIT);
    plan = plan_next(&track, (int64_t)50 * RATE, true);
    assert_int_equal(plan.kind, PLAN_DECODE);
    assert_true(!plan.cut && plan.end == span.end);
}

// More sound behind what made a window clear changes nothing about it.
static void what_comes_later_changes_no_window(void **state)
{
    (void)state;
    Heard now, later;
    heard_init(&now, 34);
    add_speech(&now, 1, 34);
    set_probability(&now, 26, 26.3, 0.1f);
    heard_init(&later, 90);
    add_speech(&later, 1, 90);
    set_probability(&later, 26, 26.3, 0.1f);
    set_probability(&later, 40, 41, 0.1f);
    Plan first = plan_next(&now.track, frames_of(1), false);
    Plan second = plan_next(&later.track, frames_of(1), false);
    assert_int_equal(first.kind, PLAN_DECODE);
    assert_true(first.start == second.start && first.end == second.end && first.cut == second.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_skipped_up_to_where_it_is_known),
        cmocka_unit_test(short_pauses_join_and_long_ones_end_a_window),
        cmocka_unit_test(the_last_speech_waits_for_what_follows),
        cmocka_unit_test(a_full_window_ends_before_the_speech_that_does_not_fit),
        cmocka_unit_test(long_speech_is_cut_in_its_pause),
        cmocka_unit_test(early_pauses_are_taken_when_there_are_no_others),
        cmocka_unit_test(speech_without_a_pause_is_cut_where_the_window_is_full),
        cmocka_unit_test(without_voice_activity_all_is_speech),
        cmocka_unit_test(what_comes_later_changes_no_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
