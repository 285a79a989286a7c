// A condition variable for waits that can be cancelled: a flag that a signal handler may raise
// wakes nobody, so whoever waits looks at it now and then.
#ifndef BASE_CONDITION_H
#define BASE_CONDITION_H

#include <pthread.h>
#include <stdint.h>

#include "base/cancel.h"

// To be ended by pthread_cond_destroy.
void condition_init(pthread_cond_t *condition);

// Waits for a signal, the mutex held; where cancel is not NULL at most 20 ms, so that the caller
// can look at it. As with pthread_cond_wait, what is waited for need not have come.
void condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, const Cancel *cancel);

// Waits for a signal, the mutex held, until that time of the monotonic clock at most.
void condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns);

#endif
