// What the tests of nn/ share: repeatable values, packed matrices, and the kernels to test with.
#ifndef NN_FIXTURE_H
#define NN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "kernels/pack.h"
#include "nn/linear.h"

// The best tier of this processor, or the one SCOUT_CPU names.
static inline Kernels fixture_kernels(void)
{
    uint32_t features = 0;
    assert_int_equal(cpu_limit(getenv("SCOUT_CPU"), cpu_detect(), &features, NULL), SCOUT_OK);
    Kernels kernels;
    kernels_init(&kernels, features);
    return kernels;
}

// Uniform in -1..1.
static inline void fixture_fill(float *out, size_t count, uint32_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        out[i] = (float)(int32_t)(state >> 32) / 2147483648.0F;
    }
}

static inline NnMatrix fixture_pack(NnFormat format, size_t n, size_t k, const float *w)
{
    NnMatrix matrix = {.format = format, .n = n, .k = k};
    const size_t bytes[] = {pack_f32_bytes(n, k), pack_f16_bytes(n, k), pack_bf16_bytes(n, k),
                            pack_s8_bytes(n, k), pack_s4_bytes(n, k)};
    void *panels = calloc(1, bytes[format]);
    const size_t scales = format == NN_S4 ? pack_s4_scales(n, k) : (n + 15) / 16 * 16;
    float *scale = calloc(scales, sizeof(*scale));
    int32_t *sum = calloc(scales, sizeof(*sum));
    assert_non_null(panels);
    assert_non_null(scale);
    assert_non_null(sum);
    switch (format) {
    case NN_F32: pack_f32(n, k, 0, n, w, panels); break;
    case NN_F16: pack_f16(n, k, 0, n, w, panels); break;
    case NN_BF16: pack_bf16(n, k, 0, n, w, panels); break;
    case NN_S8: pack_s8(n, k, 0, n, w, panels, scale, sum); break;
    case NN_S4: pack_s4(n, k, 0, n, w, panels, scale); break;
    case NN_S16: fail(); // no weights
    }
    matrix.panels = panels;
    matrix.scale = scale;
    matrix.sum = sum;
    return matrix;
}

static inline void fixture_unpack(const NnMatrix *matrix)
{
    free((void *)(uintptr_t)matrix->panels);
    free((void *)(uintptr_t)matrix->scale);
    free((void *)(uintptr_t)matrix->sum);
}

#endif
