// Linear layers: picks the kernel for the encoding, and cuts a product into pieces for the pool.
#include "nn/linear.h"

#include <assert.h>
#include <string.h>

#include "base/attributes.h"
#include "kernels/pack.h"

enum {
    PIECE_PANELS = 8,    // the narrowest piece worth a task: each begins at the memory's latency
    PIECES_A_THREAD = 4, // so that a thread that comes late costs little
    PIECE_ROWS = 48,     // rows whose input stays in the second-level cache
    K_UNIT = KERNELS_S4_GROUP,
    JOIN_COLUMNS = 4 * KERNELS_PANEL, // of rows in two parts, at a time
    JOIN_ROWS = 24,
};

bool nn_matrix_is_integer(const NnMatrix *matrix)
{
    return matrix->format == NN_S8 || matrix->format == NN_S4;
}

void nn_matrix_row(const NnMatrix *matrix, size_t row, float *out)
{
    assert(row < matrix->n);
    switch (matrix->format) {
    case NN_F32: unpack_row_f32(matrix->k, row, matrix->panels, out); break;
    case NN_F16: unpack_row_f16(matrix->k, row, matrix->panels, out); break;
    case NN_BF16: unpack_row_bf16(matrix->k, row, matrix->panels, out); break;
    case NN_S8: unpack_row_s8(matrix->k, row, matrix->panels, matrix->scale, out); break;
    case NN_S4: unpack_row_s4(matrix->k, row, matrix->panels, matrix->scale, out); break;
    case NN_S16: assert(false); break;
    }
}

// Two parts of 8 bits or one of 16, each padded to a cache line, which is more than any unit of k.
size_t nn_rows_bytes(size_t k)
{
    return 2 * BASE_ROUND_UP(k, (size_t)64);
}

// A row in two parts is two rows, half as far apart.
static size_t part_bytes(const NnRows *rows)
{
    return rows->row_bytes / rows->parts;
}

static void make_bf16(const Kernels *kernels, const NnRows *rows, size_t first, size_t count,
                      size_t k)
{
    const size_t tail = BASE_ROUND_UP(k, (size_t)KERNELS_BF16_UNIT) - k;
    for (size_t i = first; i < first + count; i++) {
        uint16_t *out = (uint16_t *)(void *)((char *)rows->prepared + i * rows->row_bytes);
        kernels->f32_to_bf16(k, rows->x + i * rows->stride, out);
        memset(out + k, 0, tail * sizeof(*out));
    }
}

void nn_rows_prepare(const Kernels *kernels, const NnRows *rows, size_t first, size_t count,
                     const NnMatrix *matrix)
{
    const size_t k = matrix->k;
    assert(matrix->format == NN_F32 || matrix->format == NN_F16 ||
           nn_rows_bytes(k) <= rows->row_bytes);
    if (matrix->format == NN_BF16)
        make_bf16(kernels, rows, first, count, k);
    if (count == 0 || !nn_matrix_is_integer(matrix))
        return;
    const size_t k_padded = BASE_ROUND_UP(k, (size_t)K_UNIT);
    const float *x = rows->x + first * rows->stride;
    uint8_t *q = (uint8_t *)rows->prepared + first * rows->row_bytes;
    float *scale = rows->scale + first * rows->parts;
    if (rows->parts == 1)
        kernels->quantize_u8(count, k, k_padded, x, rows->stride, q, rows->row_bytes, scale);
    else
        kernels->quantize_u8_pairs(count, k, k_padded, x, rows->stride, q, part_bytes(rows), scale);
}

NnLinear nn_linear_columns(const NnLinear *linear, size_t first, size_t count)
{
    const NnMatrix *w = &linear->weight;
    assert(first % KERNELS_PANEL == 0 && first + count <= w->n);
    NnLinear part = *linear;
    part.weight.n = count;
    if (part.bias)
        part.bias += first;
    switch (w->format) {
    case NN_F32: part.weight.panels = (const float *)w->panels + first * w->k; break;
    case NN_F16: part.weight.panels = (const uint16_t *)w->panels + first * w->k; break;
    case NN_BF16:
        part.weight.panels =
            (const uint16_t *)w->panels + first * BASE_ROUND_UP(w->k, (size_t)KERNELS_BF16_UNIT);
        break;
    case NN_S8:
        part.weight.panels =
            (const int8_t *)w->panels + first * BASE_ROUND_UP(w->k, (size_t)KERNELS_S8_UNIT);
        part.weight.scale += first;
        part.weight.sum += first;
        break;
    case NN_S4: {
        const size_t k = BASE_ROUND_UP(w->k, (size_t)KERNELS_S4_GROUP);
        part.weight.panels = (const uint8_t *)w->panels + first * (k / 2);
        part.weight.scale += first * (k / KERNELS_S4_GROUP);
        break;
    }
    case NN_S16: assert(false); break;
    }
    return part;
}

static void multiply_floats(const Kernels *kernels, const NnMatrix *w, const NnRows *rows,
                            size_t first, size_t count, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    const float *x = rows->x + first * rows->stride;
    if (w->format == NN_F32) {
        kernels->gemm_f32(count, w->n, w->k, x, rows->stride, w->panels, c, c_stride, epilogue);
    } else if (w->format == NN_F16) {
        kernels->gemm_f16(count, w->n, w->k, x, rows->stride, w->panels, c, c_stride, epilogue);
    } else {
        const uint16_t *a = rows->prepared;
        const size_t a_stride = rows->row_bytes / sizeof(*a);
        kernels->gemm_bf16(count, w->n, BASE_ROUND_UP(w->k, (size_t)KERNELS_BF16_UNIT),
                           a + first * a_stride, a_stride, w->panels, c, c_stride, epilogue);
    }
}

// first and count are in parts of rows.
static void multiply_integers(const Kernels *kernels, const NnMatrix *w, const NnRows *rows,
                              size_t first, size_t count, float *c, size_t c_stride,
                              const KernelsEpilogue *epilogue)
{
    const KernelsU8Rows a = {
        .q = (const uint8_t *)rows->prepared + first * part_bytes(rows),
        .stride = part_bytes(rows),
        .scale = rows->scale + first,
    };
    if (w->format == NN_S8) {
        const KernelsS8Panels panels = {.q = w->panels, .scale = w->scale, .sum = w->sum};
        kernels->gemm_u8s8(count, w->n, BASE_ROUND_UP(w->k, (size_t)KERNELS_S8_UNIT), &a, &panels,
                           c, c_stride, epilogue);
    } else {
        const KernelsS4Panels panels = {.q = w->panels, .scale = w->scale};
        kernels->gemm_u8s4(count, w->n, BASE_ROUND_UP(w->k, (size_t)KERNELS_S4_GROUP), &a, &panels,
                           c, c_stride, epilogue);
    }
}

static void multiply_pairs(const Kernels *kernels, const NnMatrix *w, const NnRows *rows,
                           size_t first, size_t count, float *c, size_t c_stride,
                           const KernelsEpilogue *epilogue)
{
    const KernelsU8Rows a = {
        .q = (const uint8_t *)rows->prepared + first * rows->row_bytes,
        .stride = part_bytes(rows),
        .scale = rows->scale + 2 * first,
    };
    const KernelsS8Panels panels = {.q = w->panels, .scale = w->scale, .sum = w->sum};
    kernels->gemm_u8s8_pairs(count, w->n, BASE_ROUND_UP(w->k, (size_t)KERNELS_S8_UNIT), &a, &panels,
                             c, c_stride, epilogue);
}

// Sums the two parts of each row and does what the epilogue asks.
static void join_parts(const Kernels *kernels, const float *parts, size_t count, size_t n, float *c,
                       size_t c_stride, const KernelsEpilogue *epilogue)
{
    for (size_t i = 0; i < count; i++) {
        const float *coarse = parts + 2 * i * n;
        const float *fine = coarse + n;
        const float *residual =
            epilogue->residual ? epilogue->residual + i * epilogue->residual_stride : NULL;
        float *out = c + i * c_stride;
        float sums[JOIN_COLUMNS];
        kernels->add(n, coarse, fine, sums);
        if (epilogue->bias)
            kernels->add(n, sums, epilogue->bias, sums);
        if (epilogue->gelu)
            kernels->gelu(n, sums);
        if (residual)
            kernels->add(n, sums, residual, out);
        else
            memcpy(out, sums, n * sizeof(*out));
    }
}

// Of S4, in strips; of S8 there is a kernel.
static void multiply_two_parts(const Kernels *kernels, const NnLinear *linear, const NnRows *rows,
                               size_t first, size_t count, float *c, size_t c_stride,
                               const KernelsEpilogue *epilogue)
{
    if (linear->weight.format == NN_S8) {
        multiply_pairs(kernels, &linear->weight, rows, first, count, c, c_stride, epilogue);
        return;
    }
    const KernelsEpilogue plain = {.bias = NULL};
    float parts[2 * JOIN_ROWS * JOIN_COLUMNS];
    for (size_t column = 0; column < linear->weight.n; column += JOIN_COLUMNS) {
        const size_t n = BASE_MIN((size_t)JOIN_COLUMNS, linear->weight.n - column);
        const NnLinear strip = nn_linear_columns(linear, column, n);
        for (size_t row = 0; row < count; row += JOIN_ROWS) {
            const size_t m = BASE_MIN((size_t)JOIN_ROWS, count - row);
            const KernelsEpilogue joined = {
                .bias = strip.bias,
                .gelu = epilogue->gelu,
                .residual = epilogue->residual
                                ? epilogue->residual + row * epilogue->residual_stride + column
                                : NULL,
                .residual_stride = epilogue->residual_stride,
            };
            multiply_integers(kernels, &strip.weight, rows, 2 * (first + row), 2 * m, parts, n,
                              &plain);
            join_parts(kernels, parts, m, n, c + row * c_stride + column, c_stride, &joined);
        }
    }
}

void nn_linear_rows(const Kernels *kernels, const NnLinear *linear, const NnRows *rows,
                    size_t first, size_t count, const NnOutput *out)
{
    if (count == 0)
        return;
    const NnMatrix *w = &linear->weight;
    const KernelsEpilogue epilogue = {
        .bias = linear->bias,
        .residual = out->residual ? out->residual + first * out->residual_stride : NULL,
        .residual_stride = out->residual_stride,
        .gelu = out->gelu,
    };
    float *c = out->c + first * out->stride;
    if (!nn_matrix_is_integer(w))
        multiply_floats(kernels, w, rows, first, count, c, out->stride, &epilogue);
    else if (rows->parts < 2)
        multiply_integers(kernels, w, rows, first, count, c, out->stride, &epilogue);
    else
        multiply_two_parts(kernels, linear, rows, first, count, c, out->stride, &epilogue);
}

typedef struct Job {
    const Kernels *kernels;
    const NnLinear *linear;
    const NnRows *rows;
    const NnOutput *out;
    size_t count;
    size_t columns;       // columns of a piece
    size_t column_pieces; // pieces side by side
} Job;

static void run_piece(void *context, size_t index, size_t worker)
{
    (void)worker;
    const Job *job = context;
    const size_t column = index % job->column_pieces * job->columns;
    const size_t row = index / job->column_pieces * PIECE_ROWS;
    const NnLinear part = nn_linear_columns(job->linear, column,
                                            BASE_MIN(job->columns, job->linear->weight.n - column));
    NnOutput out = *job->out;
    out.c += column;
    if (out.residual)
        out.residual += column;
    nn_linear_rows(job->kernels, &part, job->rows, row,
                   BASE_MIN((size_t)PIECE_ROWS, job->count - row), &out);
}

void nn_linear_run(const NnContext *context, const NnLinear *linear, const NnRows *rows,
                   size_t count, const NnOutput *out)
{
    if (count == 0)
        return;
    const size_t threads = context->pool ? thread_pool_size(context->pool) : 1;
    const size_t panels = (linear->weight.n + KERNELS_PANEL - 1) / KERNELS_PANEL;
    const size_t row_pieces = (count + PIECE_ROWS - 1) / PIECE_ROWS;
    const size_t wanted = threads > 1 ? threads * PIECES_A_THREAD : 1;
    const size_t across = BASE_MAX(wanted / row_pieces, (size_t)1);
    size_t piece_panels = BASE_ROUND_UP((panels + across - 1) / across, (size_t)PIECE_PANELS);
    if (panels < threads * PIECE_PANELS) // few: every thread takes its share, however narrow
        piece_panels = (panels + threads - 1) / threads;
    Job job = {
        .kernels = context->kernels,
        .linear = linear,
        .rows = rows,
        .out = out,
        .count = count,
        .columns = piece_panels * KERNELS_PANEL,
        .column_pieces = (panels + piece_panels - 1) / piece_panels,
    };
    thread_pool_run(context->pool, row_pieces * job.column_pieces, run_piece, &job);
}
