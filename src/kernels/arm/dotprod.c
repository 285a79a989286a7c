// The dot-product extension of ARMv8.2: the 8-bit products, four to an instruction.
#include "arm/tier_neon.h"

#ifndef __ARM_FEATURE_DOTPROD
#error "compile this tier with -march=armv8.2-a+dotprod"
#endif

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return (i32x16){vdotq_s32(sums.q0, w.q0, x), vdotq_s32(sums.q1, w.q1, x),
                    vdotq_s32(sums.q2, w.q2, x), vdotq_s32(sums.q3, w.q3, x)};
}

#include "gemm_int8_body.h"
#include "tiers.h"

void kernels_init_dotprod(Kernels *kernels)
{
    init_gemm_int8(kernels);
}
