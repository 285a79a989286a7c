// The thread pool: see thread_pool.h.
//
// A run is published in one atomic word, the ticket: the number of the run above, the index of its
// next task below. A thread claims a task by adding one to the ticket with compare-and-swap, so a
// claim made for an old run can only fail, and no run has to wait for threads that are still
// asleep: the caller returns as soon as every claimed task is finished.
//
// Why a claim never mixes two runs: the job's fields are written only while the ticket is closed,
// and a closed ticket differs from every earlier one. A thread that read an open ticket and then a
// field of a later run has, by the acquire load of that field, also seen the closing; its swap
// fails.
#include "base/thread_pool.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    // A worker waits actively for the next run for about as long as sleeping and waking takes, the
    // caller somewhat longer for tasks that are about to end.
    WORKER_SPIN_NS = 50000,
    CALLER_SPIN_NS = 200000,
    SPIN_PAUSES = 32, // between two looks at the clock
    CACHE_LINE = MEMORY_ALIGNMENT,
};

// The low half of a ticket that no task can be claimed from.
static const uint32_t TICKET_CLOSED = UINT32_MAX;

typedef struct Worker {
    ThreadPool *pool;
    size_t index; // at least 1: the caller is worker 0
    pthread_t thread;
} Worker;

struct ThreadPool {
    // What every thread reads and swaps, on a line of its own.
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket; // run << 32 | next task
    // Written by the caller while the ticket is closed.
    _Alignas(CACHE_LINE) _Atomic(ThreadPoolTask) task;
    _Atomic(void *) context;
    _Atomic size_t first; // index of the run's first task
    _Atomic uint32_t count;
    // How many tasks of the run are finished.
    _Alignas(CACHE_LINE) _Atomic uint32_t finished;
    atomic_bool caller_sleeps;
    // Changed under the mutex only.
    _Alignas(CACHE_LINE) _Atomic size_t sleepers;
    atomic_bool stopping;
    pthread_mutex_t mutex;
    pthread_cond_t work;     // the ticket was opened, or stopping was set
    pthread_cond_t all_done; // for the caller that sleeps
    // Constant once the threads run.
    size_t size;
    bool spins;       // there is a processor for each thread
    Worker workers[]; // size - 1 of them
};

typedef struct Claim {
    ThreadPoolTask task;
    void *context;
    size_t index;
} Claim;

static uint32_t ticket_run(uint64_t ticket)
{
    return (uint32_t)(ticket >> 32);
}

// Takes the next task of the current run; false when none is left.
static bool claim_task(ThreadPool *pool, Claim *claim)
{
    uint64_t ticket = atomic_load(&pool->ticket);
    for (;;) {
        uint32_t next = (uint32_t)ticket;
        if (next == TICKET_CLOSED)
            return false;
        Claim wanted = {
            .task = atomic_load_explicit(&pool->task, memory_order_acquire),
            .context = atomic_load_explicit(&pool->context, memory_order_acquire),
            .index = atomic_load_explicit(&pool->first, memory_order_acquire) + next,
        };
        if (next >= atomic_load_explicit(&pool->count, memory_order_acquire))
            return false;
        if (atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) {
            *claim = wanted;
            return true;
        }
    }
}

// Runs tasks until none is left to claim; returns how many it ran.
static uint32_t run_tasks(ThreadPool *pool, size_t worker)
{
    uint32_t ran = 0;
    Claim claim;
    while (claim_task(pool, &claim)) {
        claim.task(claim.context, claim.index, worker);
        ran++;
    }
    return ran;
}

typedef bool (*Condition)(ThreadPool *pool, uint32_t value);

// Waits actively for a short while; returns whether the condition came true.
static bool spin_until(ThreadPool *pool, Condition condition, uint32_t value, int64_t spin_ns)
{
    if (condition(pool, value))
        return true;
    if (!pool->spins)
        return false;
    int64_t until = clock_monotonic_ns() + spin_ns;
    do {
        for (int i = 0; i < SPIN_PAUSES; i++) {
            BASE_CPU_RELAX();
            if (condition(pool, value))
                return true;
        }
    } while (clock_monotonic_ns() < until);
    return false;
}

static bool work_came(ThreadPool *pool, uint32_t seen_run)
{
    return ticket_run(atomic_load(&pool->ticket)) != seen_run || atomic_load(&pool->stopping);
}

static bool all_finished(ThreadPool *pool, uint32_t count)
{
    return atomic_load(&pool->finished) == count;
}

// Sequentially consistent on both sides: either the caller, having opened the ticket, sees the
// sleeper and signals it under the mutex, or the sleeper sees the open ticket before it sleeps.
static void sleep_until_work(ThreadPool *pool, uint32_t seen_run)
{
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!work_came(pool, seen_run))
        (void)pthread_cond_wait(&pool->work, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    const Worker *worker = argument;
    ThreadPool *pool = worker->pool;
    uint32_t seen_run = 0;
    for (;;) {
        if (!spin_until(pool, work_came, seen_run, WORKER_SPIN_NS))
            sleep_until_work(pool, seen_run);
        if (atomic_load(&pool->stopping))
            return NULL;
        seen_run = ticket_run(atomic_load(&pool->ticket));
        uint32_t ran = run_tasks(pool, worker->index);
        if (ran == 0)
            continue;
        atomic_fetch_add(&pool->finished, ran);
        if (atomic_load(&pool->caller_sleeps)) {
            (void)pthread_mutex_lock(&pool->mutex);
            (void)pthread_cond_signal(&pool->all_done);
            (void)pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void wake_workers(ThreadPool *pool, size_t useful)
{
    size_t sleepers = atomic_load(&pool->sleepers);
    if (sleepers == 0)
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    if (useful >= sleepers)
        (void)pthread_cond_broadcast(&pool->work);
    else
        for (size_t i = 0; i < useful; i++)
            (void)pthread_cond_signal(&pool->work);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_finish(ThreadPool *pool, uint32_t count)
{
    if (spin_until(pool, all_finished, count, CALLER_SPIN_NS))
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (!all_finished(pool, count))
        (void)pthread_cond_wait(&pool->all_done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void run_batch(ThreadPool *pool, size_t first, uint32_t count, ThreadPoolTask task,
                      void *context)
{
    uint64_t closed = atomic_load(&pool->ticket);
    assert((uint32_t)closed == TICKET_CLOSED); // else a task or a second thread runs the pool
    uint32_t run = ticket_run(closed);
    atomic_store_explicit(&pool->task, task, memory_order_release);
    atomic_store_explicit(&pool->context, context, memory_order_release);
    atomic_store_explicit(&pool->first, first, memory_order_release);
    atomic_store_explicit(&pool->count, count, memory_order_release);
    atomic_store(&pool->finished, 0);
    atomic_store(&pool->ticket, (uint64_t)(run + 1) << 32);
    wake_workers(pool, count - 1);
    uint32_t ran = run_tasks(pool, 0);
    atomic_fetch_add(&pool->finished, ran);
    wait_for_finish(pool, count);
    atomic_store(&pool->ticket, (uint64_t)(run + 1) << 32 | TICKET_CLOSED);
}

void thread_pool_run(ThreadPool *pool, size_t count, ThreadPoolTask task, void *context)
{
    if (!pool || pool->size == 1 || count <= 1) {
        for (size_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
    for (size_t first = 0; first < count;) {
        uint32_t batch = (uint32_t)BASE_MIN(count - first, (size_t)TICKET_CLOSED - 1);
        run_batch(pool, first, batch, task, context);
        first += batch;
    }
}

// Starts a worker with every signal blocked: handlers run on the program's own threads.
static int start_worker(Worker *worker)
{
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&worker->thread, NULL, worker_main, worker);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure == 0)
        (void)pthread_setname_np(worker->thread, "scout-worker");
    return failure;
}

// Stops and joins the first count workers, then frees the pool.
static void stop_and_free(ThreadPool *pool, size_t count)
{
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, true);
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->all_done);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->mutex);
    mem_free(pool);
}

static ThreadPool *allocate_pool(size_t size)
{
    size_t bytes = sizeof(ThreadPool) + (size - 1) * sizeof(Worker);
    ThreadPool *pool = mem_aligned(bytes, 1);
    if (!pool)
        return NULL;
    memset(pool, 0, bytes);
    pool->size = size;
    pool->spins = size <= thread_processors();
    atomic_init(&pool->ticket, TICKET_CLOSED);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    (void)pthread_cond_init(&pool->all_done, NULL);
    return pool;
}

ScoutStatus thread_pool_new(size_t threads, ThreadPool **pool, ScoutError *error)
{
    if (threads > THREAD_POOL_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%zu threads; at most %d are possible", threads, THREAD_POOL_MAX);
    size_t size = threads ? threads : BASE_MIN(thread_processors(), (size_t)THREAD_POOL_MAX);
    ThreadPool *made = allocate_pool(size);
    if (!made)
        return error_no_memory(error);
    for (size_t i = 0; i + 1 < size; i++) {
        made->workers[i] = (Worker){.pool = made, .index = i + 1};
        int failure = start_worker(&made->workers[i]);
        if (failure) {
            stop_and_free(made, i);
            (void)error_set_errno(error, failure, "cannot start thread %zu of %zu", i + 2, size);
            if (error)
                error->status = SCOUT_ERROR_BUSY;
            return SCOUT_ERROR_BUSY;
        }
    }
    *pool = made;
    return SCOUT_OK;
}

void thread_pool_free(ThreadPool *pool)
{
    if (pool)
        stop_and_free(pool, pool->size - 1);
}

size_t thread_pool_size(const ThreadPool *pool)
{
    return pool ? pool->size : 1;
}
