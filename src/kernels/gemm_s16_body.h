// The product of 16-bit integers that attention mixes values with, in the tiles of the 8-bit
// products. A tier that includes this has defined what gemm_units_body.h asks for Units and Acts
// and its tiles, and
//   i32x16_dot_s16   sums + the 2 products of each channel
#ifndef KERNELS_GEMM_S16_BODY_H
#define KERNELS_GEMM_S16_BODY_H

typedef int32_t UnitSum;
typedef i32x16 UnitSums;

LANES_INLINE UnitSums unit_sums_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE UnitSums unit_sums_add(UnitSums sums, Acts x, Units w)
{
    return i32x16_dot_s16(sums, x, w);
}

LANES_INLINE void unit_sums_put(UnitSum *p, UnitSums sums)
{
    i32x16_store(p, sums);
}

#include "gemm_units_body.h"

typedef struct S16Product {
    const float *a_scale;
    Output out;
} S16Product;

static void put_s16_tile(const void *context, const int32_t *tile, size_t rows, size_t panels,
                         size_t row, size_t column)
{
    const S16Product *product = context;
    for (size_t r = 0; r < rows; r++) {
        f32x16 scale = f32x16_set1(product->a_scale[row + r]);
        for (size_t p = 0; p < panels; p++) {
            i32x16 sum = i32x16_load(tile + (r * panels + p) * PANEL);
            put_panel(f32x16_mul(i32x16_to_float(sum), scale), &product->out, row + r,
                      column + p * PANEL);
        }
    }
}

static void gemm_s16_lanes(size_t m, size_t n, size_t k, const int16_t *a, size_t a_stride,
                           const float *a_scale, const int16_t *w, float *c, size_t c_stride)
{
    S16Product product = {.a_scale = a_scale, .out = {.n = n, .c = c, .c_stride = c_stride}};
    multiply_units_rows(m, n, k * sizeof *a, (const uint8_t *)a, a_stride * sizeof *a,
                        (const int8_t *)w, put_s16_tile, &product);
}

#endif
