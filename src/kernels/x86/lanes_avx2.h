// Sixteen lanes as two 256-bit registers; see lanes_avx512.h for what each function means.
#ifndef KERNELS_X86_LANES_AVX2_H
#define KERNELS_X86_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile this tier with -mavx2 -mfma -mf16c"
#endif

#define LANES_INLINE static inline __attribute__((always_inline))

typedef struct f32x16 {
    __m256 low, high;
} f32x16;

// A window on this gives the mask of the first count lanes of eight.
static const int32_t LANES_MASKS[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

LANES_INLINE __m256i f32x16_mask_low(size_t count)
{
    size_t lanes = count < 8 ? count : 8;
    return _mm256_loadu_si256((const __m256i *)(const void *)(LANES_MASKS + 8 - lanes));
}

LANES_INLINE __m256i f32x16_mask_high(size_t count)
{
    size_t lanes = count < 8 ? 0 : count - 8;
    return _mm256_loadu_si256((const __m256i *)(const void *)(LANES_MASKS + 8 - lanes));
}

LANES_INLINE f32x16 f32x16_zero(void)
{
    return (f32x16){_mm256_setzero_ps(), _mm256_setzero_ps()};
}

LANES_INLINE f32x16 f32x16_set1(float x)
{
    __m256 all = _mm256_set1_ps(x);
    return (f32x16){all, all};
}

LANES_INLINE f32x16 f32x16_load(const float *p)
{
    return (f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

LANES_INLINE f32x16 f32x16_load_first(const float *p, size_t count)
{
    return (f32x16){_mm256_maskload_ps(p, f32x16_mask_low(count)),
                    _mm256_maskload_ps(p + 8, f32x16_mask_high(count))};
}

LANES_INLINE void f32x16_store(float *p, f32x16 x)
{
    _mm256_storeu_ps(p, x.low);
    _mm256_storeu_ps(p + 8, x.high);
}

LANES_INLINE void f32x16_store_first(float *p, f32x16 x, size_t count)
{
    _mm256_maskstore_ps(p, f32x16_mask_low(count), x.low);
    _mm256_maskstore_ps(p + 8, f32x16_mask_high(count), x.high);
}

LANES_INLINE f32x16 f32x16_first(f32x16 x, f32x16 other, size_t count)
{
    __m256 low = _mm256_castsi256_ps(f32x16_mask_low(count));
    __m256 high = _mm256_castsi256_ps(f32x16_mask_high(count));
    return (f32x16){_mm256_blendv_ps(other.low, x.low, low),
                    _mm256_blendv_ps(other.high, x.high, high)};
}

LANES_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return (f32x16){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

LANES_INLINE f32x16 f32x16_fnma(f32x16 a, f32x16 b, f32x16 c)
{
    return (f32x16){_mm256_fnmadd_ps(a.low, b.low, c.low),
                    _mm256_fnmadd_ps(a.high, b.high, c.high)};
}

LANES_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b)
{
    return (f32x16){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}

LANES_INLINE f32x16 f32x16_abs(f32x16 x)
{
    __m256 bit = _mm256_set1_ps(-0.0f);
    return (f32x16){_mm256_andnot_ps(bit, x.low), _mm256_andnot_ps(bit, x.high)};
}

LANES_INLINE f32x16 f32x16_copysign(f32x16 magnitude, f32x16 sign)
{
    __m256 bit = _mm256_set1_ps(-0.0f);
    f32x16 bare = f32x16_abs(magnitude);
    return (f32x16){_mm256_or_ps(bare.low, _mm256_and_ps(bit, sign.low)),
                    _mm256_or_ps(bare.high, _mm256_and_ps(bit, sign.high))};
}

LANES_INLINE __m256 power_of_2_half(__m256 n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

LANES_INLINE f32x16 f32x16_times_power_of_2(f32x16 x, f32x16 n)
{
    return (f32x16){_mm256_mul_ps(x.low, power_of_2_half(n.low)),
                    _mm256_mul_ps(x.high, power_of_2_half(n.high))};
}

LANES_INLINE f32x16 f32x16_select_less(f32x16 a, f32x16 b, f32x16 yes, f32x16 no)
{
    __m256 low = _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ);
    __m256 high = _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ);
    return (f32x16){_mm256_blendv_ps(no.low, yes.low, low),
                    _mm256_blendv_ps(no.high, yes.high, high)};
}

LANES_INLINE float f32x16_sum(f32x16 x)
{
    __m256 eight = _mm256_add_ps(x.low, x.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

LANES_INLINE float f32x16_largest(f32x16 x)
{
    __m256 eight = _mm256_max_ps(x.low, x.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

LANES_INLINE f32x16 f32x16_load_f16(const uint16_t *p)
{
    return (f32x16){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
                    _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)))};
}

LANES_INLINE void f32x16_store_f16(uint16_t *p, f32x16 x)
{
    enum { MODE = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(x.low, MODE));
    _mm_storeu_si128((__m128i *)(void *)(p + 8), _mm256_cvtps_ph(x.high, MODE));
}

LANES_INLINE __m256i bf16_half(__m256 x)
{
    __m256i bits = _mm256_castps_si256(x);
    __m256i upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16);
    __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(rounded, quiet, nan);
}

LANES_INLINE void f32x16_store_bf16(uint16_t *p, f32x16 x)
{
    __m256i words = _mm256_packus_epi32(bf16_half(x.low), bf16_half(x.high));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(words, 0xd8));
}

LANES_INLINE __m256i load_8_pairs(const uint16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

LANES_INLINE f32x16 f32x16_first_of_bf16_pairs(const uint16_t *p)
{
    return (f32x16){_mm256_castsi256_ps(_mm256_slli_epi32(load_8_pairs(p), 16)),
                    _mm256_castsi256_ps(_mm256_slli_epi32(load_8_pairs(p + 16), 16))};
}

LANES_INLINE f32x16 f32x16_second_of_bf16_pairs(const uint16_t *p)
{
    __m256i second = _mm256_set1_epi32((int32_t)0xffff0000);
    return (f32x16){_mm256_castsi256_ps(_mm256_and_si256(load_8_pairs(p), second)),
                    _mm256_castsi256_ps(_mm256_and_si256(load_8_pairs(p + 16), second))};
}

LANES_INLINE void f32x16_store_biased_u8(uint8_t *p, f32x16 x)
{
    __m256i low = _mm256_cvtps_epi32(x.low);
    __m256i high = _mm256_cvtps_epi32(x.high);
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)));
}

// Rounds to integers (ties to even); x in -32768..32767.
LANES_INLINE void f32x16_store_s16(int16_t *p, f32x16 x)
{
    __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(words, 0xd8));
}

typedef struct i32x16 {
    __m256i low, high;
} i32x16;

LANES_INLINE i32x16 i32x16_zero(void)
{
    return (i32x16){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

LANES_INLINE i32x16 i32x16_load(const int32_t *p)
{
    return (i32x16){_mm256_loadu_si256((const __m256i *)(const void *)p),
                    _mm256_loadu_si256((const __m256i *)(const void *)(p + 8))};
}

LANES_INLINE void i32x16_store(int32_t *p, i32x16 x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x.low);
    _mm256_storeu_si256((__m256i *)(void *)(p + 8), x.high);
}

LANES_INLINE i32x16 i32x16_sub(i32x16 a, i32x16 b)
{
    return (i32x16){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

LANES_INLINE f32x16 i32x16_to_float(i32x16 x)
{
    return (f32x16){_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)};
}

#endif
