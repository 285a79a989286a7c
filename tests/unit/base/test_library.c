// Libraries and modules that are loaded when they are wanted.
#include "base/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void functions_are_found(void **state)
{
    (void)state;
    double (*cosine)(double) = NULL;
    char problem[200] = "";
    const LibraryFunction functions[] = {{"cos", &cosine}};
    assert_true(library_load("libm.so.6", functions, 1, problem, sizeof problem));
    assert_string_equal(problem, "");
    assert_true(cosine(0) > 0.999);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    void (*function)(void) = NULL;
    char problem[200] = "";
    const LibraryFunction functions[] = {{"no_such_function_anywhere", &function}};
    assert_false(library_load("libm.so.6", functions, 1, problem, sizeof problem));
    assert_non_null(strstr(problem, "no_such_function_anywhere"));
    assert_false(library_load("libno-such-thing.so.1", functions, 1, problem, sizeof problem));
    assert_non_null(strstr(problem, "libno-such-thing.so.1"));
    char small[8]; // the beginning is kept
    assert_false(library_load("libno-such-thing.so.1", functions, 1, small, sizeof small));
    assert_true(strlen(small) < sizeof small);
}

static void files_lie_beside_the_program(void **state)
{
    (void)state;
    char path[LIBRARY_PATH_MAX];
    library_find_file("test_base_library", X_OK, path, sizeof path);
    assert_int_equal(access(path, X_OK), 0);
    library_find_file("no-such-file", R_OK, path, sizeof path);
    assert_non_null(strstr(path, "/no-such-file"));
}

static void a_module_that_is_missing_is_said(void **state)
{
    (void)state;
    const void *found = NULL;
    ScoutError error = {0};
    assert_int_equal(unsetenv("SCOUT_MODULES"), 0);
    assert_int_equal(library_load_module("no-such-module.so", "shown", &found, &error),
                     SCOUT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "no-such-module.so is missing"));
    // What is there, but no module.
    assert_int_equal(library_load_module("test_base_library", "shown", &found, &error),
                     SCOUT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "cannot be loaded"));
    assert_int_equal(setenv("SCOUT_MODULES", "/nonexistent", 1), 0);
    assert_int_equal(library_load_module("no-such-module.so", "shown", &found, NULL),
                     SCOUT_ERROR_UNSUPPORTED);
    assert_null(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(files_lie_beside_the_program),
        cmocka_unit_test(a_module_that_is_missing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
