// What the AVX-512 VNNI tier has for attention.
#ifndef KERNELS_X86_AVX512VNNI_ATTEND_H
#define KERNELS_X86_AVX512VNNI_ATTEND_H

#include <stddef.h>
#include <stdint.h>

void gemm_s16_avx512vnni(size_t m, size_t n, size_t k, const int16_t *a, size_t a_stride,
                         const float *a_scale, const int16_t *w, float *c, size_t c_stride);

#endif
