// AVX-512 without VNNI. vpmaddubsw adds two u8 x s8 products in 16 bits with saturation; with
// magnitudes (at most 128) times signed weights (at most 127) two fit: 2 * 128 * 127 = 32512.
#include "x86/tier_512.h"

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

#include "elementwise_body.h"
#include "gemm_float_body.h"
#include "gemm_int8_body.h"
#include "tiers.h"

void kernels_init_avx512(Kernels *kernels)
{
    init_elementwise(kernels);
    init_gemm_float(kernels);
    init_gemm_int8(kernels);
}
