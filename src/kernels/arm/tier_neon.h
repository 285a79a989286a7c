// What the ARM tiers share beyond the lanes: tiles, loads and unpacking of s4 panels. Activations
// are made signed as they are loaded, so no compensation is needed.
#ifndef KERNELS_ARM_TIER_NEON_H
#define KERNELS_ARM_TIER_NEON_H

#include "arm/lanes_neon.h"

// 32 registers: 6 rows x 1 panel take 24 for sums, 4 for weights and 1 for an activation.
#define GEMM_FLOAT_ROWS 6
#define GEMM_FLOAT_TILES(X)                                                                        \
    X(1, 1) X(1, 2) X(1, 4) X(2, 1) X(2, 2) X(3, 1) X(3, 2) X(4, 1) X(5, 1) X(6, 1)
#define GEMM_FLOAT_PANELS                                                                          \
    {                                                                                              \
        0, 4, 2, 2, 1, 1, 1                                                                        \
    }
#define GEMM_INT8_ROWS     GEMM_FLOAT_ROWS
#define GEMM_INT8_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_INT8_PANELS   GEMM_FLOAT_PANELS

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
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
}

// vld4q takes four channels of four 32-bit words apart: word j of each channel into the j-th
// register.
LANES_INLINE void s4_unpack(const uint8_t *w, int8_t *units)
{
    const uint8x16_t nibble = vdupq_n_u8(15);
    const int8x16_t eight = vdupq_n_s8(8);
    for (size_t quarter = 0; quarter < 4; quarter++) {
        uint32_t words[16];
        memcpy(words, w + quarter * 64, sizeof words);
        uint32x4x4_t v = vld4q_u32(words);
        for (size_t j = 0; j < 4; j++) {
            uint8x16_t bytes = vreinterpretq_u8_u32(v.val[j]);
            int8x16_t low = vreinterpretq_s8_u8(vandq_u8(bytes, nibble));
            int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
            int8_t *to = units + j * 64 + quarter * 16;
            vst1q_s8(to, vsubq_s8(low, eight));
            vst1q_s8(to + (size_t)4 * 64, vsubq_s8(high, eight));
        }
    }
}

#endif
