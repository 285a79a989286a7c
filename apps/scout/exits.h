// The exit statuses of scout. They are part of its interface (docs/cli.md) and never change
// meaning.
#ifndef SCOUT_EXITS_H
#define SCOUT_EXITS_H

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG_USE = 2,
    EXIT_DAMAGED = 3,
    EXIT_INTERRUPTED = 130, // as a shell reports SIGINT
    EXIT_PIPE_CLOSED = 141  // as a shell reports SIGPIPE
};

#endif
