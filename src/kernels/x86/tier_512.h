// What the AVX-512 tiers share beyond the lanes: the shapes of their tiles, and the loads of 8-bit
// products. 24 sums, 4 weights and an activation take 29 of the 32 registers.
#ifndef KERNELS_X86_TIER_512_H
#define KERNELS_X86_TIER_512_H

#include <string.h>

#include "x86/lanes_avx512.h"

#define GEMM_FLOAT_ROWS 6
#define GEMM_FLOAT_TILES(X)                                                                        \
    X(1, 1)                                                                                        \
    X(1, 2)                                                                                        \
    X(1, 4)                                                                                        \
    X(2, 1)                                                                                        \
    X(2, 2)                                                                                        \
    X(2, 4)                                                                                        \
    X(3, 1) X(3, 2) X(3, 4) X(4, 1) X(4, 2) X(4, 4) X(5, 1) X(5, 2) X(5, 4) X(6, 1) X(6, 2) X(6, 4)
#define GEMM_FLOAT_PANELS                                                                          \
    {                                                                                              \
        0, 4, 4, 4, 4, 4, 4                                                                        \
    }
// 12 sums, 12 sums of a group, 2 weights and an activation.
#define GEMM_U8S4_ROWS   6
#define GEMM_U8S4_PANELS 2
#define GEMM_U8S4_TILES(X)                                                                         \
    X(1, 1) X(1, 2) X(2, 1) X(2, 2) X(3, 1) X(3, 2) X(4, 1) X(4, 2) X(5, 1) X(5, 2) X(6, 1) X(6, 2)

typedef __m512i Units;

LANES_INLINE Units units_load(const int8_t *p)
{
    return _mm512_loadu_si512(p);
}

LANES_INLINE __m512i broadcast_4_bytes(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

// Four 16-byte channels a register, four registers. Dwords 2j and 2j + 1 of eight channels side by
// side, then dword j of all sixteen: a transposition of 32-bit words in two steps.
LANES_INLINE void nibbles_unpack(const uint8_t *w, int8_t *units)
{
    const __m512i step_1_low =
        _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
    const __m512i step_1_high =
        _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
    __m512i v0 = _mm512_loadu_si512(w);
    __m512i v1 = _mm512_loadu_si512(w + 64);
    __m512i v2 = _mm512_loadu_si512(w + 128);
    __m512i v3 = _mm512_loadu_si512(w + 192);
    __m512i left_01 = _mm512_permutex2var_epi32(v0, step_1_low, v1);
    __m512i left_23 = _mm512_permutex2var_epi32(v0, step_1_high, v1);
    __m512i right_01 = _mm512_permutex2var_epi32(v2, step_1_low, v3);
    __m512i right_23 = _mm512_permutex2var_epi32(v2, step_1_high, v3);
    const __m512i words[4] = {
        _mm512_shuffle_i64x2(left_01, right_01, 0x44),
        _mm512_shuffle_i64x2(left_01, right_01, 0xee),
        _mm512_shuffle_i64x2(left_23, right_23, 0x44),
        _mm512_shuffle_i64x2(left_23, right_23, 0xee),
    };
    const __m512i nibble = _mm512_set1_epi8(15);
    for (size_t j = 0; j < 4; j++) {
        __m512i low = _mm512_and_si512(words[j], nibble);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(words[j], 4), nibble);
        _mm512_storeu_si512(units + j * 64, low);
        _mm512_storeu_si512(units + (j + 4) * 64, high);
    }
}

#endif
