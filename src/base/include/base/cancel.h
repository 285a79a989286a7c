// A flag that one thread (or a signal handler) raises and long work looks at between its steps.
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct Cancel {
    atomic_bool raised;
} Cancel;

static inline void cancel_init(Cancel *cancel)
{
    atomic_init(&cancel->raised, false);
}

// Async-signal-safe; any thread.
static inline void cancel_raise(Cancel *cancel)
{
    atomic_store_explicit(&cancel->raised, true, memory_order_release);
}

// NULL is never raised.
static inline bool cancel_is_raised(const Cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->raised, memory_order_acquire);
}

#endif
