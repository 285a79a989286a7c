// The control socket: conversations, what strangers and broken clients can do, sockets left behind.
#include "platform/control.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

typedef struct Fixture {
    char folder[64];
    char *path;
    ControlServer *server;
    pthread_t thread;
    atomic_bool stop;
    atomic_int requests;
} Fixture;

static void handle(void *context, const char *request, char *out, size_t size)
{
    Fixture *f = context;
    atomic_fetch_add(&f->requests, 1);
    (void)snprintf(out, size, "heard %s", request);
}

static void *serve(void *context)
{
    Fixture *f = context;
    while (!atomic_load(&f->stop)) {
        struct pollfd wait = {.fd = control_server_descriptor(f->server), .events = POLLIN};
        if (poll(&wait, 1, 10) > 0)
            control_server_serve(f->server, handle, f);
    }
    return NULL;
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/scout-control-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", f->folder, 1), 0);
    assert_int_equal(control_path("test", &f->path, NULL), SCOUT_OK);
    assert_int_equal(control_server_new(f->path, &f->server, NULL), SCOUT_OK);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    *state = f;
    return 0;
}

static void stop(Fixture *f)
{
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    control_server_free(f->server);
    f->server = NULL;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    if (f->server)
        stop(f);
    assert_int_equal(file_remove_tree(f->folder, NULL), SCOUT_OK);
    mem_free(f->path);
    free(f);
    return 0;
}

static int connect_raw(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

static void test_asks_and_answers(void **state)
{
    Fixture *f = *state;
    char answer[CONTROL_ANSWER_MAX];
    for (int i = 0; i < 50; i++) {
        assert_int_equal(control_ask(f->path, "status", answer, sizeof answer, 5000, NULL),
                         SCOUT_OK);
        assert_string_equal(answer, "heard status");
    }
    assert_int_equal(control_ask(f->path, "two\nlines", answer, sizeof answer, 5000, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(control_ask(f->path, "status", answer, 5, 5000, NULL), SCOUT_ERROR_LIMIT);
}

static void test_only_for_its_user(void **state)
{
    Fixture *f = *state;
    struct stat info;
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/scout", f->folder);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    char *path = NULL;
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(control_path("test", &path, NULL), SCOUT_ERROR_PERMISSION);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_null(path);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/nonexistent", 1), 0);
    assert_int_equal(control_path("test", &path, NULL), SCOUT_ERROR_NOT_FOUND);
}

// A connection of another user is hung up on, as root can try.
static void test_another_user(void **state)
{
    Fixture *f = *state;
    if (geteuid() != 0)
        skip();
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/scout", f->folder);
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(f->path, 0666), 0);
    const pid_t child = fork();
    if (child == 0) {
        char byte;
        const bool other = setuid(65534) == 0;
        const int descriptor = connect_raw(f->path);
        (void)send(descriptor, "stop\n", 5, MSG_NOSIGNAL);
        _exit(other && read(descriptor, &byte, 1) <= 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&f->requests), 0);
}

static void test_clients_that_say_nothing(void **state)
{
    Fixture *f = *state;
    int silent[CONTROL_CLIENTS_MAX + 3];
    char answer[CONTROL_ANSWER_MAX];
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        silent[i] = connect_raw(f->path);
    // All places are taken, for a moment.
    const int64_t start_ns = clock_monotonic_ns();
    ScoutStatus status;
    do {
        status = control_ask(f->path, "status", answer, sizeof answer, 5000, NULL);
        clock_sleep_ms(20);
    } while (status != SCOUT_OK && clock_seconds_since(start_ns) < 20);
    assert_int_equal(status, SCOUT_OK);
    char byte;
    assert_true(read(silent[0], &byte, 1) <= 0);
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        close(silent[i]);
}

static void test_clients_that_say_too_much(void **state)
{
    Fixture *f = *state;
    char noise[4 * CONTROL_REQUEST_MAX];
    char byte;
    memset(noise, 'a', sizeof noise);
    const int loud = connect_raw(f->path);
    (void)send(loud, noise, sizeof noise, MSG_NOSIGNAL);
    assert_true(recv(loud, &byte, 1, 0) <= 0);
    close(loud);
    const int slow = connect_raw(f->path);
    assert_int_equal(send(slow, "sta", 3, MSG_NOSIGNAL), 3);
    clock_sleep_ms(50);
    assert_int_equal(send(slow, "tus\n", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(recv(slow, &byte, 1, 0), 1);
    close(slow);
    assert_int_equal(atomic_load(&f->requests), 1);
}

static void test_one_at_a_time(void **state)
{
    Fixture *f = *state;
    ControlServer *second = NULL;
    char answer[CONTROL_ANSWER_MAX];
    assert_int_equal(control_server_new(f->path, &second, NULL), SCOUT_ERROR_BUSY);
    assert_null(second);
    assert_int_equal(control_ask(f->path, "status", answer, sizeof answer, 5000, NULL), SCOUT_OK);
    stop(f);
    assert_false(file_exists(f->path));
    assert_int_equal(control_ask(f->path, "status", answer, sizeof answer, 5000, NULL),
                     SCOUT_ERROR_NOT_FOUND);
}

static void test_left_behind(void **state)
{
    Fixture *f = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/scout/killed.socket", f->folder);
    const pid_t child = fork();
    if (child == 0) {
        ControlServer *server = NULL;
        _exit(control_server_new(path, &server, NULL) == SCOUT_OK ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(file_exists(path));
    char answer[CONTROL_ANSWER_MAX];
    assert_int_equal(control_ask(path, "status", answer, sizeof answer, 1000, NULL),
                     SCOUT_ERROR_NOT_FOUND);
    ControlServer *server = NULL;
    assert_int_equal(control_server_new(path, &server, NULL), SCOUT_OK);
    // It listens, but nobody serves.
    assert_int_equal(control_ask(path, "status", answer, sizeof answer, 50, NULL),
                     SCOUT_ERROR_TIMEOUT);
    control_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asks_and_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_for_its_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_that_say_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_that_say_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_left_behind, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
