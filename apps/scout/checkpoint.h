// What --resume remembers. A journal holds what was settled of one input, one JSON object a line,
// as it comes; it is named by the input (path, size, time of change) and the options, so that a
// changed file or other options begin anew. A small mark tells of inputs whose output is finished.
// docs/cli.md describes both. One owner thread.
#ifndef SCOUT_CHECKPOINT_H
#define SCOUT_CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "document.h"

typedef struct Checkpoint {
    char *path; // of the journal
    char *mark; // of the finished mark; NULL when there is no output file
    char *output;
    int fd;
    int64_t synced_ns;
    double settled_s; // where the work goes on; 0 at the beginning
} Checkpoint;

// Locks the journal, making it if needed, and reads what it has into document. output may be NULL.
// BUSY when another process works on the same input with the same options.
ScoutStatus checkpoint_open(Checkpoint *checkpoint, const char *input, const char *output,
                            const json_t *options, Document *document, ScoutError *error);

// Whether the output was finished by an earlier run and has not changed since.
bool checkpoint_is_finished(const Checkpoint *checkpoint);

// Writes an event down. Failing to is no reason to stop: *error says why, once.
ScoutStatus checkpoint_add(Checkpoint *checkpoint, const ScoutEvent *event, ScoutError *error);

// finished: the journal is removed, and the output marked; otherwise it stays for the next run.
void checkpoint_close(Checkpoint *checkpoint, bool finished);

#endif
