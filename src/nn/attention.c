// Attention over packed positions and over a cache of places.
#include "nn/attention.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum { PART_BYTES = 64, PAIR = 2, ATTEND_ROWS = 24 };

// The rows and columns of the packed matrices, padded to the units of their formats.
static size_t padded_length(const NnPanels *panels)
{
    return BASE_ROUND_UP(panels->length, (size_t)KERNELS_PANEL);
}

static size_t key_width(const NnPanels *panels)
{
    return panels->key_format == NN_BF16
               ? BASE_ROUND_UP(panels->head_size, (size_t)KERNELS_BF16_UNIT)
               : panels->head_size;
}

static size_t value_length(const NnPanels *panels)
{
    switch (panels->value_format) {
    case NN_BF16: return BASE_ROUND_UP(panels->length, (size_t)KERNELS_BF16_UNIT);
    case NN_S16: return BASE_ROUND_UP(panels->length, (size_t)PAIR);
    default: return panels->length;
    }
}

static size_t element_bytes(NnFormat format)
{
    switch (format) {
    case NN_F32: return sizeof(float);
    case NN_S8: return sizeof(int8_t);
    default: return sizeof(uint16_t);
    }
}

// The parts one after another, each padded to a cache line.
typedef struct Parts {
    size_t keys, scale, sum, values, value_scale, end;
} Parts;

static Parts lay_out(const NnPanels *panels)
{
    const size_t positions = panels->heads * padded_length(panels);
    const bool integer = panels->key_format == NN_S8;
    const size_t key_bytes = positions * key_width(panels) * element_bytes(panels->key_format);
    const size_t value_bytes = panels->heads * panels->head_size * value_length(panels) *
                               element_bytes(panels->value_format);
    Parts parts = {.keys = 0};
    parts.scale = BASE_ROUND_UP(key_bytes, (size_t)PART_BYTES);
    parts.sum = parts.scale + (integer ? positions * sizeof(float) : 0);
    parts.values = parts.sum + (integer ? positions * sizeof(int32_t) : 0);
    parts.value_scale = parts.values + BASE_ROUND_UP(value_bytes, (size_t)PART_BYTES);
    parts.end =
        parts.value_scale + (panels->value_format == NN_S16 ? positions * sizeof(float) : 0);
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
    panels->value_scale =
        panels->value_format == NN_S16 ? (float *)(void *)(base + parts.value_scale) : NULL;
}

// The element where the panel of position `at` begins.
static size_t key_at(const NnPanels *panels, size_t head, size_t at)
{
    return (head * padded_length(panels) + at - at % KERNELS_PANEL) * key_width(panels);
}

// The element where the values of a head begin; the next 16 of its values begin `value_step` later.
static size_t value_at(const NnPanels *panels, size_t head)
{
    return head * panels->head_size * value_length(panels);
}

static size_t value_step(const NnPanels *panels)
{
    return value_length(panels) * KERNELS_PANEL;
}

// A column of elements of two bytes; `unit` of them lie side by side.
static void store_column(const NnPanels *panels, size_t head, size_t at, const uint16_t *key,
                         size_t unit)
{
    uint16_t *out = (uint16_t *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL * unit;
    for (size_t i = 0; i < key_width(panels); i += unit)
        for (size_t j = 0; j < unit; j++)
            out[i * KERNELS_PANEL + j] = key[i + j];
}

// q stands for q - 128, as quantize_u8 leaves it. Returns the sum of what it stands for.
static int32_t to_signed(size_t size, uint8_t *q)
{
    int32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += q[i];
        q[i] ^= 0x80;
    }
    return sum - 128 * (int32_t)size;
}

static void store_key_s8(const NnPanels *panels, size_t head, size_t at, uint8_t *q, float scale)
{
    char *out =
        (char *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL * KERNELS_S8_UNIT;
    panels->key_scale[head * padded_length(panels) + at] = scale;
    panels->key_sum[head * padded_length(panels) + at] = 128 * to_signed(panels->head_size, q);
    for (size_t i = 0; i < panels->head_size; i += KERNELS_S8_UNIT)
        memcpy(out + i * KERNELS_PANEL, q + i, KERNELS_S8_UNIT);
}

static void store_key(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                      const float *key)
{
    const size_t size = panels->head_size;
    uint16_t half[NN_HEAD_MAX] = {0}; // beyond the head bf16 wants zeros
    uint8_t q[NN_HEAD_MAX];
    switch (panels->key_format) {
    case NN_F16:
        kernels->f32_to_f16(size, key, half);
        store_column(panels, head, at, half, 1);
        break;
    case NN_BF16:
        kernels->f32_to_bf16(size, key, half);
        store_column(panels, head, at, half, PAIR);
        break;
    case NN_S8: {
        float scale = 0;
        kernels->quantize_u8(1, size, size, key, size, q, size, &scale);
        store_key_s8(panels, head, at, q, scale);
        break;
    }
    default: {
        float *out = (float *)panels->keys + key_at(panels, head, at) + at % KERNELS_PANEL;
        for (size_t i = 0; i < size; i++)
            out[i * KERNELS_PANEL] = key[i];
        break;
    }
    }
}

// Pairs of positions lie side by side.
static void store_value_in_pair(const NnPanels *panels, size_t head, size_t at,
                                const uint16_t *value)
{
    uint16_t *out = (uint16_t *)panels->values + value_at(panels, head) +
                    at / PAIR * PAIR * KERNELS_PANEL + at % PAIR;
    for (size_t i = 0; i < panels->head_size; i += KERNELS_PANEL, out += value_step(panels))
        for (size_t lane = 0; lane < KERNELS_PANEL; lane++)
            out[lane * PAIR] = value[i + lane];
}

static void store_value(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                        const float *value)
{
    const size_t size = panels->head_size;
    const size_t row = value_at(panels, head) + at * KERNELS_PANEL;
    const size_t step = value_step(panels);
    if (panels->value_format == NN_BF16) {
        uint16_t bf16[NN_HEAD_MAX];
        kernels->f32_to_bf16(size, value, bf16);
        store_value_in_pair(panels, head, at, bf16);
    } else if (panels->value_format == NN_S16) {
        int16_t q[NN_HEAD_MAX];
        kernels->quantize_s16(size, value, q,
                              panels->value_scale + head * padded_length(panels) + at);
        store_value_in_pair(panels, head, at, (const uint16_t *)q);
    } else if (panels->value_format == NN_F16) {
        uint16_t *out = (uint16_t *)panels->values + row;
        for (size_t i = 0; i < size; i += KERNELS_PANEL, out += step)
            kernels->f32_to_f16(KERNELS_PANEL, value + i, out);
    } else {
        float *out = (float *)panels->values + row;
        for (size_t i = 0; i < size; i += KERNELS_PANEL, out += step)
            memcpy(out, value + i, KERNELS_PANEL * sizeof(*out));
    }
}

// A whole panel, of up to 16 positions, in formats that the kernels pack.
static void store_key_panel(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                            size_t count, const float *keys, size_t stride)
{
    const size_t size = panels->head_size;
    char *out = (char *)panels->keys + key_at(panels, head, at) * element_bytes(panels->key_format);
    if (panels->key_format == NN_BF16) {
        const size_t width = key_width(panels);
        uint16_t rows[KERNELS_PANEL * NN_HEAD_MAX];
        for (size_t i = 0; i < count; i++) {
            kernels->f32_to_bf16(size, keys + i * stride, rows + i * width);
            memset(rows + i * width + size, 0, (width - size) * sizeof(*rows));
        }
        kernels->pack_lanes(count, width / PAIR, rows, width * sizeof(*rows), out);
    } else {
        const size_t first = head * padded_length(panels) + at;
        uint8_t rows[KERNELS_PANEL * NN_HEAD_MAX];
        kernels->quantize_u8(count, size, size, keys, stride, rows, size,
                             panels->key_scale + first);
        for (size_t i = 0; i < count; i++)
            panels->key_sum[first + i] = 128 * to_signed(size, rows + i * size);
        kernels->pack_lanes(count, size / KERNELS_S8_UNIT, rows, size, out);
    }
}

static void store_keys(const Kernels *kernels, const NnPanels *panels, size_t head, size_t first,
                       size_t count, const float *keys, size_t stride)
{
    const bool packs = panels->key_format == NN_BF16 || panels->key_format == NN_S8;
    for (size_t i = 0; i < count;) {
        const size_t at = first + i;
        // Lanes of positions that another thread stores must be left alone.
        const size_t end = BASE_MIN(at + KERNELS_PANEL, panels->length);
        if (packs && at % KERNELS_PANEL == 0 && first + count >= end) {
            store_key_panel(kernels, panels, head, at, end - at, keys + i * stride, stride);
            i += end - at;
        } else {
            store_key(kernels, panels, head, at, keys + i * stride);
            i++;
        }
    }
}

// Two positions, the first of them even.
static void store_value_pair(const Kernels *kernels, const NnPanels *panels, size_t head, size_t at,
                             const float *first, const float *second)
{
    uint16_t *out = (uint16_t *)panels->values + value_at(panels, head) + at * KERNELS_PANEL;
    if (panels->value_format == NN_BF16) {
        for (size_t i = 0; i < panels->head_size; i += KERNELS_PANEL, out += value_step(panels))
            kernels->f32_pairs_to_bf16(KERNELS_PANEL, first + i, second + i, out);
        return;
    }
    int16_t q[PAIR][NN_HEAD_MAX];
    float *scale = panels->value_scale + head * padded_length(panels) + at;
    kernels->quantize_s16(panels->head_size, first, q[0], scale);
    kernels->quantize_s16(panels->head_size, second, q[1], scale + 1);
    for (size_t i = 0; i < panels->head_size; i += KERNELS_PANEL, out += value_step(panels)) {
        for (size_t lane = 0; lane < KERNELS_PANEL; lane++) {
            out[PAIR * lane] = (uint16_t)q[0][i + lane];
            out[PAIR * lane + 1] = (uint16_t)q[1][i + lane];
        }
    }
}

static void store_values(const Kernels *kernels, const NnPanels *panels, size_t head, size_t first,
                         size_t count, const float *values, size_t stride)
{
    const bool pairs = panels->value_format == NN_BF16 || panels->value_format == NN_S16;
    for (size_t i = 0; i < count;) {
        const size_t at = first + i;
        const float *value = values + i * stride;
        if (pairs && at % PAIR == 0 && count - i >= PAIR) {
            store_value_pair(kernels, panels, head, at, value, value + stride);
            i += PAIR;
        } else {
            store_value(kernels, panels, head, at, value);
            i++;
        }
    }
}

// The lanes of the last key panel beyond the last position, which kernels read and nobody uses.
static void clear_key_tail(const NnPanels *panels, size_t head)
{
    const size_t used = panels->length % KERNELS_PANEL;
    if (used == 0)
        return;
    const size_t unit = panels->key_format == NN_S8     ? (size_t)KERNELS_S8_UNIT
                        : panels->key_format == NN_BF16 ? (size_t)PAIR
                                                        : 1;
    const size_t bytes = element_bytes(panels->key_format) * unit;
    char *panel = (char *)panels->keys +
                  key_at(panels, head, panels->length) * element_bytes(panels->key_format);
    for (size_t i = 0; i < key_width(panels) / unit; i++)
        memset(panel + (i * KERNELS_PANEL + used) * bytes, 0, (KERNELS_PANEL - used) * bytes);
    for (size_t at = panels->length; panels->key_scale && at < padded_length(panels); at++) {
        panels->key_scale[head * padded_length(panels) + at] = 0;
        panels->key_sum[head * padded_length(panels) + at] = 0;
    }
}

// The positions that pad values of 16 bits, which do take part, with weight 0.
static void clear_value_tail(const NnPanels *panels, size_t head)
{
    static const uint16_t zeros[NN_HEAD_MAX];
    for (size_t at = panels->length; at < value_length(panels); at++)
        store_value_in_pair(panels, head, at, zeros);
}

void nn_panels_store(const Kernels *kernels, const NnPanels *panels, size_t first, size_t count,
                     const float *keys, const float *values, size_t stride)
{
    const size_t size = panels->head_size;
    assert(size % KERNELS_PANEL == 0 && size <= NN_HEAD_MAX && first + count <= panels->length);
    for (size_t head = 0; head < panels->heads; head++) {
        store_keys(kernels, panels, head, first, count, keys + head * size, stride);
        store_values(kernels, panels, head, first, count, values + head * size, stride);
        if (first + count == panels->length) {
            clear_key_tail(panels, head);
            clear_value_tail(panels, head);
        }
    }
}

static const KernelsEpilogue plain = {.bias = NULL};

static void score_s8(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                     const float *q, size_t q_stride, float *scores)
{
    const size_t size = panels->head_size;
    uint8_t bytes[NN_QUERIES_MAX * NN_HEAD_MAX];
    float scale[NN_QUERIES_MAX];
    kernels->quantize_u8(count, size, size, q, q_stride, bytes, size, scale);
    const KernelsU8Rows rows = {.q = bytes, .stride = size, .scale = scale};
    const KernelsS8Panels weights = {
        .q = (const int8_t *)panels->keys + key_at(panels, head, 0),
        .scale = panels->key_scale + head * padded_length(panels),
        .sum = panels->key_sum + head * padded_length(panels),
    };
    kernels->gemm_u8s8(count, panels->length, size, &rows, &weights, scores, panels->length,
                       &plain);
}

static void score_bf16(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                       const float *q, size_t q_stride, float *scores)
{
    const size_t width = key_width(panels);
    uint16_t rows[NN_QUERIES_MAX * NN_HEAD_MAX];
    for (size_t i = 0; i < count; i++) {
        kernels->f32_to_bf16(panels->head_size, q + i * q_stride, rows + i * width);
        memset(rows + i * width + panels->head_size, 0,
               (width - panels->head_size) * sizeof(*rows));
    }
    kernels->gemm_bf16(count, panels->length, width, rows, width,
                       (const uint16_t *)panels->keys + key_at(panels, head, 0), scores,
                       panels->length, &plain);
}

// scores[count][length] = q . keys
static void score(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                  const float *q, size_t q_stride, float *scores)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t at = key_at(panels, head, 0);
    switch (panels->key_format) {
    case NN_S8: score_s8(kernels, panels, head, count, q, q_stride, scores); break;
    case NN_BF16: score_bf16(kernels, panels, head, count, q, q_stride, scores); break;
    case NN_F16:
        kernels->gemm_f16(count, length, size, q, q_stride, (const uint16_t *)panels->keys + at,
                          scores, length, &plain);
        break;
    default:
        kernels->gemm_f32(count, length, size, q, q_stride, (const float *)panels->keys + at,
                          scores, length, &plain);
        break;
    }
}

size_t nn_attention_scratch(size_t length)
{
    const size_t bf16 = BASE_ROUND_UP(length, (size_t)KERNELS_BF16_UNIT) / 2;
    return BASE_MAX(NN_QUERIES_MAX * (length + bf16),
                    kernels_attend_scratch(length) / sizeof(float));
}

// The softmax as bf16 lies behind that as f32.
static void mix_bf16(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                     float *scores, float *out, size_t out_stride)
{
    const size_t length = panels->length;
    const size_t padded = value_length(panels);
    uint16_t *weights = (uint16_t *)(void *)(scores + count * length);
    for (size_t i = 0; i < count; i++) {
        kernels->f32_to_bf16(length, scores + i * length, weights + i * padded);
        memset(weights + i * padded + length, 0, (padded - length) * sizeof(*weights));
    }
    kernels->gemm_bf16(count, panels->head_size, padded, weights, padded,
                       (const uint16_t *)panels->values + value_at(panels, head), out, out_stride,
                       &plain);
}

void nn_attention_panels(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                         const float *q, size_t q_stride, float *scores, float *out,
                         size_t out_stride)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t at = value_at(panels, head);
    assert(count <= NN_QUERIES_MAX);
    score(kernels, panels, head, count, q, q_stride, scores);
    for (size_t i = 0; i < count; i++)
        kernels->softmax(length, scores + i * length, 1.0F / sqrtf((float)size));
    if (panels->value_format == NN_BF16)
        mix_bf16(kernels, panels, head, count, scores, out, out_stride);
    else if (panels->value_format == NN_F16)
        kernels->gemm_f16(count, size, length, scores, length,
                          (const uint16_t *)panels->values + at, out, out_stride, &plain);
    else
        kernels->gemm_f32(count, size, length, scores, length, (const float *)panels->values + at,
                          out, out_stride, &plain);
}

// Some rows at a time, so that scores, keys and values stay in the second-level cache.
static void attend_s16(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
                       const float *q, size_t q_stride, float *scratch, float *out,
                       size_t out_stride)
{
    const size_t size = panels->head_size;
    const size_t length = panels->length;
    const size_t padded = value_length(panels);
    const float factor = 1.0F / sqrtf((float)size);
    int16_t *weights = (int16_t *)(void *)(scratch + ATTEND_ROWS * length);
    for (size_t first = 0; first < count; first += ATTEND_ROWS) {
        const size_t rows = BASE_MIN(count - first, (size_t)ATTEND_ROWS);
        float scale[ATTEND_ROWS];
        score_s8(kernels, panels, head, rows, q + first * q_stride, q_stride, scratch);
        for (size_t i = 0; i < rows; i++)
            scale[i] = kernels->softmax_s16(length, padded, scratch + i * length, factor,
                                            panels->value_scale + head * padded_length(panels),
                                            weights + i * padded);
        kernels->gemm_s16(rows, size, padded, weights, padded, scale,
                          (const int16_t *)panels->values + value_at(panels, head),
                          out + first * out_stride, out_stride);
    }
}

void nn_attend(const Kernels *kernels, const NnPanels *panels, size_t head, size_t count,
               const float *q, size_t q_stride, float *scratch, float *out, size_t out_stride)
{
    if (panels->value_format == NN_S16) {
        attend_s16(kernels, panels, head, count, q, q_stride, scratch, out, out_stride);
        return;
    }
    if (panels->key_format != NN_BF16 || panels->value_format != NN_BF16) {
        nn_attention_panels(kernels, panels, head, count, q, q_stride, scratch, out, out_stride);
        return;
    }
    const KernelsHead one = {
        .size = panels->head_size,
        .length = panels->length,
        .keys = (const uint16_t *)panels->keys + key_at(panels, head, 0),
        .values = (const uint16_t *)panels->values + value_at(panels, head),
    };
    kernels->attend_bf16(count, &one, 1.0F / sqrtf((float)one.size), q, q_stride, out, out_stride,
                         scratch);
}

void nn_attention_cached(const Kernels *kernels, const NnCache *cache, size_t head_size,
                         const float *q, float *scores, float *out)
{
    assert(cache->length > 0);
    kernels->dot_rows(cache->length, head_size, q, cache->places, cache->keys, scores);
    kernels->softmax(cache->length, scores, 1.0F / sqrtf((float)head_size));
    kernels->mix_rows(cache->length, head_size, scores, cache->places, cache->values, out);
}
