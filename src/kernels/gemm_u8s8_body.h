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

LANES_INLINE f32x16 scale_sums(const U8S8Product *product, const int32_t *sums, i32x16 bias,
                               size_t row, f32x16 w_scale)
{
    f32x16 scale = f32x16_mul(f32x16_set1(product->a_scale[row]), w_scale);
    return f32x16_mul(i32x16_to_float(i32x16_sub(i32x16_load(sums), bias)), scale);
}

// A tile of whole panels with this epilogue, which is asked about once and not for each vector.
LANES_INLINE void put_whole_u8s8_tile(const bool bias, const bool gelu, const bool residual,
                                      const U8S8Product *product, const int32_t *tile, size_t rows,
                                      size_t panels, size_t row, size_t column)
{
    const KernelsS8Panels *w = product->w;
    const Output *out = &product->out;
    const KernelsEpilogue *epilogue = out->epilogue;
    for (size_t p = 0; p < panels; p++) {
        const size_t at = column + p * PANEL;
        const f32x16 w_scale = f32x16_load(w->scale + at);
        const i32x16 w_sum = product->biased ? i32x16_load(w->sum + at) : i32x16_zero();
        const f32x16 w_bias = bias ? f32x16_load(epilogue->bias + at) : f32x16_zero();
        for (size_t r = 0; r < rows; r++) {
            f32x16 value =
                scale_sums(product, tile + (r * panels + p) * PANEL, w_sum, row + r, w_scale);
            if (bias) {
                value = f32x16_add(value, w_bias);
            }
            if (gelu) {
                value = gelu_value(value);
            }
            if (residual) {
                value = f32x16_add(value, f32x16_load(epilogue->residual +
                                                      (row + r) * epilogue->residual_stride + at));
            }
            f32x16_store(out->c + (row + r) * out->c_stride + at, value);
        }
    }
}

static void put_any_u8s8_tile(const U8S8Product *product, const int32_t *tile, size_t rows,
                              size_t panels, size_t row, size_t column)
{
    const KernelsS8Panels *w = product->w;
    for (size_t p = 0; p < panels; p++) {
        const size_t at = column + p * PANEL;
        const f32x16 w_scale = f32x16_load(w->scale + at);
        const i32x16 w_sum = product->biased ? i32x16_load(w->sum + at) : i32x16_zero();
        for (size_t r = 0; r < rows; r++) {
            put_panel(scale_sums(product, tile + (r * panels + p) * PANEL, w_sum, row + r, w_scale),
                      &product->out, row + r, at);
        }
    }
}

static void put_u8s8_tile(const void *context, const int32_t *tile, size_t rows, size_t panels,
                          size_t row, size_t column)
{
    const U8S8Product *product = context;
    const KernelsEpilogue *epilogue = product->out.epilogue;
    const bool bias = epilogue != NULL && epilogue->bias != NULL;
    const bool gelu = epilogue != NULL && epilogue->gelu;
    const bool residual = epilogue != NULL && epilogue->residual != NULL;
    const bool whole = product->out.n - column >= panels * PANEL;
    if (whole && bias && gelu && !residual) {
        put_whole_u8s8_tile(true, true, false, product, tile, rows, panels, row, column);
    } else if (whole && bias && !gelu && residual) {
        put_whole_u8s8_tile(true, false, true, product, tile, rows, panels, row, column);
    } else if (whole && bias && !gelu) {
        put_whole_u8s8_tile(true, false, false, product, tile, rows, panels, row, column);
    } else if (whole && !bias && !gelu && !residual) {
        put_whole_u8s8_tile(false, false, false, product, tile, rows, panels, row, column);
    } else {
        put_any_u8s8_tile(product, tile, rows, panels, row, column);
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
