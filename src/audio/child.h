// A child process with three descriptors and nothing else: started, watched, ended, explained.
#ifndef AUDIO_CHILD_H
#define AUDIO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

typedef struct Child {
    pid_t pid;       // 0: none
    int output;      // reads its standard output; never blocks
    int messages;    // reads its standard error; never blocks, nor does writing to it
    int wait_status; // once reaped
    bool reaped;     // wait_status is known
} Child;

enum { CHILD_DETAIL_MAX = 320, CHILD_REQUEST_MAX = 1024 };

#define CHILD_NONE ((Child){.output = -1, .messages = -1})

// Starts program (a path; no search) with an empty environment, default signals, its own process
// group, and input as descriptor 0. input stays the caller's. arguments[0] is by custom the
// program's name, and the last is NULL. Nothing else is inherited, from any thread.
ScoutStatus child_start(const char *program, const char *const *arguments, int input, Child *child,
                        ScoutError *error);

// The same from a process that was started ahead and has loaded what children need: it makes a copy
// of itself, which is a child of this process. starter is a socket to it, used by one thread at a
// time. False when it does not answer; then no more can be asked of it.
bool child_request(int starter, const char *const *arguments, int input, Child *child);

// Waits up to timeout_ms for the child to end by itself; true if it has.
bool child_wait(Child *child, int timeout_ms);

// Kills the child if it runs, reaps it and closes the pipes. CHILD_NONE and a second call are fine.
void child_end(Child *child);

// Why a child that ended did so, as "the decoder crashed (SIGSEGV)"; with the first line it wrote
// to standard error, if any.
void child_explain(Child *child, char detail[CHILD_DETAIL_MAX]);

#endif
