// AVX-512 without VNNI. vpmaddubsw adds two u8 x s8 products in 16 bits with saturation; what is
// done about it is told in avx2.c.
#include "x86/tier_512.h"

#include <stdbool.h>

// 20 sums, 4 weights, 3 constants, an activation, and the products on their way.
#define GEMM_UNITS_ROWS 5
#define GEMM_UNITS_TILES(X)                                                                        \
    X(1, 1)                                                                                        \
    X(1, 2)                                                                                        \
    X(1, 4)                                                                                        \
    X(2, 1) X(2, 2) X(2, 4) X(3, 1) X(3, 2) X(3, 4) X(4, 1) X(4, 2) X(4, 4) X(5, 1) X(5, 2) X(5, 4)
#define GEMM_UNITS_PANELS                                                                          \
    {                                                                                              \
        0, 4, 4, 4, 4, 4                                                                           \
    }

enum { DOT_IS_BIASED = 0 };

typedef struct Acts {
    __m512i magnitude;
    __mmask64 negative;
} Acts;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    __m512i x = _mm512_xor_si512(broadcast_4_bytes(p), _mm512_set1_epi8((char)0x80));
    return (Acts){_mm512_abs_epi8(x), _mm512_movepi8_mask(x)};
}

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    __m512i signed_w = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
    __m512i pairs = _mm512_maddubs_epi16(x.magnitude, signed_w);
    return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

// The products of a nibble and an activation are so small that eight pairs of them fit 16 bits:
// 16 * 15 * 128 = 30720.
typedef __m512i SignedActs;
typedef __m512i GroupSums;

LANES_INLINE SignedActs signed_load(const int8_t *p)
{
    return broadcast_4_bytes(p);
}

enum { GEMM_U8S4_UNROLL = 0 };

LANES_INLINE GroupSums group_zero(void)
{
    return _mm512_setzero_si512();
}

LANES_INLINE GroupSums group_add(GroupSums sums, SignedActs x, Units nibbles)
{
    return _mm512_add_epi16(sums, _mm512_maddubs_epi16(nibbles, x));
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    __m512i total = _mm512_madd_epi16(sums, _mm512_set1_epi16(1));
    return _mm512_add_epi32(total, _mm512_set1_epi32(start));
}

enum { PAIRS_BYTES = 64 };

typedef __m512i Pairs;

LANES_INLINE Pairs pairs_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

LANES_INLINE void pairs_store(void *p, Pairs x)
{
    _mm512_storeu_si512(p, x);
}

LANES_INLINE Pairs pairs_acts(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE Pairs pairs_dot(Pairs sums, Pairs x, Pairs w)
{
    __m512i pairs = _mm512_maddubs_epi16(x, w);
    return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

LANES_INLINE i32x16 i32x16_dot_pairs(i32x16 sums, Pairs x, Units w)
{
    return pairs_dot(sums, x, w);
}

LANES_INLINE bool pairs_split(Pairs w, Pairs most, Pairs *second)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i above = _mm512_maddubs_epi16(most, _mm512_max_epi8(w, zero));
    __m512i below = _mm512_maddubs_epi16(most, _mm512_min_epi8(w, zero));
    __mmask32 could = _mm512_cmpeq_epi16_mask(above, _mm512_set1_epi16(INT16_MAX)) |
                      _mm512_cmpeq_epi16_mask(below, _mm512_set1_epi16(INT16_MIN));
    *second = _mm512_and_si512(w, _mm512_maskz_set1_epi16(could, (short)0xff00));
    return could != 0;
}

LANES_INLINE Pairs pairs_without(Pairs w, Pairs second)
{
    return _mm512_sub_epi8(w, second);
}

// 24 sums, 4 weights, an activation, the ones, and two products on their way.
#define GEMM_SPLIT_ROWS     GEMM_FLOAT_ROWS
#define GEMM_SPLIT_PANELS   4
#define GEMM_SPLIT_TILES(X) GEMM_FLOAT_TILES(X)

#include "elementwise_body.h"
#include "gemm_bf16_body.h"
#define ATTEND_GEMM_BF16 gemm_bf16_lanes
#include "attend_body.h"
#include "gemm_float_body.h"
#include "gemm_pairs_split_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_split_body.h"
#include "tiers.h"
#include "x86/panels_512.h"

void kernels_init_avx512(Kernels *kernels)
{
    init_elementwise(kernels);
    init_panels(kernels);
    init_gemm_float(kernels);
    init_gemm_bf16(kernels);
    kernels->attend_bf16 = attend_bf16_lanes;
    init_gemm_u8s8_split(kernels);
    init_gemm_pairs(kernels);
    init_gemm_pairs_split(kernels);
    init_gemm_u8s4(kernels);
}
