// Voice activity on sound: how the stream is cut must not matter, loudness must not matter, and
// with the real model speech is found whole and nothing else.
#include "speech/vad.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "support/models.h"
#include "support/npy.h"
#include "support/tiny_silero.h"

enum { SPANS_MAX = 256, RATE = 16000 };

static Kernels kernels;

typedef struct Seen {
    size_t count;
    VadSpan spans[SPANS_MAX];
} Seen;

static ScoutStatus keep_span(void *context, const VadSpan *span)
{
    Seen *const seen = context;
    assert_true(seen->count < SPANS_MAX);
    assert_int_equal(span->start_samples,
                     seen->count > 0 ? seen->spans[seen->count - 1].end_samples : 0);
    seen->spans[seen->count] = *span;
    seen->spans[seen->count++].probabilities = NULL;
    return SCOUT_OK;
}

static Silero *new_silero(PackedFile *file)
{
    Silero *silero;
    assert_int_equal(silero_open(file, &kernels, &silero, NULL), SCOUT_OK);
    return silero;
}

// The published model, or NULL where it is not installed.
static Silero *published_silero(void)
{
    char path[4096];
    if (!test_model_path("silero-vad", path, sizeof path))
        return NULL;
    PackedFile *file;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    return new_silero(file);
}

// Seconds of silence, the speech times gain, seconds of silence.
static float *surround_speech(double before_s, float gain, double after_s, size_t *count,
                              size_t *speech_count)
{
    float *const speech = npy_load_sound("reference/sounds/speech.npy", speech_count);
    const size_t before = (size_t)(before_s * RATE);
    *count = before + *speech_count + (size_t)(after_s * RATE);
    float *const samples = calloc(*count, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < *speech_count; i++)
        samples[before + i] = speech[i] * gain;
    free(speech);
    return samples;
}

static void run(const Silero *silero, const VadOptions *options, const float *samples, size_t count,
                size_t piece, Seen *seen)
{
    *seen = (Seen){0};
    Vad *vad;
    assert_int_equal(vad_new(silero, options, keep_span, seen, &vad, NULL), SCOUT_OK);
    for (size_t at = 0; at < count; at += piece)
        assert_int_equal(vad_push(vad, samples + at, piece < count - at ? piece : count - at),
                         SCOUT_OK);
    assert_int_equal(vad_flush(vad), SCOUT_OK);
    vad_free(vad);
}

static void assert_same_spans(const Seen *a, const Seen *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->spans[i].speech, b->spans[i].speech);
        assert_int_equal(a->spans[i].end_samples, b->spans[i].end_samples);
        assert_true(a->spans[i].probability_max == b->spans[i].probability_max);
        assert_true(a->spans[i].probability_mean == b->spans[i].probability_mean);
    }
}

static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    Silero *const silero = new_silero(tiny_silero_open());
    // Thresholds among which the made-up model's probabilities lie.
    VadOptions options;
    vad_options_init(&options);
    options.onset = 0.9f;
    options.offset = 0.88f;
    options.onset_ms = 64;
    options.hold_ms = 64;
    options.pad_before_ms = 32;
    options.pad_after_ms = 32;
    options.min_gap_ms = 0;
    size_t count;
    size_t speech_count;
    float *const samples = surround_speech(1, 1, 1.01, &count, &speech_count);
    Seen whole;
    run(silero, &options, samples, count, count, &whole);
    assert_true(whole.count > 3);
    assert_int_equal(whole.spans[whole.count - 1].end_samples, count);
    const size_t pieces[] = {1, 160, 511, 512, 513, 4096, 5000};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        Seen cut;
        run(silero, &options, samples, count, pieces[i], &cut);
        assert_same_spans(&cut, &whole);
    }
    free(samples);
    silero_close(silero);
}

static void test_empty_and_tiny_streams(void **state)
{
    (void)state;
    Silero *const silero = new_silero(tiny_silero_open());
    Seen seen;
    run(silero, NULL, NULL, 0, 1, &seen);
    assert_int_equal(seen.count, 0);
    const float sample = 0;
    run(silero, NULL, &sample, 1, 1, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.spans[0].end_samples, 1);
    silero_close(silero);
}

static void test_options_refused(void **state)
{
    (void)state;
    Silero *const silero = new_silero(tiny_silero_open());
    for (size_t i = 0; i < 8; i++) {
        VadOptions options;
        vad_options_init(&options);
        switch (i) {
        case 0: options.onset = 1.5f; break;
        case 1: options.onset = NAN; break;
        case 2: options.offset = options.onset + 0.1f; break;
        case 3: options.onset_ms = 2001; break;
        case 4: options.hold_ms = -1; break;
        case 5: options.pad_before_ms = 10001; break;
        case 6: options.min_gap_ms = -1; break;
        default: options.max_span_ms = 31; break;
        }
        Vad *vad = NULL;
        ScoutError error = {0};
        assert_int_equal(vad_new(silero, &options, keep_span, NULL, &vad, &error),
                         SCOUT_ERROR_INVALID_ARGUMENT);
        assert_true(error.message[0] != '\0');
        assert_null(vad);
    }
    vad_free(NULL);
    silero_close(silero);
}

static void check_speech_found(const Silero *silero, double before_s, float gain, double after_s)
{
    size_t count;
    size_t speech_count;
    float *const samples = surround_speech(before_s, gain, after_s, &count, &speech_count);
    Seen seen;
    run(silero, NULL, samples, count, 1600, &seen);
    assert_int_equal(seen.count, 3);
    assert_false(seen.spans[0].speech);
    assert_true(seen.spans[1].speech);
    assert_false(seen.spans[2].speech);
    // Somebody speaks from 0.27 s to 2.9 s of the recording.
    const double start_s = (double)seen.spans[1].start_samples / RATE - before_s;
    const double end_s = (double)seen.spans[1].end_samples / RATE - before_s;
    assert_true(start_s < 0.2 && start_s > -0.6);
    assert_true(end_s > 2.95 && end_s < 3.7);
    assert_true(seen.spans[1].probability_max > 0.9f);
    assert_true(seen.spans[0].probability_max < 0.5f);
    assert_int_equal(seen.spans[2].end_samples, count);
    free(samples);
}

static void test_speech_at_any_loudness(void **state)
{
    (void)state;
    Silero *const silero = published_silero();
    if (!silero)
        skip();
    check_speech_found(silero, 3, 1, 3);
    check_speech_found(silero, 3, 3, 3); // clipped by no one: floats
    check_speech_found(silero, 3, 0.1f, 3);
    check_speech_found(silero, 3, 0.01f, 3);
    silero_close(silero);
}

static void test_no_speech_in_signals(void **state)
{
    (void)state;
    Silero *const silero = published_silero();
    if (!silero)
        skip();
    size_t count;
    float *const signals = npy_load_sound("reference/sounds/signals.npy", &count);
    const float gains[] = {1, 0.1f, 0.001f, 0};
    for (size_t i = 0; i < sizeof gains / sizeof gains[0]; i++) {
        float *const samples = malloc(count * sizeof *samples);
        assert_non_null(samples);
        for (size_t j = 0; j < count; j++)
            samples[j] = signals[j] * gains[i];
        Seen seen;
        run(silero, NULL, samples, count, 1600, &seen);
        assert_int_equal(seen.count, 1);
        assert_false(seen.spans[0].speech);
        assert_int_equal(seen.spans[0].end_samples, count);
        free(samples);
    }
    free(signals);
    silero_close(silero);
}

// What live text needs: soon after somebody begins, and soon after somebody stops, it is known.
static void test_state_while_speaking(void **state)
{
    (void)state;
    Silero *const silero = published_silero();
    if (!silero)
        skip();
    size_t count;
    size_t speech_count;
    float *const samples = surround_speech(2, 1, 2, &count, &speech_count);
    Seen seen = {0};
    Vad *vad;
    assert_int_equal(vad_new(silero, NULL, keep_span, &seen, &vad, NULL), SCOUT_OK);
    double began_s = -1;
    double ended_s = -1;
    for (size_t at = 0; at + 320 <= count; at += 320) {
        assert_int_equal(vad_push(vad, samples + at, 320), SCOUT_OK);
        const double now_s = (double)(at + 320) / RATE;
        const VadSpan pending = vad_pending(vad);
        assert_true(at + 320 - (size_t)pending.end_samples <= vad_delay_samples(vad));
        if (began_s < 0 && vad_is_speaking(vad)) {
            began_s = now_s;
            assert_true(pending.speech && pending.start_samples < (int64_t)(2.2 * RATE));
        }
        if (began_s >= 0 && ended_s < 0 && !vad_is_speaking(vad)) {
            ended_s = now_s;
            assert_in_range(vad_silence_samples(vad), 0.4 * RATE, 0.6 * RATE);
        }
    }
    assert_true(began_s > 2.2 && began_s < 2.6);
    assert_true(ended_s > 4.9 && ended_s < 5.6);
    vad_free(vad);
    free(samples);
    silero_close(silero);
}

int main(void)
{
    kernels_init(&kernels, cpu_detect());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_do_not_matter), cmocka_unit_test(test_empty_and_tiny_streams),
        cmocka_unit_test(test_options_refused),      cmocka_unit_test(test_speech_at_any_loudness),
        cmocka_unit_test(test_no_speech_in_signals), cmocka_unit_test(test_state_while_speaking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
