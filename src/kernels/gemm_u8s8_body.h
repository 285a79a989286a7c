// The product of 8-bit activations and 8-bit weights, for any tier that has f32x16, i32x16 and
//   Units           64 weights of a panel: 4 k values of 16 channels
//   Acts            4 activations of a row, for all channels
//   units_load      from the panel
//   acts_load       from the row
//   i32x16_dot      sums + the 4 products of each channel
//   DOT_IS_BIASED   true if i32x16_dot takes the activations as they are stored, with their 128
// A tier also defines, as in gemm_float_body.h, GEMM_INT8_TILES(X), GEMM_INT8_ROWS and
// GEMM_INT8_PANELS.
#ifndef KERNELS_GEMM_U8S8_BODY_H
#define KERNELS_GEMM_U8S8_BODY_H

#include "gemm_tiles.h"

enum {
    UNIT = KERNELS_S8_UNIT,
    UNIT_BYTES = KERNELS_S8_UNIT * KERNELS_PANEL,
    // Rows of a block: all weights pass by once for each.
    INT8_BLOCK_ROWS = 240,
};

typedef struct IntRow {
    i32x16 p0, p1, p2, p3;
} IntRow;

typedef struct UnitsRow {
    Units p0, p1, p2, p3;
} UnitsRow;

LANES_INLINE IntRow int_row_zero(void)
{
    return (IntRow){i32x16_zero(), i32x16_zero(), i32x16_zero(), i32x16_zero()};
}

LANES_INLINE UnitsRow load_units_row(const size_t panels, const int8_t *w, size_t w_stride)
{
    UnitsRow row;
    row.p0 = units_load(w);
    row.p1 = panels > 1 ? units_load(w + w_stride) : row.p0;
    row.p2 = panels > 2 ? units_load(w + 2 * w_stride) : row.p0;
    row.p3 = panels > 2 ? units_load(w + 3 * w_stride) : row.p0;
    return row;
}

LANES_INLINE IntRow int_row_add(const size_t panels, IntRow sums, Acts x, UnitsRow w)
{
    sums.p0 = i32x16_dot(sums.p0, x, w.p0);
    if (panels > 1) {
        sums.p1 = i32x16_dot(sums.p1, x, w.p1);
    }
    if (panels > 2) {
        sums.p2 = i32x16_dot(sums.p2, x, w.p2);
        sums.p3 = i32x16_dot(sums.p3, x, w.p3);
    }
    return sums;
}

LANES_INLINE void int_row_put(const size_t panels, IntRow sums, int32_t *tile)
{
    i32x16_store(tile, sums.p0);
    if (panels > 1) {
        i32x16_store(tile + PANEL, sums.p1);
    }
    if (panels > 2) {
        i32x16_store(tile + (size_t)2 * PANEL, sums.p2);
        i32x16_store(tile + (size_t)3 * PANEL, sums.p3);
    }
}

// As multiply_float, in integers.
LANES_INLINE void multiply_u8s8(const size_t rows, const size_t panels, size_t k, const uint8_t *a,
                                size_t a_stride, const int8_t *w, size_t w_stride, int32_t *tile)
{
    const size_t tile_stride = panels * PANEL;
    const uint8_t *a1 = rows > 1 ? a + a_stride : a;
    const uint8_t *a2 = rows > 2 ? a1 + a_stride : a;
    const uint8_t *a3 = rows > 3 ? a2 + a_stride : a;
    const uint8_t *a4 = rows > 4 ? a3 + a_stride : a;
    const uint8_t *a5 = rows > 5 ? a4 + a_stride : a;
    IntRow c0 = int_row_zero();
    IntRow c1 = c0;
    IntRow c2 = c0;
    IntRow c3 = c0;
    IntRow c4 = c0;
    IntRow c5 = c0;
    for (size_t i = 0; i < k; i += UNIT) {
        UnitsRow row = load_units_row(panels, w, w_stride);
        if (rows <= 2) {
            prefetch_weight_row(panels, (const char *)w, w_stride);
        }
        c0 = int_row_add(panels, c0, acts_load(a + i), row);
        if (rows > 1) {
            c1 = int_row_add(panels, c1, acts_load(a1 + i), row);
        }
        if (rows > 2) {
            c2 = int_row_add(panels, c2, acts_load(a2 + i), row);
        }
        if (rows > 3) {
            c3 = int_row_add(panels, c3, acts_load(a3 + i), row);
        }
        if (rows > 4) {
            c4 = int_row_add(panels, c4, acts_load(a4 + i), row);
        }
        if (rows > 5) {
            c5 = int_row_add(panels, c5, acts_load(a5 + i), row);
        }
        w += UNIT_BYTES;
    }
    int_row_put(panels, c0, tile);
    if (rows > 1) {
        int_row_put(panels, c1, tile + tile_stride);
    }
    if (rows > 2) {
        int_row_put(panels, c2, tile + 2 * tile_stride);
    }
    if (rows > 3) {
        int_row_put(panels, c3, tile + 3 * tile_stride);
    }
    if (rows > 4) {
        int_row_put(panels, c4, tile + 4 * tile_stride);
    }
    if (rows > 5) {
        int_row_put(panels, c5, tile + 5 * tile_stride);
    }
}

typedef void IntTile(size_t k, const uint8_t *a, size_t a_stride, const int8_t *w, size_t w_stride,
                     int32_t *tile);

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_u8s8_##rows##x##panels(size_t k, const uint8_t *a, size_t a_stride,           \
                                            const int8_t *w, size_t w_stride, int32_t *tile)       \
    {                                                                                              \
        multiply_u8s8(rows, panels, k, a, a_stride, w, w_stride, tile);                            \
    }
GEMM_INT8_TILES(DEFINE_TILE)
#undef DEFINE_TILE

#define LIST_TILE(rows, panels) [rows][panels] = tile_u8s8_##rows##x##panels,
static IntTile *const U8S8_TILES[TILE_ROWS_MAX + 1][TILE_PANELS_MAX + 1] = {
    GEMM_INT8_TILES(LIST_TILE)};
#undef LIST_TILE

static const size_t INT8_PANELS[TILE_ROWS_MAX + 1] = GEMM_INT8_PANELS;

static void put_u8s8_tile(const int32_t *tile, size_t rows, size_t panels, const float *a_scale,
                          const KernelsS8Panels *w, const Output *out, size_t row, size_t column)
{
    for (size_t p = 0; p < panels; p++) {
        size_t at = column + p * PANEL;
        f32x16 w_scale = f32x16_load(w->scale + at);
        i32x16 bias = DOT_IS_BIASED ? i32x16_load(w->sum + at) : i32x16_zero();
        for (size_t r = 0; r < rows; r++) {
            i32x16 sum = i32x16_sub(i32x16_load(tile + (r * panels + p) * PANEL), bias);
            f32x16 scale = f32x16_mul(f32x16_set1(a_scale[row + r]), w_scale);
            put_panel(f32x16_mul(i32x16_to_float(sum), scale), out, row + r, at);
        }
    }
}

static void multiply_u8s8_block(size_t first, size_t m, size_t k, const KernelsU8Rows *a,
                                const KernelsS8Panels *w, const Output *out)
{
    int32_t tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
    RowCut cut = cut_rows(m, GEMM_INT8_ROWS);
    size_t rows_most = cut.rows + (cut.longer > 0 ? 1 : 0);
    size_t w_stride = k * PANEL;
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(INT8_PANELS[rows_most], left);
        size_t row = first;
        for (size_t t = 0; t < cut.tiles; t++) {
            size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
            // All shapes that cut_rows and step_panels give are in the table.
            // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
            U8S8_TILES[rows][panels](k, a->q + row * a->stride, a->stride, w->q + column * k,
                                     w_stride, tile);
            put_u8s8_tile(tile, rows, panels, a->scale, w, out, row, column);
            row += rows;
        }
        column += panels * PANEL;
    }
}

static void gemm_u8s8_lanes(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                            const KernelsS8Panels *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    for (size_t row = 0; row < m; row += INT8_BLOCK_ROWS) {
        multiply_u8s8_block(row, BASE_MIN((size_t)INT8_BLOCK_ROWS, m - row), k, a, w, &out);
    }
}

static void init_gemm_u8s8(Kernels *kernels)
{
    kernels->gemm_u8s8 = gemm_u8s8_lanes;
}

#endif
