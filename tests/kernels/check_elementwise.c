// Everything but the products: each tier against scalar C bit for bit and against double, for every
// length up to a few vectors, with buffers that end where memory ends.
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum { LENGTH_MAX = 70 };

typedef void InPlace(size_t n, float *x);

static float spread(size_t i)
{
    (void)i;
    return ldexpf(random_unit(), (int)(random_bits() % 12) - 5);
}

// Runs one function of x over every length and compares.
static void check_in_place(const char *name, InPlace *tested, InPlace *expected,
                           double (*reference)(double), double absolute, double relative)
{
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        float *x = guarded(n, sizeof *x);
        float *same = guarded(n, sizeof *same);
        float *input = guarded(n, sizeof *input);
        for (size_t i = 0; i < n; i++) {
            input[i] = same[i] = x[i] = spread(i);
        }
        tested(n, x);
        for (size_t i = 0; i < n; i++) {
            double y = reference((double)input[i]);
            assert_near(name, i, (double)x[i], y, absolute + relative * fabs(y));
        }
        if (expected != NULL) {
            expected(n, same);
            assert_same_floats(name, n, x, same);
        }
        free_guarded();
    }
}

// Every float from low to high in steps of so many units in the last place, in one call.
static void sweep(const char *name, InPlace *tested, double (*reference)(double), float low,
                  float high, double absolute, double relative)
{
    enum { COUNT = 4096 };
    float *x = guarded(COUNT, sizeof *x);
    float *input = guarded(COUNT, sizeof *input);
    for (unsigned pass = 0; pass < 16; pass++) {
        for (size_t i = 0; i < COUNT; i++) {
            float at = ((float)i + (float)pass / 16.0f) / (float)COUNT;
            input[i] = x[i] = low + (high - low) * at;
        }
        tested(COUNT, x);
        for (size_t i = 0; i < COUNT; i++) {
            double y = reference((double)input[i]);
            assert_near(name, i, (double)x[i], y, absolute + relative * fabs(y));
        }
    }
    free_guarded();
}

static double sigmoid_double(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static void gelu_is_right(void **state)
{
    (void)state;
    seed_random(10);
    const Kernels *kernels = &subject->kernels;
    check_in_place("gelu", kernels->gelu, subject->expected ? subject->expected->gelu : NULL,
                   gelu_double, 1e-6, 0x1p-23);
    sweep("gelu", kernels->gelu, gelu_double, -8.0f, 8.0f, 5e-7, 0.0);
    sweep("gelu", kernels->gelu, gelu_double, -1000.0f, 1000.0f, 5e-7, 0x1p-24);
    sweep("gelu", kernels->gelu, gelu_double, -1e-30f, 1e-30f, 0.0, 1e-6);
}

static void sigmoid_is_right(void **state)
{
    (void)state;
    seed_random(11);
    const Kernels *kernels = &subject->kernels;
    check_in_place("sigmoid", kernels->sigmoid,
                   subject->expected ? subject->expected->sigmoid : NULL, sigmoid_double, 1e-37,
                   5e-7);
    sweep("sigmoid", kernels->sigmoid, sigmoid_double, -80.0f, 80.0f, 0.0, 5e-7);
    float ends[4] = {INFINITY, -INFINITY, 500.0f, -500.0f};
    kernels->sigmoid(4, ends);
    for (size_t i = 0; i < 4; i++) {
        assert_near("sigmoid at the ends", i, (double)ends[i], i % 2 == 0 ? 1.0 : 0.0, 1e-37);
    }
}

static void tanh_is_right(void **state)
{
    (void)state;
    seed_random(12);
    const Kernels *kernels = &subject->kernels;
    check_in_place("tanh", kernels->tanh, subject->expected ? subject->expected->tanh : NULL, tanh,
                   0.0, 3e-7);
    sweep("tanh", kernels->tanh, tanh, -12.0f, 12.0f, 0.0, 3e-7);
    sweep("tanh", kernels->tanh, tanh, -1e-3f, 1e-3f, 0.0, 3e-7);
    float ends[4] = {INFINITY, -INFINITY, 1e30f, -1e30f};
    kernels->tanh(4, ends);
    for (size_t i = 0; i < 4; i++) {
        assert_true(ends[i] == (i % 2 == 0 ? 1.0f : -1.0f));
    }
}

static void check_softmax(size_t n, float scale, float range)
{
    float *x = guarded(n, sizeof *x);
    float *same = guarded(n, sizeof *same);
    float *input = guarded(n, sizeof *input);
    double largest = (double)-INFINITY;
    for (size_t i = 0; i < n; i++) {
        input[i] = same[i] = x[i] = random_unit() * range;
        largest = fmax(largest, (double)x[i] * (double)scale);
    }
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)input[i] * (double)scale - largest);
    }
    subject->kernels.softmax(n, x, scale);
    for (size_t i = 0; i < n; i++) {
        double exponent = (double)input[i] * (double)scale - largest;
        double y = exp(exponent) / sum;
        // The exponent itself is rounded to a float.
        double tolerance = y * (1e-6 + fabs(exponent) * 0x1p-24) + 0x1p-126;
        assert_near("softmax", i, (double)x[i], y, tolerance);
    }
    if (subject->expected != NULL) {
        subject->expected->softmax(n, same, scale);
        assert_same_floats("softmax", n, x, same);
    }
    free_guarded();
}

static void softmax_is_right(void **state)
{
    (void)state;
    seed_random(13);
    for (size_t n = 1; n <= LENGTH_MAX; n++) {
        check_softmax(n, 0.125f, 40.0f);
        check_softmax(n, 1.0f, 100.0f);
        check_softmax(n, -1.0f, 3.0f);
    }
    check_softmax(1500, 0.125f, 100.0f);
    check_softmax(51866, 1.0f, 20.0f);
}

static void masked_softmax_is_zero_there(void **state)
{
    (void)state;
    for (size_t n = 2; n <= LENGTH_MAX; n++) {
        float *x = guarded(n, sizeof *x);
        for (size_t i = 0; i < n; i++) {
            x[i] = i % 2 == 0 ? 3.0f : -INFINITY;
        }
        subject->kernels.softmax(n, x, 0.5f);
        size_t kept = (n + 1) / 2;
        for (size_t i = 0; i < n; i++) {
            double y = i % 2 == 0 ? 1.0 / (double)kept : 0.0;
            assert_near("softmax", i, (double)x[i], y, y * 1e-6);
        }
        free_guarded();
    }
}

// The largest stands at every place once.
static void max_is_right(void **state)
{
    (void)state;
    seed_random(20);
    assert_true(subject->kernels.max(0, NULL) == -INFINITY);
    for (size_t n = 1; n <= 3 * LENGTH_MAX; n++) {
        float *x = guarded_random(n);
        for (size_t i = 0; i < n; i++) {
            x[i] -= 3.0f;
        }
        for (size_t i = 0; i < n; i++) {
            float kept = x[i];
            x[i] = -1.5f;
            assert_true(subject->kernels.max(n, x) == -1.5f);
            x[i] = kept;
        }
        for (size_t i = 0; i < n; i++) {
            x[i] = -INFINITY;
        }
        assert_true(subject->kernels.max(n, x) == -INFINITY);
        free_guarded();
    }
}

static void check_exp_sum(size_t n, float scale, float range)
{
    float *x = guarded_random(n);
    float high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x[i] *= range;
        high = fmaxf(high, x[i]);
    }
    double sum = 0.0;
    double tolerance = 0.0;
    for (size_t i = 0; i < n; i++) {
        double exponent = ((double)x[i] - (double)high) * (double)scale;
        double y = exp(exponent);
        sum += y;
        tolerance += y * (1e-6 + fabs(exponent) * 0x1p-23) + 0x1p-126;
    }
    double got = subject->kernels.exp_sum(n, x, high, scale);
    assert_near("exp_sum", n, got, sum, tolerance);
    if (subject->expected != NULL) {
        assert_true(got == subject->expected->exp_sum(n, x, high, scale));
    }
    free_guarded();
}

static void exp_sum_is_right(void **state)
{
    (void)state;
    seed_random(21);
    assert_true(subject->kernels.exp_sum(0, NULL, 0.0f, 1.0f) == 0.0);
    for (size_t n = 1; n <= LENGTH_MAX; n++) {
        check_exp_sum(n, 1.0f, 20.0f);
        check_exp_sum(n, 5.0f, 40.0f);
    }
    check_exp_sum(1025, 1.0f, 10.0f);
    check_exp_sum(51866, 1.0f, 20.0f);
    check_exp_sum(51866, 0.5f, 0.01f); // nearly equal: the sum is as long as the row
}

static void exp_sum_leaves_out_what_is_closed(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LENGTH_MAX; n++) {
        float *x = guarded(n, sizeof *x);
        for (size_t i = 0; i < n; i++) {
            x[i] = i % 3 == 0 ? 2.0f : i % 3 == 1 ? -INFINITY : NAN;
        }
        double open = (double)((n + 2) / 3);
        assert_true(subject->kernels.exp_sum(n, x, 2.0f, 3.0f) == open);
        free_guarded();
    }
}

static void check_layer_norm(size_t m, size_t k, float offset, bool in_place)
{
    size_t stride = k + 3;
    size_t y_stride = in_place ? stride : k + 1;
    float *x = guarded_random((m - 1) * stride + k);
    float *gamma = guarded_random(k);
    float *beta = guarded_random(k);
    for (size_t i = 0; i < (m - 1) * stride + k; i++) {
        x[i] = x[i] + offset;
    }
    for (size_t i = 0; m > 1 && i < k; i++) {
        x[stride + i] = 0.25f; // no variance
    }
    float *input = guarded((m - 1) * stride + k, sizeof *input);
    memcpy(input, x, ((m - 1) * stride + k) * sizeof *x);
    float *y = in_place ? x : guarded_random((m - 1) * y_stride + k);
    subject->kernels.layer_norm(m, k, x, stride, gamma, beta, 1e-5f, y, y_stride);
    for (size_t row = 0; row < m; row++) {
        double mean = 0.0;
        double variance = 0.0;
        for (size_t i = 0; i < k; i++) {
            mean += (double)input[row * stride + i] / (double)k;
        }
        for (size_t i = 0; i < k; i++) {
            variance += pow((double)input[row * stride + i] - mean, 2.0) / (double)k;
        }
        double deviation = sqrt(variance + 1e-5);
        for (size_t i = 0; i < k; i++) {
            double d = ((double)input[row * stride + i] - mean) / deviation;
            double expected = d * (double)gamma[i] + (double)beta[i];
            double tolerance = 2e-6 + (2.0 + fabs((double)offset)) * 4e-7 / deviation;
            assert_near("layer_norm", i, (double)y[row * y_stride + i], expected, tolerance);
        }
    }
    if (subject->expected != NULL) {
        float *same = guarded(m * k, sizeof *same);
        subject->expected->layer_norm(m, k, input, stride, gamma, beta, 1e-5f, same, k);
        for (size_t row = 0; row < m; row++) {
            assert_same_floats("layer_norm", k, y + row * y_stride, same + row * k);
        }
    }
    free_guarded();
}

static void layer_norm_is_right(void **state)
{
    (void)state;
    seed_random(14);
    for (size_t k = 1; k <= LENGTH_MAX; k++) {
        check_layer_norm(3, k, 0.0f, false);
        check_layer_norm(2, k, 1.0f, true);
    }
    check_layer_norm(2, 512, 0.0f, true);
    check_layer_norm(1, 1280, 10.0f, false);
}

static void check_quantize(size_t m, size_t k, size_t k_padded, float magnitude)
{
    size_t x_stride = k + 2;
    size_t q_stride = k_padded + 3;
    float *x = guarded_random((m - 1) * x_stride + k);
    for (size_t i = 0; i < (m - 1) * x_stride + k; i++) {
        x[i] *= magnitude;
    }
    for (size_t i = 0; m > 1 && i < k; i++) {
        x[x_stride + i] = 0.0f;
    }
    uint8_t *q = guarded((m - 1) * q_stride + k_padded, 1);
    float *scale = guarded(m, sizeof *scale);
    memset(q, 7, (m - 1) * q_stride + k_padded);
    subject->kernels.quantize_u8(m, k, k_padded, x, x_stride, q, q_stride, scale);
    for (size_t row = 0; row < m; row++) {
        float largest = 0.0f;
        for (size_t i = 0; i < k; i++) {
            largest = fmaxf(largest, fabsf(x[row * x_stride + i]));
        }
        bool zero = largest < 0x1p-100f;
        assert_true(scale[row] == (zero ? 1.0f : largest / 127.0f));
        for (size_t i = 0; i < k; i++) {
            float ratio = x[row * x_stride + i] * (127.0f / largest);
            int expected = zero ? 128 : 128 + (int)rintf(ratio);
            assert_int_equal(q[row * q_stride + i], expected);
            assert_in_range(q[row * q_stride + i], 1, 255);
        }
        for (size_t i = k; i < k_padded; i++) {
            assert_int_equal(q[row * q_stride + i], 128);
        }
        for (size_t i = k_padded; row + 1 < m && i < q_stride; i++) {
            assert_int_equal(q[row * q_stride + i], 7);
        }
    }
    free_guarded();
}

static void quantize_is_right(void **state)
{
    (void)state;
    seed_random(15);
    static const float magnitudes[] = {1.0f, 0x1p-90f, 0x1p-101f, 0x1p-130f, 0x1p120f};
    for (size_t k = 1; k <= LENGTH_MAX; k++) {
        check_quantize(3, k, BASE_ROUND_UP(k, 4u), magnitudes[k % BASE_COUNT(magnitudes)]);
        check_quantize(2, k, BASE_ROUND_UP(k, 32u), 1.0f);
    }
    check_quantize(2, 2048, 2048, 3.0f);
}

// The second part is the first one's remainder, quantised; together they are 15 bits.
static void check_quantize_pairs(size_t m, size_t k, size_t k_padded, float magnitude)
{
    size_t x_stride = k + 2;
    size_t q_stride = k_padded + 3;
    float *x = guarded_random((m - 1) * x_stride + k);
    float *rest = guarded(k, sizeof *rest);
    uint8_t *q = guarded((2 * m - 1) * q_stride + k_padded, 1);
    uint8_t *part = guarded(k_padded, 1);
    float *scale = guarded(2 * m, sizeof *scale);
    for (size_t i = 0; i < (m - 1) * x_stride + k; i++) {
        x[i] *= magnitude;
    }
    memset(q, 7, (2 * m - 1) * q_stride + k_padded);
    subject->kernels.quantize_u8_pairs(m, k, k_padded, x, x_stride, q, q_stride, scale);
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        const uint8_t *coarse = q + 2 * row * q_stride;
        const uint8_t *fine = coarse + q_stride;
        float step = 0.0f;
        subject->kernels.quantize_u8(1, k, k_padded, in, k, part, k_padded, &step);
        assert_true(step == scale[2 * row]);
        assert_memory_equal(part, coarse, k_padded);
        for (size_t i = 0; i < k; i++) {
            rest[i] = in[i] - (float)(coarse[i] - 128) * step;
        }
        subject->kernels.quantize_u8(1, k, k_padded, rest, k, part, k_padded, &step);
        assert_true(step == scale[2 * row + 1]);
        assert_memory_equal(part, fine, k_padded);
        for (size_t i = k_padded; i < q_stride; i++) {
            assert_int_equal(coarse[i], 7);
        }
    }
    free_guarded();
}

static void pairs_are_what_is_left(void **state)
{
    (void)state;
    seed_random(23);
    static const float magnitudes[] = {1.0f, 0x1p-90f, 0x1p-98f, 0x1p-101f, 0x1p120f};
    for (size_t k = 1; k <= LENGTH_MAX; k++) {
        check_quantize_pairs(3, k, BASE_ROUND_UP(k, 4u), magnitudes[k % BASE_COUNT(magnitudes)]);
        check_quantize_pairs(2, k, BASE_ROUND_UP(k, 32u), 1.0f);
    }
    check_quantize_pairs(2, 2048, 2048, 3.0f);
}

static void quantize_rounds_half_to_even(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    float *x = guarded(COUNT, sizeof *x);
    uint8_t *q = guarded(COUNT, 1);
    float scale = 0.0f;
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (float)i - 9.5f;
    }
    x[0] = -127.0f;
    subject->kernels.quantize_u8(1, COUNT, COUNT, x, COUNT, q, COUNT, &scale);
    static const int expected[COUNT] = {1,   120, 120, 122, 122, 124, 124, 126, 126, 128,
                                        128, 130, 130, 132, 132, 134, 134, 136, 136, 138};
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(q[i], expected[i]);
    }
    free_guarded();
}

static void sums_and_products_are_right(void **state)
{
    (void)state;
    seed_random(16);
    for (size_t n = 0; n <= 3 * LENGTH_MAX; n++) {
        float *a = guarded_random(n);
        float *b = guarded_random(n);
        float *out = guarded_random(n);
        subject->kernels.add(n, a, b, out);
        double dot = 0.0;
        double magnitude = 0.0;
        for (size_t i = 0; i < n; i++) {
            assert_true(out[i] == a[i] + b[i]);
            dot += (double)a[i] * (double)b[i];
            magnitude += fabs((double)a[i] * (double)b[i]);
        }
        float got = subject->kernels.dot(n, a, b);
        assert_near("dot", n, (double)got, dot, (double)(n + 1) * 0x1p-24 * magnitude);
        float *y = guarded(n, sizeof *y);
        memcpy(y, b, n * sizeof *y);
        subject->kernels.axpy(n, 0.7f, a, y);
        for (size_t i = 0; i < n; i++) {
            assert_near("axpy", i, (double)y[i], (double)0.7f * (double)a[i] + (double)b[i],
                        1.3e-7);
        }
        if (subject->expected != NULL) {
            float same = subject->expected->dot(n, a, b);
            assert_same_floats("dot", 1, &got, &same);
            memcpy(out, b, n * sizeof *out);
            subject->expected->axpy(n, 0.7f, a, out);
            assert_same_floats("axpy", n, y, out);
        }
        free_guarded();
    }
}

static void add_works_in_place(void **state)
{
    (void)state;
    float a[21];
    float b[21];
    for (size_t i = 0; i < 21; i++) {
        a[i] = (float)i;
        b[i] = 100.0f * (float)i;
    }
    subject->kernels.add(21, a, b, a);
    subject->kernels.add(21, a, b, b);
    for (size_t i = 0; i < 21; i++) {
        assert_true(a[i] == 101.0f * (float)i && b[i] == 201.0f * (float)i);
    }
}

// Rows that lie apart and out of order, each ending where memory ends.
static void check_rows(size_t count, size_t n)
{
    enum { OFFSET = 5, ROWS_MAX = 32 };
    const float *rows[ROWS_MAX];
    float *x = guarded_random(n);
    float *weights = guarded_random(count);
    float *dots = guarded(count, sizeof *dots);
    float *mixed = guarded(n, sizeof *mixed);
    for (size_t i = 0; i < count; i++) {
        rows[(i * 7 + 3) % count] = guarded_random(OFFSET + n);
    }
    subject->kernels.dot_rows(count, n, x, rows, OFFSET, dots);
    subject->kernels.mix_rows(count, n, weights, rows, OFFSET, mixed);
    for (size_t i = 0; i < count; i++) {
        float dot = subject->kernels.dot(n, x, rows[i] + OFFSET);
        assert_same_floats("dot_rows", 1, &dots[i], &dot);
    }
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0;
        double magnitude = 0.0;
        for (size_t i = 0; i < count; i++) {
            double product = (double)weights[i] * (double)rows[i][OFFSET + j];
            sum += product;
            magnitude += fabs(product);
        }
        assert_near("mix_rows", j, (double)mixed[j], sum,
                    (double)(count + 1) * 0x1p-24 * magnitude);
    }
    if (subject->expected != NULL) {
        float *same = guarded(n, sizeof *same);
        subject->expected->mix_rows(count, n, weights, rows, OFFSET, same);
        assert_same_floats("mix_rows", n, mixed, same);
    }
    free_guarded();
}

static void rows_of_every_shape(void **state)
{
    (void)state;
    seed_random(22);
    static const size_t counts[] = {1, 2, 3, 4, 5, 8, 11, 19};
    for (size_t c = 0; c < BASE_COUNT(counts); c++) {
        for (size_t n = 1; n <= LENGTH_MAX; n += 3) {
            check_rows(counts[c], n);
        }
        check_rows(counts[c], 16);
        check_rows(counts[c], 64);
        check_rows(counts[c], 80);
        check_rows(counts[c], 128);
    }
}

// Every half there is, and floats around every half and every tie.
static void halves_are_right(void **state)
{
    (void)state;
    enum { ALL = 65536 };
    uint16_t *halves = guarded(ALL, sizeof *halves);
    float *floats = guarded(ALL, sizeof *floats);
    uint16_t *back = guarded(ALL, sizeof *back);
    for (size_t i = 0; i < ALL; i++) {
        halves[i] = (uint16_t)i;
    }
    subject->kernels.f16_to_f32(ALL, halves, floats);
    subject->kernels.f32_to_f16(ALL, floats, back);
    for (size_t i = 0; i < ALL; i++) {
        int exponent = (int)(i >> 10 & 31);
        double mantissa = (double)(i & 1023);
        double sign = i >= 32768 ? -1.0 : 1.0;
        if (exponent == 31) {
            assert_true(mantissa > 0.0 ? isnan(floats[i]) : isinf(floats[i]));
            assert_int_equal(back[i], mantissa > 0.0 ? (i | 0x200) : i); // NaN becomes quiet
            continue;
        }
        double value =
            exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024.0 + mantissa, exponent - 25);
        assert_true((double)floats[i] == sign * value);
        assert_int_equal(back[i], i);
    }
    free_guarded();
}

static void halves_round_to_even(void **state)
{
    (void)state;
    enum { FINITE = 31744 }; // 0 up to infinity
    for (uint32_t i = 0; i < FINITE; i++) {
        uint16_t pair[2] = {(uint16_t)i, (uint16_t)(i + 1)};
        float ends[2];
        subject->kernels.f16_to_f32(2, pair, ends);
        float step = i < 1024 ? 0x1p-24f : ldexpf(1.0f, (int)(i >> 10) - 25);
        float tie = ends[0] + step / 2.0f; // exact
        float values[3] = {nextafterf(tie, 0.0f), tie, nextafterf(tie, INFINITY)};
        uint16_t rounded[3];
        subject->kernels.f32_to_f16(3, values, rounded);
        assert_int_equal(rounded[0], i);
        assert_int_equal(rounded[1], i % 2 == 0 ? i : i + 1);
        assert_int_equal(rounded[2], i + 1);
    }
}

static void halves_of_every_length(void **state)
{
    (void)state;
    seed_random(17);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        float *x = guarded_random(n);
        uint16_t *half = guarded(n, sizeof *half);
        float *back = guarded(n, sizeof *back);
        subject->kernels.f32_to_f16(n, x, half);
        subject->kernels.f16_to_f32(n, half, back);
        for (size_t i = 0; i < n; i++) {
            assert_near("f16", i, (double)back[i], (double)x[i],
                        fabs((double)x[i]) * 0x1p-11 + 3e-8);
        }
        free_guarded();
    }
}

static void bfloats_round_to_even(void **state)
{
    (void)state;
    seed_random(18);
    for (uint32_t upper = 0; upper < 0x10000; upper++) {
        uint32_t bits[3] = {upper << 16, upper << 16 | 0x8000,
                            upper << 16 | (random_bits() & 0xffff)};
        float values[3];
        uint16_t got[3];
        memcpy(values, bits, sizeof values);
        subject->kernels.f32_to_bf16(3, values, got);
        for (size_t i = 0; i < 3; i++) {
            uint32_t lower = bits[i] & 0xffff;
            bool up = lower > 0x8000 || (lower == 0x8000 && upper % 2 == 1);
            uint32_t rounded = upper + (up ? 1 : 0);
            assert_int_equal(got[i], isnan(values[i]) ? (upper | 0x40) : rounded);
        }
    }
}

static void bfloats_of_every_length(void **state)
{
    (void)state;
    seed_random(19);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        float *x = guarded_random(n);
        uint16_t *got = guarded(n, sizeof *got);
        subject->kernels.f32_to_bf16(n, x, got);
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = (uint32_t)got[i] << 16;
            float back;
            memcpy(&back, &bits, sizeof back);
            assert_near("bf16", i, (double)back, (double)x[i], fabs((double)x[i]) * 0x1p-8);
        }
        free_guarded();
    }
}

static void every_entry_is_filled(void **state)
{
    (void)state;
    const Kernels *kernels = &subject->kernels;
    assert_non_null(kernels->gemm_f32);
    assert_non_null(kernels->gemm_f16);
    assert_non_null(kernels->gemm_bf16);
    assert_non_null(kernels->gemm_u8s8);
    assert_non_null(kernels->gemm_u8s8_pairs);
    assert_non_null(kernels->gemm_u8s4);
    assert_non_null(kernels->quantize_u8);
    assert_non_null(kernels->quantize_u8_pairs);
    assert_non_null(kernels->layer_norm);
    assert_non_null(kernels->softmax);
    assert_non_null(kernels->max);
    assert_non_null(kernels->exp_sum);
    assert_non_null(kernels->gelu);
    assert_non_null(kernels->sigmoid);
    assert_non_null(kernels->tanh);
    assert_non_null(kernels->add);
    assert_non_null(kernels->dot);
    assert_non_null(kernels->axpy);
    assert_non_null(kernels->dot_rows);
    assert_non_null(kernels->mix_rows);
    assert_non_null(kernels->f16_to_f32);
    assert_non_null(kernels->f32_to_f16);
    assert_non_null(kernels->f32_to_bf16);
    assert_non_null(kernels->f32_pairs_to_bf16);
    assert_non_null(kernels->pack_lanes);
    assert_non_null(kernels->attend_bf16);
}

static void pairs_of_every_length(void **state)
{
    (void)state;
    seed_random(31);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        const float *a = guarded_random(n);
        float *b = guarded_random(n);
        if (n > 0) {
            b[n - 1] = NAN;
        }
        uint16_t *pairs = guarded(2 * n, sizeof *pairs);
        uint16_t *rounded = guarded(n, sizeof *rounded);
        subject->kernels.f32_pairs_to_bf16(n, a, b, pairs);
        subject->kernels.f32_to_bf16(n, a, rounded);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(pairs[2 * i], rounded[i]);
        }
        subject->kernels.f32_to_bf16(n, b, rounded);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(pairs[2 * i + 1], rounded[i]);
        }
        free_guarded();
    }
}

static void lanes_of_every_shape(void **state)
{
    (void)state;
    enum { UNIT = 4, UNITS_MAX = 40, GAP = 3 };
    seed_random(32);
    for (size_t rows = 1; rows <= KERNELS_PANEL; rows++) {
        for (size_t units = 0; units <= UNITS_MAX; units++) {
            const size_t stride = units * UNIT + GAP;
            const size_t bytes = (rows - 1) * stride + units * UNIT;
            uint8_t *in = guarded(bytes, 1);
            for (size_t i = 0; i < bytes; i++) {
                in[i] = (uint8_t)random_bits();
            }
            uint8_t *out = guarded(units * KERNELS_PANEL * UNIT, 1);
            memset(out, 0xff, units * KERNELS_PANEL * UNIT);
            subject->kernels.pack_lanes(rows, units, in, stride, out);
            for (size_t i = 0; i < units * KERNELS_PANEL * UNIT; i++) {
                const size_t unit = i / (KERNELS_PANEL * UNIT);
                const size_t lane = i / UNIT % KERNELS_PANEL;
                const int expected = lane < rows ? in[lane * stride + unit * UNIT + i % UNIT] : 0;
                assert_int_equal(out[i], expected);
            }
            free_guarded();
        }
    }
}

const struct CMUnitTest ELEMENTWISE_TESTS[] = {
    cmocka_unit_test(every_entry_is_filled),
    cmocka_unit_test(gelu_is_right),
    cmocka_unit_test(sigmoid_is_right),
    cmocka_unit_test(tanh_is_right),
    cmocka_unit_test(softmax_is_right),
    cmocka_unit_test(masked_softmax_is_zero_there),
    cmocka_unit_test(max_is_right),
    cmocka_unit_test(exp_sum_is_right),
    cmocka_unit_test(exp_sum_leaves_out_what_is_closed),
    cmocka_unit_test(layer_norm_is_right),
    cmocka_unit_test(quantize_is_right),
    cmocka_unit_test(quantize_rounds_half_to_even),
    cmocka_unit_test(pairs_are_what_is_left),
    cmocka_unit_test(sums_and_products_are_right),
    cmocka_unit_test(add_works_in_place),
    cmocka_unit_test(rows_of_every_shape),
    cmocka_unit_test(halves_are_right),
    cmocka_unit_test(halves_round_to_even),
    cmocka_unit_test(halves_of_every_length),
    cmocka_unit_test(bfloats_round_to_even),
    cmocka_unit_test(bfloats_of_every_length),
    cmocka_unit_test(pairs_of_every_length),
    cmocka_unit_test(lanes_of_every_shape),
};
const size_t ELEMENTWISE_TEST_COUNT = BASE_COUNT(ELEMENTWISE_TESTS);
