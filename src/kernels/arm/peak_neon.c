// Peak loops of NEON. Its 8-bit product widens to 16 bits, two by two, and to 32.
#include <arm_neon.h>

#include "peak_body.h"
#include "peak_tiers.h"

static inline float32x4_t step_f32(float32x4_t sums, float32x4_t x, float32x4_t w)
{
    return vfmaq_f32(sums, x, w);
}

static inline int32x4_t step_s8(int32x4_t sums, int8x8_t x, int8x8_t w)
{
    return vpadalq_s16(sums, vmull_s8(x, w));
}

PEAK_LOOP(peak_f32_neon, float32x4_t, vdupq_n_f32(0), float32x4_t, vdupq_n_f32(0.5f), step_f32, 8)
PEAK_LOOP(peak_u8s8_neon, int32x4_t, vdupq_n_s32(0), int8x8_t, vdup_n_s8(1), step_s8, 16)

static uint64_t read_neon(const void *data, size_t bytes)
{
    const uint64_t *at = data;
    uint64x2_t a = vdupq_n_u64(0);
    uint64x2_t b = a;
    uint64x2_t c = a;
    uint64x2_t d = a;
    for (size_t i = 0; i < bytes / sizeof *at; i += 8) {
        a = veorq_u64(a, vld1q_u64(at + i));
        b = veorq_u64(b, vld1q_u64(at + i + 2));
        c = veorq_u64(c, vld1q_u64(at + i + 4));
        d = veorq_u64(d, vld1q_u64(at + i + 6));
    }
    uint64x2_t sum = veorq_u64(veorq_u64(a, b), veorq_u64(c, d));
    return vgetq_lane_u64(sum, 0) ^ vgetq_lane_u64(sum, 1);
}

void kernels_peaks_init_neon(KernelsPeaks *peaks)
{
    peaks->f32 = peak_f32_neon;
    peaks->u8s8 = peak_u8s8_neon;
    peaks->read = read_neon;
}
