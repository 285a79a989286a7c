// Where results go: standard output, or a file for each input.
#ifndef SCOUT_OUTPUT_H
#define SCOUT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/status.h"

// Writes the buffer to standard output and empties it. *closed is set when the reader is gone,
// which is then the only sign of the failure: an error nobody needs to be told of.
ScoutStatus output_print(Buffer *buffer, bool *closed, ScoutError *error);

// Prints text on standard output for a command that only reports; the exit status to end with.
int output_report(Buffer *buffer);

// The paths of the outputs, one an input, in folder: the input's name with another extension, or
// behind its own when two inputs would share it. EXISTS when two would still be the same. *paths
// is the caller's, free with output_plan_free.
ScoutStatus output_plan(const char *folder, const char *const *inputs, size_t count,
                        const char *extension, char ***paths, ScoutError *error);
void output_plan_free(char **paths, size_t count);

#endif
