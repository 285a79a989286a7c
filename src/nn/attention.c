// Attention over packed positions and over a cache of slots.
#include "nn/attention.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"

static size_t keys_elements(size_t head_size, size_t length)
{
    return BASE_ROUND_UP(length, (size_t)KERNELS_PANEL) * head_size;
}

static size_t element_bytes(NnFormat format)
{
    return format == NN_F16 ? sizeof(uint16_t) : sizeof(float);
}

size_t nn_panels_bytes(NnFormat format, size_t heads, size_t head_size, size_t length)
{
    return heads * keys_elements(head_size, length) * element_bytes(format);
}

// Position `at` of one head: a column of its key panel and a row of its value panels.
static void store_f32(const NnPanels *panels, size_t head, size_t at, const float *key,
                      const float *value)
{
    const size_t size = panels->head_size;
    const size_t lane = at % KERNELS_PANEL;
    float *keys = (float *)panels->keys + head * keys_elements(size, panels->length) +
                  (at - lane) * size + lane;
    for (size_t i = 0; i < size; i++)
        keys[i * KERNELS_PANEL] = key[i];
    float *values = (float *)panels->values + head * size * panels->length + at * KERNELS_PANEL;
    for (size_t i = 0; i < size; i += KERNELS_PANEL)
        memcpy(values + i * panels->length, value + i, KERNELS_PANEL * sizeof(float));
}

static void store_f16(const NnPanels *panels, size_t head, size_t at, const uint16_t *key,
                      const uint16_t *value)
{
    const size_t size = panels->head_size;
    const size_t lane = at % KERNELS_PANEL;
    uint16_t *keys = (uint16_t *)panels->keys + head * keys_elements(size, panels->length) +
                     (at - lane) * size + lane;
    for (size_t i = 0; i < size; i++)
        keys[i * KERNELS_PANEL] = key[i];
    uint16_t *values =
        (uint16_t *)panels->values + head * size * panels->length + at * KERNELS_PANEL;
    for (size_t i = 0; i < size; i += KERNELS_PANEL)
        memcpy(values + i * panels->length, value + i, KERNELS_PANEL * sizeof(uint16_t));
}

// The lanes of the last key panel beyond the last position: read by kernels, never used.
static void clear_tail(const NnPanels *panels, size_t head)
{
    const size_t used = panels->length % KERNELS_PANEL;
    if (used == 0)
        return;
    const size_t bytes = element_bytes(panels->format);
    const size_t start = head * keys_elements(panels->head_size, panels->length) +
                         (panels->length - used) * panels->head_size;
    for (size_t i = 0; i < panels->head_size; i++)
        memset((char *)panels->keys + (start + i * KERNELS_PANEL + used) * bytes, 0,
               (KERNELS_PANEL - used) * bytes);
}

void nn_panels_store(const Kernels *kernels, const NnPanels *panels, size_t first, size_t count,
                     const float *keys, const float *values, size_t stride)
{
    const size_t size = panels->head_size;
    assert(size % KERNELS_PANEL == 0 && size <= NN_HEAD_MAX && first + count <= panels->length);
    uint16_t key_f16[NN_HEAD_MAX];
    uint16_t value_f16[NN_HEAD_MAX];
    for (size_t head = 0; head < panels->heads; head++) {
        for (size_t i = 0; i < count; i++) {
            const float *key = keys + i * stride + head * size;
            const float *value = values + i * stride + head * size;
            if (panels->format == NN_F32) {
                store_f32(panels, head, first + i, key, value);
                continue;
            }
            kernels->f32_to_f16(size, key, key_f16);
            kernels->f32_to_f16(size, value, value_f16);
            store_f16(panels, head, first + i, key_f16, value_f16);
        }
        if (first + count == panels->length)
            clear_tail(panels, head);
    }
}

void nn_attention_panels(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                         const float *q, size_t q_stride, float *scores, float *out,
                         size_t out_stride)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t key_at = head * keys_elements(size, length);
    const size_t value_at = head * size * length;
    const KernelsEpilogue plain = {.bias = NULL};
    const float scale = 1.0F / sqrtf((float)size);

    if (panels->format == NN_F32)
        kernels->gemm_f32(count, length, size, q, q_stride, (const float *)panels->keys + key_at,
                          scores, length, &plain);
    else
        kernels->gemm_f16(count, length, size, q, q_stride, (const uint16_t *)panels->keys + key_at,
                          scores, length, &plain);
    for (size_t i = 0; i < count; i++)
        kernels->softmax(length, scores + i * length, scale);
    if (panels->format == NN_F32)
        kernels->gemm_f32(count, size, length, scores, length,
                          (const float *)panels->values + value_at, out, out_stride, &plain);
    else
        kernels->gemm_f16(count, size, length, scores, length,
                          (const uint16_t *)panels->values + value_at, out, out_stride, &plain);
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
