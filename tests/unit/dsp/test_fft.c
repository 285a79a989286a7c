// The transform against its definition, in double precision, for every kind of size.
#include "dsp/fft.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// Uniform in -1..1.
static float next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)((double)*seed / 2147483648.0 - 1.0);
}

static void direct_bin(const float *in, size_t points, size_t lane, size_t bin, double *re,
                       double *im)
{
    *re = 0;
    *im = 0;
    for (size_t j = 0; j < points; j++) {
        const double angle = -6.283185307179586 * (double)(j * bin % points) / (double)points;
        const double x = (double)in[j * FFT_LANES + lane];
        *re += x * cos(angle);
        *im += x * sin(angle);
    }
}

static void check_size(size_t points)
{
    Fft *fft;
    assert_int_equal(fft_new(points, &fft, NULL), SCOUT_OK);
    assert_int_equal(fft_points(fft), points);
    const size_t floats = fft_spectrum_floats(fft);
    assert_int_equal(floats, (points / 2 + 1) * 2 * FFT_LANES);
    float *const in = malloc(points * FFT_LANES * sizeof *in);
    float *const work = malloc(floats * sizeof *work);
    float *const out = malloc(floats * sizeof *out);
    uint32_t seed = 7;
    for (size_t i = 0; i < points * FFT_LANES; i++)
        in[i] = next_random(&seed);
    fft_forward(fft, in, work, out);
    const double tolerance = 1e-6 * sqrt((double)points);
    for (size_t bin = 0; bin <= points / 2; bin++) {
        for (size_t lane = 0; lane < FFT_LANES; lane++) {
            double re;
            double im;
            direct_bin(in, points, lane, bin, &re, &im);
            const float *const got = out + bin * 2 * FFT_LANES + lane;
            if (fabs((double)got[0] - re) > tolerance ||
                fabs((double)got[FFT_LANES] - im) > tolerance) {
                fail_msg("%zu points, bin %zu, lane %zu: %g %g is not %g %g", points, bin, lane,
                         (double)got[0], (double)got[FFT_LANES], re, im);
            }
        }
    }
    free(in);
    free(work);
    free(out);
    fft_free(fft);
}

static void test_sizes(void **state)
{
    (void)state;
    const size_t sizes[] = {4, 8, 10, 16, 20, 32, 50, 64, 160, 250, 256, 320, 400, 512};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_size(sizes[i]);
}

static void test_lanes_do_not_touch(void **state)
{
    (void)state;
    Fft *fft;
    assert_int_equal(fft_new(20, &fft, NULL), SCOUT_OK);
    float in[20 * FFT_LANES] = {0};
    float work[11 * 2 * FFT_LANES];
    float out[11 * 2 * FFT_LANES];
    in[3 * FFT_LANES + 5] = 1.0f; // an impulse in lane 5 only
    fft_forward(fft, in, work, out);
    for (size_t i = 0; i < 11 * 2 * FFT_LANES; i++)
        if (i % FFT_LANES != 5)
            assert_true(out[i] == 0.0f);
    for (size_t bin = 0; bin <= 10; bin++) {
        const float re = out[bin * 2 * FFT_LANES + 5];
        const float im = out[(bin * 2 + 1) * FFT_LANES + 5];
        assert_true(fabsf(re * re + im * im - 1.0f) < 1e-6f);
    }
    fft_free(fft);
}

static void test_largest_size(void **state)
{
    (void)state;
    Fft *fft;
    assert_int_equal(fft_new(FFT_POINTS_MAX, &fft, NULL), SCOUT_OK);
    fft_free(fft);
}

static void test_sizes_refused(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 2, 5, 6, 12, 401, 480, FFT_POINTS_MAX + 2, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        Fft *fft = NULL;
        ScoutError error;
        assert_int_equal(fft_new(sizes[i], &fft, &error), SCOUT_ERROR_INVALID_ARGUMENT);
        assert_null(fft);
    }
    fft_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lanes_do_not_touch),
        cmocka_unit_test(test_largest_size),
        cmocka_unit_test(test_sizes_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
