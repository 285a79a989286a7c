// Weights of any source type as f32 rows, or as the int8 values they are.
#ifndef MODELS_VALUES_H
#define MODELS_VALUES_H

#include "base/status.h"
#include "kernels/kernels.h"
#include "source.h"

// Elements of one row: the product of all dimensions but the outermost.
size_t values_row(const SourceTensor *tensor);

// Writes rows first..first+count, in range, to out[count][values_row]. CORRUPT when the scale of a
// quantised tensor is missing or of the wrong size.
ScoutStatus values_read(const Source *source, const Kernels *kernels, const SourceTensor *tensor,
                        size_t first, size_t count, float *out, ScoutError *error);

// For SOURCE_I8 only: the quantised rows and their scales (w = q * scale[row]), as the packed
// writer takes them.
ScoutStatus values_read_s8(const Source *source, const SourceTensor *tensor, size_t first,
                           size_t count, int8_t *q, float *scale, ScoutError *error);

#endif
