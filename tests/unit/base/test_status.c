// Errors: the sentence is one line, is cut at a character, and may be made from itself.
#include "base/status.h"

#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_every_status_has_a_text(void **state)
{
    (void)state;
#define CHECK_TEXT(name, value, text)                                                              \
    assert_int_equal(SCOUT_##name, value);                                                         \
    assert_string_equal(scout_status_text(SCOUT_##name), text);
    SCOUT_STATUS_TABLE(CHECK_TEXT)
#undef CHECK_TEXT
    assert_string_equal(scout_status_text((ScoutStatus)-12345), "unknown status");
}

static void test_set(void **state)
{
    (void)state;
    ScoutError error = {0};
    assert_int_equal(error_set(&error, SCOUT_ERROR_FORMAT, "%s: bad %d", "a.wav", 7),
                     SCOUT_ERROR_FORMAT);
    assert_int_equal(error.status, SCOUT_ERROR_FORMAT);
    assert_string_equal(error.message, "a.wav: bad 7");
    assert_int_equal(error_set(NULL, SCOUT_ERROR_FORMAT, "nobody looks"), SCOUT_ERROR_FORMAT);
}

static void test_message_is_one_clean_line(void **state)
{
    (void)state;
    ScoutError error = {0};
    (void)error_set(&error, SCOUT_ERROR_IO, "a\nb\x1b[0m\xff.wav\n");
    assert_string_equal(error.message, "a b [0m?.wav");
}

static void test_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    char name[3000];
    for (size_t i = 0; i + 3 < sizeof name; i += 3)
        memcpy(name + i, "\u20AC", 3);
    name[sizeof name - 3] = '\0';
    ScoutError error = {0};
    for (int shift = 0; shift < 3; shift++) {
        (void)error_set(&error, SCOUT_ERROR_IO, "%.*s%s", shift, "xx", name);
        size_t length = strlen(error.message);
        assert_in_range(length, SCOUT_ERROR_MESSAGE_MAX - 3, SCOUT_ERROR_MESSAGE_MAX - 1);
        assert_true(utf8_valid(error.message, length));
        assert_null(strchr(error.message, '?'));
    }
}

static void test_message_may_be_made_from_itself(void **state)
{
    (void)state;
    ScoutError error = {0};
    (void)error_set(&error, SCOUT_ERROR_IO, "inner");
    (void)error_set(&error, SCOUT_ERROR_CHILD, "outer (%s)", error.message);
    assert_int_equal(error.status, SCOUT_ERROR_CHILD);
    assert_string_equal(error.message, "outer (inner)");
}

static void test_prefix(void **state)
{
    (void)state;
    ScoutError error = {0};
    (void)error_set(&error, SCOUT_ERROR_CORRUPT, "layer %d is short", 3);
    error_prefix(&error, "%s", "model.scout");
    assert_int_equal(error.status, SCOUT_ERROR_CORRUPT);
    assert_string_equal(error.message, "model.scout: layer 3 is short");
    ScoutError empty = {0};
    error_prefix(&empty, "only this");
    assert_string_equal(empty.message, "only this");
    error_prefix(NULL, "nobody looks");
}

static void test_errno_picks_the_status(void **state)
{
    (void)state;
    static const struct {
        int errno_value;
        ScoutStatus status;
    } rows[] = {
        {ENOENT, SCOUT_ERROR_NOT_FOUND},
        {ENOTDIR, SCOUT_ERROR_NOT_FOUND},
        {EACCES, SCOUT_ERROR_PERMISSION},
        {EPERM, SCOUT_ERROR_PERMISSION},
        {ENOSPC, SCOUT_ERROR_NO_SPACE},
        {EDQUOT, SCOUT_ERROR_NO_SPACE},
        {EEXIST, SCOUT_ERROR_EXISTS},
        {ENOMEM, SCOUT_ERROR_OUT_OF_MEMORY},
        {EISDIR, SCOUT_ERROR_INVALID_ARGUMENT},
        {EMFILE, SCOUT_ERROR_LIMIT},
        {EAGAIN, SCOUT_ERROR_BUSY},
        {ETIMEDOUT, SCOUT_ERROR_TIMEOUT},
        {ECONNREFUSED, SCOUT_ERROR_NETWORK},
        {EIO, SCOUT_ERROR_IO},
        {9999, SCOUT_ERROR_IO},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        ScoutError error = {0};
        assert_int_equal(error_set_errno(&error, rows[i].errno_value, "x"), rows[i].status);
        assert_int_equal(error.status, rows[i].status);
        assert_int_equal(error_set_errno(NULL, rows[i].errno_value, "x"), rows[i].status);
    }
    ScoutError error = {0};
    (void)error_set_errno(&error, ENOSPC, "cannot write %s", "out.txt");
    assert_string_equal(error.message, "cannot write out.txt: No space left on device");
    (void)error_set_errno(&error, 9999, "cannot write");
    assert_string_equal(error.message, "cannot write: system error 9999");
}

static void test_no_memory(void **state)
{
    (void)state;
    ScoutError error = {0};
    assert_int_equal(error_no_memory(&error), SCOUT_ERROR_OUT_OF_MEMORY);
    assert_true(str_starts(error.message, "not enough memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_a_text),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_message_is_one_clean_line),
        cmocka_unit_test(test_long_message_is_cut_at_a_character),
        cmocka_unit_test(test_message_may_be_made_from_itself),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_errno_picks_the_status),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
