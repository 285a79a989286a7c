// The pool: every task runs once, workers never share an index, runs do not mix.
#include "base/thread_pool.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { TASKS = 1000 };

// The linker sends the pool's calls of pthread_create here (--wrap), so that a test can let the
// system refuse a thread.
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

static int threads_until_refusal = -1; // no refusal when negative

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    if (threads_until_refusal == 0)
        return EAGAIN;
    threads_until_refusal -= threads_until_refusal > 0;
    return __real_pthread_create(thread, attributes, start, argument);
}

typedef struct Tally {
    int runs[TASKS];                   // plain: each index belongs to one task
    atomic_bool busy[THREAD_POOL_MAX]; // by worker
    atomic_int collisions;
    atomic_int wrong_workers;
    size_t size;
} Tally;

static void tally_task(void *context, size_t index, size_t worker)
{
    Tally *tally = context;
    if (worker >= tally->size)
        atomic_fetch_add(&tally->wrong_workers, 1);
    if (atomic_exchange(&tally->busy[worker % THREAD_POOL_MAX], true))
        atomic_fetch_add(&tally->collisions, 1);
    tally->runs[index]++;
    atomic_store(&tally->busy[worker % THREAD_POOL_MAX], false);
}

static void check_tally(const Tally *tally, size_t count, int runs)
{
    assert_int_equal(atomic_load(&tally->collisions), 0);
    assert_int_equal(atomic_load(&tally->wrong_workers), 0);
    for (size_t i = 0; i < TASKS; i++)
        assert_int_equal(tally->runs[i], i < count ? runs : 0);
}

static void test_every_task_runs_once(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 2, 3, 8};
    const size_t counts[] = {0, 1, 2, 7, TASKS};
    for (size_t s = 0; s < BASE_COUNT(sizes); s++) {
        ThreadPool *pool = NULL;
        assert_int_equal(thread_pool_new(sizes[s], &pool, NULL), SCOUT_OK);
        assert_int_equal(thread_pool_size(pool), sizes[s]);
        for (size_t c = 0; c < BASE_COUNT(counts); c++) {
            Tally tally = {.size = sizes[s]};
            thread_pool_run(pool, counts[c], tally_task, &tally);
            check_tally(&tally, counts[c], 1);
        }
        thread_pool_free(pool);
    }
}

static void test_many_short_runs_do_not_mix(void **state)
{
    (void)state;
    ThreadPool *pool = NULL;
    assert_int_equal(thread_pool_new(4, &pool, NULL), SCOUT_OK);
    enum { RUNS = 3000 };
    Tally tallies[3] = {{.size = 4}, {.size = 4}, {.size = 4}};
    const size_t counts[3] = {2, 5, 64};
    for (int run = 0; run < RUNS; run++) {
        thread_pool_run(pool, counts[run % 3], tally_task, &tallies[run % 3]);
        if (run % 500 == 0)
            clock_sleep_ms(2); // long enough for the workers to fall asleep
    }
    for (int i = 0; i < 3; i++)
        check_tally(&tallies[i], counts[i], RUNS / 3);
    thread_pool_free(pool);
}

typedef struct Meeting {
    atomic_int present;
    int wanted;
    atomic_int gave_up;
} Meeting;

// Returns only when as many tasks as wanted run at the same time.
static void meet_task(void *context, size_t index, size_t worker)
{
    (void)index;
    (void)worker;
    Meeting *meeting = context;
    atomic_fetch_add(&meeting->present, 1);
    int64_t until = clock_monotonic_ns() + INT64_C(20000000000);
    while (atomic_load(&meeting->present) < meeting->wanted) {
        if (clock_monotonic_ns() > until) {
            atomic_fetch_add(&meeting->gave_up, 1);
            return;
        }
        clock_sleep_ms(1);
    }
}

static void test_all_threads_take_part(void **state)
{
    (void)state;
    ThreadPool *pool = NULL;
    assert_int_equal(thread_pool_new(3, &pool, NULL), SCOUT_OK);
    for (int i = 0; i < 5; i++) {
        Meeting meeting = {.wanted = 3};
        thread_pool_run(pool, 3, meet_task, &meeting);
        assert_int_equal(atomic_load(&meeting.gave_up), 0);
        clock_sleep_ms(5);
    }
    thread_pool_free(pool);
}

static void slow_on_workers(void *context, size_t index, size_t worker)
{
    (void)index;
    atomic_int *done = context;
    if (worker != 0)
        clock_sleep_ms(30);
    else
        clock_sleep_ms(5);
    atomic_fetch_add(done, 1);
}

static void test_caller_waits_for_slow_workers(void **state)
{
    (void)state;
    ThreadPool *pool = NULL;
    assert_int_equal(thread_pool_new(2, &pool, NULL), SCOUT_OK);
    for (int i = 1; i <= 4; i++) {
        atomic_int done = 0;
        thread_pool_run(pool, 4, slow_on_workers, &done);
        assert_int_equal(atomic_load(&done), 4);
    }
    thread_pool_free(pool);
}

static void test_null_pool_runs_on_the_caller(void **state)
{
    (void)state;
    Tally tally = {.size = 1};
    thread_pool_run(NULL, 10, tally_task, &tally);
    check_tally(&tally, 10, 1);
    assert_int_equal(thread_pool_size(NULL), 1);
    thread_pool_free(NULL);
}

static void test_size_is_bounded(void **state)
{
    (void)state;
    ThreadPool *pool = NULL;
    ScoutError error = {0};
    assert_int_equal(thread_pool_new(THREAD_POOL_MAX + 1, &pool, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(pool);
    assert_string_equal(error.message, "257 threads; at most 256 are possible");
    assert_int_equal(thread_pool_new(0, &pool, NULL), SCOUT_OK);
    assert_int_equal(thread_pool_size(pool),
                     BASE_MIN(thread_processors(), (size_t)THREAD_POOL_MAX));
    thread_pool_free(pool);
}

static void test_a_refused_thread_is_reported(void **state)
{
    (void)state;
    for (int started = 0; started < 3; started++) {
        ThreadPool *pool = NULL;
        ScoutError error = {0};
        threads_until_refusal = started;
        ScoutStatus status = thread_pool_new(4, &pool, &error);
        threads_until_refusal = -1;
        assert_int_equal(status, SCOUT_ERROR_BUSY);
        assert_int_equal(error.status, SCOUT_ERROR_BUSY);
        assert_null(pool);
        assert_non_null(strstr(error.message, "of 4: Resource temporarily unavailable"));
    }
}

static void test_idle_pool_costs_nothing(void **state)
{
    (void)state;
    ThreadPool *pool = NULL;
    assert_int_equal(thread_pool_new(2, &pool, NULL), SCOUT_OK);
    Tally tally = {.size = 2};
    thread_pool_run(pool, 16, tally_task, &tally);
    clock_sleep_ms(20);
    struct rusage before;
    struct rusage after;
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    clock_sleep_ms(200);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    int64_t used_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * INT64_C(1000000) +
                      (after.ru_utime.tv_usec - before.ru_utime.tv_usec);
    assert_in_range(used_us, 0, 50000);
    thread_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_many_short_runs_do_not_mix),
        cmocka_unit_test(test_all_threads_take_part),
        cmocka_unit_test(test_caller_waits_for_slow_workers),
        cmocka_unit_test(test_null_pool_runs_on_the_caller),
        cmocka_unit_test(test_size_is_bounded),
        cmocka_unit_test(test_a_refused_thread_is_reported),
        cmocka_unit_test(test_idle_pool_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
