// The bfloat16 matrix product of ARMv8.6 (BFMMLA): two rows and two channels at a time, and a
// single row with itself, because another instruction might add in another order.
#include "arm/tier_neon.h"

#ifndef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
#error "compile this tier with -march=armv8.2-a+bf16"
#endif

typedef float UnitSum;
typedef float32x4_t MmlaSums;

LANES_INLINE MmlaSums mmla_zero(void)
{
    return vdupq_n_f32(0.0f);
}

LANES_INLINE MmlaSums mmla_load(const float *p)
{
    return vld1q_f32(p);
}

LANES_INLINE void mmla_store(float *p, MmlaSums sums)
{
    vst1q_f32(p, sums);
}

LANES_INLINE MmlaSums mmla_add(MmlaSums sums, uint8x16_t x, uint8x16_t w)
{
    return vbfmmlaq_f32(sums, vreinterpretq_bf16_u8(x), vreinterpretq_bf16_u8(w));
}

LANES_INLINE void mmla_rows(MmlaSums low, MmlaSums high, MmlaSums *first, MmlaSums *second)
{
    float64x2_t left = vreinterpretq_f64_f32(low);
    float64x2_t right = vreinterpretq_f64_f32(high);
    *first = vreinterpretq_f32_f64(vzip1q_f64(left, right));
    *second = vreinterpretq_f32_f64(vzip2q_f64(left, right));
}

#include "arm/gemm_mmla_body.h"
#include "tiers.h"

static void put_bf16_sums(const void *context, const float *sums, size_t rows, size_t panels,
                          size_t row, size_t column)
{
    const Output *out = context;
    for (size_t i = 0; i < rows * panels; i++) {
        f32x16 value = f32x16_load(sums + i * PANEL);
        put_panel(value, out, row + i / panels, column + i % panels * PANEL);
    }
}

static void gemm_bf16_bf16(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                           const uint16_t *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    multiply_mmla(m, n, k * sizeof *a, (const uint8_t *)a, a_stride * sizeof *a, (const int8_t *)w,
                  put_bf16_sums, &out);
}

#define ATTEND_GEMM_BF16 gemm_bf16_bf16
#include "attend_body.h"

void kernels_init_bf16(Kernels *kernels)
{
    kernels->gemm_bf16 = gemm_bf16_bf16;
    kernels->attend_bf16 = attend_bf16_lanes;
    kernels->bf16_is_fast = true;
}
