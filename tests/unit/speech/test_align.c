// Alignment against the reference's (tests/reference/make_align.py).
#include "align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/npy.h"

static void median_filter_is_exact(void **state)
{
    (void)state;
    Npy in = npy_load("reference/align/median_in.npy");
    Npy expected = npy_load("reference/align/median_out.npy");
    float out[20];
    for (size_t r = 0; r < in.dims[0]; r++) {
        align_median_filter(in.f32 + r * 20, 20, ALIGN_MEDIAN_WIDTH, out);
        assert_memory_equal(out, expected.f32 + r * 20, sizeof out);
    }
    npy_free(&in);
    npy_free(&expected);
}

static void median_filter_leaves_short_rows(void **state)
{
    (void)state;
    const float in[4] = {3, 1, 2, 0};
    float out[4] = {0};
    align_median_filter(in, 3, 7, out);
    assert_memory_equal(out, in, 3 * sizeof *in);
    align_median_filter(in, 4, 7, out); // mirrored: 0 2 1 3 1 2 0 around the first
    assert_true(out[0] == 1.0f);
}

static void warp_prefers_as_the_reference(void **state)
{
    (void)state;
    Npy cost = npy_load("reference/align/cost.npy");
    Npy expected = npy_load("reference/align/cost_starts.npy");
    uint8_t steps[10 * 32];
    float sums[2 * 32];
    size_t starts[9];
    align_warp(cost.f32, 9, 31, steps, sums, starts);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(starts[i], expected.i32[i]);
    npy_free(&cost);
    npy_free(&expected);
}

static void tokens_start_where_the_reference_says(void **state)
{
    (void)state;
    Npy weights = npy_load("reference/align/weights.npy");
    Npy expected = npy_load("reference/align/starts.npy");
    float *copy = malloc(weights.count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, weights.f32, weights.count * sizeof *copy);
    size_t starts[10];
    AlignTask task = {copy, weights.dims[0], weights.dims[1], weights.dims[2], 80, 3, 13};
    assert_int_equal(align_tokens(&task, starts, NULL), SCOUT_OK);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(starts[i], expected.i32[i]);
    free(copy);
    npy_free(&weights);
    npy_free(&expected);
}

static void one_token_and_flat_attention(void **state)
{
    (void)state;
    float weights[2 * 4] = {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f};
    size_t starts[2] = {9, 9};
    AlignTask task = {weights, 1, 2, 4, 4, 0, 2};
    assert_int_equal(align_tokens(&task, starts, NULL), SCOUT_OK);
    assert_int_equal(starts[0], 0);
    assert_true(starts[1] < 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_filter_is_exact),
        cmocka_unit_test(median_filter_leaves_short_rows),
        cmocka_unit_test(warp_prefers_as_the_reference),
        cmocka_unit_test(tokens_start_where_the_reference_says),
        cmocka_unit_test(one_token_and_flat_attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
