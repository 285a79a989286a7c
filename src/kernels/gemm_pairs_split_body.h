// Rows in two parts where many rows pay for gemm_u8s8_split_body.h: strips of columns of both parts
// as separate rows, then joined.
#ifndef KERNELS_GEMM_PAIRS_SPLIT_BODY_H
#define KERNELS_GEMM_PAIRS_SPLIT_BODY_H

#include "gemm_pairs_body.h"
#include "gemm_u8s8_split_body.h"

enum {
    JOIN_LEAST = 10, // fewer rows do not pay
    JOIN_ROWS = SPLIT_BLOCK_ROWS / 2,
    JOIN_PANELS = 4,
};

// Rows first..first+rows and the strip from `column` on; parts[2 * rows][width].
static void join_strip(const float *parts, size_t rows, size_t width, size_t first, size_t column,
                       const Output *out)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t at = 0; at < width; at += PANEL) {
            const float *coarse = parts + 2 * r * width + at;
            f32x16 value = f32x16_add(f32x16_load(coarse), f32x16_load(coarse + width));
            put_panel(value, out, first + r, column + at);
        }
    }
}

static void gemm_u8s8_pairs_split(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                                  const KernelsS8Panels *w, float *c, size_t c_stride,
                                  const KernelsEpilogue *epilogue)
{
    if (m < JOIN_LEAST) {
        gemm_u8s8_pairs_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    const KernelsEpilogue plain = {.bias = NULL};
    const Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    float parts[2 * JOIN_ROWS * JOIN_PANELS * PANEL];
    for (size_t column = 0; column < n; column += (size_t)JOIN_PANELS * PANEL) {
        // Whole panels: the weights are padded to them.
        size_t width =
            BASE_MIN(BASE_ROUND_UP(n - column, (size_t)PANEL), (size_t)JOIN_PANELS * PANEL);
        KernelsS8Panels strip = {w->q + column * k, w->scale + column, w->sum + column};
        for (size_t row = 0; row < m; row += JOIN_ROWS) {
            size_t rows = BASE_MIN((size_t)JOIN_ROWS, m - row);
            KernelsU8Rows both = {a->q + 2 * row * a->stride, a->stride, a->scale + 2 * row};
            gemm_u8s8_split(2 * rows, width, k, &both, &strip, parts, width, &plain);
            join_strip(parts, rows, width, row, column, &out);
        }
    }
}

static void init_gemm_pairs_split(Kernels *kernels)
{
    kernels->gemm_u8s8_pairs = gemm_u8s8_pairs_split;
}

#endif
