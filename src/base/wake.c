// A semaphore that holds one post: see wake.h.
#include "base/wake.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"

static const int64_t LOOK_NS = 20000000, SECOND_NS = 1000000000, MS_NS = 1000000;

void wake_init(Wake *wake)
{
    (void)sem_init(&wake->posts, 0, 0);
}

void wake_done(Wake *wake)
{
    (void)sem_destroy(&wake->posts);
}

void wake_post(Wake *wake)
{
    int posts = 0;
    // Two may post at once and leave two: then one wait too many returns at once, which is allowed.
    if (sem_getvalue(&wake->posts, &posts) == 0 && posts > 0)
        return;
    (void)sem_post(&wake->posts);
}

void wake_wait(Wake *wake, int timeout_ms, const Cancel *cancel)
{
    const int64_t deadline = clock_monotonic_ns() + (timeout_ms > 0 ? timeout_ms : 0) * MS_NS;
    for (;;) {
        const int64_t now = clock_monotonic_ns();
        const int64_t look = cancel ? BASE_MIN(deadline, now + LOOK_NS) : deadline;
        const struct timespec until = {.tv_sec = (time_t)(look / SECOND_NS),
                                       .tv_nsec = (long)(look % SECOND_NS)};
        if (sem_clockwait(&wake->posts, CLOCK_MONOTONIC, &until) == 0)
            return;
        if (errno != EINTR && errno != ETIMEDOUT)
            return;
        if (cancel_is_raised(cancel) || clock_monotonic_ns() >= deadline)
            return;
    }
}
