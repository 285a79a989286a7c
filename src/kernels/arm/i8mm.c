// The 8-bit matrix product of ARMv8.6 (USMMLA): two rows and two channels at a time. The
// activations are taken as they are stored. A single row has the dot products.
#include "arm/dotprod.h"

#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile this tier with -march=armv8.2-a+dotprod+i8mm"
#endif

#include "gemm_u8s8_body.h"

typedef int32x4_t MmlaSums;

LANES_INLINE MmlaSums mmla_zero(void)
{
    return vdupq_n_s32(0);
}

LANES_INLINE MmlaSums mmla_load(const int32_t *p)
{
    return vld1q_s32(p);
}

LANES_INLINE void mmla_store(int32_t *p, MmlaSums sums)
{
    vst1q_s32(p, sums);
}

LANES_INLINE MmlaSums mmla_add(MmlaSums sums, uint8x16_t x, uint8x16_t w)
{
    return vusmmlaq_s32(sums, x, vreinterpretq_s8_u8(w));
}

LANES_INLINE void mmla_rows(MmlaSums low, MmlaSums high, MmlaSums *first, MmlaSums *second)
{
    int64x2_t left = vreinterpretq_s64_s32(low);
    int64x2_t right = vreinterpretq_s64_s32(high);
    *first = vreinterpretq_s32_s64(vzip1q_s64(left, right));
    *second = vreinterpretq_s32_s64(vzip2q_s64(left, right));
}

#include "arm/gemm_mmla_body.h"
#include "tiers.h"

static void gemm_u8s8_i8mm(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                           const KernelsS8Panels *w, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    if (m < 2) {
        gemm_u8s8_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    U8S8Product product = {
        .a_scale = a->scale,
        .w = w,
        .biased = true,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    multiply_mmla(m, n, k, a->q, a->stride, w->q, put_u8s8_tile, &product);
}

void kernels_init_i8mm(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    kernels->gemm_u8s8 = gemm_u8s8_i8mm;
}
