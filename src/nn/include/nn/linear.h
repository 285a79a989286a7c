// Linear layers: y = x * W^T + bias, over weights in any packed encoding of kernels/kernels.h.
//
// Rows are prepared once (nn_rows_prepare), then multiplied by as many pieces of as many matrices
// as wanted, a piece being a range of rows and of 16-column panels. Every element of the result is
// one accumulation over k, so it does not matter how the work is cut: results are the same bits.
#ifndef NN_LINEAR_H
#define NN_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread_pool.h"
#include "kernels/kernels.h"

// What layers compute with. The pool is used only by functions that say so.
typedef struct NnContext {
    const Kernels *kernels;
    ThreadPool *pool; // may be NULL: the caller does it all
} NnContext;

// S16 is for the values of attention only.
typedef enum NnFormat { NN_F32, NN_F16, NN_BF16, NN_S8, NN_S4, NN_S16 } NnFormat;

// Packed W[n][k]. Borrowed memory.
typedef struct NnMatrix {
    NnFormat format;
    size_t n, k;
    const void *panels;
    const float *scale; // S8: [n padded to 16]; S4: [n/16][k/32][16]; else NULL
    const int32_t *sum; // S8: [n padded to 16]; else NULL
} NnMatrix;

typedef struct NnLinear {
    NnMatrix weight;
    const float *bias; // [n], or NULL
} NnLinear;

// The layer that yields only columns first..first+count; first is a multiple of KERNELS_PANEL.
NnLinear nn_linear_columns(const NnLinear *linear, size_t first, size_t count);

// True for the formats that multiply 8-bit rows.
bool nn_matrix_is_integer(const NnMatrix *matrix);

// One row of W as f32[k].
void nn_matrix_row(const NnMatrix *matrix, size_t row, float *out);

// Rows of activations; all memory is the caller's. f32 and f16 weights multiply x, the others what
// nn_rows_prepare makes of it: bfloat16 for bf16, 8 bits for s8 and s4.
//
// Eight bits lose more in activations, which have outliers, than in weights. With two parts a row
// is as good as one of 15 bits: the second part holds what rounding the first one left. Both meet
// the weights while these are in registers, so where few rows meet many weights that is nearly
// free.
typedef struct NnRows {
    const float *x;
    size_t stride;
    void *prepared;   // [rows][row_bytes]
    size_t row_bytes; // nn_rows_bytes(k) for the largest k
    size_t parts;     // of the 8-bit form: 1 or 2; the second lies in the second half of a row
    float *scale;     // [rows][parts]
} NnRows;

// Bytes that one row of k values takes when prepared, in whatever form.
size_t nn_rows_bytes(size_t k);

// Makes rows first..first+count what `matrix` multiplies; does nothing for f32 and f16. Different
// rows may be done by different threads.
void nn_rows_prepare(const Kernels *kernels, const NnRows *rows, size_t first, size_t count,
                     const NnMatrix *matrix);

// Where results go: c and residual point at row 0, column 0.
typedef struct NnOutput {
    float *c;
    size_t stride;
    const float *residual; // added last; NULL, or [rows][residual_stride], may be c
    size_t residual_stride;
    bool gelu; // after the bias
} NnOutput;

// Computes all columns of rows first..first+count on the calling thread.
void nn_linear_rows(const Kernels *kernels, const NnLinear *linear, const NnRows *rows,
                    size_t first, size_t count, const NnOutput *out);

// Computes all columns of rows 0..count on the pool.
void nn_linear_run(const NnContext *context, const NnLinear *linear, const NnRows *rows,
                   size_t count, const NnOutput *out);

#endif
