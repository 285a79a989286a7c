// The properties of the spectrogram that no single reference vector shows.
#include "dsp/mel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/compare.h"
#include "support/npy.h"

static Mel *new_mel(size_t bands)
{
    Mel *mel;
    assert_int_equal(mel_new(bands, &mel, NULL), SCOUT_OK);
    assert_int_equal(mel_bands(mel), bands);
    return mel;
}

static void fill_tone(float *samples, size_t count, double hz)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = 0.5f * (float)sin(6.283185307179586 * hz / 16000.0 * (double)i);
}

static size_t loudest_band(const float *frame, size_t bands)
{
    size_t best = 0;
    for (size_t b = 1; b < bands; b++)
        best = frame[b] > frame[best] ? b : best;
    return best;
}

static void test_bands_refused(void **state)
{
    (void)state;
    const size_t bands[] = {0, 1, 64, 81, 129, SIZE_MAX};
    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
        Mel *mel = NULL;
        ScoutError error;
        assert_int_equal(mel_new(bands[i], &mel, &error), SCOUT_ERROR_INVALID_ARGUMENT);
        assert_null(mel);
    }
    mel_free(NULL);
}

// Band b of 80 is centred at mel 45.245 * (b + 1) / 81: 1 kHz is mel 15, 6.4 kHz mel 42.
static void test_tone_lands_in_its_band(void **state)
{
    (void)state;
    Mel *const mel = new_mel(80);
    float samples[3200];
    float out[20 * 80];
    fill_tone(samples, 3200, 1000);
    mel_compute(mel, samples, 3200, 20, out);
    assert_int_equal(loudest_band(out + 10 * 80, 80), 26);
    fill_tone(samples, 3200, 6400);
    mel_compute(mel, samples, 3200, 20, out);
    assert_int_equal(loudest_band(out + 10 * 80, 80), 74);
    mel_free(mel);
}

// A frame depends on nothing but the 400 samples around it, wherever it stands in a group of lanes.
static void test_shifted_by_frames(void **state)
{
    (void)state;
    size_t count;
    float *const samples = npy_load_sound("reference/sounds/speech.npy", &count);
    Mel *const mel = new_mel(80);
    enum { FRAMES = 40, SHIFT = 3 };
    float whole[FRAMES * 80];
    float shifted[FRAMES * 80];
    mel_compute_power(mel, samples, count, FRAMES, whole);
    mel_compute_power(mel, samples + SHIFT * MEL_HOP_SAMPLES, count, FRAMES - SHIFT, shifted);
    const size_t edge = 2; // the mirrored half window
    const size_t same = FRAMES - SHIFT - 2 * edge;
    assert_memory_equal(whole + (SHIFT + edge) * 80, shifted + edge * 80,
                        same * 80 * sizeof(float));
    free(samples);
    mel_free(mel);
}

static void test_missing_samples_are_zeros(void **state)
{
    (void)state;
    Mel *const mel = new_mel(128);
    float samples[1600] = {0};
    float short_out[10 * 128];
    float zero_out[10 * 128];
    fill_tone(samples, 700, 440);
    mel_compute(mel, samples, 700, 10, short_out);
    mel_compute(mel, samples, 1600, 10, zero_out);
    assert_memory_equal(short_out, zero_out, sizeof zero_out);
    mel_free(mel);
}

static void test_samples_beyond_the_window_are_not_used(void **state)
{
    (void)state;
    Mel *const mel = new_mel(80);
    float samples[3200];
    float alone[9 * 80];
    float followed[9 * 80];
    fill_tone(samples, 3200, 440);
    mel_compute(mel, samples, 3200, 9, followed);
    for (size_t i = 9 * MEL_HOP_SAMPLES; i < 3200; i++)
        samples[i] = NAN;
    mel_compute(mel, samples, 3200, 9, alone);
    assert_memory_equal(alone, followed, sizeof followed);
    mel_free(mel);
}

// Even a window shorter than the transform is mirrored, not read past.
static void test_one_frame(void **state)
{
    (void)state;
    Mel *const mel = new_mel(80);
    float samples[160];
    float out[80];
    fill_tone(samples, 160, 1000);
    mel_compute(mel, samples, 160, 1, out);
    assert_in_range(loudest_band(out, 80), 25, 27); // the mirrored tone is not quite a tone
    mel_compute(mel, samples, 160, 0, out);
    mel_free(mel);
}

static void test_damaged_samples_are_silent(void **state)
{
    (void)state;
    Mel *const mel = new_mel(80);
    float samples[3200];
    float out[20 * 80];
    fill_tone(samples, 3200, 1000);
    samples[1600] = NAN;
    samples[1601] = INFINITY;
    samples[1602] = 3e38f;
    mel_compute(mel, samples, 3200, 20, out);
    for (size_t i = 0; i < 20 * 80; i++)
        assert_true(isfinite(out[i]));
    assert_int_equal(loudest_band(out + 5 * 80, 80), 26);
    mel_free(mel);
}

// The floor: nothing lies more than 8 decades of power (2 after the scaling) below the maximum.
static void test_range(void **state)
{
    (void)state;
    Mel *const mel = new_mel(80);
    float samples[4800] = {0};
    float out[30 * 80];
    fill_tone(samples, 1600, 1000);
    mel_compute(mel, samples, 4800, 30, out);
    float low = out[0];
    float high = out[0];
    for (size_t i = 1; i < 30 * 80; i++) {
        low = out[i] < low ? out[i] : low;
        high = out[i] > high ? out[i] : high;
    }
    assert_true(fabsf(high - low - 2.0f) < 1e-6f);
    mel_free(mel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bands_refused),
        cmocka_unit_test(test_tone_lands_in_its_band),
        cmocka_unit_test(test_shifted_by_frames),
        cmocka_unit_test(test_missing_samples_are_zeros),
        cmocka_unit_test(test_samples_beyond_the_window_are_not_used),
        cmocka_unit_test(test_one_frame),
        cmocka_unit_test(test_damaged_samples_are_silent),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
