// What belongs to no tier: packing, the choice of a tier by name, the names of features.
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "kernels/cpu.h"
#include "kernels/pack.h"

static void sizes_are_padded(void **state)
{
    (void)state;
    assert_int_equal(pack_f32_bytes(17, 3), 32 * 3 * 4);
    assert_int_equal(pack_f16_bytes(16, 3), 16 * 3 * 2);
    assert_int_equal(pack_bf16_bytes(16, 33), 16 * 64 * 2);
    assert_int_equal(pack_s8_bytes(17, 5), 32 * 8);
    assert_int_equal(pack_s4_bytes(1, 33), 16 * 64 / 2);
    assert_int_equal(pack_s4_scales(17, 33), 32 * 2);
}

static void panels_lie_as_documented(void **state)
{
    (void)state;
    enum { N = 18, K = 6 };
    float w[N * K];
    for (size_t i = 0; i < N * K; i++) {
        w[i] = (float)(i % 127);
    }
    float *f32 = guarded(pack_f32_bytes(N, K), 1);
    pack_f32(N, K, 0, N, w, f32);
    int8_t *s8 = guarded(pack_s8_bytes(N, K), 1);
    float scale[32];
    int32_t sum[32];
    pack_s8(N, K, 0, N, w, s8, scale, sum);
    for (size_t row = 0; row < 32; row++) {
        int32_t total = 0;
        for (size_t i = 0; i < 8; i++) {
            bool inside = row < N && i < K;
            if (i < K) {
                assert_true(f32[(row / 16 * K + i) * 16 + row % 16] ==
                            (inside ? w[row * K + i] : 0.0f));
            }
            int8_t q = s8[(row / 16 * 2 + i / 4) * 64 + row % 16 * 4 + i % 4];
            int expected = inside ? (int)rintf(w[row * K + i] / scale[row]) : 0;
            assert_int_equal(q, expected);
            total += q;
        }
        assert_int_equal(sum[row], 128 * total);
        if (row >= N) {
            assert_true(scale[row] == 0.0f);
        }
    }
    free_guarded();
}

static void s4_panels_lie_as_documented(void **state)
{
    (void)state;
    enum { N = 17, K = 40, GROUPS = 2 };
    seed_random(20);
    float *w = guarded_random((size_t)N * K);
    uint8_t *s4 = guarded(pack_s4_bytes(N, K), 1);
    float *scale = guarded(pack_s4_scales(N, K), sizeof *scale);
    pack_s4(N, K, 0, N, w, s4, scale);
    for (size_t row = 0; row < 32; row++) {
        for (size_t i = 0; i < GROUPS * 32; i++) {
            size_t at = (row / 16 * GROUPS + i / 32) * 16 + row % 16;
            uint8_t byte = s4[at * 16 + i % 16];
            int q = (i % 32 < 16 ? byte & 15 : byte >> 4) - 8;
            if (row >= N || i >= K) {
                assert_int_equal(q, 0);
                continue;
            }
            int expected = (int)fminf(7.0f, rintf(w[row * K + i] / scale[at]));
            assert_int_equal(q, expected);
        }
    }
    free_guarded();
}

// The value farthest from zero is exact, the rest within half a step (a whole one at the far end).
static void quantised_rows_come_back(void **state)
{
    (void)state;
    enum { N = 35, K = 70 };
    seed_random(21);
    float *w = guarded_random((size_t)N * K);
    memset(w + 3 * K, 0, K * sizeof *w);
    int8_t *s8 = guarded(pack_s8_bytes(N, K), 1);
    float *scale = guarded(48, sizeof *scale);
    int32_t *sum = guarded(48, sizeof *sum);
    pack_s8(N, K, 0, N, w, s8, scale, sum);
    uint8_t *s4 = guarded(pack_s4_bytes(N, K), 1);
    float *s4_scale = guarded(pack_s4_scales(N, K), sizeof *s4_scale);
    pack_s4(N, K, 0, N, w, s4, s4_scale);
    float *back = guarded(K, sizeof *back);
    for (size_t row = 0; row < N; row++) {
        unpack_row_s8(K, row, s8, scale, back);
        for (size_t i = 0; i < K; i++) {
            double tolerance = 0.5001 * (double)scale[row];
            assert_true(fabs((double)back[i] - (double)w[row * K + i]) <= tolerance);
        }
        unpack_row_s4(K, row, s4, s4_scale, back);
        for (size_t i = 0; i < K; i++) {
            double step = fabs((double)s4_scale[(row / 16 * 3 + i / 32) * 16 + row % 16]);
            assert_true(fabs((double)back[i] - (double)w[row * K + i]) <= 1.0001 * step);
        }
    }
    free_guarded();
}

static void quantised_values_are_kept(void **state)
{
    (void)state;
    enum { N = 19, K = 7 };
    int8_t q[N * K];
    float row_scale[N];
    for (size_t i = 0; i < N * K; i++) {
        q[i] = (int8_t)((int)(i * 37 % 255) - 127);
    }
    for (size_t i = 0; i < N; i++) {
        row_scale[i] = 0.01f * (float)(i + 1);
    }
    int8_t *panels = guarded(pack_s8_bytes(N, K), 1);
    float *scale = guarded(32, sizeof *scale);
    int32_t *sum = guarded(32, sizeof *sum);
    pack_s8_quantized(N, K, 0, N, q, row_scale, panels, scale, sum);
    float back[K];
    for (size_t row = 0; row < N; row++) {
        int32_t total = 0;
        unpack_row_s8(K, row, panels, scale, back);
        for (size_t i = 0; i < K; i++) {
            assert_true(back[i] == (float)q[row * K + i] * row_scale[row]);
            total += q[row * K + i];
        }
        assert_int_equal(sum[row], 128 * total);
    }
    free_guarded();
}

// A matrix packed 16 or 32 rows at a time is the matrix packed at once.
static void pieces_make_the_whole(void **state)
{
    (void)state;
    enum { N = 70, K = 37 };
    seed_random(22);
    float *w = guarded_random((size_t)N * K);
    size_t bytes[5] = {pack_f32_bytes(N, K), pack_f16_bytes(N, K), pack_s8_bytes(N, K),
                       pack_s4_bytes(N, K), pack_bf16_bytes(N, K)};
    void *whole[5];
    void *parts[5];
    for (size_t i = 0; i < 5; i++) {
        whole[i] = guarded(bytes[i], 1);
        parts[i] = guarded(bytes[i], 1);
    }
    float *scale = guarded(2 * 80, sizeof *scale);
    int32_t *sum = guarded(2 * 80, sizeof *sum);
    size_t s4_scales = pack_s4_scales(N, K);
    float *s4_scale = guarded(2 * s4_scales, sizeof *s4_scale);
    pack_f32(N, K, 0, N, w, whole[0]);
    pack_f16(N, K, 0, N, w, whole[1]);
    pack_s8(N, K, 0, N, w, whole[2], scale, sum);
    pack_s4(N, K, 0, N, w, whole[3], s4_scale);
    pack_bf16(N, K, 0, N, w, whole[4]);
    for (size_t first = 0; first < N; first += 32) {
        size_t count = BASE_MIN(N - first, 32u);
        const float *piece = w + first * K;
        pack_f32(N, K, first, count, piece, parts[0]);
        pack_f16(N, K, first, count, piece, parts[1]);
        pack_s8(N, K, first, count, piece, parts[2], scale + 80, sum + 80);
        pack_s4(N, K, first, count, piece, parts[3], s4_scale + s4_scales);
        pack_bf16(N, K, first, count, piece, parts[4]);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_memory_equal(parts[i], whole[i], bytes[i]);
    }
    assert_memory_equal(scale + 80, scale, 80 * sizeof *scale);
    assert_memory_equal(sum + 80, sum, 80 * sizeof *sum);
    assert_memory_equal(s4_scale + s4_scales, s4_scale, s4_scales * sizeof *s4_scale);
    free_guarded();
}

static void half_rows_come_back(void **state)
{
    (void)state;
    enum { N = 20, K = 9 };
    float w[N * K];
    for (size_t i = 0; i < N * K; i++) {
        w[i] = (float)i * 0.25f - 20.0f; // exact in binary16
    }
    uint16_t *f16 = guarded(pack_f16_bytes(N, K), 1);
    float *f32 = guarded(pack_f32_bytes(N, K), 1);
    pack_f16(N, K, 0, N, w, f16);
    pack_f32(N, K, 0, N, w, f32);
    float back[K];
    for (size_t row = 0; row < N; row++) {
        unpack_row_f16(K, row, f16, back);
        assert_memory_equal(back, w + row * K, sizeof back);
        unpack_row_f32(K, row, f32, back);
        assert_memory_equal(back, w + row * K, sizeof back);
    }
    free_guarded();
}

static void tiers_are_chosen_by_name(void **state)
{
    (void)state;
    uint32_t server = CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16;
    uint32_t out = 0;
    assert_int_equal(cpu_limit(NULL, server, &out, NULL), SCOUT_OK);
    assert_int_equal(out, server);
    assert_int_equal(cpu_limit("auto", server, &out, NULL), SCOUT_OK);
    assert_int_equal(out, server);
    assert_int_equal(cpu_limit("ref", server, &out, NULL), SCOUT_OK);
    assert_int_equal(out, 0);
    assert_int_equal(cpu_limit("avx512", server, &out, NULL), SCOUT_OK);
    assert_int_equal(out, CPU_AVX2 | CPU_AVX512);
    assert_int_equal(cpu_limit("i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, &out, NULL), SCOUT_OK);
    assert_int_equal(out, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
}

static void a_tier_keeps_the_speeds(void **state)
{
    (void)state;
    uint32_t amd = CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_FAST_AVX512_BF16;
    uint32_t out = 0;
    assert_int_equal(cpu_limit("avx512bf16", amd, &out, NULL), SCOUT_OK);
    assert_int_equal(out, amd);
    assert_int_equal(cpu_limit("avx512bf16", amd & ~CPU_FAST_AVX512_BF16, &out, NULL), SCOUT_OK);
    assert_int_equal(out, amd & ~CPU_FAST_AVX512_BF16);
}

// Where bfloat16 is multiplied by an instruction, whether that pays depends on the maker and on
// AMX.
static void bf16_is_fast_only_where_it_pays(void **state)
{
    (void)state;
    Kernels kernels;
    uint32_t detected = cpu_detect();
    kernels_init(&kernels, 0);
    assert_false(kernels.bf16_is_fast);
    kernels_init(&kernels, detected & (CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_NEON));
    assert_false(kernels.bf16_is_fast);
    if ((detected & CPU_AVX512_BF16) != 0) {
        uint32_t features = detected & ~(CPU_AMX | CPU_FAST_AVX512_BF16);
        kernels_init(&kernels, features);
        assert_string_equal(kernels.tier, "avx512bf16");
        assert_false(kernels.bf16_is_fast);
        kernels_init(&kernels, features | CPU_FAST_AVX512_BF16);
        assert_string_equal(kernels.tier, "avx512bf16");
        assert_true(kernels.bf16_is_fast);
    }
    if ((detected & CPU_AMX) != 0) {
        kernels_init(&kernels, detected & ~CPU_FAST_AVX512_BF16);
        assert_true(kernels.bf16_is_fast);
    }
}

static void impossible_tiers_are_refused(void **state)
{
    (void)state;
    uint32_t out = 77;
    ScoutError error = {0};
    assert_int_equal(cpu_limit("avx512vnni", CPU_AVX2, &out, &error), SCOUT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "avx512vnni"));
    assert_non_null(strstr(error.message, "avx2;") ? error.message
                                                   : strstr(error.message, "avx2)"));
    assert_int_equal(cpu_limit("neon", CPU_AVX2, &out, &error), SCOUT_ERROR_UNSUPPORTED);
    assert_int_equal(cpu_limit("AVX2", CPU_AVX2, &out, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(cpu_limit("", CPU_AVX2, &out, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(out, 77);
}

static void features_are_described(void **state)
{
    (void)state;
    char text[64];
    cpu_describe(CPU_AVX2 | CPU_AVX512_VNNI, text, sizeof text);
    assert_string_equal(text, "avx2,avx512vnni");
    cpu_describe(0, text, sizeof text);
    assert_string_equal(text, "");
    char *small = guarded(9, 1);
    cpu_describe(CPU_AVX2 | CPU_AVX512, small, 9); // no half names
    assert_string_equal(small, "avx2");
    cpu_describe(CPU_AVX2, small, 0);
    assert_string_equal(small, "avx2");
    free_guarded();
}

// Detection is checked against the compiler's own.
static void detection_agrees(void **state)
{
    (void)state;
    uint32_t detected = cpu_detect();
    assert_int_equal(detected, cpu_detect());
#if defined(__x86_64__)
    assert_int_equal((detected & CPU_AVX2) != 0,
                     __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    assert_int_equal((detected & CPU_AVX512) != 0,
                     __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
    assert_int_equal((detected & CPU_AVX512_VNNI) != 0, __builtin_cpu_supports("avx512vnni") != 0);
    assert_int_equal((detected & CPU_FAST_AVX512_BF16) != 0,
                     (detected & CPU_AVX512_BF16) != 0 && __builtin_cpu_is("amd"));
    assert_int_equal(detected & (CPU_NEON | CPU_DOTPROD), 0);
#elif defined(__aarch64__)
    assert_true((detected & CPU_NEON) != 0);
    assert_int_equal(detected & (CPU_AVX2 | CPU_AVX512), 0);
#endif
}

const struct CMUnitTest PLAIN_TESTS[] = {
    cmocka_unit_test(sizes_are_padded),
    cmocka_unit_test(panels_lie_as_documented),
    cmocka_unit_test(s4_panels_lie_as_documented),
    cmocka_unit_test(quantised_rows_come_back),
    cmocka_unit_test(quantised_values_are_kept),
    cmocka_unit_test(pieces_make_the_whole),
    cmocka_unit_test(half_rows_come_back),
    cmocka_unit_test(tiers_are_chosen_by_name),
    cmocka_unit_test(a_tier_keeps_the_speeds),
    cmocka_unit_test(bf16_is_fast_only_where_it_pays),
    cmocka_unit_test(impossible_tiers_are_refused),
    cmocka_unit_test(features_are_described),
    cmocka_unit_test(detection_agrees),
};
const size_t PLAIN_TEST_COUNT = BASE_COUNT(PLAIN_TESTS);
