// The peak loop of AVX-VNNI.
#include <immintrin.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __AVXVNNI__
#error "compile this tier with -mavxvnni"
#endif

static inline __m256i step_u8s8(__m256i sums, __m256i x, __m256i w)
{
    return _mm256_dpbusd_avx_epi32(sums, x, w);
}

PEAK_LOOP(peak_u8s8_avxvnni, __m256i, _mm256_setzero_si256(), __m256i, _mm256_set1_epi8(1),
          step_u8s8, 64)

void kernels_peaks_init_avxvnni(KernelsPeaks *peaks)
{
    peaks->u8s8 = peak_u8s8_avxvnni;
}
