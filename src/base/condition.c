// Waits that end for a flag, too: see condition.h.
#include "base/condition.h"

#include <time.h>

#include "base/clock.h"

static const int64_t LOOK_NS = 20000000, SECOND_NS = 1000000000;

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, const Cancel *cancel)
{
    if (!cancel) {
        (void)pthread_cond_wait(condition, mutex);
        return;
    }
    condition_wait_until(condition, mutex, clock_monotonic_ns() + LOOK_NS);
}

void condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(until_ns / SECOND_NS),
                                .tv_nsec = (long)(until_ns % SECOND_NS)};
    (void)pthread_cond_timedwait(condition, mutex, &at);
}
