// Child processes: see child.h.
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audio/protocol.h"
#include "base/attributes.h"
#include "base/clock.h"

enum { KILL_WAIT_MS = 2000, ANSWER_WAIT_MS = 5000 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

// A pipe whose ends lie above the three standard descriptors, even when this process has closed
// those: otherwise arranging the child's descriptors would overwrite one with another.
static bool make_pipe(int ends[2])
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(made[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        int saved_errno = errno;
        (void)close(made[i]);
        errno = saved_errno;
    }
    if (ends[0] >= 0 && ends[1] >= 0)
        return true;
    close_fd(&ends[0]);
    close_fd(&ends[1]);
    return false;
}

static bool stop_blocking(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int arrange(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int input,
                   int output, int messages)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    failed |= posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    failed |= posix_spawn_file_actions_adddup2(actions, messages, STDERR_FILENO);
    // A group of its own: Ctrl-C is for the program, which then ends the child in good order.
    failed |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETPGROUP);
    failed |= posix_spawnattr_setsigmask(attributes, &none);
    failed |= posix_spawnattr_setsigdefault(attributes, &all);
    failed |= posix_spawnattr_setpgroup(attributes, 0);
    return failed ? ENOMEM : 0;
}

static int spawn(const char *program, const char *const *arguments, int input, int output,
                 int messages, pid_t *pid)
{
    char *no_environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int code = arrange(&actions, &attributes, input, output, messages);
    // posix_spawn does not change the arguments; its type is older than const.
    union {
        const char *const *constant;
        char *const *plain;
    } words = {arguments};
    if (!code)
        code = posix_spawn(pid, program, &actions, &attributes, words.plain, no_environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

// What a child writes to, and its ends here, which never block.
typedef struct Pipes {
    int output[2];
    int messages[2];
} Pipes;

static void close_pipes(Pipes *pipes)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&pipes->output[i]);
        close_fd(&pipes->messages[i]);
    }
}

static ScoutStatus make_pipes(Pipes *pipes, ScoutError *error)
{
    *pipes = (Pipes){{-1, -1}, {-1, -1}};
    if (make_pipe(pipes->output) && make_pipe(pipes->messages) && stop_blocking(pipes->output[0]) &&
        stop_blocking(pipes->messages[0]) && stop_blocking(pipes->messages[1]))
        return SCOUT_OK;
    int code = errno;
    close_pipes(pipes);
    return error_set_errno(error, code, "cannot make a pipe for the decoder");
}

static Child adopt(pid_t pid, Pipes *pipes)
{
    close_fd(&pipes->output[1]);
    close_fd(&pipes->messages[1]);
    return (Child){.pid = pid, .output = pipes->output[0], .messages = pipes->messages[0]};
}

ScoutStatus child_start(const char *program, const char *const *arguments, int input, Child *child,
                        ScoutError *error)
{
    Pipes pipes;
    ScoutStatus status = make_pipes(&pipes, error);
    if (status)
        return status;
    pid_t pid = 0;
    int code = spawn(program, arguments, input, pipes.output[1], pipes.messages[1], &pid);
    if (code) {
        close_pipes(&pipes);
        const char *why = strerrordesc_np(code);
        return error_set(error, SCOUT_ERROR_CHILD,
                         "the decoder %s could not be started: %s; install scout-decode, or name "
                         "it in SCOUT_DECODE",
                         program, why ? why : "unknown reason");
    }
    *child = adopt(pid, &pipes);
    return SCOUT_OK;
}

// One message: the arguments, each with its final NUL, and the three descriptors.
static bool send_request(int starter, const char *const *arguments, const int descriptors[3])
{
    char text[CHILD_REQUEST_MAX];
    size_t length = 0;
    for (const char *const *word = arguments + 1; *word; word++) {
        size_t size = strlen(*word) + 1;
        if (size > sizeof text - length)
            return false;
        memcpy(text + length, *word, size);
        length += size;
    }
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {{0}};
    struct iovec vector = {.iov_base = text, .iov_len = length};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(3 * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, 3 * sizeof(int));
    return sendmsg(starter, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

// The answer: the child's process, or 0 when there is none (yet).
static pid_t take_answer(int starter)
{
    int32_t pid = 0;
    ssize_t length;
    do
        length = recv(starter, &pid, sizeof pid, MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    return length == sizeof pid && pid > 0 ? pid : 0;
}

bool child_request(int starter, const char *const *arguments, int input, Child *child)
{
    Pipes pipes;
    if (make_pipes(&pipes, NULL))
        return false;
    const int descriptors[3] = {input, pipes.output[1], pipes.messages[1]};
    pid_t pid = 0;
    if (send_request(starter, arguments, descriptors)) {
        struct pollfd answer = {.fd = starter, .events = POLLIN};
        int64_t deadline = clock_monotonic_ns() + (int64_t)ANSWER_WAIT_MS * 1000000;
        while (poll(&answer, 1, ANSWER_WAIT_MS) < 0 && errno == EINTR &&
               clock_monotonic_ns() < deadline) {
        }
        pid = take_answer(starter);
    }
    if (pid <= 0) {
        close_pipes(&pipes);
        return false;
    }
    *child = adopt(pid, &pipes);
    return true;
}

static bool reap(Child *child)
{
    if (child->reaped || child->pid <= 0)
        return true;
    pid_t got;
    do
        got = waitpid(child->pid, &child->wait_status, WNOHANG);
    while (got < 0 && errno == EINTR);
    // Another part of the program may have taken the status (or ignores SIGCHLD): gone all the
    // same.
    if (got < 0)
        child->wait_status = 0;
    child->reaped = got != 0;
    return child->reaped;
}

bool child_wait(Child *child, int timeout_ms)
{
    int64_t deadline = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    while (!reap(child)) {
        if (clock_monotonic_ns() >= deadline)
            return false;
        clock_sleep_ms(1);
    }
    return true;
}

void child_end(Child *child)
{
    if (child->pid > 0 && !child->reaped) {
        (void)kill(child->pid, SIGKILL);
        // One that waits for a dead network drive dies only when the drive answers. The caller is
        // not made to wait with it.
        (void)child_wait(child, KILL_WAIT_MS);
    }
    close_fd(&child->output);
    close_fd(&child->messages);
    child->pid = 0;
}

static void explain_signal(int number, char *detail, size_t size)
{
    const char *name = sigabbrev_np(number);
    if (number == SIGSYS)
        (void)snprintf(detail, size,
                       "the decoder tried what its sandbox forbids and was stopped (SIGSYS); the "
                       "file may be malicious");
    else if (number == SIGXCPU || number == SIGKILL)
        (void)snprintf(detail, size, "the decoder was killed (SIG%s): time or memory ran out",
                       name);
    else
        (void)snprintf(detail, size, "the decoder crashed (SIG%s); the file is probably damaged",
                       name ? name : "?");
}

void child_explain(Child *child, char detail[CHILD_DETAIL_MAX])
{
    if (child->reaped && WIFSIGNALED(child->wait_status)) {
        explain_signal(WTERMSIG(child->wait_status), detail, CHILD_DETAIL_MAX);
        return;
    }
    char text[512];
    ssize_t length;
    do
        length = read(child->messages, text, sizeof text);
    while (length < 0 && errno == EINTR);
    size_t line = 0;
    while ((ssize_t)line < length && text[line] != '\n')
        line++;
    char said[200];
    protocol_clean_text(said, sizeof said, text, line);
    (void)snprintf(detail, CHILD_DETAIL_MAX, "the decoder ended too early%s%s", said[0] ? ": " : "",
                   said);
}
