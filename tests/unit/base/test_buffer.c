// The buffer: content, the cap, and failing for good.
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_appends(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 1000);
    assert_string_equal(buffer_text(&buffer), "");
    assert_null(buffer.data);
    assert_true(buffer_append(&buffer, NULL, 0));
    assert_true(buffer_append_text(&buffer, "one"));
    assert_true(buffer_append_char(&buffer, ' '));
    assert_true(buffer_append(&buffer, "two\0x", 5));
    assert_true(buffer_printf(&buffer, " %d %s", 3, "four"));
    assert_int_equal(buffer.length, 16);
    assert_memory_equal(buffer.data, "one two\0x 3 four", 17);
    buffer_done(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_done(&buffer);
}

static void test_grows_to_its_limit(void **state)
{
    (void)state;
    enum { LIMIT = 1000 };
    Buffer buffer;
    buffer_init(&buffer, LIMIT);
    for (int i = 0; i < LIMIT; i++)
        assert_true(buffer_append_char(&buffer, (char)('a' + i % 26)));
    assert_true(buffer_append(&buffer, "", 0));
    assert_false(buffer_append_char(&buffer, '!'));
    assert_int_equal(buffer.length, LIMIT);
    assert_int_equal(strlen(buffer_text(&buffer)), LIMIT);
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    buffer_done(&buffer);
}

static void test_fails_for_good(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 4);
    assert_true(buffer_append_text(&buffer, "abc"));
    assert_false(buffer_append_text(&buffer, "de"));
    assert_true(buffer.failed);
    assert_string_equal(buffer_text(&buffer), "abc");
    assert_false(buffer_append_char(&buffer, 'd')); // would fit
    assert_false(buffer_append(&buffer, NULL, 0));
    assert_false(buffer_printf(&buffer, "%s", ""));
    assert_false(buffer_printf(&buffer, "x"));
    assert_null(buffer_reserve(&buffer, 0));
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    assert_true(buffer_append_text(&buffer, "defg"));
    assert_string_equal(buffer_text(&buffer), "defg");
    buffer_done(&buffer);
}

static void test_printf_over_the_limit_leaves_the_content(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 8);
    assert_true(buffer_printf(&buffer, "%s", "abcd"));
    assert_false(buffer_printf(&buffer, "%s", "efghi"));
    assert_string_equal(buffer_text(&buffer), "abcd");
    buffer_clear(&buffer);
    assert_true(buffer_printf(&buffer, "%08d", 42));
    assert_string_equal(buffer_text(&buffer), "00000042");
    buffer_done(&buffer);
}

static void test_reserve_and_commit(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 1000);
    char *place = buffer_reserve(&buffer, 100);
    assert_non_null(place);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer_text(&buffer), "");
    memset(place, 'x', 100);
    buffer_commit(&buffer, 60);
    assert_int_equal(buffer.length, 60);
    assert_int_equal(strlen(buffer_text(&buffer)), 60);
    assert_null(buffer_reserve(&buffer, 941));
    buffer_clear(&buffer);
    assert_non_null(buffer_reserve(&buffer, 1000));
    buffer_commit(&buffer, 0);
    buffer_done(&buffer);
}

static void test_consume(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 100);
    buffer_consume(&buffer, 0);
    assert_true(buffer_append_text(&buffer, "line one\nline two"));
    buffer_consume(&buffer, 9);
    assert_string_equal(buffer_text(&buffer), "line two");
    buffer_consume(&buffer, 8);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_done(&buffer);
}

static void test_lengths_that_overflow_fail(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    assert_true(buffer_append_text(&buffer, "abc"));
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
    buffer_clear(&buffer);
    assert_null(buffer_reserve(&buffer, SIZE_MAX - 1));
    assert_string_equal(buffer_text(&buffer), "");
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_grows_to_its_limit),
        cmocka_unit_test(test_fails_for_good),
        cmocka_unit_test(test_printf_over_the_limit_leaves_the_content),
        cmocka_unit_test(test_reserve_and_commit),
        cmocka_unit_test(test_consume),
        cmocka_unit_test(test_lengths_that_overflow_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
