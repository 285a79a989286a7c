// The peak loop of AVX-512 BF16.
#include <immintrin.h>

#include "peak_body.h"
#include "peak_tiers.h"

#ifndef __AVX512BF16__
#error "compile this tier with -mavx512bf16"
#endif

static inline __m512 step_bf16(__m512 sums, __m512i x, __m512i w)
{
    return _mm512_dpbf16_ps(sums, (__m512bh)x, (__m512bh)w);
}

// 0x3f00 is 0.5.
PEAK_LOOP(peak_bf16_avx512bf16, __m512, _mm512_setzero_ps(), __m512i, _mm512_set1_epi16(0x3f00),
          step_bf16, 64)

void kernels_peaks_init_avx512bf16(KernelsPeaks *peaks)
{
    peaks->bf16 = peak_bf16_avx512bf16;
}
