// Sixteen lanes as four 128-bit registers; see x86/lanes_avx512.h for what each function means.
// Partial loads and stores go through a copy: NEON has no masked ones.
#ifndef KERNELS_ARM_LANES_NEON_H
#define KERNELS_ARM_LANES_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "compile this tier for 64-bit ARM"
#endif

#define LANES_INLINE static inline __attribute__((always_inline))

typedef struct f32x16 {
    float32x4_t q0, q1, q2, q3;
} f32x16;

// The same intrinsic on every quarter of one, two or three values.
#define EACH_1(f, a)                                                                               \
    {                                                                                              \
        f((a).q0), f((a).q1), f((a).q2), f((a).q3)                                                 \
    }
#define EACH_2(f, a, b)                                                                            \
    {                                                                                              \
        f((a).q0, (b).q0), f((a).q1, (b).q1), f((a).q2, (b).q2), f((a).q3, (b).q3)                 \
    }
#define EACH_3(f, a, b, c)                                                                         \
    {                                                                                              \
        f((a).q0, (b).q0, (c).q0), f((a).q1, (b).q1, (c).q1), f((a).q2, (b).q2, (c).q2),           \
            f((a).q3, (b).q3, (c).q3)                                                              \
    }

LANES_INLINE f32x16 f32x16_set1(float x)
{
    float32x4_t all = vdupq_n_f32(x);
    return (f32x16){all, all, all, all};
}

LANES_INLINE f32x16 f32x16_zero(void)
{
    return f32x16_set1(0.0f);
}

LANES_INLINE f32x16 f32x16_load(const float *p)
{
    return (f32x16){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}

LANES_INLINE f32x16 f32x16_load_first(const float *p, size_t count)
{
    float lanes[16] = {0};
    memcpy(lanes, p, count * sizeof *p);
    return f32x16_load(lanes);
}

LANES_INLINE void f32x16_store(float *p, f32x16 x)
{
    vst1q_f32(p, x.q0);
    vst1q_f32(p + 4, x.q1);
    vst1q_f32(p + 8, x.q2);
    vst1q_f32(p + 12, x.q3);
}

LANES_INLINE void f32x16_store_first(float *p, f32x16 x, size_t count)
{
    float lanes[16];
    f32x16_store(lanes, x);
    memcpy(p, lanes, count * sizeof *p);
}

LANES_INLINE f32x16 f32x16_first(f32x16 x, f32x16 other, size_t count)
{
    float lanes[16];
    f32x16_store(lanes, other);
    f32x16_store_first(lanes, x, count);
    return f32x16_load(lanes);
}

LANES_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vaddq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vsubq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vmulq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vdivq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return (f32x16)EACH_3(vfmaq_f32, c, a, b);
}

LANES_INLINE f32x16 f32x16_fnma(f32x16 a, f32x16 b, f32x16 c)
{
    return (f32x16)EACH_3(vfmsq_f32, c, a, b);
}

LANES_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vminq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b)
{
    return (f32x16)EACH_2(vmaxq_f32, a, b);
}

LANES_INLINE f32x16 f32x16_abs(f32x16 x)
{
    return (f32x16)EACH_1(vabsq_f32, x);
}

LANES_INLINE float32x4_t copysign_quarter(float32x4_t magnitude, float32x4_t sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}

LANES_INLINE f32x16 f32x16_copysign(f32x16 magnitude, f32x16 sign)
{
    return (f32x16)EACH_2(copysign_quarter, magnitude, sign);
}

LANES_INLINE float32x4_t power_of_2_quarter(float32x4_t n)
{
    int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23));
}

LANES_INLINE f32x16 f32x16_times_power_of_2(f32x16 x, f32x16 n)
{
    f32x16 power = EACH_1(power_of_2_quarter, n);
    return f32x16_mul(x, power);
}

LANES_INLINE f32x16 f32x16_select_less(f32x16 a, f32x16 b, f32x16 yes, f32x16 no)
{
    return (f32x16){vbslq_f32(vcltq_f32(a.q0, b.q0), yes.q0, no.q0),
                    vbslq_f32(vcltq_f32(a.q1, b.q1), yes.q1, no.q1),
                    vbslq_f32(vcltq_f32(a.q2, b.q2), yes.q2, no.q2),
                    vbslq_f32(vcltq_f32(a.q3, b.q3), yes.q3, no.q3)};
}

LANES_INLINE float f32x16_sum(f32x16 x)
{
    float32x4_t four = vaddq_f32(vaddq_f32(x.q0, x.q2), vaddq_f32(x.q1, x.q3));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

LANES_INLINE float f32x16_largest(f32x16 x)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.q0, x.q1), vmaxq_f32(x.q2, x.q3)));
}

LANES_INLINE f32x16 f32x16_load_f16(const uint16_t *p)
{
    float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(p));
    float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return (f32x16){vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low),
                    vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)};
}

LANES_INLINE void f32x16_store_f16(uint16_t *p, f32x16 x)
{
    float16x8_t low = vcvt_high_f16_f32(vcvt_f16_f32(x.q0), x.q1);
    float16x8_t high = vcvt_high_f16_f32(vcvt_f16_f32(x.q2), x.q3);
    vst1q_u16(p, vreinterpretq_u16_f16(low));
    vst1q_u16(p + 8, vreinterpretq_u16_f16(high));
}

LANES_INLINE uint16x4_t bf16_quarter(float32x4_t x)
{
    uint32x4_t bits = vreinterpretq_u32_f32(x);
    uint32x4_t upper = vshrq_n_u32(bits, 16);
    uint32x4_t odd = vandq_u32(upper, vdupq_n_u32(1));
    uint32x4_t rounded = vshrq_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    uint32x4_t quiet = vorrq_u32(upper, vdupq_n_u32(0x40));
    return vmovn_u32(vbslq_u32(vceqq_f32(x, x), rounded, quiet));
}

LANES_INLINE void f32x16_store_bf16(uint16_t *p, f32x16 x)
{
    vst1_u16(p, bf16_quarter(x.q0));
    vst1_u16(p + 4, bf16_quarter(x.q1));
    vst1_u16(p + 8, bf16_quarter(x.q2));
    vst1_u16(p + 12, bf16_quarter(x.q3));
}

LANES_INLINE float32x4_t first_of_4_pairs(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(p)), 16));
}

LANES_INLINE float32x4_t second_of_4_pairs(const uint16_t *p)
{
    uint32x4_t pairs = vreinterpretq_u32_u16(vld1q_u16(p));
    return vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000u)));
}

LANES_INLINE f32x16 f32x16_first_of_bf16_pairs(const uint16_t *p)
{
    return (f32x16){first_of_4_pairs(p), first_of_4_pairs(p + 8), first_of_4_pairs(p + 16),
                    first_of_4_pairs(p + 24)};
}

LANES_INLINE f32x16 f32x16_second_of_bf16_pairs(const uint16_t *p)
{
    return (f32x16){second_of_4_pairs(p), second_of_4_pairs(p + 8), second_of_4_pairs(p + 16),
                    second_of_4_pairs(p + 24)};
}

LANES_INLINE void f32x16_store_biased_u8(uint8_t *p, f32x16 x)
{
    int16x8_t low = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(x.q0)), vmovn_s32(vcvtnq_s32_f32(x.q1)));
    int16x8_t high = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(x.q2)), vmovn_s32(vcvtnq_s32_f32(x.q3)));
    int8x16_t bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    vst1q_u8(p, veorq_u8(vreinterpretq_u8_s8(bytes), vdupq_n_u8(0x80)));
}

// Rounds to integers (ties to even); x in -32768..32767.
LANES_INLINE void f32x16_store_s16(int16_t *p, f32x16 x)
{
    vst1q_s16(p, vcombine_s16(vmovn_s32(vcvtnq_s32_f32(x.q0)), vmovn_s32(vcvtnq_s32_f32(x.q1))));
    vst1q_s16(p + 8,
              vcombine_s16(vmovn_s32(vcvtnq_s32_f32(x.q2)), vmovn_s32(vcvtnq_s32_f32(x.q3))));
}

typedef struct i32x16 {
    int32x4_t q0, q1, q2, q3;
} i32x16;

LANES_INLINE i32x16 i32x16_zero(void)
{
    int32x4_t zero = vdupq_n_s32(0);
    return (i32x16){zero, zero, zero, zero};
}

LANES_INLINE i32x16 i32x16_load(const int32_t *p)
{
    return (i32x16){vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)};
}

LANES_INLINE void i32x16_store(int32_t *p, i32x16 x)
{
    vst1q_s32(p, x.q0);
    vst1q_s32(p + 4, x.q1);
    vst1q_s32(p + 8, x.q2);
    vst1q_s32(p + 12, x.q3);
}

LANES_INLINE i32x16 i32x16_sub(i32x16 a, i32x16 b)
{
    return (i32x16)EACH_2(vsubq_s32, a, b);
}

LANES_INLINE f32x16 i32x16_to_float(i32x16 x)
{
    return (f32x16)EACH_1(vcvtq_f32_s32, x);
}

#endif
