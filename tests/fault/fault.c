// Failing allocations: see fault.h. The linker's --wrap sends the calls of the code under test to
// the __wrap_ functions here; __real_ is what they meant.
#include "fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);

// Defined in a build with AddressSanitizer only.
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static atomic_bool armed;
static atomic_bool hit;
static _Atomic size_t failing; // the number of the allocation that fails, 0 for none
static _Atomic size_t count;

static bool must_fail(void)
{
    if (!atomic_load(&armed) || atomic_fetch_add(&count, 1) + 1 != atomic_load(&failing))
        return false;
    atomic_store(&hit, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count_of, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count_of, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return must_fail() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    return must_fail() ? ENOMEM : __real_posix_memalign(block, alignment, size);
}

void fault_arm(size_t nth)
{
    atomic_store(&armed, false);
    atomic_store(&hit, false);
    atomic_store(&count, 0);
    atomic_store(&failing, nth);
    atomic_store(&armed, true);
}

bool fault_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&hit);
}

size_t fault_count(void)
{
    return atomic_load(&count);
}

// A short run leaves out ever more of what comes late: 5000 allocations take 350 runs.
static size_t next_after(size_t nth)
{
    enum { ALL_UP_TO = 64 };
    return nth + 1 + (getenv("SCOUT_TEST_LONG") ? 0 : nth / ALL_UP_TO);
}

size_t fault_run_all(FaultTrial trial, void *context, size_t max)
{
    for (size_t nth = 1; nth <= max; nth = next_after(nth)) {
        fault_arm(nth);
        ScoutStatus status = trial(context);
        bool failed = fault_disarm();
        if (failed && status != SCOUT_OK && status != SCOUT_ERROR_OUT_OF_MEMORY)
            fail_msg("with allocation %zu failing: %s", nth, scout_status_text(status));
        if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
            fail_msg("with allocation %zu failing: memory leaked", nth);
        if (failed)
            continue;
        if (status != SCOUT_OK)
            fail_msg("with no allocation failing: %s", scout_status_text(status));
        return fault_count();
    }
    fail_msg("more than %zu allocations", max);
    return 0;
}
