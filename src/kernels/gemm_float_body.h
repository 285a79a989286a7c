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

LANES_INLINE TileRow tile_row_get(const size_t panels, const float *tile)
{
    TileRow sums = tile_row_zero();
    sums.p0 = f32x16_load(tile);
    if (panels > 1) {
        sums.p1 = f32x16_load(tile + PANEL);
    }
    if (panels > 2) {
        sums.p2 = f32x16_load(tile + (size_t)2 * PANEL);
        sums.p3 = f32x16_load(tile + (size_t)3 * PANEL);
    }
    return sums;
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

// tile[rows][panels * 16] = a[rows][k] * panels, or += if `more`. w_stride is from panel to panel,
// in bytes. Inlined with constant rows and panels, so that every `if` on them goes away.
LANES_INLINE void multiply_float(const size_t rows, const size_t panels, const bool half, size_t k,
                                 const float *a, size_t a_stride, const char *w, size_t w_stride,
                                 bool more, float *tile)
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
    if (more) {
        c0 = tile_row_get(panels, tile);
        c1 = rows > 1 ? tile_row_get(panels, tile + tile_stride) : c1;
        c2 = rows > 2 ? tile_row_get(panels, tile + 2 * tile_stride) : c2;
        c3 = rows > 3 ? tile_row_get(panels, tile + 3 * tile_stride) : c3;
        c4 = rows > 4 ? tile_row_get(panels, tile + 4 * tile_stride) : c4;
        c5 = rows > 5 ? tile_row_get(panels, tile + 5 * tile_stride) : c5;
    }
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
                       bool more, float *tile);

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_f32_##rows##x##panels(size_t k, const float *a, size_t a_stride,              \
                                           const char *w, size_t w_stride, bool more, float *tile) \
    {                                                                                              \
        multiply_float(rows, panels, false, k, a, a_stride, w, w_stride, more, tile);              \
    }                                                                                              \
    static void tile_f16_##rows##x##panels(size_t k, const float *a, size_t a_stride,              \
                                           const char *w, size_t w_stride, bool more, float *tile) \
    {                                                                                              \
        multiply_float(rows, panels, true, k, a, a_stride, w, w_stride, more, tile);               \
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

enum {
    // Rows of a block: all weights pass by once for each, so their cost is spread over so many
    // rows.
    FLOAT_BLOCK_ROWS = 120,
    // k is summed in steps of so many when there is more than one tile of rows: the activations of
    // a block (120 KiB) and four panels (64 KiB) then stay in the second-level cache. The sums are
    // put down and taken up again in between, which changes no bit of them.
    FLOAT_STEP = 256,
    // A panel of converted weights and a line, so that panels do not compete for the same cache
    // sets.
    CONVERTED_STRIDE = (FLOAT_STEP + 1) * PANEL,
};

typedef struct FloatProduct {
    bool half; // f16 weights
    size_t k, a_stride, w_stride;
    const float *a;
    const char *w;
    Output out;
} FloatProduct;

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

// Few rows: the weights are read once, so as they are.
static void multiply_few_rows(const FloatProduct *product, size_t first, size_t rows)
{
    float tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
    const Output *out = &product->out;
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(FLOAT_PANELS[rows], left);
        FloatTile *multiply = (product->half ? F16_TILES : F32_TILES)[rows][panels];
        multiply(product->k, product->a + first * product->a_stride, product->a_stride,
                 product->w + column / PANEL * product->w_stride, product->w_stride, false, tile);
        put_float_tile(tile, rows, panels, out, first, column);
        column += panels * PANEL;
    }
}

// One step of k of some panels as floats, for all rows of a block.
typedef struct FloatStep {
    const char *w;
    size_t w_stride;
    float converted[TILE_PANELS_MAX * CONVERTED_STRIDE];
} FloatStep;

static void take_step(const FloatProduct *product, size_t panels, size_t column, size_t start,
                      size_t count, FloatStep *step)
{
    const size_t element = product->half ? sizeof(uint16_t) : sizeof(float);
    step->w = product->w + column / PANEL * product->w_stride + start * PANEL * element;
    step->w_stride = product->w_stride;
    if (!product->half) {
        return;
    }
    for (size_t p = 0; p < panels; p++) {
        const uint16_t *from = (const uint16_t *)(const void *)(step->w + p * step->w_stride);
        float *to = step->converted + p * CONVERTED_STRIDE;
        for (size_t i = 0; i < count; i++) {
            f32x16_store(to + i * PANEL, f32x16_load_f16(from + i * PANEL));
        }
    }
    step->w = (const char *)step->converted;
    step->w_stride = sizeof(float) * CONVERTED_STRIDE;
}

static void multiply_block(const FloatProduct *product, size_t first, size_t m)
{
    float sums[FLOAT_BLOCK_ROWS * TILE_PANELS_MAX * PANEL];
    FloatStep step;
    const Output *out = &product->out;
    RowCut cut = cut_rows(m, GEMM_FLOAT_ROWS);
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(FLOAT_PANELS[GEMM_FLOAT_ROWS], left);
        for (size_t start = 0; start < product->k; start += FLOAT_STEP) {
            size_t count = BASE_MIN(product->k - start, (size_t)FLOAT_STEP);
            take_step(product, panels, column, start, count, &step);
            for (size_t t = 0, row = 0; t < cut.tiles; t++) {
                size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
                F32_TILES[rows][panels](count,
                                        product->a + (first + row) * product->a_stride + start,
                                        product->a_stride, step.w, step.w_stride, start > 0,
                                        sums + row * panels * PANEL);
                row += rows;
            }
        }
        put_float_tile(sums, m, panels, out, first, column);
        column += panels * PANEL;
    }
}

static void multiply_float_rows(const FloatProduct *product, size_t m)
{
    if (m > 0 && m <= GEMM_FLOAT_ROWS) {
        multiply_few_rows(product, 0, m);
        return;
    }
    for (size_t row = 0; row < m; row += FLOAT_BLOCK_ROWS) {
        multiply_block(product, row, BASE_MIN((size_t)FLOAT_BLOCK_ROWS, m - row));
    }
}

static void gemm_f32_lanes(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                           const float *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    FloatProduct product = {
        .k = k,
        .a_stride = a_stride,
        .w_stride = k * PANEL * sizeof *w,
        .a = a,
        .w = (const char *)w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    multiply_float_rows(&product, m);
}

static void gemm_f16_lanes(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                           const uint16_t *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    FloatProduct product = {
        .half = true,
        .k = k,
        .a_stride = a_stride,
        .w_stride = k * PANEL * sizeof *w,
        .a = a,
        .w = (const char *)w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    multiply_float_rows(&product, m);
}

static void init_gemm_float(Kernels *kernels)
{
    kernels->gemm_f32 = gemm_f32_lanes;
    kernels->gemm_f16 = gemm_f16_lanes;
}

#endif
