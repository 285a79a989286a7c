// The product of bfloat16 by floats, for tiers that cannot multiply bfloat16: both sides are made
// floats a step of k at a time, and multiplied by the tiles of gemm_float_body.h.
#ifndef KERNELS_GEMM_BF16_BODY_H
#define KERNELS_GEMM_BF16_BODY_H

#include "gemm_float_body.h"

enum { BF16_BLOCK_ROWS = 24 };

typedef struct Bf16Step {
    float a[BF16_BLOCK_ROWS * FLOAT_STEP];
    float w[TILE_PANELS_MAX * CONVERTED_STRIDE];
} Bf16Step;

static void convert_bf16_rows(size_t rows, size_t count, const uint16_t *a, size_t a_stride,
                              float *out)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)a[r * a_stride + i] << 16;
            memcpy(&out[r * FLOAT_STEP + i], &bits, sizeof bits);
        }
    }
}

static void convert_bf16_panel(size_t count, const uint16_t *w, float *out)
{
    for (size_t i = 0; i < count; i += 2) {
        f32x16_store(out + i * PANEL, f32x16_first_of_bf16_pairs(w + i * PANEL));
        f32x16_store(out + (i + 1) * PANEL, f32x16_second_of_bf16_pairs(w + i * PANEL));
    }
}

static void multiply_bf16_block(size_t first, size_t m, size_t k, const uint16_t *a,
                                size_t a_stride, const uint16_t *w, const Output *out)
{
    float sums[BF16_BLOCK_ROWS * TILE_PANELS_MAX * PANEL];
    Bf16Step step;
    RowCut cut = cut_rows(m, GEMM_FLOAT_ROWS);
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = step_panels(FLOAT_PANELS[GEMM_FLOAT_ROWS], left);
        for (size_t start = 0; start < k; start += FLOAT_STEP) {
            size_t count = BASE_MIN(k - start, (size_t)FLOAT_STEP);
            convert_bf16_rows(m, count, a + first * a_stride + start, a_stride, step.a);
            for (size_t p = 0; p < panels; p++) {
                convert_bf16_panel(count, w + (column + p * PANEL) * k + start * PANEL,
                                   step.w + p * CONVERTED_STRIDE);
            }
            for (size_t t = 0, row = 0; t < cut.tiles; t++) {
                size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
                F32_TILES[rows][panels](count, step.a + row * FLOAT_STEP, FLOAT_STEP,
                                        (const char *)step.w, sizeof(float) * CONVERTED_STRIDE,
                                        start > 0, sums + row * panels * PANEL);
                row += rows;
            }
        }
        put_float_tile(sums, m, panels, out, first, column);
        column += panels * PANEL;
    }
}

static void gemm_bf16_lanes(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                            const uint16_t *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    for (size_t row = 0; row < m; row += BF16_BLOCK_ROWS) {
        size_t rows = BASE_MIN((size_t)BF16_BLOCK_ROWS, m - row);
        multiply_bf16_block(row, rows, k, a, a_stride, w, &out);
    }
}

static void init_gemm_bf16(Kernels *kernels)
{
    kernels->gemm_bf16 = gemm_bf16_lanes;
}

#endif
