// Children from a process that was started ahead: see starter.h.
#include "starter.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "find.h"

struct AudioStarter {
    pthread_mutex_t lock; // guards all below
    char *program;        // NULL: it is found
    Child child;          // CHILD_NONE: none runs
    int socket;           // to it; -1: none
    bool given_up;        // it could not be started or failed; it is not tried again
};

ScoutStatus audio_starter_new(const char *program, AudioStarter **starter, ScoutError *error)
{
    AudioStarter *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    if (program)
        made->program = mem_copy_text(program, strlen(program));
    if (program && !made->program) {
        mem_free(made);
        return error_no_memory(error);
    }
    made->child = CHILD_NONE;
    made->socket = -1;
    pthread_mutex_init(&made->lock, NULL);
    *starter = made;
    return SCOUT_OK;
}

// The lock is held, or nobody else is left.
static void stop(AudioStarter *starter)
{
    if (starter->socket >= 0)
        (void)close(starter->socket);
    starter->socket = -1;
    child_end(&starter->child);
}

void audio_starter_free(AudioStarter *starter)
{
    if (!starter)
        return;
    stop(starter);
    pthread_mutex_destroy(&starter->lock);
    mem_free(starter->program);
    mem_free(starter);
}

// The lock is held.
static bool begin(AudioStarter *starter)
{
    static const char *const arguments[] = {"scout-decode", "--starter", NULL};
    char program[LIBRARY_PATH_MAX];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    // Above the standard descriptors, should this process have closed those.
    int theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(ends[1]);
    ScoutStatus status = SCOUT_ERROR_CHILD;
    if (theirs >= 0)
        status = child_start(decoder_find(starter->program, program, sizeof program), arguments,
                             theirs, &starter->child, NULL);
    if (theirs >= 0)
        (void)close(theirs);
    if (status) {
        (void)close(ends[0]);
        return false;
    }
    starter->socket = ends[0];
    return true;
}

void audio_starter_begin(AudioStarter *starter)
{
    pthread_mutex_lock(&starter->lock);
    if (starter->socket < 0 && !starter->given_up)
        starter->given_up = !begin(starter);
    pthread_mutex_unlock(&starter->lock);
}

bool starter_request(AudioStarter *starter, const char *const *arguments, int input, Child *child)
{
    if (!starter)
        return false;
    pthread_mutex_lock(&starter->lock);
    bool made = starter->socket >= 0 && child_request(starter->socket, arguments, input, child);
    if (!made && starter->socket >= 0) {
        stop(starter);
        starter->given_up = true;
    }
    pthread_mutex_unlock(&starter->lock);
    return made;
}
