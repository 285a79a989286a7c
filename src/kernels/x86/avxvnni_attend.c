// The product of 16-bit integers that attention mixes values with: VPDPWSSD multiplies pairs.
#include "x86/tier_256.h"

#ifndef __AVXVNNI__
#error "compile this tier with -mavxvnni"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

typedef __m256i Acts;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE i32x16 i32x16_dot_s16(i32x16 sums, Acts x, Units w)
{
    return (i32x16){_mm256_dpwssd_avx_epi32(sums.low, x, w.low),
                    _mm256_dpwssd_avx_epi32(sums.high, x, w.high)};
}

#include "gemm_s16_body.h"
#include "x86/vnni_attend.h"

void init_attend_avxvnni(Kernels *kernels)
{
    kernels->gemm_s16 = gemm_s16_lanes;
    kernels->attends_best_in_s16 = true;
}
