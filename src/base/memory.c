// Allocation with the checks in one place: see memory.h.
#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Bytes to ask for, or 0 when no object can be that large. An empty array still gets one byte, so
// that NULL always means failure.
static size_t byte_count(size_t count, size_t size)
{
    size_t bytes = mem_multiply(count, size);
    if (bytes > PTRDIFF_MAX - MEMORY_ALIGNMENT)
        return 0;
    return bytes ? bytes : 1;
}

void *mem_array(size_t count, size_t size)
{
    size_t bytes = byte_count(count, size);
    return bytes ? calloc(bytes, 1) : NULL;
}

void *mem_aligned(size_t count, size_t size)
{
    size_t bytes = byte_count(count, size);
    return bytes ? aligned_alloc(MEMORY_ALIGNMENT, BASE_ROUND_UP(bytes, MEMORY_ALIGNMENT)) : NULL;
}

void *mem_resize(void *block, size_t count, size_t size)
{
    size_t bytes = byte_count(count, size);
    return bytes ? realloc(block, bytes) : NULL;
}

void mem_free(void *block)
{
    free(block);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

char *mem_copy_text(const char *text, size_t length)
{
    if (length >= PTRDIFF_MAX)
        return NULL;
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void mem_free_pointer(void *pointer_to_pointer)
{
    void *block;
    memcpy(&block, pointer_to_pointer, sizeof block);
    free(block);
}

size_t mem_multiply(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}
