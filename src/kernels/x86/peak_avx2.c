// Peak loops of AVX2 with FMA. Its 8-bit product takes three instructions.
#include <immintrin.h>

#include "peak_body.h"
#include "peak_tiers.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this tier with -mavx2 -mfma"
#endif

static inline __m256 step_f32(__m256 sums, __m256 x, __m256 w)
{
    return _mm256_fmadd_ps(x, w, sums);
}

static inline __m256i step_u8s8(__m256i sums, __m256i x, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(x, w);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

PEAK_LOOP(peak_f32_avx2, __m256, _mm256_setzero_ps(), __m256, _mm256_set1_ps(0.5f), step_f32, 16)
PEAK_LOOP(peak_u8s8_avx2, __m256i, _mm256_setzero_si256(), __m256i, _mm256_set1_epi8(1), step_u8s8,
          64)

enum { AHEAD = 32 }; // vectors

static uint64_t read_avx2(const void *data, size_t bytes)
{
    const __m256i *at = data;
    __m256i a = _mm256_setzero_si256();
    __m256i b = a;
    __m256i c = a;
    __m256i d = a;
    for (size_t i = 0; i < bytes / sizeof *at; i += 4) {
        // The processor's own prefetching ends at each page.
        _mm_prefetch((const char *)(at + i + AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(at + i + AHEAD + 2), _MM_HINT_T0);
        a = _mm256_xor_si256(a, _mm256_load_si256(at + i));
        b = _mm256_xor_si256(b, _mm256_load_si256(at + i + 1));
        c = _mm256_xor_si256(c, _mm256_load_si256(at + i + 2));
        d = _mm256_xor_si256(d, _mm256_load_si256(at + i + 3));
    }
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words,
                        _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d)));
    return words[0] ^ words[1] ^ words[2] ^ words[3];
}

void kernels_peaks_init_avx2(KernelsPeaks *peaks)
{
    peaks->f32 = peak_f32_avx2;
    peaks->u8s8 = peak_u8s8_avx2;
    peaks->read = read_avx2;
}
