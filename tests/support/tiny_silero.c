// Silero with made-up weights, written through the packed writer like any other model.
#include "support/tiny_silero.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "models/packed_writer.h"

// In the order in which make_silero.py draws the values. A bias is a tensor of no inputs.
typedef struct TinyTensor {
    const char *name;
    size_t outputs, inputs, taps;
    double gain;
} TinyTensor;

static const TinyTensor TENSORS[] = {
    {"conv1.weight", 128, 129, 3, 1},
    {"conv1.bias", 128, 0, 1, 0},
    {"conv2.weight", 64, 128, 3, 1},
    {"conv2.bias", 64, 0, 1, 0},
    {"conv3.weight", 64, 64, 3, 1},
    {"conv3.bias", 64, 0, 1, 0},
    {"conv4.weight", 128, 64, 3, 1},
    {"conv4.bias", 128, 0, 1, 0},
    {"lstm.input.weight", 512, 128, 1, 4},
    {"lstm.input.bias", 512, 0, 1, 0},
    {"lstm.hidden.weight", 512, 128, 1, 0.5},
    {"lstm.hidden.bias", 512, 0, 1, 0},
    {"out.weight", 1, 128, 1, 4},
    {"out.bias", 1, 0, 1, 0},
};

enum { TENSOR_COUNT = sizeof TENSORS / sizeof TENSORS[0], WEIGHTS_MAX = 512 * 512 };

// -1..1, by the generator of tests/reference/sounds.py.
static double next_value(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 33) / 1073741824.0 - 1.0;
}

// The tensor's values as rows of taps x inputs; they are drawn as inputs x taps.
static void draw(const TinyTensor *tensor, uint64_t *state, float *rows)
{
    const size_t k = tensor->inputs * tensor->taps;
    const double bound = k ? sqrt(6.0 / (double)k) * tensor->gain : 0.5;
    if (k == 0) {
        for (size_t i = 0; i < tensor->outputs; i++)
            rows[i] = (float)(next_value(state) * bound);
        return;
    }
    for (size_t n = 0; n < tensor->outputs; n++)
        for (size_t input = 0; input < tensor->inputs; input++)
            for (size_t tap = 0; tap < tensor->taps; tap++)
                rows[n * k + tap * tensor->inputs + input] = (float)(next_value(state) * bound);
}

// The first layer: a Fourier transform under a Hann window.
static void fill_transform(float *rows)
{
    const double turn = 6.283185307179586476925 / 256;
    for (size_t r = 0; r < 258; r++)
        for (size_t i = 0; i < 256; i++) {
            const double angle = turn * (double)(r % 129 * i % 256);
            const double window = 0.5 - 0.5 * cos(turn * (double)i);
            rows[r * 256 + i] = (float)((r < 129 ? cos(angle) : -sin(angle)) * window);
        }
}

void tiny_silero_write(const char *path, const char *left_out)
{
    PackedWriter *writer;
    size_t transform;
    size_t indices[TENSOR_COUNT];
    float *const rows = malloc(WEIGHTS_MAX * sizeof *rows);
    assert_non_null(rows);
    assert_int_equal(packed_writer_new(path, PACKED_SILERO, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, "stft.weight", PACKED_PANEL_F32, 2,
                                           (const size_t[]){258, 256}, &transform, NULL),
                     SCOUT_OK);
    for (size_t i = 0; i < TENSOR_COUNT; i++) {
        const TinyTensor *const tensor = &TENSORS[i];
        const size_t k = tensor->inputs * tensor->taps;
        if (left_out && strcmp(tensor->name, left_out) == 0)
            continue;
        assert_int_equal(packed_writer_declare(
                             writer, tensor->name, k ? PACKED_PANEL_F32 : PACKED_PLAIN_F32,
                             k ? 2 : 1, (const size_t[]){tensor->outputs, k}, &indices[i], NULL),
                         SCOUT_OK);
    }
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    fill_transform(rows);
    assert_int_equal(packed_writer_rows(writer, transform, 0, 258, rows, NULL), SCOUT_OK);
    uint64_t state = 1;
    for (size_t i = 0; i < TENSOR_COUNT; i++) {
        draw(&TENSORS[i], &state, rows);
        if (left_out && strcmp(TENSORS[i].name, left_out) == 0)
            continue;
        assert_int_equal(packed_writer_rows(writer, indices[i], 0, TENSORS[i].outputs, rows, NULL),
                         SCOUT_OK);
    }
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
    packed_writer_free(writer);
    free(rows);
}

PackedFile *tiny_silero_open(void)
{
    char path[] = "/tmp/scout-silero-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    tiny_silero_write(path, NULL);
    PackedFile *file;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    unlink(path);
    return file;
}
