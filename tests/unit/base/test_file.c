// Files: limits, writes that are whole or absent, links that are not followed where they must not
// be.
#include "base/file.h"

#include "base/memory.h"
#include "base/str.h"
#include "in_folder.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// The linker sends these calls here (--wrap), so that a test can let the system fail.
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int old_folder, const char *old_name, int new_folder, const char *new_name);
int __wrap_renameat(int old_folder, const char *old_name, int new_folder, const char *new_name);
int __real_renameat2(int old_folder, const char *old_name, int new_folder, const char *new_name,
                     unsigned flags);
int __wrap_renameat2(int old_folder, const char *old_name, int new_folder, const char *new_name,
                     unsigned flags);

static int fsync_errno;    // 0: the real call
static int renameat_errno; // of renameat and renameat2

static int fail_with(int errno_value)
{
    errno = errno_value;
    return -1;
}

int __wrap_fsync(int fd)
{
    return fsync_errno ? fail_with(fsync_errno) : __real_fsync(fd);
}

int __wrap_renameat(int old_folder, const char *old_name, int new_folder, const char *new_name)
{
    return renameat_errno ? fail_with(renameat_errno)
                          : __real_renameat(old_folder, old_name, new_folder, new_name);
}

int __wrap_renameat2(int old_folder, const char *old_name, int new_folder, const char *new_name,
                     unsigned flags)
{
    return renameat_errno ? fail_with(renameat_errno)
                          : __real_renameat2(old_folder, old_name, new_folder, new_name, flags);
}

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write(path, text, strlen(text), true, NULL), SCOUT_OK);
}

static void check_content(const char *path, const char *expected)
{
    Buffer content;
    buffer_init(&content, 1 << 20);
    assert_int_equal(file_read(path, 1 << 20, &content, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&content), expected);
    buffer_done(&content);
}

// How many entries the folder has: drafts that were left behind would count.
static size_t count_entries(const char *command_folder)
{
    char command[256];
    (void)snprintf(command, sizeof command, "ls -A %s | wc -l", command_folder);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    char line[32] = "";
    assert_non_null(fgets(line, sizeof line, pipe));
    (void)pclose(pipe);
    int64_t count = -1;
    line[strcspn(line, "\n")] = '\0';
    assert_true(str_to_int(line, 0, 1000000, &count));
    return (size_t)count;
}

static void test_read_appends(void **state)
{
    (void)state;
    write_text("a", "world");
    Buffer out;
    buffer_init(&out, 100);
    assert_true(buffer_append_text(&out, "hello "));
    assert_int_equal(file_read("a", 100, &out, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&out), "hello world");
    buffer_done(&out);
}

static void test_read_limits(void **state)
{
    (void)state;
    write_text("a", "12345");
    Buffer out;
    buffer_init(&out, 100);
    assert_true(buffer_append_text(&out, "kept"));
    assert_int_equal(file_read("a", 5, &out, NULL), SCOUT_OK);
    out.length = 4;
    ScoutError error = {0};
    assert_int_equal(file_read("a", 4, &out, &error), SCOUT_ERROR_LIMIT);
    assert_string_equal(error.message, "a is larger than the 4 bytes allowed");
    assert_string_equal(buffer_text(&out), "kept");
    assert_int_equal(out.length, 4);
    buffer_done(&out);

    buffer_init(&out, 4); // the buffer's own limit
    assert_int_equal(file_read("a", 100, &out, NULL), SCOUT_ERROR_LIMIT);
    assert_int_equal(out.length, 0);
    buffer_done(&out);
}

static void test_read_without_known_size(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 1 << 20);
    assert_int_equal(file_read("/proc/self/status", 1 << 20, &out, NULL), SCOUT_OK);
    assert_true(str_starts(buffer_text(&out), "Name:"));
    size_t length = out.length;
    buffer_clear(&out);
    assert_int_equal(file_read("/proc/self/status", length / 2, &out, NULL), SCOUT_ERROR_LIMIT);
    assert_int_equal(out.length, 0);
    assert_int_equal(file_read("/dev/zero", 1 << 18, &out, NULL), SCOUT_ERROR_LIMIT);
    buffer_done(&out);
}

static void test_read_failures(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 100);
    ScoutError error = {0};
    assert_int_equal(file_read("none", 100, &out, &error), SCOUT_ERROR_NOT_FOUND);
    assert_string_equal(error.message, "cannot open none: No such file or directory");
    assert_int_equal(file_read(".", 100, &out, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    buffer_done(&out);
}

static void test_write_and_replace(void **state)
{
    (void)state;
    assert_int_equal(file_write("a", "one", 3, false, NULL), SCOUT_OK);
    check_content("a", "one");
    ScoutError error = {0};
    assert_int_equal(file_write("a", "two", 3, false, &error), SCOUT_ERROR_EXISTS);
    assert_string_equal(error.message, "a exists already");
    check_content("a", "one");
    assert_int_equal(file_write("a", "three", 5, true, NULL), SCOUT_OK);
    check_content("a", "three");
    assert_int_equal(file_write("a", NULL, 0, true, NULL), SCOUT_OK);
    check_content("a", "");
    assert_int_equal(count_entries("."), 1);
}

static void test_write_keeps_permissions(void **state)
{
    (void)state;
    mode_t old_mask = umask(027);
    write_text("a", "one");
    struct stat info;
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(chmod("a", 0600), 0);
    write_text("a", "two");
    assert_int_equal(stat("a", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    (void)umask(old_mask);
}

static void test_write_follows_a_link(void **state)
{
    (void)state;
    assert_int_equal(mkdir("real", 0700), 0);
    write_text("real/a", "one");
    assert_int_equal(symlink("real/a", "link"), 0);
    write_text("link", "two");
    struct stat info;
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    check_content("real/a", "two");
    assert_int_equal(file_write("link", "x", 1, false, NULL), SCOUT_ERROR_EXISTS);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(file_write("dangling", "x", 1, true, NULL), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(count_entries("real"), 1);
}

static void test_write_refusals(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(file_write("folder", "x", 1, true, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(file_write("folder/", "x", 1, true, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(file_write("/dev/null", "x", 1, true, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(file_write("", "x", 1, true, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(file_write("none/a", "x", 1, true, NULL), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(file_write("folder/none/", "x", 1, true, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(count_entries("."), 1);
    assert_int_equal(count_entries("folder"), 0);
}

// A disk that fills up, played by the limit on the size of a file: the old content stays, and no
// draft is left behind.
static void test_write_that_fails_midway(void **state)
{
    (void)state;
    write_text("a", "old");
    struct rlimit old_limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 1000, .rlim_max = old_limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const char large[5000] = {0};
    ScoutError error = {0};
    ScoutStatus status = file_write("a", large, sizeof large, true, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    (void)signal(SIGXFSZ, old_handler);
    assert_int_equal(status, SCOUT_ERROR_LIMIT);
    assert_string_equal(error.message, "cannot write a: File too large");
    check_content("a", "old");
    assert_int_equal(count_entries("."), 1);
}

static void test_write_whose_last_steps_fail(void **state)
{
    (void)state;
    write_text("a", "old");
    fsync_errno = EIO;
    assert_int_equal(file_write("a", "new", 3, true, NULL), SCOUT_ERROR_IO);
    fsync_errno = 0;
    renameat_errno = EDQUOT;
    assert_int_equal(file_write("a", "new", 3, true, NULL), SCOUT_ERROR_NO_SPACE);
    assert_int_equal(file_write("b", "new", 3, false, NULL), SCOUT_ERROR_NO_SPACE);
    renameat_errno = 0;
    check_content("a", "old");
    assert_int_equal(count_entries("."), 1);
}

static void test_write_where_rename_cannot_refuse(void **state)
{
    (void)state;
    renameat_errno = EINVAL; // what a file system without RENAME_NOREPLACE says
    ScoutStatus status = file_write("a", "one", 3, false, NULL);
    renameat_errno = 0;
    assert_int_equal(status, SCOUT_OK);
    check_content("a", "one");
    assert_int_equal(count_entries("."), 1);
}

static void test_map(void **state)
{
    (void)state;
    write_text("a", "mapped");
    FileMap map = {0};
    assert_int_equal(file_map("a", &map, NULL), SCOUT_OK);
    assert_int_equal(map.size, 6);
    assert_memory_equal(map.data, "mapped", 6);
    file_unmap(&map);
    assert_null(map.data);
    file_unmap(&map);

    write_text("empty", "");
    map.size = 5;
    assert_int_equal(file_map("empty", &map, NULL), SCOUT_OK);
    assert_null(map.data);
    assert_int_equal(map.size, 0);
    file_unmap(&map);

    assert_int_equal(file_map("none", &map, NULL), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(file_map(".", &map, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(file_map("pipe", &map, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_read_appends),
        IN_FOLDER(test_read_limits),
        IN_FOLDER(test_read_without_known_size),
        IN_FOLDER(test_read_failures),
        IN_FOLDER(test_write_and_replace),
        IN_FOLDER(test_write_keeps_permissions),
        IN_FOLDER(test_write_follows_a_link),
        IN_FOLDER(test_write_refusals),
        IN_FOLDER(test_write_that_fails_midway),
        IN_FOLDER(test_write_whose_last_steps_fail),
        IN_FOLDER(test_write_where_rename_cannot_refuse),
        IN_FOLDER(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
