// One-dimensional convolution over frames that lie one after another: a window of `taps` frames is
// one contiguous row, and the next window's row begins `step` frames later, so the convolution is a
// matrix product over overlapping rows. Nothing is copied (but to bfloat16, frame by frame).
#ifndef NN_CONV_H
#define NN_CONV_H

#include <stddef.h>

#include "nn/linear.h"

typedef struct NnConv {
    NnLinear linear; // n = output channels, k = taps * channels, tap by tap; f32, f16 or bf16
    size_t taps;
    size_t channels; // of the input
    size_t step;     // in frames
} NnConv;

// Frames of input that `count` outputs read: x[nn_conv_frames][channels].
size_t nn_conv_frames(const NnConv *conv, size_t count);

// Elements of scratch for `count` outputs; 0 for f32 and f16 weights.
size_t nn_conv_scratch(const NnConv *conv, size_t count);

// out row i = the window that begins at frame i * step of x. Padding is the caller's: frames of
// zeros. scratch may be NULL where none is needed.
void nn_conv_run(const Kernels *kernels, const NnConv *conv, const float *x, size_t count,
                 uint16_t *scratch, const NnOutput *out);

#endif
