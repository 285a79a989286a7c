// What is written on a disk that fills up at any moment: the old file or the new one, and nothing
// else. The shim with itself first.
#include "disk.h"

#include "base/attributes.h"
#include "base/file.h"
#include "models/import.h"
#include "support/write_source.h"
#include "unit/base/in_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALLS_MAX = 1000 };

static void assert_content(const char *path, const char *content)
{
    BASE_CLEANUP(buffer_done) Buffer bytes;
    buffer_init(&bytes, 1 << 20);
    assert_int_equal(file_read(path, 1 << 20, &bytes, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&bytes), content);
}

static size_t count_entries(const char *folder)
{
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    size_t count = 0;
    while (readdir(stream))
        count++;
    (void)closedir(stream);
    return count - 2; // "." and ".."
}

static ScoutStatus call_each(void *context)
{
    int *reached = context;
    *reached = 0;
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    const int results[] = {
        fd,
        write(fd, "abc", 3) - 3,
        pwrite(fd, "b", 1, 1) - 1,
        ftruncate(fd, 2),
        fsync(fd),
        fdatasync(fd),
        rename("f", "g"),
        renameat(AT_FDCWD, "g", AT_FDCWD, "f"),
        renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE),
        link("g", "f"),
        linkat(AT_FDCWD, "f", AT_FDCWD, "h", 0),
        mkdir("folder", 0700),
        -posix_fallocate(fd, 0, 2),
        openat(AT_FDCWD, "i", O_RDWR | O_CREAT, 0600),
    };
    while (*reached < (int)BASE_COUNT(results) && results[*reached] >= 0)
        ++*reached;
    (void)close(fd);
    (void)close(results[BASE_COUNT(results) - 1]);
    disk_pause();
    if (*reached == (int)BASE_COUNT(results))
        assert_content("g", "ab");
    assert_int_equal(file_remove_tree("folder", NULL), SCOUT_OK);
    static const char *const names[] = {"f", "g", "h", "i"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        (void)unlink(names[i]);
    disk_continue();
    return *reached == (int)BASE_COUNT(results) ? SCOUT_OK : SCOUT_ERROR_NO_SPACE;
}

static void test_each_call_is_counted_and_fails(void **state)
{
    (void)state;
    int reached = -1;
    assert_int_equal(disk_run_all(call_each, &reached, CALLS_MAX), 14);
    assert_int_equal(reached, 14);
}

static ScoutStatus write_new(void *context)
{
    (void)context;
    (void)unlink("a");
    ScoutError error = {.message = ""};
    ScoutStatus status = file_write("a", "new", 3, false, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    // Only the flush of the folder comes after the name is there.
    assert_true(count_entries(".") <= 1);
    if (file_exists("a"))
        assert_content("a", "new");
    else
        assert_int_not_equal(status, SCOUT_OK);
    return status;
}

static ScoutStatus write_over(void *context)
{
    (void)context;
    disk_pause();
    assert_int_equal(file_write("a", "old", 3, true, NULL), SCOUT_OK);
    disk_continue();
    ScoutStatus status = file_write("a", "newer", 5, true, NULL);
    assert_int_equal(count_entries("."), 1);
    BASE_CLEANUP(buffer_done) Buffer bytes;
    buffer_init(&bytes, 100);
    assert_int_equal(file_read("a", 100, &bytes, NULL), SCOUT_OK);
    bool is_new = strcmp(buffer_text(&bytes), "newer") == 0;
    assert_true(is_new || (status != SCOUT_OK && strcmp(buffer_text(&bytes), "old") == 0));
    return status;
}

static ScoutStatus make_folders(void *context)
{
    (void)context;
    assert_int_equal(file_remove_tree("x", NULL), SCOUT_OK);
    ScoutStatus status = file_make_folders("x/y/z", NULL);
    assert_int_equal(file_is_folder("x/y/z"), status == SCOUT_OK);
    return status;
}

static void test_files(void **state)
{
    (void)state;
    assert_true(disk_run_all(write_new, NULL, CALLS_MAX) >= 5);
    assert_true(disk_run_all(write_over, NULL, CALLS_MAX) >= 5);
    assert_int_equal(disk_run_all(make_folders, NULL, CALLS_MAX), 3);
}

static ScoutStatus import_over(void *context)
{
    const bool *exists = context;
    disk_pause();
    (void)unlink("models/m");
    if (*exists)
        assert_int_equal(file_write("models/m", "old", 3, true, NULL), SCOUT_OK);
    disk_continue();
    const ImportOptions options = {.replace = *exists};
    ScoutError error = {.message = ""};
    ScoutStatus status = import_model("silero.safetensors", "models/m", &options, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    assert_int_equal(count_entries("models"), *exists || status == SCOUT_OK);
    if (status != SCOUT_OK && *exists)
        assert_content("models/m", "old");
    return status;
}

static void test_import(void **state)
{
    (void)state;
    static const WriteTensor tensors[] = {
        {"stft_conv.weight", 3, {258, 1, 256}},
        {"conv1.weight", 3, {128, 129, 3}},
        {"conv1.bias", 1, {128}},
        {"conv2.weight", 3, {64, 128, 3}},
        {"conv2.bias", 1, {64}},
        {"conv3.weight", 3, {64, 64, 3}},
        {"conv3.bias", 1, {64}},
        {"conv4.weight", 3, {128, 64, 3}},
        {"conv4.bias", 1, {128}},
        {"lstm_cell.weight_ih", 2, {512, 128}},
        {"lstm_cell.weight_hh", 2, {512, 128}},
        {"lstm_cell.bias_ih", 1, {512}},
        {"lstm_cell.bias_hh", 1, {512}},
        {"final_conv.weight", 3, {1, 128, 1}},
        {"final_conv.bias", 1, {1}},
    };
    write_safetensors("silero.safetensors", tensors, BASE_COUNT(tensors));
    assert_int_equal(file_make_folders("models", NULL), SCOUT_OK);
    bool exists = false;
    assert_true(disk_run_all(import_over, &exists, CALLS_MAX) > BASE_COUNT(tensors));
    exists = true;
    assert_true(disk_run_all(import_over, &exists, CALLS_MAX) > BASE_COUNT(tensors));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_each_call_is_counted_and_fails),
        IN_FOLDER(test_files),
        IN_FOLDER(test_import),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
