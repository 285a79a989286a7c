// Attention over panels and over a cache against sums in double precision; the same query gives the
// same bits in any company.
#include "nn/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "nn_fixture.h"

enum { HEADS = 2, SIZE = 32, WIDTH = HEADS * SIZE, QUERIES = 7, LENGTH_MAX = 50 };

typedef struct Attention {
    float keys[LENGTH_MAX * WIDTH];
    float values[LENGTH_MAX * WIDTH];
    float q[QUERIES * WIDTH];
} Attention;

static Attention *attention_new(void)
{
    Attention *attention = malloc(sizeof(*attention));
    assert_non_null(attention);
    fixture_fill(attention->keys, LENGTH_MAX * WIDTH, 1);
    fixture_fill(attention->values, LENGTH_MAX * WIDTH, 2);
    fixture_fill(attention->q, QUERIES * WIDTH, 3);
    for (size_t i = 0; i < QUERIES * WIDTH; i++)
        attention->q[i] *= 4; // or every position weighs the same
    return attention;
}

// Element i of the result for one query over the positions `slots`.
static double expected(const Attention *attention, const float *q, size_t head,
                       const uint32_t *slots, size_t length, size_t i)
{
    double scores[LENGTH_MAX];
    double largest = -(double)INFINITY;
    for (size_t t = 0; t < length; t++) {
        scores[t] = 0;
        for (size_t j = 0; j < SIZE; j++)
            scores[t] += (double)q[j] * (double)attention->keys[slots[t] * WIDTH + head * SIZE + j];
        scores[t] /= sqrt((double)SIZE);
        largest = fmax(largest, scores[t]);
    }
    double sum = 0;
    double mixed = 0;
    for (size_t t = 0; t < length; t++) {
        const double weight = exp(scores[t] - largest);
        sum += weight;
        mixed += weight * (double)attention->values[slots[t] * WIDTH + head * SIZE + i];
    }
    return mixed / sum;
}

static const struct {
    NnFormat keys, values;
    double tolerance;
} kinds[] = {{NN_F32, NN_F32, 1e-5}, {NN_F16, NN_F16, 2e-3}, {NN_S8, NN_F32, 3e-2},
             {NN_S8, NN_F16, 3e-2},  {NN_S8, NN_BF16, 3e-2}, {NN_BF16, NN_BF16, 3e-2},
             {NN_S8, NN_S16, 3e-2}};

static NnPanels panels_new(size_t kind, size_t length)
{
    NnPanels panels = {
        .key_format = kinds[kind].keys,
        .value_format = kinds[kind].values,
        .heads = HEADS,
        .head_size = SIZE,
        .length = length,
    };
    const size_t bytes = nn_panels_bytes(&panels);
    void *memory = malloc(bytes); // exact: writing beyond it would be seen
    assert_non_null(memory);
    // What a panel's tail holds must not matter: not-a-number would spread.
    memset(memory, 0xff, bytes);
    nn_panels_place(&panels, memory);
    return panels;
}

static void check_output(const Attention *attention, size_t kind, size_t head, size_t length,
                         const float *out)
{
    uint32_t slots[LENGTH_MAX];
    for (uint32_t i = 0; i < LENGTH_MAX; i++)
        slots[i] = i;
    for (size_t row = 0; row < QUERIES; row++) {
        const float *q = attention->q + row * WIDTH + head * SIZE;
        for (size_t i = 0; i < SIZE; i++)
            assert_true(fabs((double)out[row * WIDTH + head * SIZE + i] -
                             expected(attention, q, head, slots, length, i)) <
                        kinds[kind].tolerance);
    }
}

static void check_panels(size_t kind, size_t length)
{
    const Kernels kernels = fixture_kernels();
    Attention *attention = attention_new();
    const NnPanels panels = panels_new(kind, length);
    // In two pieces, as two threads would.
    const size_t cut = length / 3;
    nn_panels_store(&kernels, &panels, cut, length - cut, attention->keys + cut * WIDTH,
                    attention->values + cut * WIDTH, WIDTH);
    nn_panels_store(&kernels, &panels, 0, cut, attention->keys, attention->values, WIDTH);
    float *scores = malloc(nn_attention_scratch(length) * sizeof(*scores));
    float out[QUERIES * WIDTH];
    for (size_t head = 0; head < HEADS; head++) {
        if (panels.value_format != NN_S16)
            nn_attention_panels(&kernels, &panels, head, QUERIES, attention->q + head * SIZE, WIDTH,
                                scores, out + head * SIZE, WIDTH);
        for (size_t row = 0; row < QUERIES && panels.value_format != NN_S16; row++) {
            double sum = 0;
            for (size_t t = 0; t < length; t++)
                sum += (double)scores[row * length + t];
            assert_true(fabs(sum - 1) < 1e-5);
        }
        if (panels.value_format != NN_S16)
            check_output(attention, kind, head, length, out);
        memset(out, 0, sizeof(out));
        nn_attend(&kernels, &panels, head, QUERIES, attention->q + head * SIZE, WIDTH, scores,
                  out + head * SIZE, WIDTH);
        check_output(attention, kind, head, length, out);
    }
    free(scores);
    free(panels.keys);
    free(attention);
}

static void test_panels(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 2, 15, 16, 17, 48, 50};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
            check_panels(kind, lengths[i]);
}

// A run places panels of any length in the memory of the longest.
static void test_bytes_grow(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        NnPanels panels = {
            .key_format = kinds[kind].keys,
            .value_format = kinds[kind].values,
            .heads = HEADS,
            .head_size = SIZE,
        };
        size_t before = 0;
        for (panels.length = 1; panels.length < 70; panels.length++) {
            assert_true(nn_panels_bytes(&panels) >= before);
            before = nn_panels_bytes(&panels);
        }
    }
}

static void test_company_does_not_matter(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    Attention *attention = attention_new();
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        const NnPanels panels = panels_new(kind, LENGTH_MAX);
        nn_panels_store(&kernels, &panels, 0, LENGTH_MAX, attention->keys, attention->values,
                        WIDTH);
        float *scores = malloc(nn_attention_scratch(LENGTH_MAX) * sizeof(*scores));
        float together[QUERIES * SIZE];
        float alone[SIZE];
        const size_t rows = panels.value_format != NN_S16 ? QUERIES : 0;
        nn_attention_panels(&kernels, &panels, 1, rows, attention->q + SIZE, WIDTH, scores,
                            together, SIZE);
        for (size_t row = 0; row < rows; row++) {
            nn_attention_panels(&kernels, &panels, 1, 1, attention->q + row * WIDTH + SIZE, WIDTH,
                                scores, alone, SIZE);
            assert_memory_equal(alone, together + row * SIZE, sizeof(alone));
        }
        nn_attend(&kernels, &panels, 1, QUERIES, attention->q + SIZE, WIDTH, scores, together,
                  SIZE);
        for (size_t row = 0; row < QUERIES; row++) {
            nn_attend(&kernels, &panels, 1, 1, attention->q + row * WIDTH + SIZE, WIDTH, scores,
                      alone, SIZE);
            assert_memory_equal(alone, together + row * SIZE, sizeof(alone));
        }
        free(scores);
        free(panels.keys);
    }
    free(attention);
}

static void test_cached(void **state)
{
    (void)state;
    const Kernels kernels = fixture_kernels();
    Attention *attention = attention_new();
    enum { VALUES = LENGTH_MAX * SIZE };
    float cached[2 * VALUES]; // keys, then values, of head 1
    for (size_t i = 0; i < LENGTH_MAX; i++) {
        memcpy(cached + i * SIZE, attention->keys + i * WIDTH + SIZE, SIZE * sizeof(float));
        memcpy(cached + VALUES + i * SIZE, attention->values + i * WIDTH + SIZE,
               SIZE * sizeof(float));
    }
    uint32_t order[LENGTH_MAX]; // none
    const float *places[LENGTH_MAX];
    for (uint32_t i = 0; i < LENGTH_MAX; i++) {
        order[i] = i * 7 % LENGTH_MAX;
        places[i] = cached + order[i] * SIZE;
    }
    const size_t lengths[] = {1, 2, 16, 33, LENGTH_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        float scores[LENGTH_MAX];
        float out[SIZE];
        const float *q = attention->q + SIZE;
        const NnCache cache = {.places = places, .length = lengths[i], .values = VALUES};
        nn_attention_cached(&kernels, &cache, SIZE, q, scores, out);
        for (size_t j = 0; j < SIZE; j++)
            assert_true(fabs((double)out[j] - expected(attention, q, 1, order, lengths[i], j)) <
                        1e-5);
    }
    free(attention);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_bytes_grow),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_cached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
