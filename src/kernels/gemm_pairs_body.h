// The product of rows in two parts of 8 bits and 8-bit weights, over the tiles of
// gemm_u8s8_body.h: the two parts of a row are neighbours in a tile, so each weight is read once
// for both, and what is put down is a finished value.
#ifndef KERNELS_GEMM_PAIRS_BODY_H
#define KERNELS_GEMM_PAIRS_BODY_H

#include "gemm_u8s8_body.h"

// Of row `row`, 16 channels from `column` on.
LANES_INLINE f32x16 join_pair(i32x16 coarse, i32x16 fine, const float *a_scale, f32x16 w_scale)
{
    f32x16 high = f32x16_mul(i32x16_to_float(coarse), f32x16_mul(f32x16_set1(a_scale[0]), w_scale));
    f32x16 low = f32x16_mul(i32x16_to_float(fine), f32x16_mul(f32x16_set1(a_scale[1]), w_scale));
    return f32x16_add(high, low);
}

static void put_pairs_tile(const U8S8Product *product, const int32_t *tile, size_t rows,
                           size_t panels, size_t row, size_t column)
{
    for (size_t p = 0; p < panels; p++) {
        size_t at = column + p * PANEL;
        f32x16 w_scale = f32x16_load(product->w->scale + at);
        i32x16 bias = DOT_IS_BIASED ? i32x16_load(product->w->sum + at) : i32x16_zero();
        for (size_t r = 0; r < rows; r++) {
            const int32_t *sums = tile + (2 * r * panels + p) * PANEL;
            i32x16 coarse = i32x16_sub(i32x16_load(sums), bias);
            i32x16 fine = i32x16_sub(i32x16_load(sums + panels * PANEL), bias);
            const float *a_scale = product->a_scale + 2 * (row + r);
            put_panel(join_pair(coarse, fine, a_scale, w_scale), &product->out, row + r, at);
        }
    }
}

static void gemm_u8s8_pairs_lanes(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                                  const KernelsS8Panels *w, float *c, size_t c_stride,
                                  const KernelsEpilogue *epilogue)
{
    U8S8Product product = {
        .a_scale = a->scale,
        .w = w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    int32_t tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
    RowCut cut = cut_rows(m, GEMM_UNITS_ROWS / 2);
    size_t rows_most = 2 * (cut.rows + (cut.longer > 0 ? 1 : 0));
    for (size_t column = 0; column < n;) {
        size_t panels = step_panels(UNITS_PANELS[rows_most], (n - column + PANEL - 1) / PANEL);
        for (size_t t = 0, row = 0; t < cut.tiles; t++) {
            size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
            // All shapes that cut_rows and step_panels give are in the table.
            // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
            UNITS_TILES[2 * rows][panels](k, a->q + 2 * row * a->stride, a->stride,
                                          w->q + column * k, k * PANEL, tile);
            put_pairs_tile(&product, tile, rows, panels, row, column);
            row += rows;
        }
        column += panels * PANEL;
    }
}

static void init_gemm_pairs(Kernels *kernels)
{
    kernels->gemm_u8s8_pairs = gemm_u8s8_pairs_lanes;
}

#endif
