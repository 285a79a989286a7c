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

const struct CMUnitTest ATTEND_TESTS[] = {
    cmocka_unit_test(attention_is_right),
    cmocka_unit_test(large_scores_are_right),
    cmocka_unit_test(queries_are_independent),
};
const size_t ATTEND_TEST_COUNT = BASE_COUNT(ATTEND_TESTS);
