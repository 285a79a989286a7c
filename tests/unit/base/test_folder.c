// Folders: made with their parents, removed with what they hold and nothing else.
#include "base/file.h"

#include "base/memory.h"
#include "in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void touch(const char *path)
{
    assert_int_equal(file_write(path, "x", 1, true, NULL), SCOUT_OK);
}

static void test_what_is_there(void **state)
{
    (void)state;
    touch("a");
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(symlink("folder", "link"), 0);
    assert_int_equal(symlink("none", "dangling"), 0);
    assert_true(file_exists("a"));
    assert_true(file_exists("folder"));
    assert_false(file_exists("dangling"));
    assert_false(file_exists(""));
    assert_false(file_is_folder("a"));
    assert_true(file_is_folder("link"));
    assert_false(file_is_folder("none"));
}

static void test_make_folders(void **state)
{
    (void)state;
    mode_t old_mask = umask(0);
    assert_int_equal(file_make_folders("a/b//c/", NULL), SCOUT_OK);
    (void)umask(old_mask);
    struct stat info;
    assert_int_equal(stat("a/b/c", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(file_make_folders("a/b/c", NULL), SCOUT_OK);
    assert_int_equal(file_make_folders("a/b/../d", NULL), SCOUT_OK);
    assert_true(file_is_folder("a/d"));
    assert_int_equal(file_make_folders("/", NULL), SCOUT_OK);
    assert_int_equal(file_make_folders("/tmp", NULL), SCOUT_OK);

    assert_int_equal(chmod("a", 0755), 0); // an existing one keeps its mode
    assert_int_equal(file_make_folders("a/e", NULL), SCOUT_OK);
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0755);
}

static void test_make_folders_refusals(void **state)
{
    (void)state;
    ScoutError error = {0};
    assert_int_equal(file_make_folders("", &error), SCOUT_ERROR_INVALID_ARGUMENT);
    touch("file");
    assert_int_equal(file_make_folders("file", &error), SCOUT_ERROR_EXISTS);
    assert_string_equal(error.message, "cannot make the folder file: a file has its name");
    assert_int_equal(file_make_folders("file/a", &error), SCOUT_ERROR_EXISTS);
    assert_int_equal(file_make_folders("/proc/none/a", &error), SCOUT_ERROR_NOT_FOUND);
}

static void test_remove_tree(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("tree/a/b", NULL), SCOUT_OK);
    touch("tree/one");
    touch("tree/a/two");
    touch("tree/a/b/.hidden");
    assert_int_equal(file_remove_tree("tree/", NULL), SCOUT_OK);
    assert_false(file_exists("tree"));
    assert_int_equal(file_remove_tree("tree", NULL), SCOUT_OK); // missing is fine
    assert_int_equal(file_remove_tree("none/tree", NULL), SCOUT_OK);
    touch("file");
    assert_int_equal(file_remove_tree("file", NULL), SCOUT_OK);
    assert_false(file_exists("file"));
}

static void test_remove_tree_follows_no_link(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("kept", NULL), SCOUT_OK);
    assert_int_equal(file_make_folders("tree", NULL), SCOUT_OK);
    touch("kept/a");
    assert_int_equal(symlink("../kept", "tree/link"), 0);
    assert_int_equal(symlink("kept", "link"), 0);
    assert_int_equal(file_remove_tree("tree", NULL), SCOUT_OK);
    assert_int_equal(file_remove_tree("link/", NULL), SCOUT_OK);
    assert_false(file_exists("link"));
    assert_true(file_exists("kept/a"));
}

static void test_remove_tree_refusals(void **state)
{
    (void)state;
    const char *const refused[] = {"", "/", "//", ".", "..", "a/..", "a/./"};
    touch("kept");
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        assert_int_equal(file_remove_tree(refused[i], NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_true(file_exists("kept"));
}

static void test_remove_tree_has_a_depth_limit(void **state)
{
    (void)state;
    char path[400] = "deep";
    for (size_t i = 0; i < 90; i++)
        memcpy(path + strlen("deep") + 2 * i, "/d", 3);
    assert_int_equal(file_make_folders(path, NULL), SCOUT_OK);
    ScoutError error = {0};
    assert_int_equal(file_remove_tree("deep", &error), SCOUT_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "deep: d: d"));
    // From below it can be taken away in two steps.
    path[strlen("deep") + strlen("/d") * 45] = '\0';
    assert_int_equal(file_remove_tree(path, NULL), SCOUT_OK);
    assert_int_equal(file_remove_tree("deep", NULL), SCOUT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_what_is_there),
        IN_FOLDER(test_make_folders),
        IN_FOLDER(test_make_folders_refusals),
        IN_FOLDER(test_remove_tree),
        IN_FOLDER(test_remove_tree_follows_no_link),
        IN_FOLDER(test_remove_tree_refusals),
        IN_FOLDER(test_remove_tree_has_a_depth_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
