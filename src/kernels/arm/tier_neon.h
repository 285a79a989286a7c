// What the ARM tiers share beyond the lanes: tiles, loads and unpacking of s4 panels. Activations
// are made signed as they are loaded, so no compensation is needed.
#ifndef KERNELS_ARM_TIER_NEON_H
#define KERNELS_ARM_TIER_NEON_H

#include "arm/lanes_neon.h"

// 32 registers: 5 rows x 1 panel take 20 for sums, 4 for weights and up to 5 for activations, which
// compilers like to load together.
#define GEMM_FLOAT_ROWS     5
#define GEMM_FLOAT_TILES(X) X(1, 1) X(1, 2) X(1, 4) X(2, 1) X(2, 2) X(3, 1) X(4, 1) X(5, 1)
#define GEMM_FLOAT_PANELS                                                                          \
    {                                                                                              \
        0, 4, 2, 1, 1, 1                                                                           \
    }

enum { DOT_IS_BIASED = 0 };

typedef struct Units {
    int8x16_t q0, q1, q2, q3; // four channels each
} Units;

LANES_INLINE Units units_load(const int8_t *p)
{
    return (Units){vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)};
}

typedef int8x16_t Acts; // the four activations, four times

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_u32(veorq_u32(vdupq_n_u32(four), vdupq_n_u32(0x80808080u)));
}

typedef int8x16_t SignedActs;

LANES_INLINE SignedActs signed_load(const int8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_u32(vdupq_n_u32(four));
}

// vld4q takes four channels of four 32-bit words apart: word j of each channel into the j-th
// register.
LANES_INLINE void nibbles_unpack(const uint8_t *w, int8_t *units)
{
    const uint8x16_t nibble = vdupq_n_u8(15);
    for (size_t quarter = 0; quarter < 4; quarter++) {
        uint32_t words[16];
        memcpy(words, w + quarter * 64, sizeof words);
        uint32x4x4_t v = vld4q_u32(words);
        for (size_t j = 0; j < 4; j++) {
            uint8x16_t bytes = vreinterpretq_u8_u32(v.val[j]);
            int8x16_t low = vreinterpretq_s8_u8(vandq_u8(bytes, nibble));
            int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
            int8_t *to = units + j * 64 + quarter * 16;
            vst1q_s8(to, low);
            vst1q_s8(to + (size_t)4 * 64, high);
        }
    }
}

#endif
