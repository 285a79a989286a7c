// The peak loop of the bfloat16 matrix product of ARMv8.6.
#include <arm_neon.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
#error "compile this tier with -march=armv8.2-a+bf16"
#endif

static inline float32x4_t step_bf16(float32x4_t sums, uint16x8_t x, uint16x8_t w)
{
    return vbfmmlaq_f32(sums, vreinterpretq_bf16_u16(x), vreinterpretq_bf16_u16(w));
}

// 0x3f00 is 0.5.
PEAK_LOOP(peak_bf16_bf16, float32x4_t, vdupq_n_f32(0), uint16x8_t, vdupq_n_u16(0x3f00), step_bf16,
          32)

void kernels_peaks_init_bf16(KernelsPeaks *peaks)
{
    peaks->bf16 = peak_bf16_bf16;
}
