// Runs another program: see process.h.
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { COMPLAINT_MAX = 400, POLL_MS = 100, POLLS_BEFORE_KILL = 30 };

// The last line that says something, of what the program wrote.
static void read_complaint(int fd, char out[COMPLAINT_MAX])
{
    char tail[4096];
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof(tail) - 1 ? size - (off_t)sizeof(tail) + 1 : 0;
    ssize_t got = pread(fd, tail, sizeof(tail) - 1, from);
    tail[got > 0 ? got : 0] = '\0';
    *out = '\0';
    char *rest = tail;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        str_make_line(line);
        if (*line)
            (void)str_copy(out, COMPLAINT_MAX, line);
    }
}

static int spawn(const char *const *argv, int complaints, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return failure;
    }
    // SIGPIPE is ignored here, and would be there.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    // exec changes neither the texts nor the list of them; its type is older than const.
    char *const *words;
    memcpy(&words, &argv, sizeof(words));
    failure = posix_spawnp(pid, argv[0], &actions, &attributes, words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failure;
}

// Returns the wait status; *cancelled when the program was told to end.
static int wait_for(pid_t pid, void (*waiting)(void *context), void *context, const Cancel *cancel,
                    bool *cancelled)
{
    int status = 0;
    for (int polls = 0; waitpid(pid, &status, WNOHANG) == 0; clock_sleep_ms(POLL_MS)) {
        if (waiting)
            waiting(context);
        if (!cancel_is_raised(cancel))
            continue;
        (void)kill(pid, polls++ < POLLS_BEFORE_KILL ? SIGTERM : SIGKILL);
        *cancelled = true;
    }
    return status;
}

ScoutStatus process_run(const char *const *argv, void (*waiting)(void *context), void *context,
                        const Cancel *cancel, ScoutError *error)
{
    int complaints = memfd_create("complaints", MFD_CLOEXEC);
    if (complaints < 0)
        return error_set_errno(error, errno, "cannot run %s", argv[0]);
    pid_t pid;
    int failure = spawn(argv, complaints, &pid);
    if (failure) {
        (void)close(complaints);
        return error_set_errno(error, failure, "cannot run %s", argv[0]);
    }
    bool cancelled = false;
    int status = wait_for(pid, waiting, context, cancel, &cancelled);
    char complaint[COMPLAINT_MAX];
    read_complaint(complaints, complaint);
    (void)close(complaints);
    if (cancelled)
        return error_set(error, SCOUT_ERROR_CANCELLED, "%s was stopped", argv[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_CHILD, "%s failed%s%s", argv[0], *complaint ? ": " : "",
                     complaint);
}
