// Running another program: see program.h.
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"

enum { PATH_SIZE = 4096, BLOCK = 16384, PROBLEM_MAX = 4096, WAIT_STEP_MS = 5 };

enum { IN, OUT, ERR, STREAMS };

typedef struct Child {
    pid_t pid;
    int ends[STREAMS]; // ours; -1: closed
    size_t written;
    Buffer complaint;
    bool overflowed;
} Child;

bool program_exists(const char *name)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    while (path && *path) {
        const size_t length = strcspn(path, ":");
        char candidate[PATH_SIZE];
        const int written =
            snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, name);
        if (length > 0 && written > 0 && (size_t)written < sizeof candidate &&
            access(candidate, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

static void close_end(int *end)
{
    if (*end >= 0)
        (void)close(*end);
    *end = -1;
}

static void close_pairs(int pairs[STREAMS][2])
{
    for (int i = 0; i < STREAMS; i++) {
        close_end(&pairs[i][0]);
        close_end(&pairs[i][1]);
    }
}

// Our environment, with LC_ALL as it is to be. Borrows its strings; free with mem_free.
static char **utf8_environment(void)
{
    static char locale[] = "LC_ALL=C.UTF-8";
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **made = mem_array(count + 2, sizeof *made);
    if (!made)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!str_starts(environ[i], "LC_ALL="))
            made[used++] = environ[i];
    }
    made[used] = locale;
    return made;
}

// The signals that this process handles its own way are as usual in the child.
static int start_program(const Program *program, int pairs[STREAMS][2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    int failed = posix_spawn_file_actions_adddup2(&actions, pairs[IN][0], STDIN_FILENO);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, pairs[OUT][1], 1);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, pairs[ERR][1], 2);
    failed = failed ? failed : posix_spawnattr_setsigmask(&attributes, &none);
    failed = failed ? failed : posix_spawnattr_setsigdefault(&attributes, &defaults);
    failed = failed ? failed
                    : posix_spawnattr_setflags(&attributes,
                                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!failed) {
        union {
            const char *const *words;
            char *const *arguments;
        } pass = {.words = program->words}; // the argument's type lacks a const
        char **made = program->utf8 ? utf8_environment() : NULL;
        failed = program->utf8 && !made
                     ? ENOMEM
                     : posix_spawnp(pid, program->words[0], &actions, &attributes, pass.arguments,
                                    made ? made : environ);
        mem_free(made);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static ScoutStatus start(const Program *program, Child *child, ScoutError *error)
{
    int pairs[STREAMS][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int failed = 0;
    for (int i = 0; i < STREAMS && !failed; i++)
        failed = pipe2(pairs[i], O_CLOEXEC) ? errno : 0;
    if (!failed)
        failed = start_program(program, pairs, &child->pid);
    if (failed) {
        close_pairs(pairs);
        return error_set_errno(error, failed, "%s cannot be started", program->words[0]);
    }
    child->ends[IN] = pairs[IN][1];
    child->ends[OUT] = pairs[OUT][0];
    child->ends[ERR] = pairs[ERR][0];
    pairs[IN][1] = pairs[OUT][0] = pairs[ERR][0] = -1;
    close_pairs(pairs);
    for (int i = 0; i < STREAMS; i++)
        (void)fcntl(child->ends[i], F_SETFL, O_NONBLOCK);
    return SCOUT_OK;
}

// SIGPIPE must not end this process when the child does not want its input.
static ssize_t write_quietly(int descriptor, const char *bytes, size_t length)
{
    sigset_t pipe_signal;
    sigset_t before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t written = write(descriptor, bytes, length);
    const int problem = errno;
    if (written < 0 && problem == EPIPE) {
        const struct timespec now = {0};
        (void)sigtimedwait(&pipe_signal, NULL, &now);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = problem;
    return written;
}

static void feed(const Program *program, Child *child)
{
    while (child->written < program->input_length) {
        const ssize_t written = write_quietly(child->ends[IN], program->input + child->written,
                                              program->input_length - child->written);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            return;
        if (written <= 0)
            break;
        child->written += (size_t)written;
    }
    close_end(&child->ends[IN]);
}

static void drain(Child *child, int stream, Buffer *buffer)
{
    char block[BLOCK];
    for (;;) {
        const ssize_t count = read(child->ends[stream], block, sizeof block);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0)
            break;
        if (buffer && !buffer_append(buffer, block, (size_t)count) && stream == OUT)
            child->overflowed = true;
    }
    close_end(&child->ends[stream]);
}

// Feeds and reads until the child is done with both outputs. False when time is up.
static bool converse(const Program *program, Child *child, int64_t end_ns)
{
    while (child->ends[OUT] >= 0 || child->ends[ERR] >= 0) {
        struct pollfd waits[STREAMS] = {
            {.fd = child->ends[IN], .events = POLLOUT},
            {.fd = child->ends[OUT], .events = POLLIN},
            {.fd = child->ends[ERR], .events = POLLIN},
        };
        const int64_t left_ms = (end_ns - clock_monotonic_ns()) / 1000000;
        if (left_ms <= 0)
            return false;
        if (poll(waits, STREAMS, (int)left_ms) < 0 && errno != EINTR)
            return false;
        if (waits[IN].revents)
            feed(program, child);
        if (waits[OUT].revents)
            drain(child, OUT, program->output);
        if (waits[ERR].revents)
            drain(child, ERR, &child->complaint);
        // A child that leaves another behind (wl-copy does) is done when it is done itself.
        if (!waits[OUT].revents && !waits[ERR].revents && !waits[IN].revents)
            return false;
        if (child->ends[IN] < 0 && !program->output)
            return true;
    }
    return true;
}

static bool wait_for_end(pid_t pid, int64_t end_ns, int *status)
{
    for (;;) {
        const pid_t done = waitpid(pid, status, WNOHANG);
        if (done == pid)
            return true;
        if (done < 0 && errno != EINTR)
            return false;
        if (clock_monotonic_ns() >= end_ns)
            return false;
        clock_sleep_ms(WAIT_STEP_MS);
    }
}

ScoutStatus program_run(const Program *program, int *exit_code, char *problem, size_t problem_size,
                        ScoutError *error)
{
    Child child = {.ends = {-1, -1, -1}};
    if (!program_exists(program->words[0]))
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "there is no program %s", program->words[0]);
    ScoutStatus status = start(program, &child, error);
    if (status != SCOUT_OK)
        return status;
    buffer_init(&child.complaint, PROBLEM_MAX);
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)program->timeout_ms * 1000000;
    int result = 0;
    bool ended = converse(program, &child, end_ns) && wait_for_end(child.pid, end_ns, &result);
    if (!ended) {
        (void)kill(child.pid, SIGKILL);
        (void)waitpid(child.pid, &result, 0);
        status = error_set(error, SCOUT_ERROR_TIMEOUT, "%s does not answer", program->words[0]);
    } else if (child.overflowed) {
        status = error_set(error, SCOUT_ERROR_LIMIT, "%s gave too much", program->words[0]);
    }
    if (child.ends[ERR] >= 0)
        drain(&child, ERR, &child.complaint);
    for (int i = 0; i < STREAMS; i++)
        close_end(&child.ends[i]);
    if (problem && problem_size > 0) {
        (void)str_copy(problem, problem_size, buffer_text(&child.complaint));
        str_make_line(problem);
    }
    buffer_done(&child.complaint);
    *exit_code = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
    return status;
}
