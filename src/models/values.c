// Weights of any source type as f32: IEEE halves, bfloat16, CTranslate2's integers with a scale a
// row (int8) or a tensor (int16), and ggml's blocks of 32. Source data is not aligned, so values
// are copied out before they are looked at.
#include "values.h"

#include "base/attributes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HALVES = 1024 };

size_t values_row(const SourceTensor *tensor)
{
    size_t row = 1;
    for (size_t i = 1; i < tensor->rank; i++) {
        row *= tensor->dims[i];
    }
    return row;
}

static void read_f16(const Kernels *kernels, const uint8_t *in, size_t count, float *out)
{
    uint16_t halves[HALVES];
    for (size_t done = 0; done < count;) {
        size_t take = BASE_MIN(count - done, (size_t)HALVES);
        memcpy(halves, in + done * sizeof halves[0], take * sizeof halves[0]);
        kernels->f16_to_f32(take, halves, out + done);
        done += take;
    }
}

// bfloat16 is the upper half of an f32.
static void read_bf16(const uint8_t *in, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, in + 2 * i, sizeof half);
        uint32_t bits = (uint32_t)half << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static float half_at(const Kernels *kernels, const uint8_t *in)
{
    float value;
    read_f16(kernels, in, 1, &value);
    return value;
}

// The two halves of a block's nibbles: element j is the low nibble of byte j, element j + 16 the
// high one. high holds a fifth bit for each element.
static void read_nibbles(const uint8_t *in, uint32_t high, int offset, float scale, float minimum,
                         float out[SOURCE_BLOCK])
{
    for (size_t j = 0; j < SOURCE_BLOCK / 2; j++) {
        int low = (in[j] & 15) | (int)(((high >> j) & 1) << 4);
        int up = (in[j] >> 4) | (int)(((high >> (j + 16)) & 1) << 4);
        out[j] = (float)(low - offset) * scale + minimum;
        out[j + 16] = (float)(up - offset) * scale + minimum;
    }
}

static void read_block(const Kernels *kernels, SourceType type, const uint8_t *in,
                       float out[SOURCE_BLOCK])
{
    float scale = half_at(kernels, in);
    uint32_t high = 0;

    switch (type) {
    case SOURCE_Q4_0: read_nibbles(in + 2, 0, 8, scale, 0, out); break;
    case SOURCE_Q4_1: read_nibbles(in + 4, 0, 0, scale, half_at(kernels, in + 2), out); break;
    case SOURCE_Q5_0:
        memcpy(&high, in + 2, sizeof high);
        read_nibbles(in + 6, high, 16, scale, 0, out);
        break;
    case SOURCE_Q5_1:
        memcpy(&high, in + 4, sizeof high);
        read_nibbles(in + 8, high, 0, scale, half_at(kernels, in + 2), out);
        break;
    default: // q8_0
        for (size_t j = 0; j < SOURCE_BLOCK; j++) {
            out[j] = (float)(int8_t)in[2 + j] * scale;
        }
    }
}

static void read_blocks(const Kernels *kernels, SourceType type, const uint8_t *in, size_t count,
                        float *out)
{
    size_t block_bytes = source_type_bytes(type, SOURCE_BLOCK);
    for (size_t i = 0; i < count / SOURCE_BLOCK; i++) {
        read_block(kernels, type, in + i * block_bytes, out + i * SOURCE_BLOCK);
    }
}

// CTranslate2: w = q / scale, with one scale a row or one for the tensor.
typedef struct Scales {
    const uint8_t *data;
    bool by_row;
} Scales;

static ScoutStatus find_scales(const Source *source, const SourceTensor *tensor, Scales *scales,
                               ScoutError *error)
{
    char name[SOURCE_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s_scale", tensor->name);
    const SourceTensor *found = source_find(source, name);
    size_t count = found ? found->bytes / sizeof(float) : 0;
    if (!found || found->type != SOURCE_F32 || (count != 1 && count != tensor->dims[0])) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: the scales of tensor %s are missing or malformed", source->path,
                         tensor->name);
    }
    *scales = (Scales){.data = found->data, .by_row = count == tensor->dims[0]};
    return SCOUT_OK;
}

static float scale_of_row(const Scales *scales, size_t row)
{
    float scale;
    memcpy(&scale, scales->data + (scales->by_row ? row * sizeof scale : 0), sizeof scale);
    return 1.0F / scale;
}

static float integer_at(const SourceTensor *tensor, size_t index)
{
    if (tensor->type == SOURCE_I8) {
        int8_t byte;
        memcpy(&byte, tensor->data + index, sizeof byte);
        return (float)byte;
    }
    int16_t q;
    memcpy(&q, tensor->data + index * sizeof q, sizeof q);
    return (float)q;
}

static ScoutStatus read_integers(const Source *source, const SourceTensor *tensor, size_t first,
                                 size_t count, float *out, ScoutError *error)
{
    Scales scales = {0};
    ScoutStatus status = find_scales(source, tensor, &scales, error);
    if (status != SCOUT_OK || !scales.data) {
        return status;
    }
    size_t row_elements = values_row(tensor);
    for (size_t row = 0; row < count; row++) {
        float scale = scale_of_row(&scales, first + row);
        for (size_t i = 0; i < row_elements; i++) {
            size_t index = (first + row) * row_elements + i;
            out[row * row_elements + i] = integer_at(tensor, index) * scale;
        }
    }
    return SCOUT_OK;
}

ScoutStatus values_read(const Source *source, const Kernels *kernels, const SourceTensor *tensor,
                        size_t first, size_t count, float *out, ScoutError *error)
{
    size_t elements = count * values_row(tensor);
    const uint8_t *in = tensor->data + source_type_bytes(tensor->type, first * values_row(tensor));

    switch (tensor->type) {
    case SOURCE_F32: memcpy(out, in, elements * sizeof *out); return SCOUT_OK;
    case SOURCE_F16: read_f16(kernels, in, elements, out); return SCOUT_OK;
    case SOURCE_BF16: read_bf16(in, elements, out); return SCOUT_OK;
    case SOURCE_I8:
    case SOURCE_I16: return read_integers(source, tensor, first, count, out, error);
    case SOURCE_Q4_0:
    case SOURCE_Q4_1:
    case SOURCE_Q5_0:
    case SOURCE_Q5_1:
    case SOURCE_Q8_0: read_blocks(kernels, tensor->type, in, elements, out); return SCOUT_OK;
    case SOURCE_OTHER: break;
    }
    return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s is not of a type for weights",
                     source->path, tensor->name);
}

ScoutStatus values_read_s8(const Source *source, const SourceTensor *tensor, size_t first,
                           size_t count, int8_t *q, float *scale, ScoutError *error)
{
    Scales scales = {0};
    ScoutStatus status = find_scales(source, tensor, &scales, error);
    if (status != SCOUT_OK || !scales.data) {
        return status;
    }
    size_t elements = count * values_row(tensor);
    memcpy(q, tensor->data + first * values_row(tensor), elements);
    if (memchr(q, -128, elements)) { // no writer makes it, and the kernels' sums leave it no room
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s holds the value -128",
                         source->path, tensor->name);
    }
    for (size_t row = 0; row < count; row++) {
        scale[row] = scale_of_row(&scales, first + row);
        if (!isfinite(scale[row]) || scale[row] <= 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT,
                             "%s: tensor %s has a scale that is no "
                             "positive number",
                             source->path, tensor->name);
        }
    }
    return SCOUT_OK;
}
