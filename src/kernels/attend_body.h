// Attention in bfloat16 by way of the tier's own product of bfloat16, which the tier names
// ATTEND_GEMM_BF16; included after that. The scores of some rows go to scratch, become weights
// there, and are divided by their sum after the mixing.
#ifndef KERNELS_ATTEND_BODY_H
#define KERNELS_ATTEND_BODY_H

#include <math.h>
#include <string.h>

#include "attend.h"
#include "lanes_math.h"

// Rows of q * scale, padded to `width` with zeros.
static void round_queries(size_t m, size_t size, size_t width, float scale, const float *q,
                          size_t q_stride, uint16_t *out)
{
    const f32x16 factor = f32x16_set1(scale);
    for (size_t row = 0; row < m; row++) {
        for (size_t i = 0; i < size; i += LANES) {
            f32x16 x = f32x16_mul(f32x16_load(q + row * q_stride + i), factor);
            f32x16_store_bf16(out + row * width + i, x);
        }
        memset(out + row * width + size, 0, (width - size) * sizeof *out);
    }
}

static float largest_score(size_t length, const float *scores)
{
    f32x16 largest = f32x16_set1(scores[0]);
    size_t i = 0;
    for (; i + LANES <= length; i += LANES) {
        largest = f32x16_max(largest, f32x16_load(scores + i));
    }
    if (i < length) {
        f32x16 rest = f32x16_load_first(scores + i, length - i);
        largest = f32x16_max(largest, f32x16_first(rest, largest, length - i));
    }
    return f32x16_largest(largest);
}

// Returns the sum of the weights; those from `length` to `padded` are zeros.
static float weigh(size_t length, size_t padded, const float *scores, uint16_t *weights)
{
    const f32x16 largest = f32x16_set1(largest_score(length, scores));
    f32x16 sum = f32x16_zero();
    size_t i = 0;
    for (; i + LANES <= length; i += LANES) {
        f32x16 e = exponential(f32x16_sub(f32x16_load(scores + i), largest));
        f32x16_store_bf16(weights + i, e);
        sum = f32x16_add(sum, e);
    }
    memset(weights + i, 0, (padded - i) * sizeof *weights);
    if (i < length) {
        size_t rest = length - i;
        f32x16 e = exponential(f32x16_sub(f32x16_load_first(scores + i, rest), largest));
        e = f32x16_first(e, f32x16_zero(), rest);
        f32x16_store_bf16(weights + i, e); // padded is a multiple of the lanes
        sum = f32x16_add(sum, e);
    }
    return f32x16_sum(sum);
}

static void attend_bf16_lanes(size_t m, const KernelsHead *head, float scale, const float *q,
                              size_t q_stride, float *out, size_t out_stride, void *scratch)
{
    uint16_t queries[ATTEND_ROWS * KERNELS_HEAD_MAX];
    const size_t width = BASE_ROUND_UP(head->size, (size_t)KERNELS_BF16_UNIT);
    const size_t padded = attend_stride(head->length);
    float *scores = scratch;
    uint16_t *weights = (uint16_t *)(void *)(scores + ATTEND_ROWS * padded);
    for (size_t first = 0; first < m; first += ATTEND_ROWS) {
        const size_t rows = BASE_MIN(m - first, (size_t)ATTEND_ROWS);
        float *mixed = out + first * out_stride;
        float inverse[ATTEND_ROWS];
        round_queries(rows, head->size, width, scale, q + first * q_stride, q_stride, queries);
        ATTEND_GEMM_BF16(rows, head->length, width, queries, width, head->keys, scores, padded,
                         NULL);
        for (size_t row = 0; row < rows; row++) {
            inverse[row] =
                1.0f / weigh(head->length, padded, scores + row * padded, weights + row * padded);
        }
        ATTEND_GEMM_BF16(rows, head->size, padded, weights, padded, head->values, mixed, out_stride,
                         NULL);
        for (size_t row = 0; row < rows; row++) {
            for (size_t i = 0; i < head->size; i += LANES) {
                float *at = mixed + row * out_stride + i;
                f32x16_store(at, f32x16_mul(f32x16_load(at), f32x16_set1(inverse[row])));
            }
        }
    }
}

#endif
