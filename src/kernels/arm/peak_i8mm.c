// The peak loop of the 8-bit matrix product of ARMv8.6.
#include <arm_neon.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile this tier with -march=armv8.2-a+dotprod+i8mm"
#endif

static inline int32x4_t step_u8s8(int32x4_t sums, uint8x16_t x, uint8x16_t w)
{
    return vusmmlaq_s32(sums, x, vreinterpretq_s8_u8(w));
}

PEAK_LOOP(peak_u8s8_i8mm, int32x4_t, vdupq_n_s32(0), uint8x16_t, vdupq_n_u8(1), step_u8s8, 64)

void kernels_peaks_init_i8mm(KernelsPeaks *peaks)
{
    peaks->u8s8 = peak_u8s8_i8mm;
}
