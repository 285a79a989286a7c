// Wakes one waiting thread. Posting takes no lock and allocates nothing, so that an audio callback
// may do it; waiting has a time-out.
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <semaphore.h>

#include "base/cancel.h"

typedef struct Wake {
    sem_t posts;
} Wake;

void wake_init(Wake *wake);
void wake_done(Wake *wake);

// Any thread, signal handlers too. Posts that nobody waited for count as one.
void wake_post(Wake *wake);

// Returns when it was posted since the last wait, after timeout_ms, or, where cancel is not NULL,
// within 20 ms of it being raised. One thread waits at a time; what it waits for need not have
// come.
void wake_wait(Wake *wake, int timeout_ms, const Cancel *cancel);

#endif
