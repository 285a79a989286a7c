// The arithmetic. kernels_init fills a table with scalar C, which is the specification, and
// overwrites it by ascending tier with what the processor has. Callers hold a `const Kernels *`.
//
// Rules for every tier. Integer results are bit-exact. A row of a result does not depend on how
// many rows or columns are computed with it: each output element of a product is one accumulation
// over k in ascending order (gemm_bf16 aside). No kernel allocates, keeps state or needs more
// alignment than its element type, unless it says so; none uses more than 128 KiB of stack. All are
// callable from any thread.
//
// Packed weights ("panels"). A weight matrix W has n rows (output channels) of k values. Packed, 16
// output channels stand side by side, so that one vector holds 16 channels; n is padded with zeros
// to a multiple of 16, k to a multiple of the unit. One layout serves every tier:
//   f32, f16   [n/16][k][16]
//   s8         [n/16][k/4][16][4]            k padded to 4; w = q * scale[channel]
//   s4         [n/16][k/32][16][16 bytes]    k padded to 32; byte j of a channel holds element j in
//   its
//              low and element j + 16 in its high nibble, each as q + 8 with q in -8..7;
//              w = q * scale[n/16][k/32][16]
//   bf16       [n/16][k/2][16][2]            k padded to 32 (for the tiles of AMX)
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KERNELS_PANEL = 16,      // output channels side by side
    KERNELS_S8_UNIT = 4,     // k values side by side in s8 panels
    KERNELS_S4_GROUP = 32,   // k values that share a scale in s4 panels
    KERNELS_BF16_UNIT = 32,  // bf16 panels and rows are padded to a multiple of so many k values
    KERNELS_HEAD_MAX = 256,  // largest head of attend_bf16
    KERNELS_S16_MOST = 2047, // largest value of attention in 16 bits
};

// What is done to an element of a product before it is stored, in this order:
// + bias[column], exact GELU, + residual[row][column].
typedef struct KernelsEpilogue {
    const float *bias;     // [n], or NULL
    const float *residual; // [m][residual_stride], or NULL; may be the output itself
    size_t residual_stride;
    bool gelu;
} KernelsEpilogue;

// Rows of activations quantised to 8 bits: x ~ (q - 128) * scale[row], q in 1..255.
typedef struct KernelsU8Rows {
    const uint8_t *q; // [m][stride], k padded with 128 to the unit of the weights
    size_t stride;
    const float *scale; // [m]
} KernelsU8Rows;

// s8 panels with what goes with them. sum[channel] is 128 times the sum of its q, the compensation
// for the unsigned activations.
typedef struct KernelsS8Panels {
    const int8_t *q;
    const float *scale; // [n padded to 16]
    const int32_t *sum; // [n padded to 16]
} KernelsS8Panels;

typedef struct KernelsS4Panels {
    const uint8_t *q;
    const float *scale; // [n/16][k/32][16]
} KernelsS4Panels;

// The keys and values of one head of attention, as bf16 panels: keys with n = length and k = size,
// values with n = size and k = length.
typedef struct KernelsHead {
    size_t size;   // of a query, a key and a value: a multiple of 16, at most KERNELS_HEAD_MAX
    size_t length; // positions, at least 1
    const uint16_t *keys;
    const uint16_t *values;
} KernelsHead;

typedef struct Kernels {
    const char *tier; // name of the highest tier in the table

    // c[m][n] = epilogue(a[m][k] * W^T). W is packed; n need not be a multiple of 16: columns
    // beyond n are not written. Strides are in elements. a and c do not overlap.
    void (*gemm_f32)(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *w,
                     float *c, size_t c_stride, const KernelsEpilogue *epilogue);
    void (*gemm_f16)(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                     const uint16_t *w, float *c, size_t c_stride, const KernelsEpilogue *epilogue);
    // k is the padded k. The sum of products is exact in 32 bits (k <= 65536); then
    // value = (float)sum * (a.scale[row] * w->scale[column]).
    void (*gemm_u8s8)(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                      const KernelsS8Panels *w, float *c, size_t c_stride,
                      const KernelsEpilogue *epilogue);
    // Rows in two parts of 8 bits: row i of a is the rows 2i and 2i + 1 of `a`, of which the second
    // holds what rounding the first one left. value = the sum of what gemm_u8s8 gives for the two.
    void (*gemm_u8s8_pairs)(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                            const KernelsS8Panels *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue);
    // The sum over each group of 32 is exact; groups are joined in f32 in ascending order:
    // acc = fma((float)group_sum, w->scale, acc); value = acc * a.scale[row]. k <= 65536.
    void (*gemm_u8s4)(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                      const KernelsS4Panels *w, float *c, size_t c_stride,
                      const KernelsEpilogue *epilogue);

    // a and W hold bfloat16; k is the padded k, zeros in both. Products are exact; the sums are
    // f32, in an order that is the tier's own but the same for every row and column, and may take
    // denormals for zeros.
    void (*gemm_bf16)(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                      const uint16_t *w, float *c, size_t c_stride,
                      const KernelsEpilogue *epilogue);

    // Attention of m queries to all positions of a head, in bfloat16:
    //   out[i] = sum_j w[i][j] * value[j] / sum_j w[i][j],
    //   w[i][j] = exp(scale * q[i] . key[j] - a shift of the row's own).
    // q * scale and w are rounded to bfloat16; the error is that of these roundings, about 2^-8 of
    // the largest value. scale > 0. A row does not depend on the others. scratch holds
    // kernels_attend_scratch(length) bytes, aligned for floats.
    void (*attend_bf16)(size_t m, const KernelsHead *head, float scale, const float *q,
                        size_t q_stride, float *out, size_t out_stride, void *scratch);

    // Attention in 16-bit integers, for processors that multiply them but not bfloat16. Values of a
    // position: q = round-half-even(x * (KERNELS_S16_MOST / max|x|)), scale = max|x| /
    // KERNELS_S16_MOST; where max|x| is below 2^-100, zeros and scale 1.
    void (*quantize_s16)(size_t n, const float *x, int16_t *q, float *scale);
    // Weights of a row of scores: e = exp(x * scale - max), w = round-half-even(e * value_scale *
    // c) with the largest c that keeps w <= 32767 and the sum of w near 2^20, so that sums of w *
    // value fit in 32 bits. Returns 1 / (c * sum of e): the mixture is the sum of products times
    // that. Weights from n to n_padded are zeros. x is overwritten; 1 <= n <= 16384, values and
    // value_scale as softmax and quantize_s16 have them.
    float (*softmax_s16)(size_t n, size_t n_padded, float *x, float scale, const float *value_scale,
                         int16_t *w);
    // c = sums * a_scale[row]. W lies as in bf16 panels, k is padded to a multiple of 2 with zeros;
    // sums are exact and fit in 32 bits.
    void (*gemm_s16)(size_t m, size_t n, size_t k, const int16_t *a, size_t a_stride,
                     const float *a_scale, const int16_t *w, float *c, size_t c_stride);
    bool attends_best_in_s16; // gemm_s16 is twice as fast as gemm_f32, and no slower than gemm_bf16
                              // unless attends_best_in_bf16

    bool attends_best_in_bf16; // attend_bf16 is faster than products with keys in 8 bits
    bool bf16_is_fast; // gemm_bf16 takes half the time of gemm_f32 or less; if not, it is no gain

    // Quantises rows symmetrically: scale = max|x| / 127, q = 128 + round-half-even(x * (127 /
    // max|x|)). A row whose max|x| is below 2^-100 counts as zeros: scale 1. Fills columns
    // k..k_padded with 128.
    void (*quantize_u8)(size_t m, size_t k, size_t k_padded, const float *x, size_t x_stride,
                        uint8_t *q, size_t q_stride, float *scale);

    // The same in two parts, for gemm_u8s8_pairs: row i in the rows 2i and 2i + 1 of q. The second
    // is x - (q - 128) * scale of the first, quantised likewise.
    void (*quantize_u8_pairs)(size_t m, size_t k, size_t k_padded, const float *x, size_t x_stride,
                              uint8_t *q, size_t q_stride, float *scale);

    // y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, each row of k; y may be x.
    void (*layer_norm)(size_t m, size_t k, const float *x, size_t x_stride, const float *gamma,
                       const float *beta, float epsilon, float *y, size_t y_stride);

    // In place over n values: x = exp(x * scale - max) / sum. n >= 1. Values may be -infinity,
    // which become 0, if scale > 0 and one is finite.
    void (*softmax)(size_t n, float *x, float scale);

    float (*max)(size_t n, const float *x); // -infinity when n is 0; values are numbers
    // The sum of exp((x - high) * scale), where no argument is above 0; what is not a number counts
    // as 0. Summed in 16 lanes of f32 over each block of 1024, the blocks in double: relative error
    // below 1e-6 beyond that of rounding the arguments to f32.
    double (*exp_sum)(size_t n, const float *x, float high, float scale);

    void (*gelu)(size_t n, float *x);    // x * 0.5 * (1 + erf(x / sqrt 2)), absolute error < 1e-6
    void (*sigmoid)(size_t n, float *x); // 1 / (1 + exp(-x))
    void (*tanh)(size_t n, float *x);
    void (*add)(size_t n, const float *a, const float *b, float *out); // out may be a or b
    float (*dot)(size_t n, const float *a, const float *b);        // sums 16 lanes, then pairwise
    void (*axpy)(size_t n, float scale, const float *x, float *y); // y += scale * x

    // Rows that lie anywhere: row i is rows[i] + offset. out[i] = dot(n, x, row i), the same bits;
    // out[n] = the sum of weights[i] * row i, in ascending order with fused multiply-adds.
    void (*dot_rows)(size_t count, size_t n, const float *x, const float *const *rows,
                     size_t offset, float *out);
    void (*mix_rows)(size_t count, size_t n, const float *weights, const float *const *rows,
                     size_t offset, float *out);

    void (*f16_to_f32)(size_t n, const uint16_t *in, float *out);  // exact
    void (*f32_to_f16)(size_t n, const float *in, uint16_t *out);  // round to nearest even
    void (*f32_to_bf16)(size_t n, const float *in, uint16_t *out); // round to nearest even

    // out[2 i] = a[i] and out[2 i + 1] = b[i], rounded to nearest even: a panel's pairs of k.
    void (*f32_pairs_to_bf16)(size_t n, const float *a, const float *b, uint16_t *out);
    // Rows of `units` units of four bytes become the lanes of a panel: out[units][16][4 bytes].
    // rows is 1 to 16; the other lanes become zeros. in_stride is in bytes.
    void (*pack_lanes)(size_t rows, size_t units, const void *in, size_t in_stride, void *out);
} Kernels;

// Bytes of scratch that attend_bf16 takes.
size_t kernels_attend_scratch(size_t length);

// features: bits of cpu.h; tiers not compiled in are skipped.
void kernels_init(Kernels *kernels, uint32_t features);

#endif
