// CTranslate2's model.bin: the older versions, aliases, and descriptions that lie.
#include "source.h"

#include "base/attributes.h"
#include "base/file.h"
#include "support/write_source.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Buffer begin_file(uint32_t version, const char *spec, uint32_t variables)
{
    Buffer out;
    buffer_init(&out, 1 << 16);
    write_u32(&out, version);
    write_ct2_string(&out, spec);
    write_u32(&out, 3); // revision
    write_u32(&out, variables);
    return out;
}

// type is a number from version 4 on, before that the size of an item.
static void add_variable(Buffer *out, const char *name, uint32_t rows, uint32_t columns,
                         uint8_t type, uint32_t count, const void *data, size_t bytes)
{
    write_ct2_string(out, name);
    write_u8(out, 2);
    write_u32(out, rows);
    write_u32(out, columns);
    write_u8(out, type);
    write_u32(out, count);
    assert_true(buffer_append(out, data, bytes));
}

static ScoutStatus read_file(Buffer *bytes, Source *source, ScoutError *error)
{
    assert_int_equal(file_write("model.bin", bytes->data, bytes->length, true, NULL), SCOUT_OK);
    buffer_done(bytes);
    return source_open("model.bin", source, error);
}

static void test_versions_before_4_tell_types_by_size(void **state)
{
    (void)state;
    const float values[6] = {1, 2, 3, 4, 5, 6};
    const int8_t q[6] = {1, -2, 3, -4, 5, -6};
    for (uint32_t version = 2; version <= 3; version++) {
        Source source;
        Buffer bytes = begin_file(version, "WhisperSpec", 2);
        add_variable(&bytes, "a", 2, 3, 4, 6, values, sizeof values);
        add_variable(&bytes, "b", 2, 3, 1, 6, q, sizeof q);
        if (version >= 3)
            write_u32(&bytes, 0);
        assert_int_equal(read_file(&bytes, &source, NULL), SCOUT_OK);
        assert_int_equal(source.format, SOURCE_CT2);
        const SourceTensor *a = source_find(&source, "a");
        assert_int_equal(a->type, SOURCE_F32);
        assert_int_equal(a->bytes, sizeof values);
        assert_memory_equal(a->data, values, sizeof values);
        assert_int_equal(source_find(&source, "b")->type, SOURCE_I8);
        source_close(&source);
    }
}

static void test_aliases_share_the_data(void **state)
{
    (void)state;
    const float values[2] = {1, 2};
    Source source;
    Buffer bytes = begin_file(6, "WhisperSpec", 1);
    add_variable(&bytes, "a", 1, 2, 0, sizeof values, values, sizeof values);
    write_u32(&bytes, 1);
    write_ct2_string(&bytes, "b");
    write_ct2_string(&bytes, "a");
    assert_int_equal(read_file(&bytes, &source, NULL), SCOUT_OK);
    assert_int_equal(source.tensor_count, 2);
    assert_ptr_equal(source_find(&source, "a")->data, source_find(&source, "b")->data);
    assert_null(source_find(&source, "c"));
    source_close(&source);
}

static void expect_failure(Buffer *bytes, ScoutStatus expected, const char *words)
{
    Source source;
    ScoutError error = {.message = ""};
    ScoutStatus status = read_file(bytes, &source, &error);
    if (status != expected || !strstr(error.message, words))
        fail_msg("expected %d and '%s', got %d: %s", (int)expected, words, (int)status,
                 error.message);
}

static void test_an_alias_of_nothing_is_refused(void **state)
{
    (void)state;
    const float values[2] = {1, 2};
    Buffer bytes = begin_file(6, "WhisperSpec", 1);
    add_variable(&bytes, "a", 1, 2, 0, sizeof values, values, sizeof values);
    write_u32(&bytes, 1);
    write_ct2_string(&bytes, "b");
    write_ct2_string(&bytes, "c");
    expect_failure(&bytes, SCOUT_ERROR_CORRUPT, "b stands for c");
}

static void test_other_kinds_are_named(void **state)
{
    (void)state;
    Buffer bytes = begin_file(6, "TransformerSpec", 0);
    expect_failure(&bytes, SCOUT_ERROR_UNSUPPORTED, "TransformerSpec");
    bytes = begin_file(7, "WhisperSpec", 0); // a version yet to come
    expect_failure(&bytes, SCOUT_ERROR_FORMAT, "not a model file");
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t rows, columns, bytes;
        const char *words;
    } shapes[] = {
        {2, 3, 20, "20 bytes"},
        {2, 0, 24, "dimension of 0"},
        {1u << 30, 1u << 30, 24, "dimension of 1073741824"},
        {1u << 20, 1u << 20, 24, "24 bytes"},
        {2, 3, 0xffffffff, "ends too early"},
    };
    const float values[6] = {0};
    for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
        Buffer bytes = begin_file(6, "WhisperSpec", 1);
        add_variable(&bytes, "a", shapes[i].rows, shapes[i].columns, 0, shapes[i].bytes, values,
                     BASE_MIN(sizeof values, shapes[i].bytes));
        write_u32(&bytes, 0);
        expect_failure(&bytes, SCOUT_ERROR_CORRUPT, shapes[i].words);
    }
}

static void test_names_twice_are_refused(void **state)
{
    (void)state;
    const float values[2] = {1, 2};
    Buffer bytes = begin_file(6, "WhisperSpec", 2);
    add_variable(&bytes, "a", 1, 2, 0, sizeof values, values, sizeof values);
    add_variable(&bytes, "a", 1, 2, 0, sizeof values, values, sizeof values);
    write_u32(&bytes, 0);
    expect_failure(&bytes, SCOUT_ERROR_CORRUPT, "tensor a is there twice");
    bytes = begin_file(6, "WhisperSpec", 0);
    write_u32(&bytes, 0);
    expect_failure(&bytes, SCOUT_ERROR_CORRUPT, "holds no tensors");
}

static void test_strings_must_be_whole(void **state)
{
    (void)state;
    Buffer bytes = begin_file(6, "WhisperSpec", 1);
    write_u16(&bytes, 4);
    buffer_append(&bytes, "a\0b", 4); // the length counts a NUL in the middle
    expect_failure(&bytes, SCOUT_ERROR_CORRUPT, "ends too early or is damaged");
    bytes = begin_file(6, "WhisperSpec", 1);
    write_u16(&bytes, 0);
    expect_failure(&bytes, SCOUT_ERROR_CORRUPT, "ends too early or is damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_versions_before_4_tell_types_by_size),
        IN_FOLDER(test_aliases_share_the_data),
        IN_FOLDER(test_an_alias_of_nothing_is_refused),
        IN_FOLDER(test_other_kinds_are_named),
        IN_FOLDER(test_shapes_that_do_not_fit_are_refused),
        IN_FOLDER(test_names_twice_are_refused),
        IN_FOLDER(test_strings_must_be_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
