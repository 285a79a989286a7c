// Where recordings lie, and which of them are there: what record and recover share.
#ifndef SCOUT_RECORDINGS_H
#define SCOUT_RECORDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

// $XDG_DATA_HOME/scout/recordings; NULL when there is no such place. Free with mem_free.
char *recordings_home(void);

typedef struct Recordings {
    char **folders; // sorted: the oldest first
    size_t count;
} Recordings;

// The recordings at a path: itself, if it is one, else those in it. With `finished`, also those
// that are finished; else only what has a journal. Adds to what is there.
ScoutStatus recordings_find(Recordings *recordings, const char *path, bool finished,
                            ScoutError *error);
void recordings_done(Recordings *recordings);

#endif
