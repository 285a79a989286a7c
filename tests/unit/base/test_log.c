// The log: levels, sinks, whole lines.
#include "base/log.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Seen {
    int lines;
    LogLevel level;
    char component[32];
    char message[2000];
} Seen;

static void remember(void *context, LogLevel level, const char *component, const char *message)
{
    Seen *seen = context;
    seen->lines++;
    seen->level = level;
    (void)str_copy(seen->component, sizeof seen->component, component);
    (void)str_copy(seen->message, sizeof seen->message, message);
    errno = EIO; // a sink may spoil it
}

static int restore(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    log_set_level(LOG_WARNING);
    return 0;
}

static void test_levels(void **state)
{
    (void)state;
    Seen seen = {0};
    log_set_sink(remember, &seen);
    assert_int_equal(log_level(), LOG_WARNING);
    log_write(LOG_INFO, "audio", "hidden");
    assert_int_equal(seen.lines, 0);
    log_write(LOG_WARNING, "audio", "%d frames late", 3);
    assert_int_equal(seen.lines, 1);
    assert_int_equal(seen.level, LOG_WARNING);
    assert_string_equal(seen.component, "audio");
    assert_string_equal(seen.message, "3 frames late");
    log_set_level(LOG_DEBUG);
    log_write(LOG_DEBUG, "audio", "shown");
    assert_int_equal(seen.lines, 2);
    log_set_level(LOG_ERROR);
    log_write(LOG_WARNING, "audio", "hidden");
    assert_int_equal(seen.lines, 2);
}

static void test_message_is_one_bounded_line(void **state)
{
    (void)state;
    Seen seen = {0};
    log_set_sink(remember, &seen);
    log_write(LOG_ERROR, "net", "two\nlines\x1b[2J");
    assert_string_equal(seen.message, "two lines [2J");
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    log_write(LOG_ERROR, "net", "%s", long_text);
    assert_in_range(strlen(seen.message), 500, 1023);
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    Seen seen = {0};
    log_set_sink(remember, &seen);
    errno = ENOENT;
    log_write(LOG_ERROR, "net", "x");
    assert_int_equal(errno, ENOENT);
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_write(LOG_ERROR, "thread", "%s", (const char *)argument);
    return NULL;
}

// Standard error is a pipe-like file here; every line must come out as it went in.
static void test_lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    int old_stderr = dup(STDERR_FILENO);
    assert_true(old_stderr >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    log_set_sink(NULL, NULL);
    static char texts[THREADS][64];
    pthread_t threads[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        memset(texts[i], 'a' + i, sizeof texts[i] - 1);
        failures += pthread_create(&threads[i], NULL, write_lines, texts[i]) != 0;
    }
    for (int i = 0; i < THREADS; i++)
        failures += pthread_join(threads[i], NULL) != 0;
    assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
    (void)close(old_stderr);
    assert_int_equal(failures, 0);
    rewind(file);
    int counts[THREADS] = {0};
    char line[256];
    while (fgets(line, sizeof line, file)) {
        assert_true(str_starts(line, "error: thread: "));
        const char *text = line + strlen("error: thread: ");
        int who = text[0] - 'a';
        assert_in_range(who, 0, THREADS - 1);
        assert_int_equal(strspn(text, (char[]){text[0], '\0'}), sizeof texts[0] - 1);
        assert_string_equal(text + sizeof texts[0] - 1, "\n");
        counts[who]++;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(counts[i], LINES);
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_levels, restore),
        cmocka_unit_test_teardown(test_message_is_one_bounded_line, restore),
        cmocka_unit_test_teardown(test_errno_is_kept, restore),
        cmocka_unit_test_teardown(test_lines_of_threads_do_not_mix, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
