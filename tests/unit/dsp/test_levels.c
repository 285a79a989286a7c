// Levels of blocks whose level is known.
#include "dsp/levels.h"

#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(float value, float expected)
{
    if (!(fabsf(value - expected) < 0.01f))
        fail_msg("%.4f is not %.4f", (double)value, (double)expected);
}

static void test_sine(void **state)
{
    (void)state;
    float sine[1600];
    for (size_t i = 0; i < 1600; i++)
        sine[i] = 0.5f * (float)sin(6.283185307179586 * 100.0 / 16000.0 * (double)i);
    const Levels levels = levels_measure(sine, 1600);
    assert_near(levels.peak_dbfs, -6.02f);
    assert_near(levels.rms_dbfs, -9.03f);
}

static void test_peak_is_of_the_magnitude(void **state)
{
    (void)state;
    const float samples[4] = {0.1f, -2.0f, 0.0f, 0.3f};
    assert_near(levels_measure(samples, 4).peak_dbfs, 6.02f);
}

static void test_silence_is_the_floor(void **state)
{
    (void)state;
    const float zeros[4] = {0};
    const float faint[2] = {1e-9f, -1e-9f};
    assert_true(levels_measure(NULL, 0).rms_dbfs == LEVELS_FLOOR_DBFS);
    assert_true(levels_measure(zeros, 4).peak_dbfs == LEVELS_FLOOR_DBFS);
    assert_true(levels_measure(zeros, 4).rms_dbfs == LEVELS_FLOOR_DBFS);
    assert_true(levels_measure(faint, 2).peak_dbfs == LEVELS_FLOOR_DBFS);
}

static void test_damaged_samples_count_as_full_scale(void **state)
{
    (void)state;
    const float samples[4] = {NAN, INFINITY, -INFINITY, 1.0f};
    assert_near(levels_measure(samples, 4).peak_dbfs, 0.0f);
    assert_near(levels_measure(samples, 4).rms_dbfs, 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sine),
        cmocka_unit_test(test_peak_is_of_the_magnitude),
        cmocka_unit_test(test_silence_is_the_floor),
        cmocka_unit_test(test_damaged_samples_count_as_full_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
