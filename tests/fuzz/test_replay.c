// The replay driver itself, with a harness that has planted mistakes.
#include "mutate.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "unit/base/in_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

// Runs the program with arguments up to NULL, its output in the file "output"; its exit status.
static int run(const char *const *arguments)
{
    extern char **environ;
    char program[] = PLANTED;
    char *argv[8] = {program};
    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = strdup(arguments[i]);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_addopen(&actions, 2, "output", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    pid_t child;
    int status;
    assert_int_equal(posix_spawn(&child, program, &actions, NULL, argv, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 1; argv[i]; i++)
        free(argv[i]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_file(const char *path, const char *content)
{
    BASE_CLEANUP(buffer_done) Buffer bytes;
    buffer_init(&bytes, 1 << 20);
    assert_int_equal(file_read(path, 1 << 20, &bytes, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&bytes), content);
}

static bool output_has(const char *text)
{
    BASE_CLEANUP(buffer_done) Buffer bytes;
    buffer_init(&bytes, 1 << 20);
    assert_int_equal(file_read("output", 1 << 20, &bytes, NULL), SCOUT_OK);
    return strstr(buffer_text(&bytes), text) != NULL;
}

static void write_seed(const char *path, const char *content)
{
    assert_int_equal(file_write(path, content, strlen(content), true, NULL), SCOUT_OK);
}

static void enter_corpus(void)
{
    assert_int_equal(file_make_folders("corpus", NULL), SCOUT_OK);
    write_seed("corpus/1-good", "good");
    write_seed("corpus/2-empty", "");
}

static void test_a_good_harness_passes(void **state)
{
    (void)state;
    enter_corpus();
    assert_int_equal(run((const char *[]){"corpus", NULL}), 0);
    assert_true(output_has("2 files, 0 made inputs"));
    assert_int_equal(run((const char *[]){"corpus/1-good", "corpus/2-empty", NULL}), 0);
}

static void test_a_bad_input_is_kept(void **state)
{
    (void)state;
    static const char *const bad[] = {"abort", "exit", "read past the end", "r"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        enter_corpus();
        write_seed("corpus/3-bad", bad[i]);
        assert_int_equal(run((const char *[]){"-n", "10", "corpus", NULL}), 1);
        assert_true(output_has("run 2 (corpus/3-bad): "));
        assert_true(output_has(" ./replay_planted-2\n"));
        assert_file("replay_planted-2", bad[i]);
        if (bad[i][0] != 'e')
            assert_int_not_equal(run((const char *[]){"replay_planted-2", NULL}), 0);
    }
}

static void test_changed_seeds_find_mistakes(void **state)
{
    (void)state;
    enter_corpus();
    write_seed("corpus/3-near", "wxyz");
    assert_int_equal(run((const char *[]){"-n", "100000", "-o", ".", "corpus", NULL}), 1);
    assert_true(output_has("(a made input): "));
}

static void test_the_wrong_arguments_are_refused(void **state)
{
    (void)state;
    enter_corpus();
    assert_int_equal(run((const char *[]){NULL}), 2);
    assert_int_equal(run((const char *[]){"-n", "many", "corpus", NULL}), 2);
    assert_int_equal(run((const char *[]){"absent", NULL}), 2);
    assert_int_equal(file_make_folders("empty", NULL), SCOUT_OK);
    assert_int_equal(run((const char *[]){"empty", NULL}), 2);
}

static void test_a_number_makes_one_input(void **state)
{
    (void)state;
    enum { SIZE = 64, NUMBERS = 20000 };
    uint8_t text[] = "{\"count\": 12}";
    uint8_t long_seed[200] = {0};
    uint8_t none[1];
    const Seed seeds[] = {{text, sizeof text - 1}, {long_seed, sizeof long_seed}, {none, 0}};
    uint8_t room[SIZE + 2], again[SIZE];
    size_t different = 0;
    for (uint64_t number = 0; number < NUMBERS; number++) {
        memset(room, 0xa5, sizeof room);
        size_t length = mutate_make(number, seeds, BASE_COUNT(seeds), room + 1, SIZE);
        assert_true(length <= SIZE);
        assert_int_equal(room[0], 0xa5);
        assert_int_equal(room[SIZE + 1], 0xa5);
        assert_int_equal(mutate_make(number, seeds, BASE_COUNT(seeds), again, SIZE), length);
        assert_memory_equal(room + 1, again, length);
        different += length != sizeof text - 1 || memcmp(again, text, length) != 0;
    }
    assert_true(different > NUMBERS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_a_good_harness_passes),
        IN_FOLDER(test_a_bad_input_is_kept),
        IN_FOLDER(test_changed_seeds_find_mistakes),
        IN_FOLDER(test_the_wrong_arguments_are_refused),
        cmocka_unit_test(test_a_number_makes_one_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
