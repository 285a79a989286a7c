// Layer normalisation with learned gain and offset, over rows.
#ifndef NN_NORM_H
#define NN_NORM_H

#include <stddef.h>

#include "kernels/kernels.h"

typedef struct NnNorm {
    const float *gamma; // [n]
    const float *beta;  // [n]
    size_t n;
} NnNorm;

// y = normalised x for `rows` rows; y may be x. Strides in elements.
void nn_norm_run(const Kernels *kernels, const NnNorm *norm, size_t rows, const float *x,
                 size_t x_stride, float *y, size_t y_stride);

#endif
