// ggml's blocks as the reference reader decodes them (make_ggml.py), exactly, whole and from
// the middle.
#include "values.h"

#include "base/attributes.h"
#include "support/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name;
    SourceType type;
} types[] = {{"q4_0", SOURCE_Q4_0},
             {"q4_1", SOURCE_Q4_1},
             {"q5_0", SOURCE_Q5_0},
             {"q5_1", SOURCE_Q5_1},
             {"q8_0", SOURCE_Q8_0}};

static Npy load(const char *type, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "reference/ggml/%s_%s.npy", type, what);
    return npy_load(path);
}

static void check_type(const Kernels *kernels, const char *name, SourceType type)
{
    Npy bytes = load(name, "bytes");
    Npy values = load(name, "values");
    uint8_t *data = malloc(bytes.count + 1);
    float *out = malloc(values.count * sizeof *out);
    assert_true(data && out);
    for (size_t i = 0; i < bytes.count; i++)
        data[i + 1] = (uint8_t)bytes.i16[i]; // at an odd address, as in a file
    const Source source = {.path = "x"};
    const size_t rows = values.dims[0];
    const SourceTensor tensor = {.name = "t",
                                 .type = type,
                                 .rank = 2,
                                 .dims = {rows, values.dims[1]},
                                 .data = data + 1,
                                 .bytes = bytes.count};
    assert_int_equal(source_type_bytes(type, values.count), bytes.count);
    for (size_t first = 0; first < rows; first += 3) {
        assert_int_equal(values_read(&source, kernels, &tensor, first, rows - first, out, NULL),
                         SCOUT_OK);
        for (size_t i = first * values.dims[1]; i < values.count; i++) {
            const float value = out[i - first * values.dims[1]];
            if (value != values.f32[i]) // the sign of a zero may differ
                fail_msg("%s, value %zu: %.9g, expected %.9g", name, i, (double)value,
                         (double)values.f32[i]);
        }
    }
    free(data);
    free(out);
    npy_free(&bytes);
    npy_free(&values);
}

static void test_blocks_are_decoded_as_the_reference_does(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    for (size_t i = 0; i < BASE_COUNT(types); i++)
        check_type(&kernels, types[i].name, types[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_decoded_as_the_reference_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
