// What the 256-bit tiers share beyond the lanes: unpacking of s4 panels, and loads.
#ifndef KERNELS_X86_TIER_256_H
#define KERNELS_X86_TIER_256_H

#include <string.h>

#include "x86/lanes_avx2.h"

// 16 registers: a tile of 6 rows x 1 panel takes 12 for its sums, 2 for weights, 1 for an
// activation.
#define GEMM_FLOAT_ROWS     6
#define GEMM_FLOAT_TILES(X) X(1, 1) X(1, 2) X(1, 4) X(2, 1) X(2, 2) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define GEMM_FLOAT_PANELS                                                                          \
    {                                                                                              \
        0, 4, 2, 1, 1, 1, 1                                                                        \
    }

#define GEMM_U8S4_ROWS     3
#define GEMM_U8S4_PANELS   1
#define GEMM_U8S4_TILES(X) X(1, 1) X(2, 1) X(3, 1)

typedef struct Units {
    __m256i low, high;
} Units;

LANES_INLINE Units units_load(const int8_t *p)
{
    return (Units){_mm256_loadu_si256((const __m256i *)(const void *)p),
                   _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}

LANES_INLINE __m256i broadcast_4_bytes(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

// Channel i in the lower and i + 4 in the upper half.
LANES_INLINE __m256i load_channels(const uint8_t *w)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)w);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(w + 64));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

// Eight channels of 16 bytes become four registers of 32-bit words, word j of each channel in the
// j-th, and each of those the low and the high nibbles of eight channels.
LANES_INLINE void nibbles_unpack_half(const uint8_t *w, int8_t *units)
{
    __m256i v0 = load_channels(w);
    __m256i v1 = load_channels(w + 16);
    __m256i v2 = load_channels(w + 32);
    __m256i v3 = load_channels(w + 48);
    __m256i left_01 = _mm256_unpacklo_epi32(v0, v1);
    __m256i left_23 = _mm256_unpackhi_epi32(v0, v1);
    __m256i right_01 = _mm256_unpacklo_epi32(v2, v3);
    __m256i right_23 = _mm256_unpackhi_epi32(v2, v3);
    const __m256i words[4] = {
        _mm256_unpacklo_epi64(left_01, right_01),
        _mm256_unpackhi_epi64(left_01, right_01),
        _mm256_unpacklo_epi64(left_23, right_23),
        _mm256_unpackhi_epi64(left_23, right_23),
    };
    const __m256i nibble = _mm256_set1_epi8(15);
    for (size_t j = 0; j < 4; j++) {
        __m256i low = _mm256_and_si256(words[j], nibble);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(words[j], 4), nibble);
        _mm256_storeu_si256((__m256i *)(void *)(units + j * 64), low);
        _mm256_storeu_si256((__m256i *)(void *)(units + (j + 4) * 64), high);
    }
}

LANES_INLINE void nibbles_unpack(const uint8_t *w, int8_t *units)
{
    nibbles_unpack_half(w, units);
    nibbles_unpack_half(w + 128, units + 32);
}

#endif
