// The making of panels with AVX-512: keys and values are packed as fast as they are computed.
#ifndef KERNELS_X86_PANELS_512_H
#define KERNELS_X86_PANELS_512_H

#include "kernels/kernels.h"
#include "x86/lanes_avx512.h"

enum { UNIT_LANES = 16 };

static void f32_pairs_to_bf16_512(size_t n, const float *a, const float *b, uint16_t *out)
{
    for (size_t i = 0; i < n; i += UNIT_LANES) {
        const __mmask16 some = n - i < UNIT_LANES ? f32x16_mask(n - i) : 0xffff;
        const __m512i low = f32x16_to_bf16(_mm512_maskz_loadu_ps(some, a + i));
        const __m512i high = f32x16_to_bf16(_mm512_maskz_loadu_ps(some, b + i));
        _mm512_mask_storeu_epi32(out + 2 * i, some,
                                 _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
}

// Rows become columns, by pairs, then fours, then quarters of the registers.
LANES_INLINE void transpose_16(__m512i x[16])
{
    __m512i y[16];
    for (size_t i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (size_t i = 0; i < 16; i += 4) {
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    for (size_t i = 0; i < 4; i++) {
        y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
        y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
        y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
        y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
    }
    for (size_t i = 0; i < 4; i++) {
        x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
        x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd);
        x[i + 4] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0x88);
        x[i + 12] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0xdd);
    }
}

static void pack_lanes_512(size_t rows, size_t units, const void *in, size_t in_stride, void *out)
{
    const char *from = in;
    int32_t *to = out;
    for (size_t first = 0; first < units; first += UNIT_LANES) {
        const size_t count = units - first < UNIT_LANES ? units - first : UNIT_LANES;
        __m512i x[16];
        for (size_t row = 0; row < 16; row++) {
            const __mmask16 some = row < rows ? f32x16_mask(count) : 0;
            const void *at = row < rows ? from + row * in_stride + first * 4 : from;
            x[row] = _mm512_maskz_loadu_epi32(some, at);
        }
        transpose_16(x);
        for (size_t unit = 0; unit < count; unit++) {
            _mm512_storeu_si512(to + (first + unit) * UNIT_LANES, x[unit]);
        }
    }
}

static void init_panels(Kernels *kernels)
{
    kernels->f32_pairs_to_bf16 = f32_pairs_to_bf16_512;
    kernels->pack_lanes = pack_lanes_512;
}

#endif
