// One at a time, first come first served.
#include "speech/schedule.h"

#include <pthread.h>
#include <stdatomic.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

enum { THREADS = 6, ROUNDS = 300 };

typedef struct Shared {
    Schedule *schedule;
    int inside;  // guarded by the turn
    long visits; // guarded by the turn
    size_t order[THREADS];
    size_t arrived;
    atomic_size_t waiting;
} Shared;

static void *visit_often(void *context)
{
    Shared *shared = context;
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    for (size_t i = 0; i < ROUNDS; i++) {
        assert_true(schedule_enter(shared->schedule, &client, NULL));
        shared->inside++;
        if (shared->inside == 1)
            shared->visits++;
        shared->inside--;
        schedule_leave(shared->schedule, &client);
    }
    return NULL;
}

static void one_at_a_time(void **state)
{
    (void)state;
    Shared shared = {0};
    assert_int_equal(schedule_new(&shared.schedule, NULL), SCOUT_OK);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &shared), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.visits, THREADS * ROUNDS);
    schedule_free(shared.schedule);
    schedule_free(NULL);
}

typedef struct Visitor {
    Shared *shared;
    size_t number;
} Visitor;

static void *visit_once(void *context)
{
    Visitor *visitor = context;
    Shared *shared = visitor->shared;
    atomic_fetch_add(&shared->waiting, 1);
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    assert_true(schedule_enter(shared->schedule, &client, NULL));
    shared->order[shared->arrived++] = visitor->number;
    schedule_leave(shared->schedule, &client);
    return NULL;
}

static void first_come_first_served(void **state)
{
    (void)state;
    Shared shared = {0};
    assert_int_equal(schedule_new(&shared.schedule, NULL), SCOUT_OK);
    pthread_t threads[THREADS];
    Visitor visitors[THREADS];
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    assert_true(schedule_enter(shared.schedule, &client, NULL));
    for (size_t i = 0; i < THREADS; i++) {
        visitors[i] = (Visitor){&shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, visit_once, &visitors[i]), 0);
        while (atomic_load(&shared.waiting) <= i)
            clock_sleep_ms(1);
        clock_sleep_ms(30); // for the step from counting to queueing
    }
    schedule_leave(shared.schedule, &client);
    // Behind all of them, who were served less, though this thread runs already.
    assert_true(schedule_enter(shared.schedule, &client, NULL));
    assert_int_equal(shared.arrived, THREADS);
    schedule_leave(shared.schedule, &client);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(shared.order[i], i);
    schedule_free(shared.schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(first_come_first_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
