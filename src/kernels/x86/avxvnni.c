// AVX-VNNI: the 8-bit products in 256-bit registers, for processors without AVX-512. tests/kernels
// compiles it a second time, with the encoding that the same instruction has in AVX-512 VNNI, which
// more machines can run.
#include "x86/tier_256.h"

#if defined(__AVXVNNI__)
#define DPBUSD _mm256_dpbusd_avx_epi32
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__)
#define DPBUSD _mm256_dpbusd_epi32
#else
#error "compile this tier with -mavxvnni"
#endif

#define GEMM_UNITS_ROWS     GEMM_FLOAT_ROWS
#define GEMM_UNITS_TILES(X) GEMM_FLOAT_TILES(X)
#define GEMM_UNITS_PANELS   GEMM_FLOAT_PANELS

enum { DOT_IS_BIASED = 1 };

typedef __m256i Acts;

LANES_INLINE Acts acts_load(const uint8_t *p)
{
    return broadcast_4_bytes(p);
}

LANES_INLINE i32x16 i32x16_dot(i32x16 sums, Acts x, Units w)
{
    return (i32x16){DPBUSD(sums.low, x, w.low), DPBUSD(sums.high, x, w.high)};
}

typedef __m256i SignedActs;
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
    return (GroupSums){DPBUSD(sums.low, nibbles.low, x), DPBUSD(sums.high, nibbles.high, x)};
}

LANES_INLINE i32x16 group_total(GroupSums sums, int32_t start)
{
    __m256i all = _mm256_set1_epi32(start);
    return (i32x16){_mm256_add_epi32(sums.low, all), _mm256_add_epi32(sums.high, all)};
}

#include "gemm_pairs_body.h"
#include "gemm_u8s4_body.h"
#include "gemm_u8s8_body.h"
#include "tiers.h"
#include "x86/vnni_attend.h"

void kernels_init_avxvnni(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    init_gemm_pairs(kernels);
    init_gemm_u8s4(kernels);
    init_attend_avxvnni(kernels);
}
