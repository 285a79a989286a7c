// A vocabulary: tokens by id, and ids by the bytes of the token. Owns a copy of the bytes, so the
// file it came from may be closed. Immutable once made; any thread.
#ifndef MODELS_TOKENIZER_TOKEN_TABLE_H
#define MODELS_TOKENIZER_TOKEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    TOKEN_COUNT_MAX = 1 << 20,
    TOKEN_BYTES_MAX = 1024 // of one token; the longest of any known vocabulary has 128
};

typedef struct TokenSpan {
    const char *bytes; // may be NULL when length is 0
    size_t length;
} TokenSpan;

bool token_span_is(TokenSpan span, const char *text);

typedef struct TokenTable {
    char *bytes;      // all tokens, one after the other
    uint32_t *starts; // [count + 1]
    uint32_t *slots;  // open addressing: id + 1, 0 is empty
    size_t slot_mask;
    size_t count;
    size_t longest; // bytes of the longest token
} TokenTable;

// Ids without bytes are never found; of tokens with the same bytes the lowest id is. LIMIT when a
// count or length is beyond the bounds above.
ScoutStatus token_table_init(TokenTable *table, const TokenSpan *tokens, size_t count,
                             ScoutError *error);
void token_table_done(TokenTable *table); // a zeroed table is allowed

int32_t token_table_find(const TokenTable *table, const char *bytes, size_t length); // or -1
// Length 0 for an id that is out of range.
TokenSpan token_table_at(const TokenTable *table, int32_t id);

#endif
