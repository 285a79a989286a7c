// The peak loop of AVX-512 VNNI.
#include <immintrin.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __AVX512VNNI__
#error "compile this tier with -mavx512vnni"
#endif

static inline __m512i step_u8s8(__m512i sums, __m512i x, __m512i w)
{
    return _mm512_dpbusd_epi32(sums, x, w);
}

PEAK_LOOP(peak_u8s8_avx512vnni, __m512i, _mm512_setzero_si512(), __m512i, _mm512_set1_epi8(1),
          step_u8s8, 128)

void kernels_peaks_init_avx512vnni(KernelsPeaks *peaks)
{
    peaks->u8s8 = peak_u8s8_avx512vnni;
}
