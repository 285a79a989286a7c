// Attention with AMX: 32 queries against a block of positions at a time. The scores of a block
// never leave the first-level cache: they become weights where they lie, and the weights are the
// rows of the second product. What was summed before is scaled down whenever a row finds a larger
// score (Dao et al., FlashAttention, 2022), so the order of the sums depends on the positions
// alone.
#include "x86/amx_tiles.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "x86/lanes_avx512.h"

#ifndef __AVX512BF16__
#error "compile this tier with -mavx512bf16"
#endif

enum {
    PANEL = KERNELS_PANEL,
    ROWS = 2 * TILE_ROWS,
    POSITIONS = 256,                // of a block
    SCORES_STRIDE = POSITIONS + 16, // lines of one column of tiles fall into different sets
    WEIGHTS_STRIDE = 2 * SCORES_STRIDE,
    UNIT = KERNELS_BF16_UNIT,
};

// Weights take the first half of the place where their scores were.
typedef union Block {
    float scores[ROWS][SCORES_STRIDE];
    uint16_t weights[ROWS][WEIGHTS_STRIDE];
} Block;

typedef struct Attention {
    // Tiles are whole lines of the cache, so all that tiles meet begins at one.
    _Alignas(TILE_BYTES) Block block;
    _Alignas(TILE_BYTES) uint16_t queries[ROWS * KERNELS_HEAD_MAX];
    _Alignas(TILE_BYTES) float part[ROWS][2 * PANEL];
    float mixed[ROWS][KERNELS_HEAD_MAX];
    float sums[ROWS][PANEL]; // of weights, lane by lane
    float largest[ROWS];     // scores so far, as powers of two
    float shrink[ROWS];      // what a larger score makes of the sums so far
    const KernelsHead *head;
    size_t rows;
    size_t width; // of a query, padded
} Attention;

// exp(x) = 2^(x log2 e): the factor goes into the queries.
static const float log2_e = 1.44269504f;

// 2^y for y <= 0 to 7e-4: 2^n (1 + f), what the bits of n + f say when read as a float, times a
// cubic for 2^f / (1 + f) in 1 + f, made by tools/kernels/fit_polynomials.py. `bias` is
// (127 - largest) * 2^23, so that the score need not be shifted first. Not below 2^-125: denormal
// numbers would take time, and so little is nothing beside the weight of 1 that there is.
LANES_INLINE __m512 power_of_2(__m512 score, __m512 bias)
{
    const __m512 unit = _mm512_set1_ps(0x1p23f);
    const __m512i least = _mm512_set1_epi32(2 << 23);
    const __m512i fraction = _mm512_set1_epi32(0x7fffff);
    const __m512i one = _mm512_set1_epi32(0x3f800000);
    __m512i bits = _mm512_cvtps_epi32(_mm512_fmadd_ps(score, unit, bias));
    bits = _mm512_max_epi32(bits, least);
    const __m512 u = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bits, fraction, one, 0xea));
    __m512 p = _mm512_fmadd_ps(u, _mm512_set1_ps(-0.106445707f), _mm512_set1_ps(0.707475841f));
    p = _mm512_fmadd_ps(p, u, _mm512_set1_ps(-1.37730765f));
    p = _mm512_fmadd_ps(p, u, _mm512_set1_ps(1.77561474f));
    return _mm512_mul_ps(p, _mm512_castsi512_ps(bits));
}

static void round_queries(Attention *attention, float scale, const float *q, size_t q_stride)
{
    const __m512 factor = _mm512_set1_ps(scale * log2_e);
    const size_t size = attention->head->size;
    for (size_t row = 0; row < attention->rows; row++) {
        uint16_t *out = attention->queries + row * attention->width;
        for (size_t i = 0; i < size; i += PANEL) {
            const __m512 x = _mm512_mul_ps(_mm512_loadu_ps(q + row * q_stride + i), factor);
            _mm256_storeu_si256((__m256i *)(void *)(out + i), (__m256i)_mm512_cvtneps_pbh(x));
        }
        memset(out + size, 0, (attention->width - size) * sizeof *out);
    }
}

// Registers that were configured without rows must not be touched.
LANES_INLINE void zero_sums(const bool two_rows)
{
    _tile_zero(0);
    _tile_zero(1);
    if (two_rows) {
        _tile_zero(2);
        _tile_zero(3);
    }
}

// Scores of all rows for two panels of positions.
LANES_INLINE void score_panels(Attention *attention, const bool two_rows, const bool two_panels,
                               const uint16_t *keys, float *scores)
{
    const size_t width = attention->width;
    const size_t stride = width * sizeof *keys;
    const uint16_t *upper = attention->queries;
    const uint16_t *lower = upper + TILE_ROWS * width;
    const uint16_t *next = keys + PANEL * width;
    zero_sums(two_rows);
    for (size_t i = 0; i < width; i += UNIT) {
        _tile_loadd(4, upper + i, stride);
        _tile_loadd(6, keys + i * PANEL, TILE_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, next + i * PANEL, TILE_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, lower + i, stride);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (two_rows && two_panels) {
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    const size_t step = SCORES_STRIDE * sizeof *scores;
    _tile_stored(0, scores, step);
    if (two_panels) {
        _tile_stored(1, scores + PANEL, step);
    }
    if (two_rows) {
        _tile_stored(2, scores + TILE_ROWS * SCORES_STRIDE, step);
    }
    if (two_rows && two_panels) {
        _tile_stored(3, scores + TILE_ROWS * SCORES_STRIDE + PANEL, step);
    }
}

// The same for heads of 64 and any number of panels. The queries stay in registers: the upper rows
// in 1 and 4, the lower ones in 3 and 5.
LANES_INLINE void score_panels_64(Attention *attention, const bool two_rows, size_t panels,
                                  const uint16_t *keys, float *scores)
{
    enum { WIDTH = 2 * UNIT };
    const size_t stride = WIDTH * sizeof *keys;
    const size_t step = SCORES_STRIDE * sizeof *scores;
    const uint16_t *upper = attention->queries;
    const uint16_t *lower = upper + (size_t)TILE_ROWS * WIDTH;
    _tile_loadd(1, upper, stride);
    _tile_loadd(4, upper + UNIT, stride);
    if (two_rows) {
        _tile_loadd(3, lower, stride);
        _tile_loadd(5, lower + UNIT, stride);
    }
    for (size_t i = 0; i < panels; i++) {
        _tile_loadd(6, keys, TILE_BYTES);
        _tile_loadd(7, keys + (size_t)UNIT * PANEL, TILE_BYTES);
        _tile_zero(0);
        _tile_dpbf16ps(0, 1, 6);
        if (two_rows) {
            _tile_zero(2);
            _tile_dpbf16ps(2, 3, 6);
        }
        _tile_dpbf16ps(0, 4, 7);
        if (two_rows) {
            _tile_dpbf16ps(2, 5, 7);
        }
        _tile_stored(0, scores, step);
        if (two_rows) {
            _tile_stored(2, scores + TILE_ROWS * SCORES_STRIDE, step);
        }
        keys += (size_t)WIDTH * PANEL;
        scores += PANEL;
    }
}

LANES_INLINE void score_positions(Attention *attention, const bool two_rows, size_t first,
                                  size_t count)
{
    const size_t width = attention->width;
    if (width == (size_t)2 * UNIT) {
        score_panels_64(attention, two_rows, (count + PANEL - 1) / PANEL,
                        attention->head->keys + first * width, &attention->block.scores[0][0]);
        return;
    }
    for (size_t i = 0; i < count; i += (size_t)2 * PANEL) {
        const uint16_t *keys = attention->head->keys + (first + i) * width;
        float *scores = &attention->block.scores[0][i];
        if (count - i > PANEL) {
            score_panels(attention, two_rows, true, keys, scores);
        } else {
            score_panels(attention, two_rows, false, keys, scores);
        }
    }
}

// The largest score of each row up to and in this block, and how much the sums so far shrink by it.
static void find_largest(Attention *attention, size_t count)
{
    const __m512 lowest = _mm512_set1_ps(-FLT_MAX);
    const __mmask16 rest = f32x16_mask(count % PANEL);
    float found[ROWS] = {0};
    for (size_t row = 0; row < attention->rows; row++) {
        const float *scores = attention->block.scores[row];
        __m512 largest = lowest;
        size_t i = 0;
        for (; i + PANEL <= count; i += PANEL) {
            largest = _mm512_max_ps(largest, _mm512_loadu_ps(scores + i));
        }
        if (rest) {
            largest = _mm512_max_ps(largest, _mm512_mask_loadu_ps(lowest, rest, scores + i));
        }
        found[row] = _mm512_reduce_max_ps(largest);
    }
    for (size_t row = 0; row < attention->rows; row++) {
        const float before = attention->largest[row];
        const float now = found[row] > before ? found[row] : before;
        attention->largest[row] = now;
        found[row] = before - now;
    }
    for (size_t row = 0; row < ROWS; row += PANEL) {
        const __m512 bias = _mm512_set1_ps(127.0f * 0x1p23f);
        _mm512_storeu_ps(attention->shrink + row, power_of_2(_mm512_loadu_ps(found + row), bias));
    }
}

// Scores become weights; those that pad the last unit are zeros.
static void weigh(Attention *attention, size_t count)
{
    const __mmask16 rest = f32x16_mask(count % PANEL);
    for (size_t row = 0; row < attention->rows; row++) {
        const float *scores = attention->block.scores[row];
        uint16_t *weights = attention->block.weights[row];
        const __m512 bias = _mm512_set1_ps((127.0f - attention->largest[row]) * 0x1p23f);
        __m512 sum = _mm512_mul_ps(_mm512_loadu_ps(attention->sums[row]),
                                   _mm512_set1_ps(attention->shrink[row]));
        size_t i = 0;
        for (; i + UNIT <= count; i += UNIT) {
            const __m512 low = power_of_2(_mm512_loadu_ps(scores + i), bias);
            const __m512 high = power_of_2(_mm512_loadu_ps(scores + i + PANEL), bias);
            _mm512_storeu_si512(weights + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
            sum = _mm512_add_ps(sum, _mm512_add_ps(low, high));
        }
        if (i < count) {
            const bool both = count - i > PANEL;
            const __mmask16 in_low = both || !rest ? 0xffff : rest;
            const __mmask16 in_high = both ? rest : 0;
            const __m512 low =
                _mm512_maskz_mov_ps(in_low, power_of_2(_mm512_loadu_ps(scores + i), bias));
            const __m512 high =
                _mm512_maskz_mov_ps(in_high, power_of_2(_mm512_loadu_ps(scores + i + PANEL), bias));
            _mm512_storeu_si512(weights + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
            sum = _mm512_add_ps(sum, _mm512_add_ps(low, high));
        }
        _mm512_storeu_ps(attention->sums[row], sum);
    }
}

// part = weights * two panels of values.
LANES_INLINE void mix_panels(Attention *attention, const bool two_rows, const bool two_panels,
                             size_t count, const uint16_t *values, size_t panel_step)
{
    const size_t stride = WEIGHTS_STRIDE * sizeof(uint16_t);
    const uint16_t *upper = attention->block.weights[0];
    const uint16_t *lower = attention->block.weights[TILE_ROWS];
    const uint16_t *next = values + panel_step;
    zero_sums(two_rows);
    for (size_t i = 0; i < count; i += UNIT) {
        _tile_loadd(4, upper + i, stride);
        _tile_loadd(6, values + i * PANEL, TILE_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, next + i * PANEL, TILE_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, lower + i, stride);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (two_rows && two_panels) {
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    const size_t step = sizeof attention->part[0];
    _tile_stored(0, &attention->part[0][0], step);
    if (two_panels) {
        _tile_stored(1, &attention->part[0][PANEL], step);
    }
    if (two_rows) {
        _tile_stored(2, &attention->part[TILE_ROWS][0], step);
    }
    if (two_rows && two_panels) {
        _tile_stored(3, &attention->part[TILE_ROWS][PANEL], step);
    }
}

// mixed = mixed * shrink + weights * values of the block.
LANES_INLINE void mix_values(Attention *attention, const bool two_rows, size_t first, size_t count)
{
    const KernelsHead *head = attention->head;
    const size_t panel_step = BASE_ROUND_UP(head->length, (size_t)UNIT) * PANEL;
    for (size_t column = 0; column < head->size; column += (size_t)2 * PANEL) {
        const bool two_panels = head->size - column > PANEL;
        const uint16_t *values = head->values + column / PANEL * panel_step + first * PANEL;
        if (two_panels) {
            mix_panels(attention, two_rows, true, count, values, panel_step);
        } else {
            mix_panels(attention, two_rows, false, count, values, panel_step);
        }
        for (size_t row = 0; row < attention->rows; row++) {
            const __m512 shrink = _mm512_set1_ps(attention->shrink[row]);
            float *mixed = attention->mixed[row] + column;
            const float *part = attention->part[row];
            _mm512_storeu_ps(
                mixed, _mm512_fmadd_ps(_mm512_loadu_ps(mixed), shrink, _mm512_loadu_ps(part)));
            if (two_panels) {
                _mm512_storeu_ps(mixed + PANEL,
                                 _mm512_fmadd_ps(_mm512_loadu_ps(mixed + PANEL), shrink,
                                                 _mm512_loadu_ps(part + PANEL)));
            }
        }
    }
}

LANES_INLINE void attend_positions(Attention *attention, const bool two_rows)
{
    const size_t length = attention->head->length;
    for (size_t first = 0; first < length; first += POSITIONS) {
        const size_t count = BASE_MIN(length - first, (size_t)POSITIONS);
        score_positions(attention, two_rows, first, count);
        find_largest(attention, count);
        weigh(attention, count);
        mix_values(attention, two_rows, first, count);
    }
}

static void attend_rows(Attention *attention, float scale, const float *q, size_t q_stride,
                        float *out, size_t out_stride)
{
    const size_t size = attention->head->size;
    round_queries(attention, scale, q, q_stride);
    for (size_t row = 0; row < ROWS; row++) {
        attention->largest[row] = -FLT_MAX;
    }
    memset(attention->sums, 0, sizeof attention->sums);
    for (size_t row = 0; row < attention->rows; row++) {
        memset(attention->mixed[row], 0, size * sizeof(float));
    }
    configure_tiles(attention->rows);
    if (attention->rows > TILE_ROWS) {
        attend_positions(attention, true);
    } else {
        attend_positions(attention, false);
    }
    for (size_t row = 0; row < attention->rows; row++) {
        const float sum = f32x16_sum(_mm512_loadu_ps(attention->sums[row]));
        const __m512 inverse = _mm512_set1_ps(1.0f / sum);
        for (size_t i = 0; i < size; i += PANEL) {
            const __m512 mixed = _mm512_loadu_ps(attention->mixed[row] + i);
            _mm512_storeu_ps(out + row * out_stride + i, _mm512_mul_ps(mixed, inverse));
        }
    }
}

void attend_bf16_amx(size_t m, const KernelsHead *head, float scale, const float *q,
                     size_t q_stride, float *out, size_t out_stride, void *scratch)
{
    (void)scratch;
    Attention attention;
    attention.head = head;
    attention.width = BASE_ROUND_UP(head->size, (size_t)UNIT);
    for (size_t first = 0; first < m; first += ROWS) {
        attention.rows = BASE_MIN(m - first, (size_t)ROWS);
        attend_rows(&attention, scale, q + first * q_stride, q_stride, out + first * out_stride,
                    out_stride);
    }
    _tile_release();
}
