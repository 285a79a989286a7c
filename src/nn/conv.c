// One-dimensional convolution as a matrix product over overlapping rows.
#include "nn/conv.h"

#include <assert.h>
#include <string.h>

#include "base/attributes.h"

size_t nn_conv_frames(const NnConv *conv, size_t count)
{
    return count == 0 ? 0 : (count - 1) * conv->step + conv->taps;
}

// What rows are longer than their frames when padded to the unit of bf16: the last row reads as
// much beyond its frames. There the weights are zero.
static size_t row_tail(const NnConv *conv)
{
    const size_t k = conv->linear.weight.k;
    return BASE_ROUND_UP(k, (size_t)KERNELS_BF16_UNIT) - k;
}

size_t nn_conv_scratch(const NnConv *conv, size_t count)
{
    if (conv->linear.weight.format != NN_BF16)
        return 0;
    return nn_conv_frames(conv, count) * conv->channels + row_tail(conv);
}

void nn_conv_run(const Kernels *kernels, const NnConv *conv, const float *x, size_t count,
                 uint16_t *scratch, const NnOutput *out)
{
    const NnMatrix *w = &conv->linear.weight;
    assert(!nn_matrix_is_integer(w) && w->k == conv->taps * conv->channels);
    const size_t step = conv->step * conv->channels;
    NnRows rows = {.x = x, .stride = step, .parts = 1};
    if (w->format == NN_BF16) {
        const size_t elements = nn_conv_frames(conv, count) * conv->channels;
        kernels->f32_to_bf16(elements, x, scratch);
        memset(scratch + elements, 0, row_tail(conv) * sizeof(*scratch));
        rows.prepared = scratch;
        rows.row_bytes = step * sizeof(*scratch);
    }
    nn_linear_rows(kernels, &conv->linear, &rows, 0, count, out);
}
