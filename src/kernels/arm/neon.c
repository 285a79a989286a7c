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

#include "elementwise_body.h"
#include "gemm_float_body.h"
#include "gemm_int8_body.h"
#include "tiers.h"

void kernels_init_neon(Kernels *kernels)
{
    init_elementwise(kernels);
    init_gemm_float(kernels);
    init_gemm_int8(kernels);
}
