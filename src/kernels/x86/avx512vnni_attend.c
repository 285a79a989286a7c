// The product of 16-bit integers that attention mixes values with: VPDPWSSD multiplies pairs, in
// the same tiles as the 8-bit products.
#include "x86/tier_512.h"

#ifndef __AVX512VNNI__
#error "compile this tier with -mavx512vnni"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

typedef __m512i Acts;
typedef int32_t UnitSum;
typedef i32x16 UnitSums;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE UnitSums unit_sums_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE UnitSums unit_sums_add(UnitSums sums, Acts x, Units w)
{
    return _mm512_dpwssd_epi32(sums, x, w);
}

LANES_INLINE void unit_sums_put(UnitSum *p, UnitSums sums)
{
    i32x16_store(p, sums);
}

#include "gemm_units_body.h"
#include "x86/avx512vnni_attend.h"

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

void gemm_s16_avx512vnni(size_t m, size_t n, size_t k, const int16_t *a, size_t a_stride,
                         const float *a_scale, const int16_t *w, float *c, size_t c_stride)
{
    S16Product product = {.a_scale = a_scale, .out = {.n = n, .c = c, .c_stride = c_stride}};
    multiply_units_rows(m, n, k * sizeof *a, (const uint8_t *)a, a_stride * sizeof *a,
                        (const int8_t *)w, put_s16_tile, &product);
}
