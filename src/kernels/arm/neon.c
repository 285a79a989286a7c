// NEON, which every 64-bit ARM processor has. Two products of an activation (at most 128) and a
// weight (at most 127) fit 16 bits: 2 * 128 * 127 = 32512.
#include "arm/tier_neon.h"

LANES_INLINE int32x4_t dot_quarter(int32x4_t sums, Acts x, int8x16_t w)
{
    int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    int16x8_t high = vmull_high_s8(x, w);
    return vpadalq_s16(sums, vpaddq_s16(low, high));
}

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return (i32x16){dot_quarter(sums.q0, x, w.q0), dot_quarter(sums.q1, x, w.q1),
                    dot_quarter(sums.q2, x, w.q2), dot_quarter(sums.q3, x, w.q3)};
}

// 16 sums, 4 weights, and the products on their way.
#define GEMM_UNITS_ROWS     4
#define GEMM_UNITS_TILES(X) X(1, 1) X(1, 2) X(2, 1) X(3, 1) X(4, 1)
#define GEMM_UNITS_PANELS                                                                          \
    {                                                                                              \
        0, 2, 1, 1, 1                                                                              \
    }

// 8 sums, 16 sums of a group, 4 weights and an activation.
#define GEMM_U8S4_ROWS     2
#define GEMM_U8S4_PANELS   1
#define GEMM_U8S4_TILES(X) X(1, 1) X(2, 1)

// The products of a nibble and an activation are so small that eight of them fit 16 bits:
// 8 * 15 * 128 = 15360, and two such sums.
typedef struct GroupSums {
    int16x8_t low0, high0, low1, high1, low2, high2, low3, high3;
} GroupSums;

enum { GEMM_U8S4_UNROLL = 0 };

LANES_INLINE GroupSums group_zero(void)
{
    int16x8_t zero = vdupq_n_s16(0);
    return (GroupSums){zero, zero, zero, zero, zero, zero, zero, zero};
}

LANES_INLINE GroupSums group_add(GroupSums sums, SignedActs x, Units nibbles)
{
    int8x8_t half = vget_low_s8(x);
    return (GroupSums){
        vmlal_s8(sums.low0, half, vget_low_s8(nibbles.q0)),
        vmlal_high_s8(sums.high0, x, nibbles.q0),
        vmlal_s8(sums.low1, half, vget_low_s8(nibbles.q1)),
        vmlal_high_s8(sums.high1, x, nibbles.q1),
        vmlal_s8(sums.low2, half, vget_low_s8(nibbles.q2)),
        vmlal_high_s8(sums.high2, x, nibbles.q2),
        vmlal_s8(sums.low3, half, vget_low_s8(nibbles.q3)),
        vmlal_high_s8(sums.high3, x, nibbles.q3),
    };
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    int32x4_t all = vdupq_n_s32(start);
    return (i32x16){vpadalq_s16(all, vpaddq_s16(sums.low0, sums.high0)),
                    vpadalq_s16(all, vpaddq_s16(sums.low1, sums.high1)),
                    vpadalq_s16(all, vpaddq_s16(sums.low2, sums.high2)),
                    vpadalq_s16(all, vpaddq_s16(sums.low3, sums.high3))};
}

#include "elementwise_body.h"
#include "gemm_bf16_body.h"
#define ATTEND_GEMM_BF16 gemm_bf16_lanes
#include "attend_body.h"
#include "gemm_float_body.h"
#include "gemm_pairs_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_body.h"
#include "tiers.h"

void kernels_init_neon(Kernels *kernels)
{
    init_elementwise(kernels);
    init_gemm_float(kernels);
    init_gemm_bf16(kernels);
    kernels->attend_bf16 = attend_bf16_lanes;
    init_gemm_u8s8(kernels);
    init_gemm_pairs(kernels);
    init_gemm_u8s4(kernels);
}
