// Paths and the XDG folders.
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void check_join(const char *folder, const char *name, const char *expected)
{
    char *joined = path_join(folder, name);
    assert_non_null(joined);
    assert_string_equal(joined, expected);
    mem_free(joined);
}

static void test_join(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("a//", "/b/c", "a/b/c");
    check_join("/", "b", "/b");
    check_join("", "b", "b");
    check_join("", "/b", "/b");
    check_join("a", "", "a/");
}

static void test_base(void **state)
{
    (void)state;
    assert_string_equal(path_base("a/b/c.wav"), "c.wav");
    assert_string_equal(path_base("c.wav"), "c.wav");
    assert_string_equal(path_base("/c"), "c");
    assert_string_equal(path_base("a/"), "");
    assert_string_equal(path_base(""), "");
}

static void check_home(char *(*home)(void), const char *expected)
{
    BASE_CLEANUP(mem_free_pointer) char *path = home();
    if (!expected) {
        assert_null(path);
        return;
    }
    assert_non_null(path);
    assert_string_equal(path, expected);
}

static void test_xdg_folders(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/ada", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0); // counts as unset
    check_home(path_data_home, "/data/scout");
    check_home(path_config_home, "/home/ada/.config/scout");
    check_home(path_cache_home, "/home/ada/.cache/scout");
    assert_int_equal(setenv("XDG_DATA_HOME", "", 1), 0);
    check_home(path_data_home, "/home/ada/.local/share/scout");
    assert_int_equal(unsetenv("HOME"), 0);
    errno = 0;
    check_home(path_data_home, NULL);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_xdg_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
