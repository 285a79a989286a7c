// The product of 8-bit activations and 8-bit weights, for any tier that has f32x16, i32x16, what
// gemm_units_body.h asks for Units and Acts and its tiles, and
//   i32x16_dot      sums + the 4 products of each channel
//   DOT_IS_BIASED   true if i32x16_dot takes the activations as they are stored, with their 128
#ifndef KERNELS_GEMM_U8S8_BODY_H
#define KERNELS_GEMM_U8S8_BODY_H

typedef int32_t UnitSum;
typedef i32x16 UnitSums;

LANES_INLINE UnitSums unit_sums_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE UnitSums unit_sums_add(UnitSums sums, Acts x, Units w)
{
    return i32x16_dot(sums, x, w);
}

LANES_INLINE void unit_sums_put(UnitSum *p, UnitSums sums)
{
    i32x16_store(p, sums);
}

#include "gemm_units_body.h"

typedef struct U8S8Product {
    const float *a_scale;
    const KernelsS8Panels *w;
    bool biased; // the sums are those of the activations as stored, with their 128
    Output out;
} U8S8Product;

static void put_u8s8_tile(const void *context, const int32_t *tile, size_t rows, size_t panels,
                          size_t row, size_t column)
{
    const U8S8Product *product = context;
    const KernelsS8Panels *w = product->w;
    for (size_t p = 0; p < panels; p++) {
        size_t at = column + p * PANEL;
        f32x16 w_scale = f32x16_load(w->scale + at);
        i32x16 bias = product->biased ? i32x16_load(w->sum + at) : i32x16_zero();
        for (size_t r = 0; r < rows; r++) {
            i32x16 sum = i32x16_sub(i32x16_load(tile + (r * panels + p) * PANEL), bias);
            f32x16 scale = f32x16_mul(f32x16_set1(product->a_scale[row + r]), w_scale);
            put_panel(f32x16_mul(i32x16_to_float(sum), scale), &product->out, row + r, at);
        }
    }
}

static void gemm_u8s8_lanes(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                            const KernelsS8Panels *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    U8S8Product product = {
        .a_scale = a->scale,
        .w = w,
        .biased = DOT_IS_BIASED,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    multiply_units_rows(m, n, k, a->q, a->stride, w->q, put_u8s8_tile, &product);
}

static void init_gemm_u8s8(Kernels *kernels)
{
    kernels->gemm_u8s8 = gemm_u8s8_lanes;
}

#endif
