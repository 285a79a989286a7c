// A piece is a list of parts, at first its bytes. The heap holds every pair of neighbours that is a
// token together; the lowest rank is merged until none is left. A pair whose parts have merged
// otherwise meanwhile stays in the heap and is recognised as stale when it comes up.
#include "bpe_merge.h"

#include "base/memory.h"

void bpe_sink_put(BpeSink *sink, int32_t id)
{
    if (sink->count < sink->capacity) {
        sink->ids[sink->count] = id;
    }
    sink->count++;
}

void bpe_merge_done(BpeMerge *merge)
{
    mem_free(merge->next);
    mem_free(merge->previous);
    mem_free(merge->heap);
    *merge = (BpeMerge){0};
}

// The heap never holds more than 2 * length pairs: length - 1 at first, and each of at most
// length - 1 merges takes one out and puts two in.
static bool merge_reserve(BpeMerge *merge, size_t length)
{
    if (length <= merge->capacity) {
        return true;
    }
    bpe_merge_done(merge);
    const size_t capacity = BASE_MAX(length, 256);
    merge->next = mem_array(capacity, sizeof *merge->next);
    merge->previous = mem_array(capacity, sizeof *merge->previous);
    merge->heap = mem_array(mem_multiply(capacity, 2), sizeof *merge->heap);
    if (!merge->next || !merge->previous || !merge->heap) {
        bpe_merge_done(merge);
        return false;
    }
    merge->capacity = capacity;
    return true;
}

static void heap_push(BpeMerge *merge, BpePair pair)
{
    size_t at = merge->heap_count++;
    while (at > 0) {
        const size_t parent = (at - 1) / 2;
        if (merge->heap[parent].key <= pair.key) {
            break;
        }
        merge->heap[at] = merge->heap[parent];
        at = parent;
    }
    merge->heap[at] = pair;
}

static BpePair heap_pop(BpeMerge *merge)
{
    const BpePair top = merge->heap[0];
    const BpePair moved = merge->heap[--merge->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->heap_count) {
            break;
        }
        if (child + 1 < merge->heap_count && merge->heap[child + 1].key < merge->heap[child].key) {
            child++;
        }
        if (moved.key <= merge->heap[child].key) {
            break;
        }
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = moved;
    return top;
}

// Puts the part at left and its right neighbour into the heap if they make a token.
static void push_pair(BpeMerge *merge, const TokenTable *table, const char *piece, size_t length,
                      uint32_t left)
{
    const uint32_t right = merge->next[left];
    if (right >= length) {
        return;
    }
    const uint32_t end = merge->next[right];
    const int32_t rank = token_table_find(table, piece + left, end - left);
    if (rank >= 0) {
        heap_push(merge, (BpePair){(uint64_t)rank << 32 | left, end});
    }
}

bool bpe_merge_piece(BpeMerge *merge, const TokenTable *table, const char *piece, size_t length,
                     BpeSink *sink)
{
    if (length > UINT32_MAX / 2 || !merge_reserve(merge, length)) {
        return false;
    }
    merge->heap_count = 0;
    for (uint32_t i = 0; i < length; i++) {
        merge->next[i] = i + 1;
        merge->previous[i] = i == 0 ? 0 : i - 1;
    }
    for (uint32_t i = 0; i < length; i++) {
        push_pair(merge, table, piece, length, i);
    }
    while (merge->heap_count > 0) {
        const BpePair pair = heap_pop(merge);
        const uint32_t left = (uint32_t)pair.key;
        const uint32_t right = merge->next[left];
        if (right == 0 || right >= length || merge->next[right] != pair.end) {
            continue; // stale
        }
        merge->next[left] = pair.end;
        merge->next[right] = 0;
        if (pair.end < length) {
            merge->previous[pair.end] = left;
        }
        push_pair(merge, table, piece, length, left);
        if (left > 0) {
            push_pair(merge, table, piece, length, merge->previous[left]);
        }
    }
    for (uint32_t at = 0; at < length; at = merge->next[at]) {
        bpe_sink_put(sink, token_table_find(table, piece + at, merge->next[at] - at));
    }
    return true;
}
