// Sixteen lanes as one 512-bit register: the vocabulary in which the shared bodies are written.
// lanes_avx2.h and lanes_neon.h say the same with two and four registers.
#ifndef KERNELS_X86_LANES_AVX512_H
#define KERNELS_X86_LANES_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) ||                   \
    !defined(__AVX512VL__) || !defined(__FMA__)
#error "compile this tier with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mfma"
#endif

#define LANES_INLINE static inline __attribute__((always_inline))

typedef __m512 f32x16;

LANES_INLINE __mmask16 f32x16_mask(size_t count)
{
    return (__mmask16)((1u << count) - 1);
}

LANES_INLINE f32x16 f32x16_zero(void)
{
    return _mm512_setzero_ps();
}

LANES_INLINE f32x16 f32x16_set1(float x)
{
    return _mm512_set1_ps(x);
}

LANES_INLINE f32x16 f32x16_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

// The first count lanes (at most 16); the others are 0 and their memory is not touched.
LANES_INLINE f32x16 f32x16_load_first(const float *p, size_t count)
{
    return _mm512_maskz_loadu_ps(f32x16_mask(count), p);
}

LANES_INLINE void f32x16_store(float *p, f32x16 x)
{
    _mm512_storeu_ps(p, x);
}

LANES_INLINE void f32x16_store_first(float *p, f32x16 x, size_t count)
{
    _mm512_mask_storeu_ps(p, f32x16_mask(count), x);
}

// The first count lanes of x, the others of other.
LANES_INLINE f32x16 f32x16_first(f32x16 x, f32x16 other, size_t count)
{
    return _mm512_mask_mov_ps(other, f32x16_mask(count), x);
}

LANES_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b)
{
    return _mm512_add_ps(a, b);
}

LANES_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b)
{
    return _mm512_sub_ps(a, b);
}

LANES_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b)
{
    return _mm512_mul_ps(a, b);
}

LANES_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b)
{
    return _mm512_div_ps(a, b);
}

LANES_INLINE f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c) // a * b + c
{
    return _mm512_fmadd_ps(a, b, c);
}

LANES_INLINE f32x16 f32x16_fnma(f32x16 a, f32x16 b, f32x16 c) // c - a * b
{
    return _mm512_fnmadd_ps(a, b, c);
}

LANES_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b)
{
    return _mm512_min_ps(a, b);
}

LANES_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b)
{
    return _mm512_max_ps(a, b);
}

LANES_INLINE f32x16 f32x16_abs(f32x16 x)
{
    return _mm512_abs_ps(x);
}

LANES_INLINE f32x16 f32x16_copysign(f32x16 magnitude, f32x16 sign)
{
    f32x16 bit = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign));
}

// x * 2^n for whole n in -126..127; anything outside gives some value, not a fault.
LANES_INLINE f32x16 f32x16_times_power_of_2(f32x16 x, f32x16 n)
{
    return _mm512_scalef_ps(x, n);
}

LANES_INLINE f32x16 f32x16_select_less(f32x16 a, f32x16 b, f32x16 yes,
                                       f32x16 no) // a < b ? yes : no
{
    return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), yes);
}

// Folds in halves: lane i with lane i + 8, then + 4, + 2, + 1.
LANES_INLINE float f32x16_sum(f32x16 x)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

LANES_INLINE float f32x16_largest(f32x16 x)
{
    return _mm512_reduce_max_ps(x);
}

LANES_INLINE f32x16 f32x16_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

LANES_INLINE void f32x16_store_f16(uint16_t *p, f32x16 x)
{
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// The lower half of each lane: round to nearest even in integers, as VCVTNEPS2BF16 would take
// denormals for zeros.
LANES_INLINE __m512i f32x16_to_bf16(f32x16 x)
{
    __m512i bits = _mm512_castps_si512(x);
    __m512i upper = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
    __m512i quiet = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_mask_mov_epi32(rounded, nan, quiet);
}

LANES_INLINE void f32x16_store_bf16(uint16_t *p, f32x16 x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(f32x16_to_bf16(x)));
}

// 16 pairs of bfloat16: the first, or the second, of each.
LANES_INLINE f32x16 f32x16_first_of_bf16_pairs(const uint16_t *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}

LANES_INLINE f32x16 f32x16_second_of_bf16_pairs(const uint16_t *p)
{
    __m512i pairs = _mm512_loadu_si512(p);
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int32_t)0xffff0000)));
}

// Rounds to integers (ties to even) and stores x + 128 as bytes; x in -127..127.
LANES_INLINE void f32x16_store_biased_u8(uint8_t *p, f32x16 x)
{
    __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(128));
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(q));
}

// Rounds to integers (ties to even); x in -32768..32767.
LANES_INLINE void f32x16_store_s16(int16_t *p, f32x16 x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
}

// Sixteen 32-bit integers.
typedef __m512i i32x16;

LANES_INLINE i32x16 i32x16_zero(void)
{
    return _mm512_setzero_si512();
}

LANES_INLINE i32x16 i32x16_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}

LANES_INLINE void i32x16_store(int32_t *p, i32x16 x)
{
    _mm512_storeu_si512(p, x);
}

LANES_INLINE i32x16 i32x16_sub(i32x16 a, i32x16 b)
{
    return _mm512_sub_epi32(a, b);
}

LANES_INLINE f32x16 i32x16_to_float(i32x16 x)
{
    return _mm512_cvtepi32_ps(x);
}

#endif
