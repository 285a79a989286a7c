// Linear layers of every weight format against sums in double precision, whole and in pieces.
#include "nn/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "nn_fixture.h"

enum { N = 83, K = 70, ROWS = 61 }; // no multiple of any unit

// A layer in one format, the values its weights stand for, and rows to multiply.
typedef struct Layer {
    NnLinear linear;
    float weights[N * K]; // what the packed weights decode to
    float bias[N];
    float x[ROWS * K];
    float residual[ROWS * N];
    NnRows rows;
} Layer;

static Layer *layer_new(const Kernels *kernels, NnFormat format, size_t parts)
{
    Layer *layer = calloc(1, sizeof(*layer));
    assert_non_null(layer);
    float plain[N * K];
    fixture_fill(plain, N * K, 1);
    fixture_fill(layer->bias, N, 2);
    fixture_fill(layer->x, ROWS * K, 3);
    fixture_fill(layer->residual, ROWS * N, 4);
    layer->linear = (NnLinear){.weight = fixture_pack(format, N, K, plain), .bias = layer->bias};
    for (size_t i = 0; i < N; i++)
        nn_matrix_row(&layer->linear.weight, i, layer->weights + i * K);
    layer->rows = (NnRows){
        .x = layer->x,
        .stride = K,
        .parts = parts,
        .prepared = calloc(ROWS, nn_rows_bytes(K)),
        .row_bytes = nn_rows_bytes(K),
        .scale = calloc(parts * ROWS, sizeof(float)),
    };
    nn_rows_prepare(kernels, &layer->rows, 0, ROWS, &layer->linear.weight);
    return layer;
}

static void layer_free(Layer *layer)
{
    fixture_unpack(&layer->linear.weight);
    free(layer->rows.prepared);
    free(layer->rows.scale);
    free(layer);
}

// What the layer's rows hold: x itself, its bfloat16, or what its 8-bit parts stand for.
static double input(const Layer *layer, size_t row, size_t i)
{
    const NnRows *rows = &layer->rows;
    const char *prepared = (const char *)rows->prepared + row * rows->row_bytes;
    if (layer->linear.weight.format == NN_BF16) {
        uint16_t half = 0;
        memcpy(&half, prepared + i * sizeof(half), sizeof(half));
        const uint32_t bits = (uint32_t)half << 16;
        float value = 0;
        memcpy(&value, &bits, sizeof(value));
        return (double)value;
    }
    if (!nn_matrix_is_integer(&layer->linear.weight))
        return (double)layer->x[row * K + i];
    double sum = 0;
    for (size_t part = 0; part < rows->parts; part++) {
        const uint8_t q = (uint8_t)prepared[part * rows->row_bytes / rows->parts + i];
        sum += ((double)q - 128.0) * (double)rows->scale[row * rows->parts + part];
    }
    return sum;
}

static double expected(const Layer *layer, size_t row, size_t column, bool gelu, bool residual)
{
    double sum = (double)layer->bias[column];
    for (size_t i = 0; i < K; i++)
        sum += input(layer, row, i) * (double)layer->weights[column * K + i];
    if (gelu)
        sum = sum * 0.5 * (1 + erf(sum / sqrt(2.0)));
    return residual ? sum + (double)layer->residual[row * N + column] : sum;
}

static void check_format(NnFormat format, size_t parts)
{
    const Kernels kernels = fixture_kernels();
    Layer *layer = layer_new(&kernels, format, parts);
    for (int variant = 0; variant < 4; variant++) {
        const bool gelu = variant & 1;
        const bool residual = variant & 2;
        float c[ROWS * N];
        const NnOutput out = {
            .c = c,
            .stride = N,
            .gelu = gelu,
            .residual = residual ? layer->residual : NULL,
            .residual_stride = N,
        };
        nn_linear_rows(&kernels, &layer->linear, &layer->rows, 0, ROWS, &out);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < N; j++)
                assert_true(fabs((double)c[i * N + j] - expected(layer, i, j, gelu, residual)) <
                            2e-5);
    }
    layer_free(layer);
}

static void test_formats(void **state)
{
    (void)state;
    check_format(NN_F32, 1);
    check_format(NN_F16, 1);
    check_format(NN_BF16, 1);
    check_format(NN_S8, 1);
    check_format(NN_S8, 2);
    check_format(NN_S4, 1);
    check_format(NN_S4, 2);
}

// One part is off by at most half a step of 1/127 of the largest value; two parts by half a 127th
// of that half.
static void test_parts(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    for (size_t parts = 1; parts <= 2; parts++) {
        Layer *layer = layer_new(&kernels, NN_S8, parts);
        double worst = 0;
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < K; j++)
                worst = fmax(worst, fabs(input(layer, i, j) - (double)layer->x[i * K + j]));
        const double step = 1.0 / 127;
        assert_true(worst < (parts == 1 ? 0.5001 * step : 0.26 * step * step));
        assert_true(worst > (parts == 1 ? 0.3 * step : 0.15 * step * step));
        layer_free(layer);
    }
}

// Any rows and columns of a layer are the bits of the whole.
static void test_pieces(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    static const NnFormat formats[] = {NN_F32, NN_F16, NN_BF16, NN_S8, NN_S4, NN_S8};
    for (size_t n = 0; n < sizeof(formats) / sizeof(formats[0]); n++) {
        Layer *layer = layer_new(&kernels, formats[n], n == 5 ? 2 : 1);
        float whole[ROWS * N];
        float pieces[ROWS * N];
        memset(pieces, 0, sizeof(pieces));
        const NnOutput out = {.c = whole, .stride = N, .gelu = true};
        nn_linear_rows(&kernels, &layer->linear, &layer->rows, 0, ROWS, &out);
        const size_t columns[] = {0, 32, 48, N};
        const size_t rows[] = {0, 1, 8, 33, ROWS};
        for (size_t i = 0; i + 1 < sizeof(columns) / sizeof(columns[0]); i++)
            for (size_t j = 0; j + 1 < sizeof(rows) / sizeof(rows[0]); j++) {
                const NnLinear part =
                    nn_linear_columns(&layer->linear, columns[i], columns[i + 1] - columns[i]);
                const NnOutput at = {.c = pieces + columns[i], .stride = N, .gelu = true};
                nn_linear_rows(&kernels, &part, &layer->rows, rows[j], rows[j + 1] - rows[j], &at);
            }
        assert_memory_equal(whole, pieces, sizeof(whole));
        layer_free(layer);
    }
}

static void test_threads(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    Layer *layer = layer_new(&kernels, NN_S8, 2);
    float whole[ROWS * N];
    const NnOutput out = {
        .c = whole, .stride = N, .residual = layer->residual, .residual_stride = N};
    nn_linear_rows(&kernels, &layer->linear, &layer->rows, 0, ROWS, &out);
    for (size_t threads = 1; threads <= 9; threads += 4)
        for (size_t count = 0; count <= ROWS; count += count < 2 ? 1 : 59) {
            ThreadPool *pool = NULL;
            assert_int_equal(thread_pool_new(threads, &pool, NULL), SCOUT_OK);
            const NnContext context = {.kernels = &kernels, .pool = pool};
            float split[ROWS * N];
            memset(split, 0x55, sizeof(split));
            NnOutput to = out;
            to.c = split;
            nn_linear_run(&context, &layer->linear, &layer->rows, count, &to);
            assert_memory_equal(whole, split, count * N * sizeof(float));
            for (size_t i = count * N * sizeof(float); i < sizeof(split); i++)
                assert_int_equal(((const unsigned char *)split)[i], 0x55);
            thread_pool_free(pool);
        }
    layer_free(layer);
}

// Writing onto what is added: how a residual stream grows.
static void test_residual_in_place(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    for (size_t parts = 1; parts <= 2; parts++) {
        Layer *layer = layer_new(&kernels, NN_S8, parts);
        float apart[ROWS * N];
        float in_place[ROWS * N];
        memcpy(in_place, layer->residual, sizeof(in_place));
        const NnOutput out = {
            .c = apart, .stride = N, .residual = layer->residual, .residual_stride = N};
        nn_linear_rows(&kernels, &layer->linear, &layer->rows, 0, ROWS, &out);
        const NnOutput onto = {
            .c = in_place, .stride = N, .residual = in_place, .residual_stride = N};
        const NnContext context = {.kernels = &kernels};
        nn_linear_run(&context, &layer->linear, &layer->rows, ROWS, &onto);
        assert_memory_equal(apart, in_place, sizeof(apart));
        layer_free(layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_residual_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
