// Log-mel spectrograms against transformers' WhisperFeatureExtractor (make_mel.py).
#include "dsp/mel.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/compare.h"
#include "support/npy.h"

static void check_log_mel(const char *sound, const char *expected_path)
{
    size_t count;
    float *const samples = npy_load_sound(sound, &count);
    Npy expected = npy_load(expected_path);
    assert_int_equal(expected.rank, 2);
    const size_t frames = expected.dims[0];
    Mel *mel;
    assert_int_equal(mel_new(expected.dims[1], &mel, NULL), SCOUT_OK);
    float *const out = malloc(expected.count * sizeof *out);
    mel_compute(mel, samples, count, frames, out);
    const double difference = compare_max_difference(out, expected.f32, expected.count);
    print_message("%s: at most %.1e\n", expected_path, difference);
    assert_true(difference < 1e-4);
    free(out);
    free(samples);
    mel_free(mel);
    npy_free(&expected);
}

static void test_speech(void **state)
{
    (void)state;
    check_log_mel("reference/sounds/speech.npy", "reference/mel/speech_80.npy");
    check_log_mel("reference/sounds/speech.npy", "reference/mel/speech_128.npy");
}

static void test_window_that_ends_in_a_word(void **state)
{
    (void)state;
    check_log_mel("reference/sounds/speech.npy", "reference/mel/speech_cut_80.npy");
}

static void test_hard_signals(void **state)
{
    (void)state;
    check_log_mel("reference/sounds/signals.npy", "reference/mel/signals_80.npy");
    check_log_mel("reference/sounds/signals.npy", "reference/mel/signals_128.npy");
}

static void test_silence(void **state)
{
    (void)state;
    Npy expected = npy_load("reference/mel/silence_80.npy");
    Mel *mel;
    assert_int_equal(mel_new(80, &mel, NULL), SCOUT_OK);
    float out[160];
    assert_int_equal(expected.count, 160);
    mel_compute(mel, NULL, 0, 2, out);
    assert_true(compare_max_difference(out, expected.f32, 160) < 1e-6);
    mel_free(mel);
    npy_free(&expected);
}

static void test_power(void **state)
{
    (void)state;
    size_t count;
    float *const samples = npy_load_sound("reference/sounds/speech.npy", &count);
    Npy expected = npy_load("reference/mel/speech_power_40.npy");
    Mel *mel;
    assert_int_equal(mel_new(expected.dims[1], &mel, NULL), SCOUT_OK);
    float *const out = malloc(expected.count * sizeof *out);
    mel_compute_power(mel, samples, count, expected.dims[0], out);
    float largest = 0;
    for (size_t i = 0; i < expected.count; i++)
        largest = expected.f32[i] > largest ? expected.f32[i] : largest;
    const double difference = compare_max_difference(out, expected.f32, expected.count);
    assert_true(difference < 1e-6 * (double)largest);
    free(out);
    free(samples);
    mel_free(mel);
    npy_free(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speech),       cmocka_unit_test(test_window_that_ends_in_a_word),
        cmocka_unit_test(test_hard_signals), cmocka_unit_test(test_silence),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
