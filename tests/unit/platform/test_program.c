// Running other programs: input, output, complaints, ends, limits and times.
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum { LARGE_BYTES = 1 << 20, TIMEOUT_MS = 20000 };

static ScoutStatus run_shell(const char *script, Program program, int *exit_code, char *problem,
                             size_t problem_size)
{
    const char *words[] = {"sh", "-c", script, NULL};
    program.words = words;
    program.timeout_ms = program.timeout_ms ? program.timeout_ms : TIMEOUT_MS;
    return program_run(&program, exit_code, problem, problem_size, NULL);
}

static void test_in_and_out(void **state)
{
    (void)state;
    Buffer output;
    int exit_code = -1;
    buffer_init(&output, LARGE_BYTES);
    char *large = malloc(LARGE_BYTES);
    assert_non_null(large);
    memset(large, 'x', LARGE_BYTES);
    const Program program = {.input = large, .input_length = LARGE_BYTES, .output = &output};
    assert_int_equal(run_shell("cat", program, &exit_code, NULL, 0), SCOUT_OK);
    assert_int_equal(exit_code, 0);
    assert_int_equal(output.length, LARGE_BYTES);
    assert_memory_equal(output.data, large, LARGE_BYTES);
    free(large);
    buffer_done(&output);
}

static void test_complaints_and_ends(void **state)
{
    (void)state;
    char problem[64] = "";
    int exit_code = -1;
    assert_int_equal(run_shell("echo no such thing >&2; exit 3", (Program){0}, &exit_code, problem,
                               sizeof problem),
                     SCOUT_OK);
    assert_int_equal(exit_code, 3);
    assert_string_equal(problem, "no such thing");
    assert_int_equal(run_shell("kill -TERM $$", (Program){0}, &exit_code, NULL, 0), SCOUT_OK);
    assert_int_equal(exit_code, 128 + 15);
}

static void test_input_that_nobody_wants(void **state)
{
    (void)state;
    int exit_code = -1;
    char *large = calloc(LARGE_BYTES, 1);
    assert_non_null(large);
    const Program program = {.input = large, .input_length = LARGE_BYTES};
    assert_int_equal(run_shell("exec <&-; exit 0", program, &exit_code, NULL, 0), SCOUT_OK);
    assert_int_equal(exit_code, 0);
    free(large);
}

static void test_limits(void **state)
{
    (void)state;
    Buffer output;
    int exit_code = -1;
    buffer_init(&output, 1000);
    assert_int_equal(
        run_shell("head -c 100000 /dev/zero", (Program){.output = &output}, &exit_code, NULL, 0),
        SCOUT_ERROR_LIMIT);
    buffer_done(&output);
    const int64_t start_ns = clock_monotonic_ns();
    assert_int_equal(run_shell("sleep 30", (Program){.timeout_ms = 100}, &exit_code, NULL, 0),
                     SCOUT_ERROR_TIMEOUT);
    assert_true(clock_seconds_since(start_ns) < 10);
}

static void test_leaves_one_behind(void **state)
{
    (void)state;
    int exit_code = -1;
    // As wl-copy does: the program is done, what it started keeps its outputs open.
    const int64_t start_ns = clock_monotonic_ns();
    assert_int_equal(run_shell("sleep 5 & exit 0", (Program){0}, &exit_code, NULL, 0), SCOUT_OK);
    assert_int_equal(exit_code, 0);
    assert_true(clock_seconds_since(start_ns) < 4);
}

static void test_utf8(void **state)
{
    (void)state;
    Buffer output;
    int exit_code = -1;
    buffer_init(&output, 1000);
    assert_int_equal(setenv("LC_ALL", "POSIX", 1), 0);
    assert_int_equal(run_shell("printf %s \"$LC_ALL\"", (Program){.output = &output, .utf8 = true},
                               &exit_code, NULL, 0),
                     SCOUT_OK);
    assert_string_equal(buffer_text(&output), "C.UTF-8");
    buffer_done(&output);
}

static void test_no_such_program(void **state)
{
    (void)state;
    const char *words[] = {"scout-no-such-program", NULL};
    const Program program = {.words = words, .timeout_ms = TIMEOUT_MS};
    int exit_code = -1;
    assert_int_equal(program_run(&program, &exit_code, NULL, 0, NULL), SCOUT_ERROR_NOT_FOUND);
    assert_false(program_exists("scout-no-such-program"));
    assert_true(program_exists("sh"));
    assert_true(program_exists("/bin/sh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_and_out),
        cmocka_unit_test(test_complaints_and_ends),
        cmocka_unit_test(test_input_that_nobody_wants),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_leaves_one_behind),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_no_such_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
