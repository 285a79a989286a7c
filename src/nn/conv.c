// One-dimensional convolution as a matrix product over overlapping rows.
#include "nn/conv.h"

#include <assert.h>

size_t nn_conv_frames(const NnConv *conv, size_t count)
{
    return count == 0 ? 0 : (count - 1) * conv->step + conv->taps;
}

void nn_conv_run(const Kernels *kernels, const NnConv *conv, const float *x, size_t count,
                 const NnOutput *out)
{
    assert(!nn_matrix_is_integer(&conv->linear.weight));
    assert(conv->linear.weight.k == conv->taps * conv->channels);
    const NnRows rows = {.x = x, .stride = conv->step * conv->channels};
    nn_linear_rows(kernels, &conv->linear, &rows, 0, count, out);
}
