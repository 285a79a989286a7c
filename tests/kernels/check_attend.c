// Attention: each tier against sums in double, against scalar C bit for bit where the tier has the
// same order of sums, and against itself with queries apart. Panels and rows lie at the end of
// readable memory.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "kernels/pack.h"

typedef struct Attended {
    size_t m, size, length, q_stride, out_stride;
    float scale;
    float *q;
    float *keys, *values; // [length][size], as they are after packing
    KernelsHead head;
    void *scratch;
} Attended;

// What W is after packing, as rows of k.
static uint16_t *packed_rows(size_t n, size_t k, float *w)
{
    uint16_t *panels = guarded(pack_bf16_bytes(n, k), 1);
    pack_bf16(n, k, 0, n, w, panels);
    for (size_t row = 0; row < n; row++) {
        unpack_row_bf16(k, row, panels, w + row * k);
    }
    return panels;
}

static Attended make_attended(size_t m, size_t size, size_t length, float spread)
{
    Attended made = {
        .m = m,
        .size = size,
        .length = length,
        .q_stride = size + 3,
        .out_stride = size + 5,
        .scale = 1.0f / sqrtf((float)size),
    };
    const size_t q_count = (m - 1) * made.q_stride + size;
    made.q = guarded_random(q_count);
    for (size_t i = 0; i < q_count; i++) {
        made.q[i] *= spread;
    }
    made.keys = guarded_random(length * size);
    float *columns = guarded_random(size * length); // values, a position a column
    const uint16_t *keys = packed_rows(length, size, made.keys);
    const uint16_t *values = packed_rows(size, length, columns);
    made.values = guarded(length * size, sizeof *made.values);
    for (size_t j = 0; j < length; j++) {
        for (size_t i = 0; i < size; i++) {
            made.values[j * size + i] = columns[i * length + j];
        }
    }
    made.head = (KernelsHead){size, length, keys, values};
    made.scratch = guarded(kernels_attend_scratch(length) / sizeof(float), sizeof(float));
    return made;
}

static const float UNTOUCHED = -12345.5f;

static size_t out_count(const Attended *a)
{
    return (a->m - 1) * a->out_stride + a->size;
}

static float *attend(const Kernels *kernels, const Attended *a, size_t together)
{
    float *out = guarded(out_count(a), sizeof *out);
    for (size_t i = 0; i < out_count(a); i++) {
        out[i] = UNTOUCHED;
    }
    for (size_t row = 0; row < a->m; row += together) {
        kernels->attend_bf16(BASE_MIN(together, a->m - row), &a->head, a->scale,
                             a->q + row * a->q_stride, a->q_stride, out + row * a->out_stride,
                             a->out_stride, a->scratch);
    }
    return out;
}

// Rounding q * scale moves a score by at most 2^-9 of the sum of its magnitudes (twice that to
// allow for another factor in the product), which moves weights by as much relatively; rounding a
// weight moves it by 2^-9, an approximate power by less than 2^-10.
static void compare_with_double(const Attended *a, const float *out)
{
    double *weights = guarded(a->length, sizeof *weights);
    for (size_t row = 0; row < a->m; row++) {
        const float *q = a->q + row * a->q_stride;
        double largest = -1e300;
        double moved = 0.0;
        for (size_t j = 0; j < a->length; j++) {
            double sum = 0.0;
            double magnitude = 0.0;
            for (size_t i = 0; i < a->size; i++) {
                double x = (double)q[i] * (double)a->keys[j * a->size + i] * (double)a->scale;
                sum += x;
                magnitude += fabs(x);
            }
            weights[j] = sum;
            largest = fmax(largest, sum);
            moved = fmax(moved, magnitude * 0x1p-8);
        }
        double total = 0.0;
        for (size_t j = 0; j < a->length; j++) {
            weights[j] = exp(weights[j] - largest);
            total += weights[j];
        }
        for (size_t i = 0; i < a->size; i++) {
            double sum = 0.0;
            double magnitude = 0.0;
            for (size_t j = 0; j < a->length; j++) {
                double x = weights[j] / total * (double)a->values[j * a->size + i];
                sum += x;
                magnitude += fabs(x);
            }
            const double tolerance = (magnitude + fabs(sum)) * (exp(moved) - 1.0 + 0x1p-8);
            assert_near("attend_bf16", row * a->out_stride + i,
                        (double)out[row * a->out_stride + i], sum, tolerance + 1e-30);
        }
        for (size_t gap = a->size; row + 1 < a->m && gap < a->out_stride; gap++) {
            assert_true(out[row * a->out_stride + gap] == UNTOUCHED);
        }
    }
}

static void check(size_t m, size_t size, size_t length, float spread)
{
    const Attended a = make_attended(m, size, length, spread);
    const float *out = attend(&subject->kernels, &a, m);
    compare_with_double(&a, out);
    if (subject->expected != NULL && !subject->own_bf16) {
        char what[64];
        snprintf(what, sizeof what, "attend_bf16 m %zu size %zu length %zu", m, size, length);
        assert_same_floats(what, out_count(&a), out, attend(subject->expected, &a, m));
    }
    free_guarded();
}

static void attention_is_right(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 3, 15, 16, 17, 31, 32, 33, 50};
    static const size_t sizes[] = {16, 32, 48, 64, 80, 256};
    static const size_t lengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 255, 256, 257, 290};
    seed_random(21);
    for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
        for (size_t j = 0; j < BASE_COUNT(sizes); j++) {
            check(rows[(i + j) % BASE_COUNT(rows)], sizes[j], lengths[i], 1.0f);
        }
        for (size_t j = 0; j < BASE_COUNT(rows); j++) {
            check(rows[j], 64, lengths[i], 4.0f);
        }
    }
    check(40, 64, 1500, 1.0f);
}

// One score far above the others, of either sign, at any place: what was summed before a larger one
// was found must vanish, and nothing may overflow.
static void large_scores_are_right(void **state)
{
    (void)state;
    enum { M = 20, SIZE = 32, LENGTH = 600 };
    static const size_t places[] = {0, 17, 255, 256, 511, 512, 599};
    seed_random(22);
    for (size_t p = 0; p < BASE_COUNT(places); p++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            Attended a = make_attended(M, SIZE, LENGTH, 1.0f);
            float *w = guarded(LENGTH * SIZE, sizeof *w);
            memcpy(w, a.keys, LENGTH * SIZE * sizeof *w);
            for (size_t i = 0; i < SIZE; i++) {
                w[places[p] * SIZE + i] = (float)sign * 64.0f;
                for (size_t row = 0; row < M; row++) {
                    a.q[row * a.q_stride + i] = (float)(row + 1) * 0.5f;
                }
            }
            a.keys = w;
            a.head.keys = packed_rows(LENGTH, SIZE, w);
            const float *out = attend(&subject->kernels, &a, M);
            if (sign > 0) { // all the attention
                for (size_t row = 0; row < M; row++) {
                    for (size_t i = 0; i < SIZE; i++) {
                        assert_near("attend_bf16", i, (double)out[row * a.out_stride + i],
                                    (double)a.values[places[p] * SIZE + i], 1e-3);
                    }
                }
            }
            compare_with_double(&a, out);
            free_guarded();
        }
    }
}

static void queries_are_independent(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 7, 16, 24, 33};
    seed_random(23);
    const Attended a = make_attended(70, 64, 301, 3.0f);
    const float *whole = attend(&subject->kernels, &a, a.m);
    for (size_t i = 0; i < BASE_COUNT(pieces); i++) {
        assert_same_floats("attend_bf16 in pieces", out_count(&a),
                           attend(&subject->kernels, &a, pieces[i]), whole);
    }
    free_guarded();
}

static void quantize_s16_is_right(void **state)
{
    (void)state;
    enum { LENGTH_MAX = 70 };
    seed_random(24);
    for (size_t n = 1; n <= LENGTH_MAX; n++) {
        float *x = guarded_random(n);
        int16_t *q = guarded(n, sizeof *q);
        float scale = 0.0f;
        for (size_t i = 0; n % 9 == 0 && i < n; i++) {
            x[i] *= n % 2 == 0 ? 0x1p-110f : 0x1p+90f;
        }
        subject->kernels.quantize_s16(n, x, q, &scale);
        double largest = 0.0;
        for (size_t i = 0; i < n; i++) {
            const double magnitude = fabs((double)x[i]);
            largest = magnitude > largest ? magnitude : largest; // GCC 12 for ARM fails on fmax
        }
        const bool zero = largest < 0x1p-100;
        assert_near("scale", n, (double)scale, zero ? 1.0 : largest / KERNELS_S16_MOST,
                    largest * 1e-9);
        for (size_t i = 0; i < n; i++) {
            assert_in_range(q[i] + KERNELS_S16_MOST, 0, 2 * KERNELS_S16_MOST);
            const double back = (double)q[i] * (double)scale;
            assert_near("quantize_s16", i, back, zero ? 0.0 : (double)x[i],
                        zero ? 0.0 : 0.5001 * (double)scale);
        }
        if (subject->expected != NULL) {
            int16_t *same = guarded(n, sizeof *same);
            float same_scale = 0.0f;
            subject->expected->quantize_s16(n, x, same, &same_scale);
            assert_memory_equal(q, same, n * sizeof *q);
            assert_same_floats("scale", 1, &scale, &same_scale);
        }
        free_guarded();
    }
}

// A row of n scores whose spread makes weights of one, of many or of all positions.
static void check_softmax_s16(size_t n, float spread)
{
    const size_t padded = n + n % 2;
    float *x = guarded_random(n);
    float *input = guarded(n, sizeof *input);
    float *value_scale = guarded_random(n);
    for (size_t i = 0; i < n; i++) {
        input[i] = x[i] *= spread;
        value_scale[i] = 0.01f + value_scale[i] * value_scale[i];
    }
    int16_t *w = guarded(padded, sizeof *w);
    const float factor = subject->kernels.softmax_s16(n, padded, x, 0.125f, value_scale, w);
    double largest = -1e300;
    for (size_t i = 0; i < n; i++) {
        const double score = (double)input[i] * 0.125;
        largest = score > largest ? score : largest; // GCC 12 for ARM fails on fmax here
    }
    double sum = 0.0;
    double products = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)input[i] * 0.125 - largest);
        assert_true(w[i] >= 0);
        products += (double)w[i] * KERNELS_S16_MOST;
    }
    assert_true(products < 0x1p31);
    for (size_t i = 0; i < n; i++) {
        const double share = exp((double)input[i] * 0.125 - largest) / sum;
        const double expected = share * (double)value_scale[i];
        assert_near("softmax_s16", i, (double)w[i] * (double)factor, expected,
                    0.5001 * (double)factor + 4e-6 * expected);
    }
    assert_true(n == padded || w[n] == 0);
    if (subject->expected != NULL) {
        int16_t *same = guarded(padded, sizeof *same);
        const float same_factor =
            subject->expected->softmax_s16(n, padded, input, 0.125f, value_scale, same);
        assert_memory_equal(w, same, padded * sizeof *w);
        assert_same_floats("softmax_s16", 1, &factor, &same_factor);
    }
    free_guarded();
}

static void softmax_s16_is_right(void **state)
{
    (void)state;
    seed_random(25);
    for (size_t n = 1; n <= 70; n++) {
        check_softmax_s16(n, 1.0f);
        check_softmax_s16(n, 60.0f);
    }
    check_softmax_s16(1500, 0.01f);
    check_softmax_s16(1500, 20.0f);
    check_softmax_s16(16384, 0.0f); // the longest, all alike
}

static void check_gemm_s16(size_t m, size_t n, size_t k)
{
    const size_t panels = (n + KERNELS_PANEL - 1) / KERNELS_PANEL;
    const size_t c_stride = n + 3;
    const size_t a_stride = k + 2;
    int16_t *a = guarded((m - 1) * a_stride + k, sizeof *a);
    int16_t *w = guarded(panels * KERNELS_PANEL * k, sizeof *w);
    float *scale = guarded_random(m);
    for (size_t i = 0; i < (m - 1) * a_stride + k; i++) {
        a[i] = (int16_t)(random_bits() % 65 * 1000 / BASE_MAX(k / 64, (size_t)1) % 32768);
    }
    for (size_t i = 0; i < panels * KERNELS_PANEL * k; i++) {
        w[i] = (int16_t)((int)(random_bits() % 4095) - KERNELS_S16_MOST);
    }
    float *c = guarded((m - 1) * c_stride + n, sizeof *c);
    float *apart = guarded((m - 1) * c_stride + n, sizeof *apart);
    for (size_t i = 0; i < (m - 1) * c_stride + n; i++) {
        c[i] = apart[i] = UNTOUCHED;
    }
    subject->kernels.gemm_s16(m, n, k, a, a_stride, scale, w, c, c_stride);
    for (size_t row = 0; row < m; row++) {
        subject->kernels.gemm_s16(1, n, k, a + row * a_stride, a_stride, scale + row, w,
                                  apart + row * c_stride, c_stride);
        for (size_t column = 0; column < n; column++) {
            int64_t sum = 0;
            for (size_t i = 0; i < k; i++) {
                sum += (int64_t)a[row * a_stride + i] *
                       w[column / KERNELS_PANEL * KERNELS_PANEL * k + i / 2 * 2 * KERNELS_PANEL +
                         column % KERNELS_PANEL * 2 + i % 2];
            }
            assert_true(sum < INT32_MAX && sum > INT32_MIN);
            const float expected = (float)sum * scale[row];
            assert_same_floats("gemm_s16", 1, &c[row * c_stride + column], &expected);
        }
    }
    assert_same_floats("gemm_s16 apart", (m - 1) * c_stride + n, apart, c);
    free_guarded();
}

static void gemm_s16_is_right(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 2, 5, 6, 7, 12, 24, 25};
    static const size_t columns[] = {1, 16, 17, 48, 64, 80};
    static const size_t depths[] = {2, 4, 30, 64, 1502};
    seed_random(26);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        for (size_t j = 0; j < BASE_COUNT(columns); j++) {
            check_gemm_s16(rows[i], columns[j], depths[(i + j) % BASE_COUNT(depths)]);
        }
    }
}

const struct CMUnitTest ATTEND_TESTS[] = {
    cmocka_unit_test(attention_is_right),      cmocka_unit_test(large_scores_are_right),
    cmocka_unit_test(queries_are_independent), cmocka_unit_test(quantize_s16_is_right),
    cmocka_unit_test(softmax_s16_is_right),    cmocka_unit_test(gemm_s16_is_right),
};
const size_t ATTEND_TEST_COUNT = BASE_COUNT(ATTEND_TESTS);
