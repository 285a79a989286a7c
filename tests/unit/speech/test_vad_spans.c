// The rules of voice activity, on probabilities written by hand: where spans begin and end, that
// every frame lies in exactly one, and how long a decision takes.
#include "vad_spans.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/attributes.h"

enum { SPANS_MAX = 4096 };

// What the sink saw, checked as it comes: no gap, no overlap, kinds and pieces consistent.
typedef struct Seen {
    size_t count;
    VadSpan spans[SPANS_MAX];
    int64_t end; // in samples
    int64_t longest_wait;
    ScoutStatus answer;
} Seen;

static Seen seen;

static ScoutStatus keep_span(void *context, const VadSpan *span)
{
    Seen *const all = context;
    assert_int_equal(span->start_samples, all->end);
    assert_true(span->end_samples > span->start_samples);
    const int64_t frames =
        (span->end_samples - span->start_samples + VAD_FRAME_SAMPLES - 1) / VAD_FRAME_SAMPLES;
    assert_int_equal(span->frame_count, frames);
    if (all->count > 0) {
        const VadSpan *const before = &all->spans[(all->count - 1) % SPANS_MAX];
        assert_int_equal(before->continues, before->speech == span->speech);
    }
    all->spans[all->count % SPANS_MAX] = *span;
    all->count++;
    all->end = span->end_samples;
    return all->answer;
}

// Times are in frames of 32 ms; padding 3 before and 2 after, hold 4, gaps up to 5 are closed.
static VadOptions small_options(void)
{
    return (VadOptions){
        .onset = 0.5f,
        .offset = 0.2f,
        .onset_ms = 2 * 32,
        .hold_ms = 4 * 32,
        .pad_before_ms = 3 * 32,
        .pad_after_ms = 2 * 32,
        .min_gap_ms = 5 * 32,
        .max_span_ms = 60000,
    };
}

static void start(VadSpans *spans, const VadOptions *options)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(vad_spans_init(spans, options, keep_span, &seen, NULL), SCOUT_OK);
}

// Pushes one frame a character: '.' 0, '-' 0.3 (kept, does not begin), '#' 0.9.
static void push_text(VadSpans *spans, const char *text)
{
    for (; *text; text++) {
        const float probability = *text == '#' ? 0.9f : *text == '-' ? 0.3f : 0.0f;
        assert_int_equal(vad_spans_push(spans, probability), SCOUT_OK);
    }
}

// Runs text as a whole stream; expected has an 'S' for each frame of speech and a '.' for others.
static void check(const VadOptions *options, const char *text, const char *expected)
{
    VadSpans spans;
    start(&spans, options);
    push_text(&spans, text);
    const int64_t frames = (int64_t)strlen(text);
    assert_int_equal(vad_spans_flush(&spans, frames * VAD_FRAME_SAMPLES), SCOUT_OK);
    assert_int_equal(seen.end, frames * VAD_FRAME_SAMPLES);
    char *const got = calloc((size_t)frames + 1, 1);
    assert_non_null(got);
    for (size_t i = 0; i < seen.count; i++)
        memset(got + seen.spans[i].start_samples / VAD_FRAME_SAMPLES,
               seen.spans[i].speech ? 'S' : '.', seen.spans[i].frame_count);
    assert_string_equal(got, expected);
    free(got);
    vad_spans_done(&spans);
}

static void test_speech_is_padded(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "............####............", //
          ".........SSSSSSSSS..........");
}

static void test_speech_reaches_back_to_its_first_frame(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "............--.-##-.-...........", //
          ".........SSSSSSSSSSSSSS.........");
}

static void test_weak_frames_alone_are_not_speech(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "......-----------......--.....", //
          "..............................");
}

static void test_one_strong_frame_is_not_enough(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "..........#.........#.........", //
          "..............................");
}

static void test_no_speech_at_all(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, ".", ".");
    check(&options, "...", "..."); // shorter than the shortest gap
    check(&options, "....................", "....................");
}

static void test_short_gaps_are_closed(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    // Between the padded parts lie 5 frames, then 6.
    check(&options, ".............##..........##.............", //
          "..........SSSSSSSSSSSSSSSSSSS...........");
    check(&options, ".............##...........##.............", //
          "..........SSSSSSS......SSSSSSS...........");
}

static void test_short_edges_belong_to_speech(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "........##.......", "SSSSSSSSSSSSSSSSS");
    check(&options, ".........##........", "......SSSSSSS......");
}

// Silence shorter than the hold does not end speech, so weak frames after it continue it.
static void test_hold(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "..............##...-................", //
          "...........SSSSSSSSSSS..............");
    check(&options, "..............##....-................", //
          "...........SSSSSSS...................");
}

// The padding after speech reaches beyond the hold, and speech begins again inside it.
static void test_padding_longer_than_the_hold(void **state)
{
    (void)state;
    VadOptions options = small_options();
    options.hold_ms = 2 * 32;
    options.pad_after_ms = 6 * 32;
    check(&options, "..............####...####............", //
          "...........SSSSSSSSSSSSSSSSSSSS......");
}

static void test_stream_that_ends_in_speech(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    check(&options, "..............####", "...........SSSSSSS");
    check(&options, "..............####.", "...........SSSSSSSS");
}

static void test_partial_last_frame(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    VadSpans spans;
    start(&spans, &options);
    push_text(&spans, "..............####");
    assert_int_equal(vad_spans_flush(&spans, 17 * VAD_FRAME_SAMPLES + 1), SCOUT_OK);
    assert_int_equal(seen.end, 17 * VAD_FRAME_SAMPLES + 1);
    assert_int_equal(seen.spans[1].frame_count, 7);
    vad_spans_done(&spans);
}

static void test_evidence(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    VadSpans spans;
    start(&spans, &options);
    push_text(&spans, "....................##....................");
    assert_int_equal(vad_spans_flush(&spans, (int64_t)42 * VAD_FRAME_SAMPLES), SCOUT_OK);
    assert_int_equal(seen.count, 3);
    assert_true(seen.spans[0].probability_max == 0.0f);
    assert_true(seen.spans[1].probability_max == 0.9f);
    assert_float_equal(seen.spans[1].probability_mean, 1.8 / 7, 1e-6);
    vad_spans_done(&spans);
}

static void test_long_spans_come_in_pieces(void **state)
{
    (void)state;
    VadOptions options = small_options();
    options.max_span_ms = 1000; // 32 frames
    VadSpans spans;
    start(&spans, &options);
    for (size_t i = 0; i < 100; i++)
        push_text(&spans, "#");
    for (size_t i = 0; i < 100; i++)
        push_text(&spans, ".");
    assert_int_equal(vad_spans_flush(&spans, (int64_t)200 * VAD_FRAME_SAMPLES), SCOUT_OK);
    // 102 frames of speech, 98 of none: 32 + 32 + 32 + 6 and 32 + 32 + 32 + 2.
    assert_int_equal(seen.count, 8);
    const size_t lengths[] = {32, 32, 32, 6, 32, 32, 32, 2};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(seen.spans[i].frame_count, lengths[i]);
        assert_int_equal(seen.spans[i].continues, i % 4 != 3);
        assert_int_equal(seen.spans[i].speech, i < 4);
    }
    vad_spans_done(&spans);
}

static void test_pending_grows_until_it_is_delivered(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    VadSpans spans;
    start(&spans, &options);
    assert_int_equal(vad_spans_pending(&spans).frame_count, 0);
    push_text(&spans, "..................##");
    VadSpan pending = vad_spans_pending(&spans);
    assert_true(pending.speech);
    assert_int_equal(pending.start_samples, 15 * VAD_FRAME_SAMPLES);
    assert_int_equal(pending.end_samples, 20 * VAD_FRAME_SAMPLES);
    push_text(&spans, "####");
    pending = vad_spans_pending(&spans);
    assert_int_equal(pending.frame_count, 9);
    assert_true(pending.probabilities[8] == 0.9f);
    assert_int_equal(seen.count, 1);
    vad_spans_done(&spans);
}

static void test_a_failing_sink_ends_the_stream(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    VadSpans spans;
    start(&spans, &options);
    seen.answer = SCOUT_ERROR_CANCELLED;
    push_text(&spans, "..................#");
    assert_int_equal(vad_spans_push(&spans, 0.9f), SCOUT_ERROR_CANCELLED);
    assert_int_equal(seen.count, 1);
    assert_int_equal(vad_spans_push(&spans, 0.9f), SCOUT_ERROR_CANCELLED);
    assert_int_equal(vad_spans_flush(&spans, 100), SCOUT_ERROR_CANCELLED);
    assert_int_equal(seen.count, 1);
    vad_spans_done(&spans);
}

static void test_a_flushed_stream_begins_anew(void **state)
{
    (void)state;
    const VadOptions options = small_options();
    VadSpans spans;
    start(&spans, &options);
    for (size_t i = 0; i < 2; i++) {
        seen.end = 0;
        seen.count = 0;
        push_text(&spans, "............####");
        assert_int_equal(vad_spans_flush(&spans, 16 * VAD_FRAME_SAMPLES), SCOUT_OK);
        assert_int_equal(seen.count, 2);
        assert_int_equal(seen.spans[1].start_samples, 9 * VAD_FRAME_SAMPLES);
        assert_int_equal(vad_spans_flush(&spans, 0), SCOUT_OK); // nothing was pushed
        assert_int_equal(seen.count, 2);
    }
    vad_spans_done(&spans);
}

// Random streams, a day of them, with all kinds of options: memory is what init allocated (the
// sanitizers see), no frame waits longer than promised, and what was decided stays decided.
static void test_any_stream(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t round = 0; round < 27; round++) {
        VadOptions options = small_options();
        options.onset_ms = (int)(round % 3) * 500;
        options.hold_ms = (int)(round / 3 % 3) * 400;
        options.pad_after_ms = (int)(round % 2) * 700;
        options.min_gap_ms = (int)(round / 9) * 300;
        options.max_span_ms = round % 4 == 3 ? 32 : 1000 + (int)round * 1000;
        VadSpans spans;
        start(&spans, &options);
        float level = 0;
        int64_t decided = 0;
        const int64_t frames = 100000;
        for (int64_t i = 0; i < frames; i++) {
            seed = seed * 1664525u + 1013904223u;
            if (seed % 29 == 0)
                level = (float)(seed >> 8 & 0xff) / 255.0f;
            const float noise = (float)(seed >> 16 & 0xff) / 255.0f;
            assert_int_equal(vad_spans_push(&spans, 0.7f * level + 0.3f * noise), SCOUT_OK);
            const VadSpan pending = vad_spans_pending(&spans);
            assert_int_equal(pending.start_samples, seen.end);
            assert_true(pending.end_samples >= decided);
            assert_true(pending.end_samples <= (i + 1) * VAD_FRAME_SAMPLES);
            decided = pending.end_samples;
            const int64_t waiting = (i + 1) * VAD_FRAME_SAMPLES - decided;
            assert_true(waiting <= vad_spans_delay(&spans) * VAD_FRAME_SAMPLES);
        }
        assert_int_equal(vad_spans_flush(&spans, frames * VAD_FRAME_SAMPLES), SCOUT_OK);
        assert_int_equal(seen.end, frames * VAD_FRAME_SAMPLES);
        assert_true(seen.count > 100);
        vad_spans_done(&spans);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speech_is_padded),
        cmocka_unit_test(test_speech_reaches_back_to_its_first_frame),
        cmocka_unit_test(test_weak_frames_alone_are_not_speech),
        cmocka_unit_test(test_one_strong_frame_is_not_enough),
        cmocka_unit_test(test_no_speech_at_all),
        cmocka_unit_test(test_short_gaps_are_closed),
        cmocka_unit_test(test_short_edges_belong_to_speech),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_padding_longer_than_the_hold),
        cmocka_unit_test(test_stream_that_ends_in_speech),
        cmocka_unit_test(test_partial_last_frame),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_long_spans_come_in_pieces),
        cmocka_unit_test(test_pending_grows_until_it_is_delivered),
        cmocka_unit_test(test_a_failing_sink_ends_the_stream),
        cmocka_unit_test(test_a_flushed_stream_begins_anew),
        cmocka_unit_test(test_any_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
