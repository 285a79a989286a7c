// Layer normalisation as the transformer models of models/ use it.
#include "nn/norm.h"

// The default of torch.nn.LayerNorm, with which whisper was trained.
static const float epsilon = 1e-5F;

void nn_norm_run(const Kernels *kernels, const NnNorm *norm, size_t rows, const float *x,
                 size_t x_stride, float *y, size_t y_stride)
{
    kernels->layer_norm(rows, norm->n, x, x_stride, norm->gamma, norm->beta, epsilon, y, y_stride);
}
