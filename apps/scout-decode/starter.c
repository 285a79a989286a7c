// Copies of this process, one for each input: see starter.h. src/audio/child.c is the other side.
#include "starter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 3, EXIT_STARTER = 6 };

static bool split(StarterRequest *request, size_t length)
{
    request->count = 0;
    for (size_t at = 0; at < length; at += strlen(request->text + at) + 1) {
        if (request->count == STARTER_WORDS_MAX)
            return false;
        request->words[request->count++] = request->text + at;
    }
    return length > 0 && request->text[length - 1] == '\0';
}

static bool take_descriptors(struct msghdr *message, int descriptors[DESCRIPTORS])
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(DESCRIPTORS * sizeof(int)))
        return false;
    memcpy(descriptors, CMSG_DATA(header), DESCRIPTORS * sizeof(int));
    return true;
}

// Whoever sends requests is trusted; a malformed one is a mistake that no answer would mend.
static void take_request(StarterRequest *request, int descriptors[DESCRIPTORS])
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec vector = {.iov_base = request->text, .iov_len = sizeof request->text};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t length;
    do
        length = recvmsg(STDIN_FILENO, &message, 0);
    while (length < 0 && errno == EINTR);
    if (length == 0)
        _exit(0);
    if (length < 0 || !take_descriptors(&message, descriptors) || !split(request, (size_t)length))
        _exit(EXIT_STARTER);
}

// Like fork(), but the copy is a child of whoever started this process, and is waited for there.
// There is one thread, and nothing is registered to be done at a fork.
static pid_t copy_process(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void become(const int descriptors[DESCRIPTORS])
{
    (void)setpgid(0, 0);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (dup2(descriptors[i], i) < 0)
            _exit(EXIT_STARTER);
    }
}

void starter_serve(StarterRequest *request)
{
    for (;;) {
        int descriptors[DESCRIPTORS];
        take_request(request, descriptors);
        int32_t pid = copy_process();
        if (pid == 0) {
            become(descriptors);
            return;
        }
        for (int i = 0; i < DESCRIPTORS; i++)
            (void)close(descriptors[i]);
        if (send(STDIN_FILENO, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid)
            _exit(EXIT_STARTER);
    }
}
