// Attention, one head at a time, for two kinds of memory.
//
// Panels: the keys and values of a fixed list of positions (an encoder window), packed as weights,
// so that scores and mixtures are ordinary products: rows of queries against all positions, and no
// matrix of positions x positions anywhere. Cache: keys and values that arrive one by one (a
// decoder's past), read through a list of places.
//
// A query's result does not depend on the queries computed with it.
#ifndef NN_ATTENTION_H
#define NN_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#include "nn/linear.h"

enum {
    NN_HEAD_MAX = 256,   // largest head size
    NN_QUERIES_MAX = 64, // most queries of one call
};

// Keys and values of `length` positions in panels. Memory is the caller's. Queries take the form
// that the keys need, and so does the softmax for the values. Keys in 8 bits have a scale for each
// position and head. Values keep their range, as what attention weighs down to a thousandth still
// counts when there are a thousand of it.
typedef struct NnPanels {
    NnFormat key_format;   // NN_F32, NN_F16, NN_BF16 or NN_S8
    NnFormat value_format; // NN_F32, NN_F16 or NN_BF16; with keys in S8 also NN_S16
    size_t heads;
    size_t head_size;   // a multiple of 16, at most NN_HEAD_MAX
    size_t length;      // any; nothing is padded into the softmax
    void *keys;         // a matrix [length][head_size] a head, packed as kernels.h has it
    float *key_scale;   // S8: heads x [length padded to 16]
    int32_t *key_sum;   // S8: as many
    void *values;       // a matrix [head_size][length] a head, packed likewise; S16 as BF16
    float *value_scale; // S16: heads x [length padded to 16]
} NnPanels;

// Gives the panels their parts of `memory`, which holds nn_panels_bytes and is aligned for floats;
// the formats, heads, head_size and length must be set. The bytes grow with the length.
void nn_panels_place(NnPanels *panels, void *memory);
size_t nn_panels_bytes(const NnPanels *panels);

// Packs positions first..first+count of all heads. keys and values point at position `first`: rows
// of heads * head_size. Different positions may be packed by different threads.
void nn_panels_store(const Kernels *kernels, const NnPanels *panels, size_t first, size_t count,
                     const float *keys, const float *values, size_t stride);

// Floats of scratch that nn_attention_panels and nn_attend take for `length` positions.
size_t nn_attention_scratch(size_t length);

// out[i] = softmax(q[i] . keys / sqrt(head_size)) * values for `count` (at most NN_QUERIES_MAX)
// queries of one head. q and out point at the head's columns. scores is scratch; its first
// [count][length] hold the softmax afterwards.
void nn_attention_panels(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                         const float *q, size_t q_stride, float *scores, float *out,
                         size_t out_stride);

// The same without leaving the softmax behind: faster where keys and values are bfloat16, and the
// only way for values in 16 bits. The bits differ from those above.
void nn_attend(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
               const float *q, size_t q_stride, float *scratch, float *out, size_t out_stride);

// Positions that lie anywhere: the key of position i at places[i] + keys, its value at places[i] +
// values. The same places serve every layer and head, with other offsets.
typedef struct NnCache {
    const float *const *places;
    size_t length; // at least 1
    size_t keys, values;
} NnCache;

// The same for one query over cached positions of one head. scores[length] is scratch.
void nn_attention_cached(const Kernels *kernels, const NnCache *cache, size_t head_size,
                         const float *q, float *scores, float *out);

#endif
