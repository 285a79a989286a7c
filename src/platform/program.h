// Runs another program to its end, without a shell: words in, bytes in, bytes out.
#ifndef PLATFORM_PROGRAM_H
#define PLATFORM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/status.h"

typedef struct Program {
    const char *const *words; // the program, found in $PATH, and its arguments; NULL at the end
    const char *input;        // what it reads from standard input
    size_t input_length;
    Buffer *output; // what it writes to standard output, up to the buffer's limit; NULL: dropped
    int timeout_ms;
    bool utf8; // it runs in a UTF-8 locale, whatever ours is
} Program;

// Whether $PATH has such a program.
bool program_exists(const char *name);

// *exit_code is its exit status, 128 + signal when one ended it. NOT_FOUND when there is no such
// program, TIMEOUT (it is killed then), LIMIT when it wrote more than the buffer takes, IO. A line
// of what it complained about on standard error goes into problem, if there is room for any.
ScoutStatus program_run(const Program *program, int *exit_code, char *problem, size_t problem_size,
                        ScoutError *error);

#endif
