// A pool of threads made once. Work is a loop over independent tasks; the caller takes part, and
// returns when all are done. Workers spin for a moment after a loop, then sleep: an idle pool costs
// nothing.
#ifndef BASE_THREAD_POOL_H
#define BASE_THREAD_POOL_H

#include <stddef.h>

#include "base/status.h"

typedef struct ThreadPool ThreadPool;

enum { THREAD_POOL_MAX = 256 };

// task runs once for every index below count; worker is below thread_pool_size and no two tasks run
// at once with the same worker, so it can index scratch memory.
typedef void (*ThreadPoolTask)(void *context, size_t index, size_t worker);

// threads counts the caller: 1 makes no thread at all; 0 means one for each processor this process
// may run on. Returns INVALID_ARGUMENT above THREAD_POOL_MAX, OUT_OF_MEMORY, or BUSY when the
// system refuses a thread.
ScoutStatus thread_pool_new(size_t threads, ThreadPool **pool, ScoutError *error);
void thread_pool_free(ThreadPool *pool);

size_t thread_pool_size(const ThreadPool *pool);

// Owner thread only, and not from inside a task. A NULL pool runs the tasks on the caller.
void thread_pool_run(ThreadPool *pool, size_t count, ThreadPoolTask task, void *context);

// The processors this process may run on (affinity mask and cgroup quota), at least 1.
size_t thread_processors(void);

#endif
