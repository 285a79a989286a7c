// The vocabulary's hash table: FNV-1a over the bytes, linear probing, at most half full.
#include "token_table.h"

#include "base/memory.h"

#include <string.h>

bool token_span_is(TokenSpan span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.bytes, text, span.length) == 0;
}

static uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = 0xCBF29CE484222325U;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)bytes[i]) * 0x100000001B3U;
    }
    return hash ^ hash >> 32;
}

// The slot that holds the token with these bytes, or the empty one where it would go.
static size_t slot_of(const TokenTable *table, const char *bytes, size_t length)
{
    size_t slot = (size_t)hash_bytes(bytes, length) & table->slot_mask;
    while (table->slots[slot]) {
        const TokenSpan other = token_table_at(table, (int32_t)(table->slots[slot] - 1));
        if (other.length == length && memcmp(other.bytes, bytes, length) == 0) {
            break;
        }
        slot = (slot + 1) & table->slot_mask;
    }
    return slot;
}

static ScoutStatus measure(const TokenSpan *tokens, size_t count, size_t *total, size_t *longest,
                           ScoutError *error)
{
    if (count > TOKEN_COUNT_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "a vocabulary of %zu tokens, %d at most", count,
                         TOKEN_COUNT_MAX);
    }
    for (size_t id = 0; id < count; id++) {
        if (tokens[id].length > TOKEN_BYTES_MAX) {
            return error_set(error, SCOUT_ERROR_LIMIT,
                             "token %zu of the vocabulary has %zu bytes, %d at most", id,
                             tokens[id].length, TOKEN_BYTES_MAX);
        }
        *total += tokens[id].length;
        *longest = BASE_MAX(*longest, tokens[id].length);
    }
    return SCOUT_OK;
}

static bool table_allocate(TokenTable *table, size_t total_bytes)
{
    size_t slots = 16;
    while (slots < 2 * table->count) {
        slots *= 2;
    }
    table->slot_mask = slots - 1;
    table->bytes = mem_array(total_bytes + 1, 1);
    table->starts = mem_array(table->count + 1, sizeof *table->starts);
    table->slots = mem_array(slots, sizeof *table->slots);
    return table->bytes && table->starts && table->slots;
}

ScoutStatus token_table_init(TokenTable *table, const TokenSpan *tokens, size_t count,
                             ScoutError *error)
{
    size_t total = 0;
    size_t longest = 0;
    const ScoutStatus status = measure(tokens, count, &total, &longest, error);
    if (status) {
        return status;
    }
    TokenTable made = {.count = count, .longest = longest};
    if (!table_allocate(&made, total)) {
        token_table_done(&made);
        return error_no_memory(error);
    }
    for (size_t id = 0; id < count; id++) {
        const TokenSpan token = tokens[id];
        const uint32_t start = made.starts[id];
        made.starts[id + 1] = start + (uint32_t)token.length;
        if (token.length == 0) {
            continue;
        }
        memcpy(made.bytes + start, token.bytes, token.length);
        const size_t slot = slot_of(&made, token.bytes, token.length);
        if (!made.slots[slot]) {
            made.slots[slot] = (uint32_t)id + 1;
        }
    }
    *table = made;
    return SCOUT_OK;
}

void token_table_done(TokenTable *table)
{
    mem_free(table->bytes);
    mem_free(table->starts);
    mem_free(table->slots);
    *table = (TokenTable){0};
}

int32_t token_table_find(const TokenTable *table, const char *bytes, size_t length)
{
    if (length == 0 || length > table->longest) {
        return -1;
    }
    return (int32_t)table->slots[slot_of(table, bytes, length)] - 1;
}

TokenSpan token_table_at(const TokenTable *table, int32_t id)
{
    if (id < 0 || (size_t)id >= table->count) {
        return (TokenSpan){0};
    }
    const uint32_t start = table->starts[id];
    return (TokenSpan){table->bytes + start, table->starts[id + 1] - start};
}
