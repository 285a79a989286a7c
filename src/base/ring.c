// A ring for one writer and one reader: see ring.h. The writer publishes elements by a release of
// `written` after it has copied them, the reader gives places back by a release of `read` after it
// has; each acquires the other's counter before it touches the places that the counter speaks of.
#include "base/ring.h"

#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

ScoutStatus ring_init(Ring *ring, size_t element_size, size_t capacity, ScoutError *error)
{
    if (element_size == 0 || capacity == 0 || capacity > SIZE_MAX / 4)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a ring of %zu elements of %zu bytes cannot be made", capacity,
                         element_size);
    size_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    uint8_t *bytes = mem_aligned(rounded, element_size);
    if (!bytes)
        return error_no_memory(error);
    ring->bytes = bytes;
    ring->element_size = element_size;
    ring->capacity = rounded;
    atomic_init(&ring->written, 0);
    atomic_init(&ring->read, 0);
    return SCOUT_OK;
}

void ring_done(Ring *ring)
{
    mem_free(ring->bytes);
    ring->bytes = NULL;
    ring->capacity = 0;
}

// The part of count elements from position on that lies before the ring's end.
static size_t before_end(const Ring *ring, uint64_t position, size_t count)
{
    const size_t left = ring->capacity - (size_t)(position & (ring->capacity - 1));
    return BASE_MIN(count, left);
}

static uint8_t *place(const Ring *ring, uint64_t position)
{
    return ring->bytes + (size_t)(position & (ring->capacity - 1)) * ring->element_size;
}

size_t ring_room(const Ring *ring)
{
    const uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    const uint64_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    return ring->capacity - (size_t)(written - read);
}

size_t ring_write(Ring *ring, const void *elements, size_t count)
{
    const size_t room = ring_room(ring);
    const size_t taken = BASE_MIN(count, room);
    if (taken == 0)
        return 0;
    const uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
    const size_t first = before_end(ring, at, taken);
    const uint8_t *from = elements;
    memcpy(place(ring, at), from, first * ring->element_size);
    memcpy(ring->bytes, from + first * ring->element_size, (taken - first) * ring->element_size);
    atomic_store_explicit(&ring->written, at + taken, memory_order_release);
    return taken;
}

size_t ring_count(const Ring *ring)
{
    const uint64_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    const uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    return (size_t)(written - read);
}

size_t ring_peek(const Ring *ring, void *elements, size_t count)
{
    const size_t there = ring_count(ring);
    const size_t given = BASE_MIN(count, there);
    if (given == 0)
        return 0;
    const uint64_t at = atomic_load_explicit(&ring->read, memory_order_relaxed);
    const size_t first = before_end(ring, at, given);
    uint8_t *to = elements;
    memcpy(to, place(ring, at), first * ring->element_size);
    memcpy(to + first * ring->element_size, ring->bytes, (given - first) * ring->element_size);
    return given;
}

size_t ring_read(Ring *ring, void *elements, size_t count)
{
    const size_t given = ring_peek(ring, elements, count);
    const uint64_t at = atomic_load_explicit(&ring->read, memory_order_relaxed);
    atomic_store_explicit(&ring->read, at + given, memory_order_release);
    return given;
}
