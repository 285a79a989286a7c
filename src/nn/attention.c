// Attention over packed positions and over a cache of slots.
#include "nn/attention.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum { PART_BYTES = 64 };

static size_t padded_length(const NnPanels *panels)
{
    return BASE_ROUND_UP(panels->length, (size_t)KERNELS_PANEL);
}

static size_t element_bytes(NnFormat format)
{
    switch (format) {
    case NN_F32: return sizeof(float);
    case NN_F16: return sizeof(uint16_t);
    default: return sizeof(int8_t);
    }
}

// The parts one after another, each padded to a cache line.
typedef struct Parts {
    size_t keys, scale, sum, values, end;
} Parts;

static Parts lay_out(const NnPanels *panels)
{
    const size_t positions = panels->heads * padded_length(panels);
    const bool integer = panels->key_format == NN_S8;
    Parts parts = {.keys = 0};
    parts.scale = BASE_ROUND_UP(positions * panels->head_size * element_bytes(panels->key_format),
                                (size_t)PART_BYTES);
    parts.sum = parts.scale + (integer ? positions * sizeof(float) : 0);
    parts.values = parts.sum + (integer ? positions * sizeof(int32_t) : 0);
    parts.end = parts.values + BASE_ROUND_UP(panels->heads * panels->head_size * panels->length *
                                                 element_bytes(panels->value_format),
                                             (size_t)PART_BYTES);
    return parts;
}

size_t nn_panels_bytes(const NnPanels *panels)
{
    return lay_out(panels).end;
}

void nn_panels_place(NnPanels *panels, void *memory)
{
    const Parts parts = lay_out(panels);
    const bool integer = panels->key_format == NN_S8;
    char *base = memory;
    panels->keys = base;
    panels->key_scale = integer ? (float *)(void *)(base + parts.scale) : NULL;
    panels->key_sum = integer ? (int32_t *)(void *)(base + parts.sum) : NULL;
    panels->values = base + parts.values;
}

// Where the panel of position `at` begins, and the lane of the position in it.
static size_t key_at(const NnPanels *panels, size_t head, size_t at)
{
    return (head * padded_length(panels) + at - at % KERNELS_PANEL) * panels->head_size;
}

static size_t value_at(const NnPanels *panels, size_t head, size_t at)
{
    return head * panels->head_size * panels->length + at * KERNELS_PANEL;
}

static void store_key_f32(const NnPanels *panels, size_t head, size_t at, const float *key)
{
    float *out = (float *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL;
    for (size_t i = 0; i < panels->head_size; i++)
        out[i * KERNELS_PANEL] = key[i];
}

static void store_key_f16(const NnPanels *panels, size_t head, size_t at, const uint16_t *key)
{
    uint16_t *out = (uint16_t *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL;
    for (size_t i = 0; i < panels->head_size; i++)
        out[i * KERNELS_PANEL] = key[i];
}

// q stands for q - 128, as quantize_u8 leaves it.
static void store_key_s8(const NnPanels *panels, size_t head, size_t at, const uint8_t *q,
                         float scale)
{
    int8_t *out =
        (int8_t *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL * KERNELS_S8_UNIT;
    int32_t sum = 0;
    for (size_t i = 0; i < panels->head_size; i += KERNELS_S8_UNIT) {
        for (size_t j = 0; j < KERNELS_S8_UNIT; j++) {
            const int value = q[i + j] - 128;
            out[i * KERNELS_PANEL + j] = (int8_t)value;
            sum += value;
        }
    }
    panels->key_scale[head * padded_length(panels) + at] = scale;
    panels->key_sum[head * padded_length(panels) + at] = 128 * sum;
}

static void store_key(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                      const float *key)
{
    const size_t size = panels->head_size;
    if (panels->key_format == NN_F32) {
        store_key_f32(panels, head, at, key);
    } else if (panels->key_format == NN_F16) {
        uint16_t f16[NN_HEAD_MAX];
        kernels->f32_to_f16(size, key, f16);
        store_key_f16(panels, head, at, f16);
    } else {
        uint8_t q[NN_HEAD_MAX];
        float scale = 0;
        kernels->quantize_u8(1, size, size, key, size, q, size, &scale);
        store_key_s8(panels, head, at, q, scale);
    }
}

static void store_value(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                        const float *value)
{
    const size_t size = panels->head_size;
    const size_t row = value_at(panels, head, at);
    const size_t step = panels->length; // from one 16 of the head's values to the next
    if (panels->value_format == NN_F32) {
        float *out = (float *)panels->values + row;
        for (size_t i = 0; i < size; i += KERNELS_PANEL)
            memcpy(out + i * step, value + i, KERNELS_PANEL * sizeof(*out));
    } else {
        uint16_t *out = (uint16_t *)panels->values + row;
        for (size_t i = 0; i < size; i += KERNELS_PANEL)
            kernels->f32_to_f16(KERNELS_PANEL, value + i, out + i * step);
    }
}

// The lanes of the last key panel beyond the last position: read by kernels, never used.
static void clear_tail(const NnPanels *panels, size_t head)
{
    const size_t length = panels->length;
    const size_t unit = panels->key_format == NN_S8 ? KERNELS_S8_UNIT : 1;
    const size_t bytes = element_bytes(panels->key_format) * unit;
    const size_t used = length % KERNELS_PANEL;
    if (used == 0)
        return;
    char *panel =
        (char *)panels->keys + key_at(panels, head, length) * element_bytes(panels->key_format);
    for (size_t i = 0; i < panels->head_size / unit; i++)
        memset(panel + (i * KERNELS_PANEL + used) * bytes, 0, (KERNELS_PANEL - used) * bytes);
    for (size_t at = length; panels->key_scale && at < padded_length(panels); at++) {
        panels->key_scale[head * padded_length(panels) + at] = 0;
        panels->key_sum[head * padded_length(panels) + at] = 0;
    }
}

void nn_panels_store(const Kernels *kernels, const NnPanels *panels, size_t first, size_t count,
                     const float *keys, const float *values, size_t stride)
{
    const size_t size = panels->head_size;
    assert(size % KERNELS_PANEL == 0 && size <= NN_HEAD_MAX && first + count <= panels->length);
    for (size_t head = 0; head < panels->heads; head++) {
        for (size_t i = 0; i < count; i++) {
            store_key(kernels, panels, head, first + i, keys + i * stride + head * size);
            store_value(kernels, panels, head, first + i, values + i * stride + head * size);
        }
        if (first + count == panels->length)
            clear_tail(panels, head);
    }
}

// scores[count][length] = q . keys
static void score(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                  const float *q, size_t q_stride, float *scores)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t at = key_at(panels, head, 0);
    const KernelsEpilogue plain = {.bias = NULL};
    if (panels->key_format == NN_F32) {
        kernels->gemm_f32(count, length, size, q, q_stride, (const float *)panels->keys + at,
                          scores, length, &plain);
    } else if (panels->key_format == NN_F16) {
        kernels->gemm_f16(count, length, size, q, q_stride, (const uint16_t *)panels->keys + at,
                          scores, length, &plain);
    } else {
        uint8_t bytes[NN_QUERIES_MAX * NN_HEAD_MAX];
        float scale[NN_QUERIES_MAX];
        kernels->quantize_u8(count, size, size, q, q_stride, bytes, size, scale);
        const KernelsU8Rows rows = {.q = bytes, .stride = size, .scale = scale};
        const KernelsS8Panels weights = {
            .q = (const int8_t *)panels->keys + at,
            .scale = panels->key_scale + head * padded_length(panels),
            .sum = panels->key_sum + head * padded_length(panels),
        };
        kernels->gemm_u8s8(count, length, size, &rows, &weights, scores, length, &plain);
    }
}

void nn_attention_panels(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                         const float *q, size_t q_stride, float *scores, float *out,
                         size_t out_stride)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t at = value_at(panels, head, 0);
    const KernelsEpilogue plain = {.bias = NULL};
    assert(count <= NN_QUERIES_MAX);
    score(kernels, panels, head, count, q, q_stride, scores);
    for (size_t i = 0; i < count; i++)
        kernels->softmax(length, scores + i * length, 1.0F / sqrtf((float)size));
    if (panels->value_format == NN_F32)
        kernels->gemm_f32(count, size, length, scores, length, (const float *)panels->values + at,
                          out, out_stride, &plain);
    else
        kernels->gemm_f16(count, size, length, scores, length,
                          (const uint16_t *)panels->values + at, out, out_stride, &plain);
}

void nn_attention_cached(const Kernels *kernels, size_t head_size, const float *q,
                         const float *keys, const float *values, const uint32_t *slots,
                         size_t length, float *scores, float *out)
{
    assert(length > 0);
    for (size_t i = 0; i < length; i++)
        scores[i] = kernels->dot(head_size, q, keys + slots[i] * head_size);
    kernels->softmax(length, scores, 1.0F / sqrtf((float)head_size));
    memset(out, 0, head_size * sizeof(float));
    for (size_t i = 0; i < length; i++)
        kernels->axpy(head_size, scores[i], values + slots[i] * head_size, out);
}
