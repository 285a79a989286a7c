// AVX-512 VNNI: the 8-bit products, four to an instruction.
#include "x86/tier_512.h"

#ifndef __AVX512VNNI__
#error "compile this tier with -mavx512vnni"
#endif

enum { DOT_IS_BIASED = 1 };

typedef __m512i Acts;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return _mm512_dpbusd_epi32(sums, x, w);
}

#include "gemm_int8_body.h"
#include "tiers.h"

void kernels_init_avx512vnni(Kernels *kernels)
{
    init_gemm_int8(kernels);
}
