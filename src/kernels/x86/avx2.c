// AVX2 with FMA and F16C. vpmaddubsw adds two u8 x s8 products in 16 bits with saturation. For few
// rows the magnitudes of the activations (at most 128) are multiplied by signed weights (at most
// 127), of which two fit: 2 * 128 * 127 = 32512. Many rows pay for gemm_u8s8_split_body.h, which
// needs no signs.
#include "x86/tier_256.h"

#include <stdbool.h>

// 8 registers for sums, 2 for weights, 2 for an activation and its magnitude, the ones, and two
// intermediate results.
#define GEMM_UNITS_ROWS     4
#define GEMM_UNITS_TILES(X) X(1, 1) X(1, 2) X(1, 4) X(2, 1) X(2, 2) X(3, 1) X(4, 1)
#define GEMM_UNITS_PANELS                                                                          \
    {                                                                                              \
        0, 4, 2, 1, 1                                                                              \
    }

enum { DOT_IS_BIASED = 0 };

typedef struct Acts {
    __m256i value, magnitude;
} Acts;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    __m256i x = _mm256_xor_si256(broadcast_4_bytes(p), _mm256_set1_epi8((char)0x80));
    return (Acts){x, _mm256_abs_epi8(x)};
}

LANES_INLINE __m256i dot_half(__m256i sums, Acts x, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.value));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return (i32x16){dot_half(sums.low, x, w.low), dot_half(sums.high, x, w.high)};
}

// The products of a nibble and an activation are so small that eight pairs of them fit 16 bits:
// 16 * 15 * 128 = 30720.
typedef __m256i SignedActs;
typedef i32x16 GroupSums; // of 16-bit sums

LANES_INLINE SignedActs signed_load(const int8_t *p)
{
    return broadcast_4_bytes(p);
}

enum { GEMM_U8S4_UNROLL = 0 };

LANES_INLINE GroupSums group_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE GroupSums group_add(GroupSums sums, SignedActs x, Units nibbles)
{
    return (GroupSums){_mm256_add_epi16(sums.low, _mm256_maddubs_epi16(nibbles.low, x)),
                       _mm256_add_epi16(sums.high, _mm256_maddubs_epi16(nibbles.high, x))};
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    __m256i ones = _mm256_set1_epi16(1);
    __m256i all = _mm256_set1_epi32(start);
    return (i32x16){_mm256_add_epi32(_mm256_madd_epi16(sums.low, ones), all),
                    _mm256_add_epi32(_mm256_madd_epi16(sums.high, ones), all)};
}

enum { PAIRS_BYTES = 32 };

typedef __m256i Pairs;

LANES_INLINE Pairs pairs_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

LANES_INLINE void pairs_store(void *p, Pairs x)
{
    _mm256_storeu_si256(p, x);
}

LANES_INLINE Pairs pairs_acts(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE Pairs pairs_dot(Pairs sums, Pairs x, Pairs w)
{
    __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

LANES_INLINE i32x16 i32x16_dot_pairs(i32x16 sums, Pairs x, Units w)
{
    return (i32x16){pairs_dot(sums.low, x, w.low), pairs_dot(sums.high, x, w.high)};
}

// What saturates with the largest activations, or nearly does: of the weights of one sign, because
// others lessen the sum.
LANES_INLINE bool pairs_split(Pairs w, Pairs most, Pairs *second)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i above = _mm256_maddubs_epi16(most, _mm256_max_epi8(w, zero));
    __m256i below = _mm256_maddubs_epi16(most, _mm256_min_epi8(w, zero));
    __m256i could = _mm256_or_si256(_mm256_cmpeq_epi16(above, _mm256_set1_epi16(INT16_MAX)),
                                    _mm256_cmpeq_epi16(below, _mm256_set1_epi16(INT16_MIN)));
    *second = _mm256_and_si256(w, _mm256_slli_epi16(could, 8));
    return !_mm256_testz_si256(could, could);
}

LANES_INLINE Pairs pairs_without(Pairs w, Pairs second)
{
    return _mm256_sub_epi8(w, second);
}

// 10 sums, 2 weights, an activation, the ones, and two products on their way.
#define GEMM_SPLIT_ROWS     5
#define GEMM_SPLIT_PANELS   1
#define GEMM_SPLIT_TILES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1)

#include "elementwise_body.h"
#include "gemm_bf16_body.h"
#define ATTEND_GEMM_BF16 gemm_bf16_lanes
#include "attend_body.h"
#include "gemm_float_body.h"
#include "gemm_pairs_split_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_split_body.h"
#include "tiers.h"

void kernels_init_avx2(Kernels *kernels)
{
    init_elementwise(kernels);
    init_gemm_float(kernels);
    init_gemm_bf16(kernels);
    kernels->attend_bf16 = attend_bf16_lanes;
    init_gemm_u8s8_split(kernels);
    init_gemm_pairs(kernels);
    init_gemm_pairs_split(kernels);
    init_gemm_u8s4(kernels);
}
