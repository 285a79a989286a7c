// Peak loops of AVX-512. Its 8-bit product takes three instructions.
#include <immintrin.h>

#include "peak_body.h"
#include "peak_tiers.h"

#if !defined(__AVX512F__) || !defined(__AVX512BW__)
#error "compile this tier with -mavx512f -mavx512bw"
#endif

static inline __m512 step_f32(__m512 sums, __m512 x, __m512 w)
{
    return _mm512_fmadd_ps(x, w, sums);
}

static inline __m512i step_u8s8(__m512i sums, __m512i x, __m512i w)
{
    __m512i pairs = _mm512_maddubs_epi16(x, w);
    return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

PEAK_LOOP(peak_f32_avx512, __m512, _mm512_setzero_ps(), __m512, _mm512_set1_ps(0.5f), step_f32, 32)
PEAK_LOOP(peak_u8s8_avx512, __m512i, _mm512_setzero_si512(), __m512i, _mm512_set1_epi8(1),
          step_u8s8, 128)

enum { AHEAD = 16 }; // vectors

static uint64_t read_avx512(const void *data, size_t bytes)
{
    const __m512i *at = data;
    __m512i a = _mm512_setzero_si512();
    __m512i b = a;
    __m512i c = a;
    __m512i d = a;
    for (size_t i = 0; i < bytes / sizeof *at; i += 4) {
        // The processor's own prefetching ends at each page.
        _mm_prefetch((const char *)(at + i + AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(at + i + AHEAD + 1), _MM_HINT_T0);
        _mm_prefetch((const char *)(at + i + AHEAD + 2), _MM_HINT_T0);
        _mm_prefetch((const char *)(at + i + AHEAD + 3), _MM_HINT_T0);
        a = _mm512_xor_si512(a, _mm512_load_si512(at + i));
        b = _mm512_xor_si512(b, _mm512_load_si512(at + i + 1));
        c = _mm512_xor_si512(c, _mm512_load_si512(at + i + 2));
        d = _mm512_xor_si512(d, _mm512_load_si512(at + i + 3));
    }
    uint64_t words[8];
    _mm512_storeu_si512(words, _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
    return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}

void kernels_peaks_init_avx512(KernelsPeaks *peaks)
{
    peaks->f32 = peak_f32_avx512;
    peaks->u8s8 = peak_u8s8_avx512;
    peaks->read = read_avx512;
}
