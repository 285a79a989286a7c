// An arena of geometrically growing blocks: see arena.h.
#include "base/arena.h"

#include "base/attributes.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_ALIGNMENT = _Alignof(max_align_t),
    ARENA_FIRST_BLOCK_BYTES = 4096,
    ARENA_LAST_BLOCK_BYTES = 1 << 20,
};

struct ArenaBlock {
    ArenaBlock *next;
    size_t size_bytes;
    size_t used_bytes;
    _Alignas(max_align_t) unsigned char bytes[];
};

void arena_init(Arena *arena, size_t limit_bytes)
{
    *arena = (Arena){.limit_bytes = limit_bytes};
}

static void free_blocks(ArenaBlock *block)
{
    while (block) {
        ArenaBlock *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_done(Arena *arena)
{
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

void arena_reset(Arena *arena)
{
    arena->used_bytes = 0;
    if (!arena->blocks)
        return;
    free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->blocks->used_bytes = 0;
}

// Adds a block with room for bytes and returns it, or NULL. A request as large as a whole block
// gets one of its own behind the newest, whose free tail so stays in use.
static ArenaBlock *add_block(Arena *arena, size_t bytes)
{
    ArenaBlock *newest = arena->blocks;
    size_t usual = newest ? BASE_MIN(newest->size_bytes * 2, (size_t)ARENA_LAST_BLOCK_BYTES)
                          : (size_t)ARENA_FIRST_BLOCK_BYTES;
    usual = BASE_MIN(usual, arena->limit_bytes - arena->used_bytes);
    size_t size_bytes = BASE_MAX(usual, bytes);
    ArenaBlock *block = malloc(sizeof *block + size_bytes);
    if (!block)
        return NULL;
    block->size_bytes = size_bytes;
    block->used_bytes = 0;
    if (newest && bytes >= usual) {
        block->next = newest->next;
        newest->next = block;
    } else {
        block->next = newest;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(Arena *arena, size_t count, size_t size)
{
    size_t bytes = mem_multiply(count, size);
    if (bytes > PTRDIFF_MAX - sizeof(ArenaBlock) - ARENA_ALIGNMENT)
        return NULL;
    bytes = BASE_ROUND_UP(BASE_MAX(bytes, (size_t)1), ARENA_ALIGNMENT);
    if (bytes > arena->limit_bytes - arena->used_bytes)
        return NULL;
    ArenaBlock *block = arena->blocks;
    if (!block || bytes > block->size_bytes - block->used_bytes)
        block = add_block(arena, bytes);
    if (!block)
        return NULL;
    void *place = block->bytes + block->used_bytes;
    block->used_bytes += bytes;
    arena->used_bytes += bytes;
    return memset(place, 0, bytes);
}

char *arena_copy_text(Arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}
