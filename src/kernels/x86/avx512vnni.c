// AVX-512 VNNI: the 8-bit products, four to an instruction.
#include "x86/vnni_512.h"

typedef __m512i SignedActs;
typedef i32x16 GroupSums;

LANES_INLINE SignedActs signed_load(const int8_t *p)
{
    return broadcast_4_bytes(p);
}

enum { GEMM_U8S4_UNROLL = 1 };

LANES_INLINE GroupSums group_zero(void)
{
    return i32x16_zero();
}

LANES_INLINE GroupSums group_add(GroupSums sums, SignedActs x, Units nibbles)
{
    return _mm512_dpbusd_epi32(sums, nibbles, x);
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    return _mm512_add_epi32(sums, _mm512_set1_epi32(start));
}

#include "gemm_pairs_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_body.h"
#include "tiers.h"
#include "x86/vnni_attend.h"

void kernels_init_avx512vnni(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    init_gemm_pairs(kernels);
    init_gemm_u8s4(kernels);
    init_attend_avx512vnni(kernels);
}
