// AVX-512 BF16: VDPBF16PS multiplies pairs of bfloat16, in the same tiles as the 8-bit products.
#include "x86/tier_512.h"

#ifndef __AVX512BF16__
#error "compile this tier with -mavx512bf16"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

typedef __m512i Acts;
typedef float UnitSum;
typedef f32x16 UnitSums;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE UnitSums unit_sums_zero(void)
{
    return f32x16_zero();
}

LANES_INLINE UnitSums unit_sums_add(UnitSums sums, Acts x, Units w)
{
    return _mm512_dpbf16_ps(sums, (__m512bh)x, (__m512bh)w);
}

LANES_INLINE void unit_sums_put(UnitSum *p, UnitSums sums)
{
    f32x16_store(p, sums);
}

#include "gemm_units_body.h"
#include "tiers.h"

static void put_bf16_tile(const void *context, const float *tile, size_t rows, size_t panels,
                          size_t row, size_t column)
{
    const Output *out = context;
    for (size_t r = 0; r < rows; r++) {
        for (size_t p = 0; p < panels; p++) {
            f32x16 value = f32x16_load(tile + (r * panels + p) * PANEL);
            put_panel(value, out, row + r, column + p * PANEL);
        }
    }
}

static void gemm_bf16_avx512bf16(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                                 const uint16_t *w, float *c, size_t c_stride,
                                 const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    multiply_units_rows(m, n, k * sizeof *a, (const uint8_t *)a, a_stride * sizeof *a,
                        (const int8_t *)w, put_bf16_tile, &out);
}

#define ATTEND_GEMM_BF16 gemm_bf16_avx512bf16
#include "attend_body.h"

void kernels_init_avx512bf16(Kernels *kernels)
{
    kernels->gemm_bf16 = gemm_bf16_avx512bf16;
    kernels->attend_bf16 = attend_bf16_lanes;
}

void kernels_init_fast_avx512bf16(Kernels *kernels)
{
    kernels->bf16_is_fast = true;
}
