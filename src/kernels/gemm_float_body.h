// The products with float weights (f32 and f16 panels), for any tier that has f32x16. A tile of
// rows x panels is summed in registers over the whole of k, put down, and finished: bias, GELU,
// residual. A tier says which tiles fit its registers by defining, before it includes this,
//   GEMM_FLOAT_TILES(X)    X(rows, panels) for each tile; panels 1, 2 or 4
//   GEMM_FLOAT_ROWS        the most rows
//   GEMM_FLOAT_PANELS      array initialiser: for 0..ROWS rows, the most panels
#ifndef KERNELS_GEMM_FLOAT_BODY_H
#define KERNELS_GEMM_FLOAT_BODY_H

#include "gemm_tiles.h"

// One row of a tile. The fields are named, not an array, because compilers keep these in registers.
typedef struct TileRow {
    f32x16 p0, p1, p2, p3;
} TileRow;

LANES_INLINE TileRow tile_row_zero(void)
{
    return (TileRow){f32x16_zero(), f32x16_zero(), f32x16_zero(), f32x16_zero()};
}

LANES_INLINE TileRow tile_row_add(const size_t panels, TileRow sums, f32x16 x, TileRow w)
{
    sums.p0 = f32x16_fma(x, w.p0, sums.p0);
    if (panels > 1) {
        sums.p1 = f32x16_fma(x, w.p1, sums.p1);
    }
    if (panels > 2) {
        sums.p2 = f32x16_fma(x, w.p2, sums.p2);
        sums.p3 = f32x16_fma(x, w.p3, sums.p3);
    }
    return sums;
}

LANES_INLINE void tile_row_put(const size_t panels, TileRow sums, float *tile)
{
    f32x16_store(tile, sums.p0);
    if (panels > 1) {
        f32x16_store(tile + PANEL, sums.p1);
    }
    if (panels > 2) {
        f32x16_store(tile + (size_t)2 * PANEL, sums.p2);
        f32x16_store(tile + (size_t)3 * PANEL, sums.p3);
    }
}

LANES_INLINE f32x16 load_weights(const bool half, const char *w)
{
    return half ? f32x16_load_f16((const uint16_t *)(const void *)w)
                : f32x16_load((const float *)(const void *)w);
}

LANES_INLINE TileRow load_weight_row(const size_t panels, const bool half, const char *w,
                                     size_t w_stride)
{
    TileRow row = tile_row_zero();
    row.p0 = load_weights(half, w);
    if (panels > 1) {
        row.p1 = load_weights(half, w + w_stride);
    }
    if (panels > 2) {
        row.p2 = load_weights(half, w + 2 * w_stride);
        row.p3 = load_weights(half, w + 3 * w_stride);
    }
    return row;
}

// tile[rows][panels * 16] = a[rows][k] * panels. w_stride is the size of a panel in bytes. Inlined
// with constant rows and panels, so that every `if` on them goes away.
LANES_INLINE void multiply_float(const size_t rows, const size_t panels, const bool half, size_t k,
                                 const float *a, size_t a_stride, const char *w, size_t w_stride,
                                 float *tile)
{
    const size_t w_step = PANEL * (half ? sizeof(uint16_t) : sizeof(float));
    const size_t tile_stride = panels * PANEL;
    const float *a1 = rows > 1 ? a + a_stride : a;
    const float *a2 = rows > 2 ? a1 + a_stride : a;
    const float *a3 = rows > 3 ? a2 + a_stride : a;
    const float *a4 = rows > 4 ? a3 + a_stride : a;
    const float *a5 = rows > 5 ? a4 + a_stride : a;
    TileRow c0 = tile_row_zero();
    TileRow c1 = c0;
    TileRow c2 = c0;
    TileRow c3 = c0;
    TileRow c4 = c0;
    TileRow c5 = c0;
    for (size_t i = 0; i < k; i++) {
        TileRow row = load_weight_row(panels, half, w, w_stride);
        if (rows <= 2) {
            prefetch_weight_row(panels, w, w_stride);
        }
        c0 = tile_row_add(panels, c0, f32x16_set1(a[i]), row);
        if (rows > 1) {
            c1 = tile_row_add(panels, c1, f32x16_set1(a1[i]), row);
        }
        if (rows > 2) {
            c2 = tile_row_add(panels, c2, f32x16_set1(a2[i]), row);
        }
        if (rows > 3) {
            c3 = tile_row_add(panels, c3, f32x16_set1(a3[i]), row);
        }
        if (rows > 4) {
            c4 = tile_row_add(panels, c4, f32x16_set1(a4[i]), row);
        }
        if (rows > 5) {
            c5 = tile_row_add(panels, c5, f32x16_set1(a5[i]), row);
        }
        w += w_step;
    }
    tile_row_put(panels, c0, tile);
    if (rows > 1) {
        tile_row_put(panels, c1, tile + tile_stride);
    }
    if (rows > 2) {
        tile_row_put(panels, c2, tile + 2 * tile_stride);
    }
    if (rows > 3) {
        tile_row_put(panels, c3, tile + 3 * tile_stride);
    }
    if (rows > 4) {
        tile_row_put(panels, c4, tile + 4 * tile_stride);
    }
    if (rows > 5) {
        tile_row_put(panels, c5, tile + 5 * tile_stride);
    }
}

// One function a tile, and a table of them by rows and panels.
typedef void FloatTile(size_t k, const float *a, size_t a_stride, const char *w, size_t w_stride,
                       float *tile);

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_f32_##rows##x##panels(size_t k, const float *a, size_t a_stride,              \
                                           const char *w, size_t w_stride, float *tile)            \
    {                                                                                              \
        multiply_float(rows, panels, false, k, a, a_stride, w, w_stride, tile);                    \
    }                                                                                              \
    static void tile_f16_##rows##x##panels(size_t k, const float *a, size_t a_stride,              \
                                           const char *w, size_t w_stride, float *tile)            \
    {                                                                                              \
        multiply_float(rows, panels, true, k, a, a_stride, w, w_stride, tile);                     \
    }
GEMM_FLOAT_TILES(DEFINE_TILE)
#undef DEFINE_TILE

#define LIST_F32(rows, panels) [rows][panels] = tile_f32_##rows##x##panels,
#define LIST_F16(rows, panels) [rows][panels] = tile_f16_##rows##x##panels,
static FloatTile *const F32_TILES[TILE_ROWS_MAX + 1][TILE_PANELS_MAX + 1] = {
    GEMM_FLOAT_TILES(LIST_F32)};
static FloatTile *const F16_TILES[TILE_ROWS_MAX + 1][TILE_PANELS_MAX + 1] = {
    GEMM_FLOAT_TILES(LIST_F16)};
#undef LIST_F32
#undef LIST_F16

static const size_t FLOAT_PANELS[TILE_ROWS_MAX + 1] = GEMM_FLOAT_PANELS;

static void put_float_tile(const float *tile, size_t rows, size_t panels, const Output *out,
                           size_t row, size_t column)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t p = 0; p < panels; p++) {
            f32x16 value = f32x16_load(tile + (r * panels + p) * PANEL);
            put_panel(value, out, row + r, column + p * PANEL);
        }
    }
}

// All columns for a block of rows that starts at `first`.
static void multiply_float_block(FloatTile *const tiles[][TILE_PANELS_MAX + 1], size_t first,
                                 size_t m, size_t k, const float *a, size_t a_stride, const char *w,
                                 size_t w_stride, const Output *out)
{
    float tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
    RowCut cut = cut_rows(m, GEMM_FLOAT_ROWS);
    size_t rows_most = cut.rows + (cut.longer > 0 ? 1 : 0);
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(FLOAT_PANELS[rows_most], left);
        size_t row = first;
        for (size_t t = 0; t < cut.tiles; t++) {
            size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
            tiles[rows][panels](k, a + row * a_stride, a_stride, w, w_stride, tile);
            put_float_tile(tile, rows, panels, out, row, column);
            row += rows;
        }
        w += panels * w_stride;
        column += panels * PANEL;
    }
}

static void gemm_float(FloatTile *const tiles[][TILE_PANELS_MAX + 1], size_t m, size_t k,
                       const float *a, size_t a_stride, const char *w, size_t w_stride,
                       const Output *out)
{
    size_t block = block_rows(k * sizeof(float), GEMM_FLOAT_ROWS);
    for (size_t row = 0; row < m; row += block) {
        size_t rows = BASE_MIN(block, m - row);
        multiply_float_block(tiles, row, rows, k, a, a_stride, w, w_stride, out);
    }
}

static void gemm_f32_lanes(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                           const float *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    gemm_float(F32_TILES, m, k, a, a_stride, (const char *)w, k * PANEL * sizeof(float), &out);
}

static void gemm_f16_lanes(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                           const uint16_t *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    gemm_float(F16_TILES, m, k, a, a_stride, (const char *)w, k * PANEL * sizeof(uint16_t), &out);
}

static void init_gemm_float(Kernels *kernels)
{
    kernels->gemm_f32 = gemm_f32_lanes;
    kernels->gemm_f16 = gemm_f16_lanes;
}

#endif
