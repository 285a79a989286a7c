// Allocation with the two checks everybody forgets: overflow of count * size, and alignment.
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include "base/attributes.h"

enum { MEMORY_ALIGNMENT = 64 }; // a cache line, and the widest vector register

// count * size zeroed bytes for malloc's alignment, or NULL. Free with mem_free.
void *mem_array(size_t count, size_t size);

// count * size bytes aligned to MEMORY_ALIGNMENT, not zeroed, or NULL. Free with mem_free.
void *mem_aligned(size_t count, size_t size);

// Resizes a mem_array block (never a mem_aligned one); on failure the old block is untouched.
void *mem_resize(void *block, size_t count, size_t size);

void mem_free(void *block);

// Gives back to the system what the allocator keeps of freed memory, as far as it can.
void mem_trim(void);

// A NUL-terminated copy of the first length bytes, or NULL.
char *mem_copy_text(const char *text, size_t length);

// For BASE_CLEANUP: frees the pointer the variable holds.
void mem_free_pointer(void *pointer_to_pointer);

// a * b, or SIZE_MAX when it does not fit: every size check that follows then fails.
size_t mem_multiply(size_t a, size_t b);

#endif
