// Byte-pair merging of one piece of text, lowest rank first.
#ifndef MODELS_TOKENIZER_BPE_MERGE_H
#define MODELS_TOKENIZER_BPE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token_table.h"

// Where ids go: those beyond capacity are counted only.
typedef struct BpeSink {
    int32_t *ids;
    size_t capacity;
    size_t count;
} BpeSink;

void bpe_sink_put(BpeSink *sink, int32_t id);

// Two neighbours that may become one token: bytes [left, end) of the piece.
typedef struct BpePair {
    uint64_t key; // rank, then left: of equal ranks the leftmost comes first
    uint32_t end;
} BpePair;

// Scratch, reused from piece to piece; zeroed at the start. One owner thread.
typedef struct BpeMerge {
    uint32_t *next; // of the part that begins at this byte: where it ends; 0 inside a part
    uint32_t *previous;
    BpePair *heap;
    size_t heap_count;
    size_t capacity; // bytes of the largest piece it can hold
} BpeMerge;

void bpe_merge_done(BpeMerge *merge);

// Every single byte must be a token of the table. Takes time n log n for n bytes. False when memory
// is out.
bool bpe_merge_piece(BpeMerge *merge, const TokenTable *table, const char *piece, size_t length,
                     BpeSink *sink);

#endif
