// Values of CTranslate2's types as f32. (ggml's blocks: tests/reference/test_ggml.c.)
#include "values.h"

#include "base/attributes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3, COLUMNS = 5, COUNT = ROWS * COLUMNS };

// A source with the tensors x and, if given, x_scale.
static Source make_source(SourceTensor tensors[2], size_t count)
{
    return (Source){.path = "x", .tensors = tensors, .tensor_count = count};
}

static SourceTensor make_tensor(SourceType type, const void *data)
{
    return (SourceTensor){.name = "x",
                          .type = type,
                          .rank = 2,
                          .dims = {ROWS, COLUMNS},
                          .data = data,
                          .bytes = source_type_bytes(type, COUNT)};
}

static SourceTensor make_scale(const float *scale, size_t count)
{
    return (SourceTensor){.name = "x_scale",
                          .type = SOURCE_F32,
                          .rank = 1,
                          .dims = {count},
                          .data = (const void *)scale,
                          .bytes = count * sizeof *scale};
}

static ScoutStatus read_tensor(SourceTensor tensors[2], size_t count, size_t first, size_t rows,
                               float *out)
{
    Kernels kernels;
    kernels_init(&kernels, 0);
    Source source = make_source(tensors, count);
    return values_read(&source, &kernels, &tensors[0], first, rows, out, NULL);
}

static void test_bfloat16_is_the_upper_half(void **state)
{
    (void)state;
    const float exact[COUNT] = {0, 1, -1, 0.5F, 3.140625F, -256, 1e30F};
    uint16_t halves[COUNT];
    float out[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t bits;
        memcpy(&bits, &exact[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    SourceTensor tensors[2] = {make_tensor(SOURCE_BF16, halves)};
    assert_int_equal(read_tensor(tensors, 1, 0, ROWS, out), SCOUT_OK);
    for (size_t i = 0; i < 6; i++)
        assert_true(out[i] == exact[i]);
    assert_true(fabsf(out[6] / 1e30F - 1) < 0.01F);
}

static void test_halves_and_singles_need_no_alignment(void **state)
{
    (void)state;
    uint8_t bytes[COUNT * 4 + 1];
    float out[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        const uint16_t half = (uint16_t)(0x3c00 + i); // 1 + i / 1024
        memcpy(bytes + 1 + 2 * i, &half, sizeof half);
    }
    SourceTensor tensors[2] = {make_tensor(SOURCE_F16, bytes + 1)};
    assert_int_equal(read_tensor(tensors, 1, 1, 2, out), SCOUT_OK); // from the second row
    for (size_t i = 0; i < 2 * (size_t)COLUMNS; i++)
        assert_true(out[i] == 1 + (float)(COLUMNS + i) / 1024);
    for (size_t i = 0; i < COUNT; i++) {
        const float value = (float)i * 0.1F;
        memcpy(bytes + 1 + 4 * i, &value, sizeof value);
    }
    tensors[0] = make_tensor(SOURCE_F32, bytes + 1);
    assert_int_equal(read_tensor(tensors, 1, 2, 1, out), SCOUT_OK);
    assert_true(out[0] == 10 * 0.1F);
}

static void test_int8_has_a_scale_a_row(void **state)
{
    (void)state;
    int8_t q[COUNT];
    float out[COUNT];
    const float scale[ROWS] = {2, 4, 0.5F};
    for (size_t i = 0; i < COUNT; i++)
        q[i] = (int8_t)((int)i - 7);
    SourceTensor tensors[2] = {make_tensor(SOURCE_I8, q), make_scale(scale, ROWS)};
    assert_int_equal(read_tensor(tensors, 2, 0, ROWS, out), SCOUT_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(out[i] == (float)q[i] / scale[i / COLUMNS]);
}

static void test_int16_has_one_scale(void **state)
{
    (void)state;
    int16_t q[COUNT];
    float out[COUNT];
    const float scale = 1024;
    for (size_t i = 0; i < COUNT; i++)
        q[i] = (int16_t)(1000 * ((int)i - 7));
    SourceTensor tensors[2] = {make_tensor(SOURCE_I16, q), make_scale(&scale, 1)};
    assert_int_equal(read_tensor(tensors, 2, 0, ROWS, out), SCOUT_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(out[i] == (float)q[i] / 1024);
}

static void test_scales_must_fit(void **state)
{
    (void)state;
    const int8_t q[COUNT] = {0};
    const float scale[ROWS] = {1, 1, 1};
    float out[COUNT];
    SourceTensor tensors[2] = {make_tensor(SOURCE_I8, q), make_scale(scale, 2)};
    assert_int_equal(read_tensor(tensors, 1, 0, 1, out), SCOUT_ERROR_CORRUPT);
    assert_int_equal(read_tensor(tensors, 2, 0, 1, out), SCOUT_ERROR_CORRUPT);
    tensors[1] = make_scale(scale, ROWS);
    tensors[1].type = SOURCE_I16;
    assert_int_equal(read_tensor(tensors, 2, 0, 1, out), SCOUT_ERROR_CORRUPT);
}

static ScoutStatus read_s8(int8_t first_q, float first_scale)
{
    int8_t q[COUNT] = {first_q, 1, -127, 127};
    float scale[ROWS] = {first_scale, 4, 8};
    int8_t q_out[COUNT];
    float scale_out[ROWS];
    SourceTensor tensors[2] = {make_tensor(SOURCE_I8, q), make_scale(scale, ROWS)};
    Source source = make_source(tensors, 2);
    ScoutStatus status = values_read_s8(&source, &tensors[0], 0, ROWS, q_out, scale_out, NULL);
    if (status == SCOUT_OK) {
        assert_memory_equal(q, q_out, sizeof q);
        assert_true(scale_out[1] == 0.25F);
    }
    return status;
}

static void test_int8_rows_are_checked(void **state)
{
    (void)state;
    assert_int_equal(read_s8(-127, 1), SCOUT_OK);
    assert_int_equal(read_s8(-128, 1), SCOUT_ERROR_CORRUPT);
    assert_int_equal(read_s8(0, 0), SCOUT_ERROR_CORRUPT);
    assert_int_equal(read_s8(0, -1), SCOUT_ERROR_CORRUPT);
    assert_int_equal(read_s8(0, NAN), SCOUT_ERROR_CORRUPT);
}

static void test_other_types_are_no_weights(void **state)
{
    (void)state;
    float out[COUNT];
    SourceTensor tensors[2] = {make_tensor(SOURCE_OTHER, "")};
    assert_int_equal(read_tensor(tensors, 1, 0, 1, out), SCOUT_ERROR_CORRUPT);
}

static void test_bytes_of_types(void **state)
{
    (void)state;
    assert_int_equal(source_type_bytes(SOURCE_F32, 10), 40);
    assert_int_equal(source_type_bytes(SOURCE_Q4_0, 64), 36);
    assert_true(source_type_bytes(SOURCE_Q4_0, 33) == SIZE_MAX);
    assert_true(source_type_bytes(SOURCE_F32, SIZE_MAX / 2) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bfloat16_is_the_upper_half),
        cmocka_unit_test(test_halves_and_singles_need_no_alignment),
        cmocka_unit_test(test_int8_has_a_scale_a_row),
        cmocka_unit_test(test_int16_has_one_scale),
        cmocka_unit_test(test_scales_must_fit),
        cmocka_unit_test(test_int8_rows_are_checked),
        cmocka_unit_test(test_other_types_are_no_weights),
        cmocka_unit_test(test_bytes_of_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
