// The turn as a queue of waiters, each with its own condition: leaving hands the turn to the one
// that has waited longest, so nobody overtakes and only one thread wakes.
#include "speech/schedule.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/memory.h"

typedef struct Waiter {
    struct Waiter *next;
    pthread_cond_t granted_changed;
    bool granted;
} Waiter;

struct Schedule {
    pthread_mutex_t mutex;
    Waiter *first, *last; // waiting, longest first
    bool held;
};

ScoutStatus schedule_new(Schedule **schedule, ScoutError *error)
{
    Schedule *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    int failed = pthread_mutex_init(&made->mutex, NULL);
    if (failed) {
        mem_free(made);
        return error_set_errno(error, failed, "cannot make the schedule's lock");
    }
    *schedule = made;
    return SCOUT_OK;
}

void schedule_free(Schedule *schedule)
{
    if (!schedule)
        return;
    pthread_mutex_destroy(&schedule->mutex);
    mem_free(schedule);
}

void schedule_enter(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    if (!schedule->held) {
        schedule->held = true;
        pthread_mutex_unlock(&schedule->mutex);
        return;
    }
    Waiter me = {.granted_changed = PTHREAD_COND_INITIALIZER};
    if (schedule->last)
        schedule->last->next = &me;
    else
        schedule->first = &me;
    schedule->last = &me;
    while (!me.granted)
        pthread_cond_wait(&me.granted_changed, &schedule->mutex);
    pthread_mutex_unlock(&schedule->mutex);
    pthread_cond_destroy(&me.granted_changed);
}

void schedule_leave(Schedule *schedule)
{
    pthread_mutex_lock(&schedule->mutex);
    Waiter *next = schedule->first;
    if (next) { // held passes on without a gap
        schedule->first = next->next;
        if (!schedule->first)
            schedule->last = NULL;
        next->granted = true;
        // Under the mutex: the waiter lives on its thread's stack only until it has seen `granted`.
        pthread_cond_signal(&next->granted_changed);
    } else {
        schedule->held = false;
    }
    pthread_mutex_unlock(&schedule->mutex);
}
