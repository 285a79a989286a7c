// An arena: many small allocations of one lifetime, freed together. One owner thread.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    ArenaBlock *blocks; // newest first
    size_t used_bytes;  // handed out so far, alignment included
    size_t limit_bytes; // arena_alloc fails beyond it
} Arena;

void arena_init(Arena *arena, size_t limit_bytes);
void arena_done(Arena *arena);

// Forgets every allocation but keeps the newest block for reuse.
void arena_reset(Arena *arena);

// Zeroed memory for any scalar type, or NULL when memory or the limit is exhausted. Borrowed until
// arena_reset or arena_done.
void *arena_alloc(Arena *arena, size_t count, size_t size);
char *arena_copy_text(Arena *arena, const char *text, size_t length);

#endif
