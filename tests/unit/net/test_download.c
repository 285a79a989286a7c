// net/download against a real local server (tests/support/range_server.py): whole files, resuming,
// servers that do not resume, refusals, checksums, caps and full disks.
#include "net/download.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "disk.h"

enum { FILE_BYTES = 300000, PATH_BYTES = 512 };

extern char **environ;

typedef struct Fixture {
    char folder[64];
    char target[PATH_BYTES];
    char part[PATH_BYTES];
    char sha256[DIGEST_HEX];
    uint8_t *content;
    pid_t server;
    int port;
} Fixture;

static pid_t start_server(const char *file, int *port)
{
    int pipe_ends[2];
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
    char *arguments[] = {(char *)(uintptr_t) "python3", (char *)(uintptr_t)RANGE_SERVER,
                         (char *)(uintptr_t)file, NULL};
    pid_t pid;
    assert_int_equal(posix_spawnp(&pid, "python3", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    FILE *output = fdopen(pipe_ends[0], "r");
    assert_int_equal(fscanf(output, "%d", port), 1);
    fclose(output);
    return pid;
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "/tmp/scout-download-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->content = malloc(FILE_BYTES);
    for (size_t i = 0; i < FILE_BYTES; i++)
        f->content[i] = (uint8_t)((i * 2654435761u) >> 13);
    char source[PATH_BYTES];
    snprintf(source, sizeof(source), "%s/source", f->folder);
    assert_int_equal(file_write(source, f->content, FILE_BYTES, true, NULL), SCOUT_OK);
    snprintf(f->target, sizeof(f->target), "%s/target", f->folder);
    snprintf(f->part, sizeof(f->part), "%s/target.part", f->folder);
    uint8_t digest[DIGEST_BYTES];
    digest_sha256(f->content, FILE_BYTES, digest);
    digest_to_hex(digest, f->sha256);
    f->server = start_server(source, &f->port);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    kill(f->server, SIGKILL);
    waitpid(f->server, NULL, 0);
    file_remove_tree(f->folder, NULL);
    free(f->content);
    free(f);
    return 0;
}

static ScoutStatus fetch(const Fixture *f, const char *place, NetDownload download,
                         ScoutError *error)
{
    char url[PATH_BYTES];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", f->port, place);
    download.url = url;
    download.path = f->target;
    return net_download(&download, error);
}

static void assert_target_is_whole(const Fixture *f)
{
    Buffer got;
    buffer_init(&got, 2 * FILE_BYTES);
    assert_int_equal(file_read(f->target, 2 * FILE_BYTES, &got, NULL), SCOUT_OK);
    assert_int_equal(got.length, FILE_BYTES);
    assert_memory_equal(got.data, f->content, FILE_BYTES);
    buffer_done(&got);
    assert_false(file_exists(f->part));
}

static off_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) ? -1 : info.st_size;
}

static void gets_a_whole_file(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "file", (NetDownload){.sha256 = f->sha256}, &error), SCOUT_OK);
    assert_target_is_whole(f);
}

static void follows_a_redirect_but_not_a_loop(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "loop", (NetDownload){0}, &error), SCOUT_ERROR_NETWORK);
    assert_int_equal(fetch(f, "redirect", (NetDownload){.sha256 = f->sha256}, &error), SCOUT_OK);
    assert_target_is_whole(f);
}

static void resumes_where_the_connection_broke(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "cut/100000", (NetDownload){0}, &error), SCOUT_ERROR_NETWORK);
    assert_int_equal(size_of(f->part), 100000);
    assert_false(file_exists(f->target));
    assert_int_equal(fetch(f, "cut/50000", (NetDownload){0}, &error), SCOUT_ERROR_NETWORK);
    assert_int_equal(size_of(f->part), 150000);
    assert_int_equal(fetch(f, "file", (NetDownload){.sha256 = f->sha256}, &error), SCOUT_OK);
    assert_target_is_whole(f);
}

static void starts_again_with_a_server_that_cannot_resume(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "cut/100000", (NetDownload){0}, &error), SCOUT_ERROR_NETWORK);
    assert_int_equal(fetch(f, "norange", (NetDownload){.sha256 = f->sha256}, &error), SCOUT_OK);
    assert_target_is_whole(f);
}

static void takes_a_part_that_is_already_whole(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(file_write(f->part, f->content, FILE_BYTES, true, NULL), SCOUT_OK);
    assert_int_equal(fetch(f, "file", (NetDownload){.sha256 = f->sha256}, &error), SCOUT_OK);
    assert_target_is_whole(f);
}

static void refuses_a_wrong_checksum(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    char wrong[DIGEST_HEX];
    memset(wrong, 'a', sizeof(wrong) - 1);
    wrong[sizeof(wrong) - 1] = '\0';
    assert_int_equal(fetch(f, "file", (NetDownload){.sha256 = wrong}, &error), SCOUT_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, f->sha256));
    assert_false(file_exists(f->target));
    assert_false(file_exists(f->part));
}

static void refuses_what_is_too_large(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "file", (NetDownload){.max_bytes = FILE_BYTES - 1}, &error),
                     SCOUT_ERROR_LIMIT);
    assert_false(file_exists(f->target));
}

static void says_what_the_server_said(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    assert_int_equal(fetch(f, "nothing", (NetDownload){0}, &error), SCOUT_ERROR_NETWORK);
    assert_non_null(strstr(error.message, "404"));
}

static void refuses_other_protocols(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    NetDownload download = {.url = "file:///etc/passwd", .path = f->target};
    assert_int_equal(net_download(&download, &error), SCOUT_ERROR_INVALID_ARGUMENT);
}

static void raise_flag(void *context, uint64_t received, uint64_t total)
{
    (void)total;
    if (received)
        cancel_raise(context);
}

static void stops_when_cancelled_and_keeps_the_part(void **state)
{
    Fixture *f = *state;
    ScoutError error;
    Cancel cancel;
    cancel_init(&cancel);
    NetDownload download = {.cancel = &cancel, .progress = raise_flag, .context = &cancel};
    assert_int_equal(fetch(f, "slow", download, &error), SCOUT_ERROR_CANCELLED);
    assert_int_equal(size_of(f->part), 1);
    assert_false(file_exists(f->target));
}

// However far it gets, the file is not there until it is whole, and the next try makes it so.
static ScoutStatus fetch_on_a_full_disk(void *context)
{
    const Fixture *f = context;
    ScoutError error = {.message = ""};
    const ScoutStatus status = fetch(f, "file", (NetDownload){.sha256 = f->sha256}, &error);
    disk_pause();
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    assert_int_equal(file_exists(f->target), status == SCOUT_OK);
    if (status)
        assert_int_equal(fetch(f, "file", (NetDownload){.sha256 = f->sha256}, NULL), SCOUT_OK);
    assert_target_is_whole(f);
    assert_int_equal(unlink(f->target), 0);
    disk_continue();
    return status;
}

static void goes_on_after_the_disk_was_full(void **state)
{
    enum { CALLS_MAX = 1000 };
    assert_true(disk_run_all(fetch_on_a_full_disk, *state, CALLS_MAX) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gets_a_whole_file, setup, teardown),
        cmocka_unit_test_setup_teardown(follows_a_redirect_but_not_a_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(resumes_where_the_connection_broke, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_again_with_a_server_that_cannot_resume, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(takes_a_part_that_is_already_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_wrong_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_the_server_said, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_other_protocols, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_when_cancelled_and_keeps_the_part, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_the_disk_was_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
