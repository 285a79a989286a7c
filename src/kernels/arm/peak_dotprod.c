// The peak loop of the dot-product extension of ARMv8.2.
#include <arm_neon.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __ARM_FEATURE_DOTPROD
#error "compile this tier with -march=armv8.2-a+dotprod"
#endif

static inline int32x4_t step_s8(int32x4_t sums, int8x16_t x, int8x16_t w)
{
    return vdotq_s32(sums, x, w);
}

PEAK_LOOP(peak_u8s8_dotprod, int32x4_t, vdupq_n_s32(0), int8x16_t, vdupq_n_s8(1), step_s8, 32)

void kernels_peaks_init_dotprod(KernelsPeaks *peaks)
{
    peaks->u8s8 = peak_u8s8_dotprod;
}
