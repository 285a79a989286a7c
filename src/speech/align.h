// When each token was said: dynamic time warping over the attention that the model pays to the
// audio while it writes (OpenAI's timing.py). Pure; numbers in, positions out.
#ifndef SPEECH_ALIGN_H
#define SPEECH_ALIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { ALIGN_MEDIAN_WIDTH = 7 };

// The median of each value and its neighbours, width of them (odd, at most 15), the row mirrored at
// its ends; a row of at most width / 2 values stays as it is. out and in do not overlap.
void align_median_filter(const float *in, size_t count, size_t width, float *out);

// The cheapest way through cost[rows][columns] from the first corner to the last, by steps right,
// down or diagonal: starts[r] is the first column it visits in row r. steps is scratch of
// (rows + 1) * (columns + 1) bytes, sums of 2 * (columns + 1) floats.
void align_warp(const float *cost, size_t rows, size_t columns, uint8_t *steps, float *sums,
                size_t *starts);

// The attention of `heads` alignment heads over a token sequence, weights[head][tokens][stride], of
// which the first `positions` are audio: they are made to sum to 1 for each token, normalised over
// the tokens, smoothed, and averaged over the heads; tokens first..last of that are aligned.
// starts[t - first] is the position (0.02 s each) at which the model turned to writing what follows
// token t. weights is overwritten. OUT_OF_MEMORY.
typedef struct AlignTask {
    float *weights;
    size_t heads, tokens, stride, positions;
    size_t first, last;
} AlignTask;

ScoutStatus align_tokens(const AlignTask *task, size_t *starts, ScoutError *error);

#endif
