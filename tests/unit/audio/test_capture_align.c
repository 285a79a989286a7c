// Two sources on two clocks that drift apart: their channels stay together, for hours of virtual
// time, through loss and return; and the clock that filters jittering times.
#include "capture_align.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"

enum { FRAGMENT = 320, RATE = AUDIO_CAPTURE_RATE };

static const int64_t SECOND_NS = 1000000000;
static const double PI = 3.14159265358979323846;

static uint64_t random_state = 88172645463325252U;

// In [-1, 1], the same each time.
static double noise(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

static void test_clock_finds_rate_and_time_through_jitter(void **state)
{
    (void)state;
    for (int ppm = -300; ppm <= 300; ppm += 150) {
        CaptureClock clock = {0};
        const double period = 1e9 / RATE * (1 + ppm * 1e-6);
        const int64_t begin = INT64_C(123456789012345);
        double worst = 0;
        for (uint64_t position = 0; position < (uint64_t)600 * RATE; position += FRAGMENT) {
            const int64_t truth = begin + (int64_t)((double)position * period);
            assert_true(clock_follow(&clock, position, truth + (int64_t)(noise() * 8e6)));
            const double off = (double)(clock_time_of(&clock, (double)position) - truth);
            if (position > (uint64_t)60 * RATE)
                worst = BASE_MAX(worst, fabs(off));
        }
        assert_true(worst < 3e6);
        assert_true(fabs(clock.period_ns / period - 1) < 30e-6);
        const double back =
            clock_position_at(&clock, clock_time_of(&clock, (double)clock.position + 100.5));
        assert_true(fabs(back - (double)clock.position - 100.5) < 0.01);
    }
}

static void test_clock_is_set_anew_by_a_jump(void **state)
{
    (void)state;
    CaptureClock clock = {0};
    assert_true(clock_follow(&clock, 0, SECOND_NS));
    assert_true(clock_follow(&clock, RATE, 2 * SECOND_NS));
    // One time that is far off is not believed.
    assert_true(clock_follow(&clock, 2 * RATE, 9 * SECOND_NS));
    assert_true(llabs(clock_time_of(&clock, 2.0 * RATE) - 3 * SECOND_NS) < 1000000);
    int times = 0;
    while (clock_follow(&clock, (uint64_t)(3 + times) * RATE, (10 + times) * SECOND_NS))
        assert_true(++times < 100);
    assert_true(llabs(clock_time_of(&clock, (3.0 + times) * RATE) - (10 + times) * SECOND_NS) < 10);
}

// A source of clicks, one a second of true time, on a clock that is off by ppm.
typedef struct Source {
    double ppm;
    double delay_s; // when it begins
    uint64_t position;
    double lost_from_s;
    double lost_to_s;
    bool was_lost;
} Source;

static double time_at(const Source *source, double position)
{
    return source->delay_s + position / (RATE * (1 + source->ppm * 1e-6));
}

// A short bump around each full second.
static int16_t click_at(double s)
{
    const double from = (s - floor(s + 0.5)) * RATE;
    return fabs(from) < 8 ? (int16_t)lrint(20000 * (1 + cos(PI * from / 8)) / 2) : 0;
}

static void push_source(Align *align, size_t channel, Source *source, double now_s)
{
    while (time_at(source, (double)source->position + FRAGMENT) <= now_s) {
        const double begin_s = time_at(source, (double)source->position);
        const bool lost = begin_s >= source->lost_from_s && begin_s < source->lost_to_s;
        if (lost) {
            align_pause(align, channel);
            source->delay_s += FRAGMENT / (RATE * (1 + source->ppm * 1e-6));
            source->was_lost = true;
            continue;
        }
        int16_t frames[FRAGMENT];
        for (int i = 0; i < FRAGMENT; i++)
            frames[i] = click_at(time_at(source, (double)source->position + i));
        const int64_t ns = (int64_t)((begin_s + 100) * 1e9) + (int64_t)(noise() * 4e6);
        assert_true(align_room(align, channel) >= FRAGMENT);
        align_push(align, channel, frames, FRAGMENT, ns, source->was_lost);
        source->was_lost = false;
        source->position += FRAGMENT;
    }
}

typedef struct Watcher {
    int64_t given;
    int64_t last_click[2];
    int64_t worst;
    int64_t clicks[2];
    int64_t pairs;
} Watcher;

static void watch(Watcher *watcher, const int16_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++) {
            if (frames[2 * i + (size_t)c] < 15000 ||
                watcher->given + (int64_t)i - watcher->last_click[c] < 100)
                continue;
            watcher->last_click[c] = watcher->given + (int64_t)i;
            watcher->clicks[c]++;
            const int64_t apart = llabs(watcher->last_click[0] - watcher->last_click[1]);
            if (apart < RATE / 2) {
                watcher->worst = BASE_MAX(watcher->worst, apart);
                watcher->pairs++;
            }
        }
    }
    watcher->given += (int64_t)count;
}

static Align *aligner(void)
{
    Align *align = calloc(1, sizeof *align);
    assert_non_null(align);
    align_init(align, 2, false);
    return align;
}

static Watcher run(Align *align, Source sources[2], double seconds, int64_t *gap_ns)
{
    Watcher watcher = {.last_click = {-RATE, -RATE}};
    int16_t frames[2 * 640];
    for (double now_s = 0; now_s < seconds; now_s += 0.02) {
        push_source(align, 0, &sources[0], now_s);
        push_source(align, 1, &sources[1], now_s);
        for (;;) {
            int64_t captured_ns = 0;
            int64_t gap = 0;
            const int64_t now_ns = (int64_t)((now_s + 100) * 1e9);
            const size_t got = align_pull(align, frames, 640, now_ns, &captured_ns, &gap);
            if (gap_ns)
                *gap_ns += gap;
            watch(&watcher, frames, got);
            if (got == 0)
                break;
        }
    }
    return watcher;
}

static void test_channels_stay_together_for_hours(void **state)
{
    (void)state;
    const double hours = getenv("SCOUT_TEST_LONG") ? 8 : 0.5;
    Align *align = aligner();
    Source sources[2] = {{.ppm = 150, .lost_from_s = 1e9},
                         {.ppm = -150, .delay_s = 0.4, .lost_from_s = 1e9}};
    const Watcher seen = run(align, sources, hours * 3600, NULL);
    assert_true(seen.pairs > (int64_t)(hours * 3600) - 5);
    // 20 ms is the promise.
    assert_true(seen.worst < RATE / 100);
    assert_true(align->jumps < 3);
    // The leader's frames are all there: the recording is as long as its clock says.
    assert_true(llabs(seen.given - (int64_t)sources[0].position) < RATE);
    free(align);
}

static void test_the_other_goes_on_when_one_is_lost(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        Align *align = aligner();
        Source sources[2] = {{.ppm = 100, .lost_from_s = 1e9}, {.ppm = -100, .lost_from_s = 1e9}};
        sources[lost].lost_from_s = 20.2;
        sources[lost].lost_to_s = 40.2;
        int64_t gap_ns = 0;
        const Watcher seen = run(align, sources, 60, &gap_ns);
        assert_in_range(seen.clicks[!lost], 57, 60);
        assert_in_range(seen.clicks[lost], 37, 40);
        assert_in_range(seen.given, 59 * RATE, 60 * RATE + RATE / 100);
        assert_true(seen.worst < RATE / 50);
        assert_int_equal(gap_ns, 0);
        free(align);
    }
}

static void test_where_none_runs_there_is_a_gap(void **state)
{
    (void)state;
    Align *align = aligner();
    Source sources[2] = {{.lost_from_s = 10.2, .lost_to_s = 30.2},
                         {.lost_from_s = 8.2, .lost_to_s = 25.2}};
    int64_t gap_ns = 0;
    const Watcher seen = run(align, sources, 40, &gap_ns);
    assert_in_range(gap_ns / 1000000, 14900, 15100);
    assert_in_range(seen.given, 24.5 * RATE, 25.1 * RATE);
    free(align);
}

static void test_fast_sources_are_aligned_by_position(void **state)
{
    (void)state;
    Align *align = calloc(1, sizeof *align);
    assert_non_null(align);
    align_init(align, 2, true);
    int16_t frames[1000];
    for (int i = 0; i < 1000; i++)
        frames[i] = (int16_t)(i * 31);
    int16_t out[2 * 3000];
    int64_t captured_ns = 0;
    int64_t gap_ns = 0;
    align_push(align, 0, frames, 1000, 5, false);
    align_push(align, 1, frames, 500, 6, false);
    size_t got = align_pull(align, out, 3000, SECOND_NS, &captured_ns, &gap_ns);
    assert_true(got > 0 && got <= 500);
    align_pause(align, 0);
    align_pause(align, 1);
    got += align_pull(align, out + 2 * got, 3000 - got, SECOND_NS, &captured_ns, &gap_ns);
    assert_int_equal(got, 1000);
    for (size_t i = 0; i < got; i++) {
        assert_int_equal(out[2 * i], frames[i]);
        assert_int_equal(out[2 * i + 1], i < 500 ? frames[i] : 0);
    }
    assert_int_equal(align_pull(align, out, 3000, SECOND_NS, &captured_ns, &gap_ns), 0);
    free(align);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_finds_rate_and_time_through_jitter),
        cmocka_unit_test(test_clock_is_set_anew_by_a_jump),
        cmocka_unit_test(test_channels_stay_together_for_hours),
        cmocka_unit_test(test_the_other_goes_on_when_one_is_lost),
        cmocka_unit_test(test_where_none_runs_there_is_a_gap),
        cmocka_unit_test(test_fast_sources_are_aligned_by_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
