// The 8-bit dot product of AVX-512 VNNI, for the tiers that have it.
#ifndef KERNELS_X86_VNNI_512_H
#define KERNELS_X86_VNNI_512_H

#include "x86/tier_512.h"

#ifndef __AVX512VNNI__
#error "compile this tier with -mavx512vnni"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

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

#endif
