// Sound that waits between the one who brings it and the one who listens: some seconds in memory,
// what is more in a file without a name, which is gone with the process. Any threads.
#ifndef API_SPOOL_H
#define API_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct Spool Spool;

// At most `limit` samples wait. folder, where the file is made when it is needed: NULL for $TMPDIR
// or /var/tmp.
ScoutStatus spool_new(uint64_t limit, const char *folder, Spool **spool, ScoutError *error);
void spool_free(Spool *spool); // NULL is allowed

// All or none: LIMIT when too much waits; what the disk says when the file cannot be written.
ScoutStatus spool_write(Spool *spool, const int16_t *samples, size_t count, ScoutError *error);

// Up to `most` of those that wait longest.
ScoutStatus spool_read(Spool *spool, int16_t *samples, size_t most, size_t *count,
                       ScoutError *error);

uint64_t spool_waiting(const Spool *spool);

#endif
