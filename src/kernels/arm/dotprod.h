// The 8-bit dot product of ARMv8.2, for the tiers that have it.
#ifndef KERNELS_ARM_DOTPROD_H
#define KERNELS_ARM_DOTPROD_H

#include "arm/tier_neon.h"

#ifndef __ARM_FEATURE_DOTPROD
#error "compile this tier with -march=armv8.2-a+dotprod"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return (i32x16){vdotq_s32(sums.q0, w.q0, x), vdotq_s32(sums.q1, w.q1, x),
                    vdotq_s32(sums.q2, w.q2, x), vdotq_s32(sums.q3, w.q3, x)};
}

#endif
