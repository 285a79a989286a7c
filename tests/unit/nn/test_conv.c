// Convolution over frames, and layer normalisation, against sums in double precision.
#include "nn/conv.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "nn/norm.h"
#include "nn_fixture.h"

enum { OUT = 20, CHANNELS = 7, TAPS = 3, COUNT = 11, K = TAPS * CHANNELS };

static void check_conv(NnFormat format, size_t step)
{
    const Kernels kernels = fixture_kernels();
    float plain[OUT * K];
    float weights[OUT * K];
    float bias[OUT];
    fixture_fill(plain, OUT * K, 1);
    fixture_fill(bias, OUT, 2);
    const NnConv conv = {
        .linear = {.weight = fixture_pack(format, OUT, K, plain), .bias = bias},
        .taps = TAPS,
        .channels = CHANNELS,
        .step = step,
    };
    for (size_t i = 0; i < OUT; i++)
        nn_matrix_row(&conv.linear.weight, i, weights + i * K);
    const size_t frames = nn_conv_frames(&conv, COUNT);
    assert_int_equal(frames, (COUNT - 1) * step + TAPS);
    float *x = malloc(frames * CHANNELS * sizeof(*x)); // exact: reading beyond it would be seen
    fixture_fill(x, frames * CHANNELS, 3);
    float c[COUNT * OUT];
    const NnOutput out = {.c = c, .stride = OUT};
    uint16_t *scratch = malloc(nn_conv_scratch(&conv, COUNT) * sizeof(*scratch) + 1);
    nn_conv_run(&kernels, &conv, x, COUNT, scratch, &out);
    free(scratch);
    for (size_t t = 0; t < COUNT; t++)
        for (size_t o = 0; o < OUT; o++) {
            double sum = (double)bias[o];
            for (size_t tap = 0; tap < TAPS; tap++)
                for (size_t i = 0; i < CHANNELS; i++)
                    sum += (double)x[(t * step + tap) * CHANNELS + i] *
                           (double)weights[o * K + tap * CHANNELS + i];
            assert_true(fabs((double)c[t * OUT + o] - sum) < (format == NN_BF16 ? 2e-2 : 1e-5));
        }
    free(x);
    fixture_unpack(&conv.linear.weight);
}

static void test_conv(void **state)
{
    (void)state;
    check_conv(NN_F32, 1);
    check_conv(NN_F32, 2);
    check_conv(NN_F16, 1);
    check_conv(NN_F16, 2);
    check_conv(NN_BF16, 1);
    check_conv(NN_BF16, 2);
}

static void test_no_windows_read_no_frames(void **state)
{
    (void)state;
    const NnConv conv = {.taps = 3, .channels = 1, .step = 2};
    assert_int_equal(nn_conv_frames(&conv, 0), 0);
    assert_int_equal(nn_conv_frames(&conv, 1), 3);
    assert_int_equal(nn_conv_frames(&conv, 2), 5);
}

// The variance is the population's, and epsilon stands under the root: in a nearly constant row it
// is what counts.
static void test_norm(void **state)
{
    (void)state;
    enum { N = 37, ROWS = 3 };
    const Kernels kernels = fixture_kernels();
    float gamma[N];
    float beta[N];
    float x[ROWS * N];
    float y[ROWS * N];
    fixture_fill(gamma, N, 1);
    fixture_fill(beta, N, 2);
    fixture_fill(x, ROWS * N, 3);
    for (size_t i = 0; i < N; i++)
        x[N + i] = 5.0F + 1e-3F * x[i];
    const NnNorm norm = {.gamma = gamma, .beta = beta, .n = N};
    nn_norm_run(&kernels, &norm, ROWS, x, N, y, N);
    for (size_t row = 0; row < ROWS; row++) {
        double mean = 0;
        double variance = 0;
        for (size_t i = 0; i < N; i++)
            mean += (double)x[row * N + i] / N;
        for (size_t i = 0; i < N; i++)
            variance += ((double)x[row * N + i] - mean) * ((double)x[row * N + i] - mean) / N;
        for (size_t i = 0; i < N; i++) {
            const double expected =
                ((double)x[row * N + i] - mean) / sqrt(variance + 1e-5) * (double)gamma[i] +
                (double)beta[i];
            assert_true(fabs((double)y[row * N + i] - expected) < 2e-4);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_no_windows_read_no_frames),
        cmocka_unit_test(test_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
