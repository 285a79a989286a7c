// Everything but the products, for any tier that has f32x16 (see x86/lanes_avx512.h). A tier
// includes its lanes and then this. The order of operations is that of ref/ref.c, so the results
// are too.
#ifndef KERNELS_ELEMENTWISE_BODY_H
#define KERNELS_ELEMENTWISE_BODY_H

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "lanes_math.h"

// Applies an operation to n values in place. Inlined, so that the operation is too.
LANES_INLINE void map_in_place(f32x16 (*const operation)(f32x16), size_t n, float *x)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store(x + i, operation(f32x16_load(x + i)));
    }
    if (i < n) {
        f32x16_store_first(x + i, operation(f32x16_load_first(x + i, n - i)), n - i);
    }
}

static void gelu_lanes(size_t n, float *x)
{
    map_in_place(gelu_value, n, x);
}

static void sigmoid_lanes(size_t n, float *x)
{
    map_in_place(logistic, n, x);
}

static void tanh_lanes(size_t n, float *x)
{
    map_in_place(hyperbolic_tangent, n, x);
}

static void add_lanes(size_t n, const float *a, const float *b, float *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store(out + i, f32x16_add(f32x16_load(a + i), f32x16_load(b + i)));
    }
    if (i < n) {
        size_t rest = n - i;
        f32x16 sum = f32x16_add(f32x16_load_first(a + i, rest), f32x16_load_first(b + i, rest));
        f32x16_store_first(out + i, sum, rest);
    }
}

static void axpy_lanes(size_t n, float scale, const float *x, float *y)
{
    f32x16 factor = f32x16_set1(scale);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store(y + i, f32x16_fma(factor, f32x16_load(x + i), f32x16_load(y + i)));
    }
    if (i < n) {
        size_t rest = n - i;
        f32x16 sum =
            f32x16_fma(factor, f32x16_load_first(x + i, rest), f32x16_load_first(y + i, rest));
        f32x16_store_first(y + i, sum, rest);
    }
}

static float dot_lanes(size_t n, const float *a, const float *b)
{
    f32x16 sum = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        sum = f32x16_fma(f32x16_load(a + i), f32x16_load(b + i), sum);
    }
    if (i < n) {
        sum = f32x16_fma(f32x16_load_first(a + i, n - i), f32x16_load_first(b + i, n - i), sum);
    }
    return f32x16_sum(sum);
}

enum { ROWS_AHEAD = 8 }; // rows that lie apart are asked for so far ahead

LANES_INLINE void prefetch_row(const float *row, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        __builtin_prefetch(row + i);
    }
}

// Four rows at a time: each waits for its last sum.
static void dot_rows_lanes(size_t count, size_t n, const float *x, const float *const *rows,
                           size_t offset, float *out)
{
    size_t r = 0;
    for (; r + 4 <= count && n % LANES == 0; r += 4) {
        const float *row[4] = {rows[r] + offset, rows[r + 1] + offset, rows[r + 2] + offset,
                               rows[r + 3] + offset};
        for (size_t ahead = r + ROWS_AHEAD; ahead < BASE_MIN(r + ROWS_AHEAD + 4, count); ahead++) {
            prefetch_row(rows[ahead] + offset, n);
        }
        f32x16 s0 = f32x16_zero();
        f32x16 s1 = s0;
        f32x16 s2 = s0;
        f32x16 s3 = s0;
        for (size_t i = 0; i < n; i += LANES) {
            f32x16 at = f32x16_load(x + i);
            s0 = f32x16_fma(at, f32x16_load(row[0] + i), s0);
            s1 = f32x16_fma(at, f32x16_load(row[1] + i), s1);
            s2 = f32x16_fma(at, f32x16_load(row[2] + i), s2);
            s3 = f32x16_fma(at, f32x16_load(row[3] + i), s3);
        }
        out[r] = f32x16_sum(s0);
        out[r + 1] = f32x16_sum(s1);
        out[r + 2] = f32x16_sum(s2);
        out[r + 3] = f32x16_sum(s3);
    }
    for (; r < count; r++) {
        out[r] = dot_lanes(n, x, rows[r] + offset);
    }
}

// Up to 64 columns at a time stay in registers.
static void mix_rows_lanes(size_t count, size_t n, const float *weights, const float *const *rows,
                           size_t offset, float *out)
{
    size_t i = 0;
    for (; i + (size_t)4 * LANES <= n; i += (size_t)4 * LANES) {
        f32x16 s0 = f32x16_zero();
        f32x16 s1 = s0;
        f32x16 s2 = s0;
        f32x16 s3 = s0;
        for (size_t r = 0; r < count; r++) {
            const float *row = rows[r] + offset + i;
            if (r + ROWS_AHEAD < count) {
                prefetch_row(rows[r + ROWS_AHEAD] + offset + i, (size_t)4 * LANES);
            }
            f32x16 weight = f32x16_set1(weights[r]);
            s0 = f32x16_fma(weight, f32x16_load(row), s0);
            s1 = f32x16_fma(weight, f32x16_load(row + LANES), s1);
            s2 = f32x16_fma(weight, f32x16_load(row + (size_t)2 * LANES), s2);
            s3 = f32x16_fma(weight, f32x16_load(row + (size_t)3 * LANES), s3);
        }
        f32x16_store(out + i, s0);
        f32x16_store(out + i + LANES, s1);
        f32x16_store(out + i + (size_t)2 * LANES, s2);
        f32x16_store(out + i + (size_t)3 * LANES, s3);
    }
    for (; i < n; i += LANES) {
        size_t rest = BASE_MIN((size_t)LANES, n - i);
        f32x16 sum = f32x16_zero();
        for (size_t r = 0; r < count; r++) {
            f32x16 row = f32x16_load_first(rows[r] + offset + i, rest);
            sum = f32x16_fma(f32x16_set1(weights[r]), row, sum);
        }
        f32x16_store_first(out + i, sum, rest);
    }
}

static float largest_magnitude(size_t k, const float *x)
{
    f32x16 largest = f32x16_zero();
    f32x16 other = largest; // two, because each waits for its last maximum
    size_t i = 0;
    for (; i + (size_t)2 * LANES <= k; i += (size_t)2 * LANES) {
        largest = f32x16_max(largest, f32x16_abs(f32x16_load(x + i)));
        other = f32x16_max(other, f32x16_abs(f32x16_load(x + i + LANES)));
    }
    largest = f32x16_max(largest, other);
    for (; i + LANES <= k; i += LANES) {
        largest = f32x16_max(largest, f32x16_abs(f32x16_load(x + i)));
    }
    if (i < k) {
        largest = f32x16_max(largest, f32x16_abs(f32x16_load_first(x + i, k - i)));
    }
    return f32x16_largest(largest);
}

static void quantize_u8_lanes(size_t m, size_t k, size_t k_padded, const float *x, size_t x_stride,
                              uint8_t *q, size_t q_stride, float *scale)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        uint8_t *out = q + row * q_stride;
        float largest = largest_magnitude(k, in);
        bool zero = largest < QUANTIZE_LOWEST;
        f32x16 inverse = f32x16_set1(zero ? 0.0f : 127.0f / largest);
        scale[row] = zero ? 1.0f : largest / 127.0f;
        size_t i = 0;
        for (; i + LANES <= k; i += LANES) {
            f32x16_store_biased_u8(out + i, f32x16_mul(f32x16_load(in + i), inverse));
        }
        if (i < k) {
            uint8_t rest[LANES];
            f32x16_store_biased_u8(rest, f32x16_mul(f32x16_load_first(in + i, k - i), inverse));
            memcpy(out + i, rest, k - i);
        }
        memset(out + k, 128, k_padded - k);
    }
}

typedef struct QuantizeStep {
    f32x16 inverse, scale;
} QuantizeStep;

LANES_INLINE QuantizeStep quantize_step(float largest, float *scale)
{
    bool zero = largest < QUANTIZE_LOWEST;
    *scale = zero ? 1.0f : largest / 127.0f;
    return (QuantizeStep){f32x16_set1(zero ? 0.0f : 127.0f / largest), f32x16_set1(*scale)};
}

// What rounding x leaves. Adding and subtracting EXP_ROUND rounds as storing does.
LANES_INLINE f32x16 rounding_rest(f32x16 x, QuantizeStep step)
{
    f32x16 round = f32x16_set1(EXP_ROUND);
    f32x16 q = f32x16_sub(f32x16_add(f32x16_mul(x, step.inverse), round), round);
    return f32x16_sub(x, f32x16_mul(q, step.scale));
}

LANES_INLINE void store_biased_first(uint8_t *p, f32x16 x, size_t count)
{
    uint8_t rest[LANES];
    f32x16_store_biased_u8(rest, x);
    memcpy(p, rest, count);
}

// Stores the first part; returns the largest magnitude of what it leaves.
static float quantize_coarse(size_t k, const float *x, QuantizeStep step, uint8_t *q)
{
    f32x16 largest = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        f32x16 value = f32x16_load(x + i);
        f32x16_store_biased_u8(q + i, f32x16_mul(value, step.inverse));
        largest = f32x16_max(largest, f32x16_abs(rounding_rest(value, step)));
    }
    if (i < k) {
        f32x16 value = f32x16_load_first(x + i, k - i);
        store_biased_first(q + i, f32x16_mul(value, step.inverse), k - i);
        largest = f32x16_max(largest, f32x16_abs(rounding_rest(value, step)));
    }
    return f32x16_largest(largest);
}

static void quantize_fine(size_t k, const float *x, QuantizeStep step, QuantizeStep fine,
                          uint8_t *q)
{
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        f32x16 rest = rounding_rest(f32x16_load(x + i), step);
        f32x16_store_biased_u8(q + i, f32x16_mul(rest, fine.inverse));
    }
    if (i < k) {
        f32x16 rest = rounding_rest(f32x16_load_first(x + i, k - i), step);
        store_biased_first(q + i, f32x16_mul(rest, fine.inverse), k - i);
    }
}

static void quantize_u8_pairs_lanes(size_t m, size_t k, size_t k_padded, const float *x,
                                    size_t x_stride, uint8_t *q, size_t q_stride, float *scale)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        uint8_t *out = q + 2 * row * q_stride;
        QuantizeStep step = quantize_step(largest_magnitude(k, in), scale + 2 * row);
        float left = quantize_coarse(k, in, step, out);
        QuantizeStep fine = quantize_step(left, scale + 2 * row + 1);
        quantize_fine(k, in, step, fine, out + q_stride);
        memset(out + k, 128, k_padded - k);
        memset(out + q_stride + k, 128, k_padded - k);
    }
}

static float mean_of(size_t k, const float *x)
{
    f32x16 sum = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        sum = f32x16_add(sum, f32x16_load(x + i));
    }
    if (i < k) {
        sum = f32x16_add(sum, f32x16_load_first(x + i, k - i));
    }
    return f32x16_sum(sum) / (float)k;
}

static float variance_of(size_t k, const float *x, float mean)
{
    f32x16 center = f32x16_set1(mean);
    f32x16 sum = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        f32x16 d = f32x16_sub(f32x16_load(x + i), center);
        sum = f32x16_fma(d, d, sum);
    }
    if (i < k) {
        f32x16 d = f32x16_sub(f32x16_load_first(x + i, k - i), center);
        d = f32x16_first(d, f32x16_zero(), k - i);
        sum = f32x16_fma(d, d, sum);
    }
    return f32x16_sum(sum) / (float)k;
}

static void layer_norm_lanes(size_t m, size_t k, const float *x, size_t x_stride,
                             const float *gamma, const float *beta, float epsilon, float *y,
                             size_t y_stride)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        float *out = y + row * y_stride;
        float mean = mean_of(k, in);
        f32x16 center = f32x16_set1(mean);
        f32x16 inverse = f32x16_set1(1.0f / sqrtf(variance_of(k, in, mean) + epsilon));
        size_t i = 0;
        for (; i + LANES <= k; i += LANES) {
            f32x16 d = f32x16_mul(f32x16_sub(f32x16_load(in + i), center), inverse);
            f32x16_store(out + i, f32x16_fma(d, f32x16_load(gamma + i), f32x16_load(beta + i)));
        }
        if (i < k) {
            size_t rest = k - i;
            f32x16 d = f32x16_mul(f32x16_sub(f32x16_load_first(in + i, rest), center), inverse);
            d = f32x16_fma(d, f32x16_load_first(gamma + i, rest),
                           f32x16_load_first(beta + i, rest));
            f32x16_store_first(out + i, d, rest);
        }
    }
}

static float largest_scaled(size_t n, const float *x, float scale)
{
    f32x16 factor = f32x16_set1(scale);
    f32x16 first = f32x16_set1(x[0] * scale);
    f32x16 largest = first;
    f32x16 other = first; // two, because each waits for its last maximum
    size_t i = 0;
    for (; i + (size_t)2 * LANES <= n; i += (size_t)2 * LANES) {
        largest = f32x16_max(largest, f32x16_mul(f32x16_load(x + i), factor));
        other = f32x16_max(other, f32x16_mul(f32x16_load(x + i + LANES), factor));
    }
    largest = f32x16_max(largest, other);
    for (; i + LANES <= n; i += LANES) {
        largest = f32x16_max(largest, f32x16_mul(f32x16_load(x + i), factor));
    }
    if (i < n) {
        f32x16 rest = f32x16_mul(f32x16_load_first(x + i, n - i), factor);
        largest = f32x16_max(largest, f32x16_first(rest, first, n - i));
    }
    return f32x16_largest(largest);
}

// Puts exp(x * factor + shift) in place of n values; returns the sum of each lane.
LANES_INLINE f32x16 exponentials(size_t n, float *x, f32x16 factor, f32x16 shift)
{
    f32x16 sum = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16 e = exponential(f32x16_fma(f32x16_load(x + i), factor, shift));
        f32x16_store(x + i, e);
        sum = f32x16_add(sum, e);
    }
    if (i < n) {
        f32x16 e = exponential(f32x16_fma(f32x16_load_first(x + i, n - i), factor, shift));
        f32x16_store_first(x + i, e, n - i);
        sum = f32x16_add(sum, f32x16_first(e, f32x16_zero(), n - i));
    }
    return sum;
}

static void softmax_lanes(size_t n, float *x, float scale)
{
    f32x16 factor = f32x16_set1(scale);
    f32x16 shift = f32x16_set1(-largest_scaled(n, x, scale));
    f32x16 sum = f32x16_zero();
    for (size_t start = 0; start < n; start += SOFTMAX_BLOCK) {
        size_t count = BASE_MIN(n - start, (size_t)SOFTMAX_BLOCK);
        sum = f32x16_add(sum, exponentials(count, x + start, factor, shift));
    }
    f32x16 inverse = f32x16_set1(1.0f / f32x16_sum(sum));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store(x + i, f32x16_mul(f32x16_load(x + i), inverse));
    }
    if (i < n) {
        f32x16_store_first(x + i, f32x16_mul(f32x16_load_first(x + i, n - i), inverse), n - i);
    }
}

// Four, because each waits for its last maximum. x comes first: on x86 what is not a number is then
// left out.
static float max_lanes(size_t n, const float *x)
{
    f32x16 lowest = f32x16_set1(-INFINITY);
    f32x16 largest[4] = {lowest, lowest, lowest, lowest};
    size_t i = 0;
    for (; i + (size_t)4 * LANES <= n; i += (size_t)4 * LANES) {
        largest[0] = f32x16_max(f32x16_load(x + i), largest[0]);
        largest[1] = f32x16_max(f32x16_load(x + i + LANES), largest[1]);
        largest[2] = f32x16_max(f32x16_load(x + i + (size_t)2 * LANES), largest[2]);
        largest[3] = f32x16_max(f32x16_load(x + i + (size_t)3 * LANES), largest[3]);
    }
    for (; i + LANES <= n; i += LANES) {
        largest[0] = f32x16_max(f32x16_load(x + i), largest[0]);
    }
    if (i < n) {
        f32x16 rest = f32x16_first(f32x16_load_first(x + i, n - i), lowest, n - i);
        largest[1] = f32x16_max(rest, largest[1]);
    }
    f32x16 all = f32x16_max(f32x16_max(largest[0], largest[1]), f32x16_max(largest[2], largest[3]));
    return f32x16_largest(all);
}

LANES_INLINE f32x16 exponential_below(f32x16 x, f32x16 high, f32x16 scale)
{
    f32x16 t = f32x16_mul(f32x16_sub(x, high), scale);
    return f32x16_select_less(f32x16_set1(EXP_LOWEST), t, exponential(t), f32x16_zero());
}

static double exp_sum_lanes(size_t n, const float *x, float high, float scale)
{
    f32x16 highs = f32x16_set1(high);
    f32x16 scales = f32x16_set1(scale);
    double total = 0.0;
    for (size_t start = 0; start < n; start += SOFTMAX_BLOCK) {
        size_t end = BASE_MIN(n, start + SOFTMAX_BLOCK);
        f32x16 sum = f32x16_zero();
        size_t i = start;
        for (; i + LANES <= end; i += LANES) {
            sum = f32x16_add(sum, exponential_below(f32x16_load(x + i), highs, scales));
        }
        if (i < end) {
            f32x16 e = exponential_below(f32x16_load_first(x + i, end - i), highs, scales);
            sum = f32x16_add(sum, f32x16_first(e, f32x16_zero(), end - i));
        }
        total += (double)f32x16_sum(sum);
    }
    return total;
}

static void quantize_s16_lanes(size_t n, const float *x, int16_t *q, float *scale)
{
    const float most = (float)KERNELS_S16_MOST;
    float largest = largest_magnitude(n, x);
    bool zero = largest < QUANTIZE_LOWEST;
    f32x16 inverse = f32x16_set1(zero ? 0.0f : most / largest);
    *scale = zero ? 1.0f : largest / most;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store_s16(q + i, f32x16_mul(f32x16_load(x + i), inverse));
    }
    if (i < n) {
        int16_t rest[LANES];
        f32x16_store_s16(rest, f32x16_mul(f32x16_load_first(x + i, n - i), inverse));
        memcpy(q + i, rest, (n - i) * sizeof *q);
    }
}

// What the first pass over a row of scores finds out.
typedef struct Exponentials {
    f32x16 sum, weighted, most;
} Exponentials;

LANES_INLINE Exponentials exponentials_add(Exponentials found, f32x16 e, f32x16 weighted)
{
    found.sum = f32x16_add(found.sum, e);
    found.weighted = f32x16_add(found.weighted, weighted);
    found.most = f32x16_max(found.most, weighted);
    return found;
}

static float softmax_s16_lanes(size_t n, size_t n_padded, float *x, float scale,
                               const float *value_scale, int16_t *w)
{
    f32x16 factor = f32x16_set1(scale);
    f32x16 shift = f32x16_set1(-largest_scaled(n, x, scale));
    Exponentials found = {f32x16_zero(), f32x16_zero(), f32x16_zero()};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16 e = exponential(f32x16_fma(f32x16_load(x + i), factor, shift));
        f32x16 weighted = f32x16_mul(e, f32x16_load(value_scale + i));
        f32x16_store(x + i, weighted);
        found = exponentials_add(found, e, weighted);
    }
    if (i < n) {
        size_t rest = n - i;
        f32x16 e = exponential(f32x16_fma(f32x16_load_first(x + i, rest), factor, shift));
        e = f32x16_first(e, f32x16_zero(), rest);
        f32x16 weighted = f32x16_mul(e, f32x16_load_first(value_scale + i, rest));
        f32x16_store_first(x + i, weighted, rest);
        found = exponentials_add(found, e, weighted);
    }
    float whole = S16_SUM_MOST / f32x16_sum(found.weighted);
    float one = S16_WEIGHT_MOST / f32x16_largest(found.most);
    float least = one < whole ? one : whole;
    f32x16 steps = f32x16_set1(least);
    for (i = 0; i + LANES <= n; i += LANES) {
        f32x16_store_s16(w + i, f32x16_mul(f32x16_load(x + i), steps));
    }
    memset(w + i, 0, (n_padded - i) * sizeof *w);
    if (i < n) {
        int16_t rest[LANES];
        f32x16_store_s16(rest, f32x16_mul(f32x16_load_first(x + i, n - i), steps));
        memcpy(w + i, rest, (n - i) * sizeof *w);
    }
    return 1.0f / (least * f32x16_sum(found.sum));
}

static void f16_to_f32_lanes(size_t n, const uint16_t *in, float *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store(out + i, f32x16_load_f16(in + i));
    }
    if (i < n) {
        uint16_t rest[LANES] = {0};
        memcpy(rest, in + i, (n - i) * sizeof *in);
        f32x16_store_first(out + i, f32x16_load_f16(rest), n - i);
    }
}

static void f32_to_f16_lanes(size_t n, const float *in, uint16_t *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store_f16(out + i, f32x16_load(in + i));
    }
    if (i < n) {
        uint16_t rest[LANES];
        f32x16_store_f16(rest, f32x16_load_first(in + i, n - i));
        memcpy(out + i, rest, (n - i) * sizeof *out);
    }
}

static void f32_to_bf16_lanes(size_t n, const float *in, uint16_t *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        f32x16_store_bf16(out + i, f32x16_load(in + i));
    }
    if (i < n) {
        uint16_t rest[LANES];
        f32x16_store_bf16(rest, f32x16_load_first(in + i, n - i));
        memcpy(out + i, rest, (n - i) * sizeof *out);
    }
}

static void init_elementwise(Kernels *kernels)
{
    kernels->quantize_u8 = quantize_u8_lanes;
    kernels->quantize_u8_pairs = quantize_u8_pairs_lanes;
    kernels->layer_norm = layer_norm_lanes;
    kernels->softmax = softmax_lanes;
    kernels->quantize_s16 = quantize_s16_lanes;
    kernels->softmax_s16 = softmax_s16_lanes;
    kernels->max = max_lanes;
    kernels->exp_sum = exp_sum_lanes;
    kernels->gelu = gelu_lanes;
    kernels->sigmoid = sigmoid_lanes;
    kernels->tanh = tanh_lanes;
    kernels->add = add_lanes;
    kernels->dot = dot_lanes;
    kernels->axpy = axpy_lanes;
    kernels->dot_rows = dot_rows_lanes;
    kernels->mix_rows = mix_rows_lanes;
    kernels->f16_to_f32 = f16_to_f32_lanes;
    kernels->f32_to_f16 = f32_to_f16_lanes;
    kernels->f32_to_bf16 = f32_to_bf16_lanes;
}

#endif
