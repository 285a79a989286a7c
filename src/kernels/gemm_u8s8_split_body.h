// The product of 8-bit activations and weights for many rows, where a processor multiplies u8 x s8
// in pairs with saturation at 16 bits (vpmaddubsw) and not in fours without. Activations as they
// are stored (1..255) times weights would need 17 bits, but seldom do: both weights of a pair have
// to be large and of one sign, and so have the activations at that place. So for a block of rows
// the largest activation at each place is looked up, and where a pair of weights could saturate
// with it, its second weight is set apart. What is left of the weights is multiplied without care;
// those set apart follow, a unit of k at a time. All of it is integers, so it is exact in any
// order. Included after gemm_u8s8_body.h by a tier that has defined
//   Pairs                 a register of bytes; PAIRS_BYTES of them
//   pairs_load, pairs_store
//   pairs_dot             sums of 32 bits + the products of stored activations and weights
//   pairs_acts            4 activations, for all channels
//   pairs_split           the second weights of pairs that could saturate, others 0; is there any?
//   pairs_without         weights without those
//   i32x16_dot_pairs      as pairs_dot, for a unit of a panel
//   GEMM_SPLIT_TILES(X), GEMM_SPLIT_ROWS, GEMM_SPLIT_PANELS    as GEMM_UNITS_*
#ifndef KERNELS_GEMM_U8S8_SPLIT_BODY_H
#define KERNELS_GEMM_U8S8_SPLIT_BODY_H

#include <stdbool.h>
#include <string.h>

#include "gemm_u8s8_body.h"

enum {
    SPLIT_ROWS_LEAST = 8,   // fewer do not pay for the splitting
    SPLIT_BLOCK_ROWS = 96,  // weights are split once for each
    SPLIT_K_MAX = 8192,     // more goes the way of few rows
    SPLIT_STEP_BYTES = 512, // of k: a split panel stays in the first-level cache
    SPLIT_STEP_UNITS = SPLIT_STEP_BYTES / UNIT_BYTES,
    UNIT_ALL_BYTES = PANEL * UNIT_BYTES,
    SPLIT_COLUMNS = GEMM_SPLIT_PANELS * UNIT_ALL_BYTES / PAIRS_BYTES, // registers, side by side
};

// The weights of a column of registers that were set apart, and which unit of the step they are of.
typedef struct Apart {
    size_t count;
    uint16_t places[SPLIT_STEP_UNITS];
    int8_t weights[SPLIT_STEP_UNITS * PAIRS_BYTES];
} Apart;

typedef struct SplitStep {
    int8_t weights[GEMM_SPLIT_PANELS * SPLIT_STEP_UNITS * UNIT_ALL_BYTES];
    Apart apart[SPLIT_COLUMNS];
} SplitStep;

LANES_INLINE UnitSumsRow unit_row_add_pairs(const size_t panels, UnitSumsRow sums, const uint8_t *a,
                                            UnitsRow w)
{
    Pairs x = pairs_acts(a);
    sums.p0 = i32x16_dot_pairs(sums.p0, x, w.p0);
    if (panels > 1) {
        sums.p1 = i32x16_dot_pairs(sums.p1, x, w.p1);
    }
    if (panels > 2) {
        sums.p2 = i32x16_dot_pairs(sums.p2, x, w.p2);
        sums.p3 = i32x16_dot_pairs(sums.p3, x, w.p3);
    }
    return sums;
}

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_split_##rows##x##panels(size_t bytes, const uint8_t *a, size_t a_stride,      \
                                             const int8_t *w, size_t w_stride, UnitSum *tile)      \
    {                                                                                              \
        multiply_units(rows, panels, unit_row_add_pairs, bytes, a, a_stride, w, w_stride, tile);   \
    }
GEMM_SPLIT_TILES(DEFINE_TILE)
#undef DEFINE_TILE

#define LIST_TILE(rows, panels) [rows][panels] = tile_split_##rows##x##panels,
static UnitsTile *const SPLIT_TILES[TILE_ROWS_MAX + 1][TILE_PANELS_MAX + 1] = {
    GEMM_SPLIT_TILES(LIST_TILE)};
#undef LIST_TILE

// The largest activation at each place of k.
static void largest_of_rows(size_t m, size_t k, const uint8_t *a, size_t a_stride, uint8_t *most)
{
    memcpy(most, a, k);
    for (size_t row = 1; row < m; row++) {
        const uint8_t *q = a + row * a_stride;
        for (size_t i = 0; i < k; i++) {
            most[i] = BASE_MAX(most[i], q[i]);
        }
    }
}

static void split_column(const int8_t *w, size_t units, const uint8_t *most, int8_t *out,
                         Apart *apart)
{
    size_t count = 0;
    for (size_t i = 0; i < units; i++) {
        Pairs all = pairs_load(w + i * UNIT_ALL_BYTES);
        Pairs second;
        if (pairs_split(all, pairs_acts(most + i * UNIT_BYTES), &second)) {
            pairs_store(apart->weights + count * PAIRS_BYTES, second);
            apart->places[count++] = (uint16_t)i;
            all = pairs_without(all, second);
        }
        pairs_store(out + i * UNIT_ALL_BYTES, all);
    }
    apart->count = count;
}

static void split_step(const int8_t *w, size_t w_stride, size_t panels, size_t units,
                       const uint8_t *most, SplitStep *step)
{
    enum { PER_PANEL = UNIT_ALL_BYTES / PAIRS_BYTES };
    for (size_t column = 0; column < panels * PER_PANEL; column++) {
        size_t at = column % PER_PANEL * PAIRS_BYTES;
        split_column(w + column / PER_PANEL * w_stride + at, units, most,
                     step->weights + column / PER_PANEL * units * UNIT_ALL_BYTES + at,
                     &step->apart[column]);
    }
}

// sums[rows] += the products of weights set apart, for a constant number of rows.
LANES_INLINE void add_apart(const size_t rows, const Apart *apart, const uint8_t *a,
                            size_t a_stride, int32_t *sums, size_t sums_stride)
{
    const int8_t *w = apart->weights;
    const uint8_t *a1 = rows > 1 ? a + a_stride : a;
    const uint8_t *a2 = rows > 2 ? a1 + a_stride : a;
    const uint8_t *a3 = rows > 3 ? a2 + a_stride : a;
    Pairs c0 = pairs_load(sums);
    Pairs c1 = rows > 1 ? pairs_load(sums + sums_stride) : c0;
    Pairs c2 = rows > 2 ? pairs_load(sums + 2 * sums_stride) : c0;
    Pairs c3 = rows > 3 ? pairs_load(sums + 3 * sums_stride) : c0;
    for (size_t i = 0; i < apart->count; i++) {
        const size_t place = (size_t)apart->places[i] * UNIT_BYTES;
        const Pairs x = pairs_load(w + i * PAIRS_BYTES);
        c0 = pairs_dot(c0, pairs_acts(a + place), x);
        c1 = rows > 1 ? pairs_dot(c1, pairs_acts(a1 + place), x) : c1;
        c2 = rows > 2 ? pairs_dot(c2, pairs_acts(a2 + place), x) : c2;
        c3 = rows > 3 ? pairs_dot(c3, pairs_acts(a3 + place), x) : c3;
    }
    pairs_store(sums, c0);
    if (rows > 1) {
        pairs_store(sums + sums_stride, c1);
    }
    if (rows > 2) {
        pairs_store(sums + 2 * sums_stride, c2);
        pairs_store(sums + 3 * sums_stride, c3);
    }
}

static void add_column_apart(const Apart *apart, size_t m, const uint8_t *a, size_t a_stride,
                             int32_t *sums, size_t sums_stride)
{
    size_t row = 0;
    for (; row + 4 <= m; row += 4) {
        add_apart(4, apart, a + row * a_stride, a_stride, sums + row * sums_stride, sums_stride);
    }
    for (; row < m; row++) {
        add_apart(1, apart, a + row * a_stride, a_stride, sums + row * sums_stride, sums_stride);
    }
}

static void add_tile(size_t count, const int32_t *tile, int32_t *sums)
{
    for (size_t i = 0; i < count; i++) {
        sums[i] += tile[i];
    }
}

// sums[m][panels * 16] = the products of a step, or += if it is not the first.
static void multiply_split_step(const SplitStep *step, size_t panels, size_t bytes, size_t m,
                                const uint8_t *a, size_t a_stride, bool first, int32_t *sums)
{
    const size_t stride = panels * PANEL;
    RowCut cut = cut_rows(m, GEMM_SPLIT_ROWS);
    for (size_t t = 0, row = 0; t < cut.tiles; t++) {
        int32_t tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
        size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
        int32_t *to = sums + row * stride;
        SPLIT_TILES[rows][panels](bytes, a + row * a_stride, a_stride, step->weights, bytes * PANEL,
                                  first ? to : tile);
        if (!first) {
            add_tile(rows * stride, tile, to);
        }
        row += rows;
    }
    const size_t columns = panels * UNIT_ALL_BYTES / PAIRS_BYTES;
    for (size_t column = 0; column < columns; column++) {
        if (step->apart[column].count > 0) {
            add_column_apart(&step->apart[column], m, a, a_stride,
                             sums + column * (PAIRS_BYTES / UNIT_BYTES), stride);
        }
    }
}

static void multiply_split_block(const U8S8Product *product, const KernelsU8Rows *a, size_t first,
                                 size_t m, size_t k)
{
    int32_t sums[SPLIT_BLOCK_ROWS * GEMM_SPLIT_PANELS * PANEL];
    uint8_t most[SPLIT_K_MAX];
    SplitStep step;
    const uint8_t *q = a->q + first * a->stride;
    largest_of_rows(m, k, q, a->stride, most);
    for (size_t column = 0; column < product->out.n;) {
        size_t left = (product->out.n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(GEMM_SPLIT_PANELS, left);
        for (size_t start = 0; start < k; start += SPLIT_STEP_BYTES) {
            size_t bytes = BASE_MIN(k - start, (size_t)SPLIT_STEP_BYTES);
            split_step(product->w->q + column * k + start * PANEL, k * PANEL, panels,
                       bytes / UNIT_BYTES, most + start, &step);
            multiply_split_step(&step, panels, bytes, m, q + start, a->stride, start == 0, sums);
        }
        put_u8s8_tile(product, sums, m, panels, first, column);
        column += panels * PANEL;
    }
}

static void gemm_u8s8_split(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                            const KernelsS8Panels *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    if (m < SPLIT_ROWS_LEAST || k == 0 || k > SPLIT_K_MAX) {
        gemm_u8s8_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    U8S8Product product = {
        .a_scale = a->scale,
        .w = w,
        .biased = true,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    RowCut cut = cut_rows(m, SPLIT_BLOCK_ROWS);
    for (size_t block = 0, row = 0; block < cut.tiles; block++) {
        size_t rows = cut.rows + (block < cut.longer ? 1 : 0);
        multiply_split_block(&product, a, row, rows, k);
        row += rows;
    }
}

static void init_gemm_u8s8_split(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    kernels->gemm_u8s8 = gemm_u8s8_split;
}

#endif
