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

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

// 12 sums, 12 sums of a group, 4 weights and an activation.
#define GEMM_U8S4_ROWS     3
#define GEMM_U8S4_PANELS   1
#define GEMM_U8S4_TILES(X) X(1, 1) X(2, 1) X(3, 1)

typedef i32x16 GroupSums;

enum { GEMM_U8S4_UNROLL = 0 };

LANES_INLINE GroupSums group_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE GroupSums group_add(GroupSums sums, SignedActs x, Units nibbles)
{
    return i32x16_dot(sums, x, nibbles);
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    int32x4_t all = vdupq_n_s32(start);
    return (i32x16){vaddq_s32(sums.q0, all), vaddq_s32(sums.q1, all), vaddq_s32(sums.q2, all),
                    vaddq_s32(sums.q3, all)};
}

#include "gemm_pairs_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_body.h"
#include "tiers.h"

void kernels_init_dotprod(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    init_gemm_pairs(kernels);
    init_gemm_u8s4(kernels);
}
