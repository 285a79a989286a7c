// A queue of equal elements between one thread that writes and one that reads. Neither waits, takes
// a lock, allocates or calls the system, so that an audio callback may be either of them.
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Positions count elements since the beginning and never wrap (2^64 of them). Each side stores its
// own and reads the other's; they lie on cache lines of their own.
typedef struct Ring {
    _Alignas(64) atomic_uint_fast64_t written;
    uint8_t *bytes;
    size_t element_size;
    size_t capacity; // in elements, a power of two
    _Alignas(64) atomic_uint_fast64_t read;
} Ring;

// Holds at least `capacity` elements. INVALID_ARGUMENT (a size of 0), OUT_OF_MEMORY. Before either
// thread uses it.
ScoutStatus ring_init(Ring *ring, size_t element_size, size_t capacity, ScoutError *error);
void ring_done(Ring *ring); // when neither uses it any more; a zeroed one is fine

// The writer's: how many elements fit now, at least; and writing as many of count as fit, which is
// returned. What did not fit is the caller's to count.
size_t ring_room(const Ring *ring);
size_t ring_write(Ring *ring, const void *elements, size_t count);

// The reader's: how many elements there are now, at least; taking up to count, which is returned;
// and looking at the first without taking them.
size_t ring_count(const Ring *ring);
size_t ring_read(Ring *ring, void *elements, size_t count);
size_t ring_peek(const Ring *ring, void *elements, size_t count);

#endif
