// The sandbox: each test enters it in a child, does something, and the parent looks at how the
// child ended.
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SURVIVED = 42, PARTS_MISSING = 77 };

static const SandboxLimits LIMITS = {.memory_bytes = (uint64_t)256 << 20, .cpu_seconds = 100};

// Runs act in a sandboxed child; returns its wait status. Descriptor 1 is a pipe as in real life.
static int run_inside(void (*act)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        sandbox_prepare();
        SandboxReport report = {0};
        sandbox_enter(&LIMITS, &report);
        if (!report.seccomp)
            _exit(PARTS_MISSING);
        act();
        _exit(SURVIVED);
    }
    (void)close(ends[1]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(ends[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == PARTS_MISSING)
        skip();
    return status;
}

static void assert_survives(void (*act)(void))
{
    int status = run_inside(act);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

static void assert_killed(void (*act)(void))
{
    int status = run_inside(act);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

// ---- What decoding needs

static void work(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    char *small = malloc(100);
    char *large = malloc((size_t)100 << 20);
    if (!small || !large)
        _exit(1);
    memset(large, 1, (size_t)100 << 20);
    free(large);
    free(small);
    if (write(STDOUT_FILENO, "x", 1) != 1)
        _exit(2);
    time_t midnight = 0;
    struct tm parts;
    if (!localtime_r(&midnight, &parts) || parts.tm_hour != 0 || mktime(&parts) != 0)
        _exit(3);
}

static void test_work_goes_on(void **state)
{
    (void)state;
    assert_survives(work);
}

// ---- What it must not do

static void open_file(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
        _exit(1);
    struct stat info;
    if (stat("/etc/passwd", &info) == 0)
        _exit(2);
    if (open("/tmp/scout-sandbox-test", O_WRONLY | O_CREAT, 0600) >= 0)
        _exit(3);
}

static void make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void start_process(void)
{
    (void)fork();
}

static void *nothing(void *argument)
{
    return argument;
}

static void start_thread(void)
{
    pthread_t thread;
    (void)pthread_create(&thread, NULL, nothing, NULL);
}

static void run_program(void)
{
    char *arguments[] = {(char[]){"true"}, NULL};
    (void)execv("/bin/true", arguments);
}

static void make_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void turn_to_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        _exit(1);
    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void kill_parent(void)
{
    (void)kill(getppid(), SIGTERM);
}

static void signal_other(void)
{
    (void)syscall(SYS_tgkill, getpid() - 1, getpid() - 1, SIGTERM);
}

static void read_elsewhere(void)
{
    char byte;
    if (read(STDOUT_FILENO, &byte, 1) == 1)
        _exit(1);
}

static void write_elsewhere(void)
{
    if (write(STDIN_FILENO, "x", 1) == 1)
        _exit(1);
}

static void truncate_input(void)
{
    if (ftruncate(STDIN_FILENO, 0) == 0)
        _exit(1);
}

static void trace(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void test_files_are_refused(void **state)
{
    (void)state;
    assert_survives(open_file);
}

static void test_forbidden_calls_end_it(void **state)
{
    (void)state;
    assert_killed(make_socket);
    assert_killed(start_process);
    assert_killed(start_thread);
    assert_killed(run_program);
    assert_killed(make_code);
    assert_killed(turn_to_code);
    assert_killed(kill_parent);
    assert_killed(signal_other);
    assert_killed(read_elsewhere);
    assert_killed(write_elsewhere);
    assert_killed(truncate_input);
    assert_killed(trace);
}

// ---- Limits

static void take_memory(void)
{
    void *block =
        mmap(NULL, (size_t)512 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block != MAP_FAILED || errno != ENOMEM)
        _exit(1);
}

static void abort_itself(void)
{
    abort();
}

static void look_at_environment(void)
{
    if (getenv("HOME") || getenv("PATH") || getenv("SCOUT_SANDBOX_TEST"))
        _exit(1);
}

static void test_memory_is_limited(void **state)
{
    (void)state;
    assert_survives(take_memory);
}

static void test_environment_is_empty(void **state)
{
    (void)state;
    (void)setenv("SCOUT_SANDBOX_TEST", "1", 1);
    assert_survives(look_at_environment);
}

static void test_abort_is_seen_as_one(void **state)
{
    (void)state;
    int status = run_inside(abort_itself);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

// Even in an endless loop the child notices that nobody listens any more.
static void test_orphan_ends(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        sandbox_prepare();
        SandboxReport report = {0};
        sandbox_enter(&LIMITS, &report);
        for (volatile unsigned i = 0;; i++) {
        }
    }
    (void)close(ends[1]);
    (void)usleep(300000);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); // still there: somebody listens
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
}

static void test_other_descriptors_are_closed(void **state)
{
    (void)state;
    int extra = open("/dev/null", O_RDONLY);
    assert_true(extra > 2);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sandbox_prepare();
        _exit(fcntl(extra, F_GETFD) < 0 && errno == EBADF ? SURVIVED : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SURVIVED);
    (void)close(extra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_goes_on),
        cmocka_unit_test(test_files_are_refused),
        cmocka_unit_test(test_forbidden_calls_end_it),
        cmocka_unit_test(test_memory_is_limited),
        cmocka_unit_test(test_environment_is_empty),
        cmocka_unit_test(test_abort_is_seen_as_one),
        cmocka_unit_test(test_orphan_ends),
        cmocka_unit_test(test_other_descriptors_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
