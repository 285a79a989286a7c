// The dot-product extension of ARMv8.2: the 8-bit products, four to an instruction.
#include "arm/dotprod.h"

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
