// Building of the panels. Each function walks panel by panel: 16 rows of the source become 16
// lanes; lanes beyond the last row and k beyond the last column are zeros.
#include "kernels/pack.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "half.h"
#include "kernels/kernels.h"

enum {
    PANEL = KERNELS_PANEL,
    UNIT = KERNELS_S8_UNIT,
    GROUP = KERNELS_S4_GROUP,
    GROUP_BYTES = GROUP / 2,
    PAIR = 2 // k values side by side in bf16 panels
};

static size_t panel_count(size_t n)
{
    return BASE_ROUND_UP(n, (size_t)PANEL) / PANEL;
}

size_t pack_f32_bytes(size_t n, size_t k)
{
    return panel_count(n) * PANEL * k * sizeof(float);
}

size_t pack_f16_bytes(size_t n, size_t k)
{
    return panel_count(n) * PANEL * k * sizeof(uint16_t);
}

size_t pack_bf16_bytes(size_t n, size_t k)
{
    return panel_count(n) * PANEL * BASE_ROUND_UP(k, (size_t)KERNELS_BF16_UNIT) * sizeof(uint16_t);
}

size_t pack_s8_bytes(size_t n, size_t k)
{
    return panel_count(n) * PANEL * BASE_ROUND_UP(k, (size_t)UNIT);
}

size_t pack_s4_bytes(size_t n, size_t k)
{
    return panel_count(n) * PANEL * BASE_ROUND_UP(k, (size_t)GROUP) / 2;
}

size_t pack_s4_scales(size_t n, size_t k)
{
    return panel_count(n) * PANEL * (BASE_ROUND_UP(k, (size_t)GROUP) / GROUP);
}

void pack_f32(size_t n, size_t k, size_t first, size_t count, const float *w, float *out)
{
    (void)n;
    for (size_t base = 0; base < count; base += PANEL) {
        float *panel = out + (first + base) * k;
        size_t rows = BASE_MIN(count - base, (size_t)PANEL);
        for (size_t i = 0; i < k; i++) {
            for (size_t lane = 0; lane < PANEL; lane++) {
                panel[i * PANEL + lane] = lane < rows ? w[(base + lane) * k + i] : 0.0f;
            }
        }
    }
}

void pack_f16(size_t n, size_t k, size_t first, size_t count, const float *w, uint16_t *out)
{
    (void)n;
    for (size_t base = 0; base < count; base += PANEL) {
        uint16_t *panel = out + (first + base) * k;
        size_t rows = BASE_MIN(count - base, (size_t)PANEL);
        for (size_t i = 0; i < k; i++) {
            for (size_t lane = 0; lane < PANEL; lane++) {
                panel[i * PANEL + lane] =
                    lane < rows ? half_from_float(w[(base + lane) * k + i]) : 0;
            }
        }
    }
}

static size_t bf16_offset(size_t k_padded, size_t row, size_t i)
{
    return row / PANEL * PANEL * k_padded + i / PAIR * PAIR * PANEL + row % PANEL * PAIR + i % PAIR;
}

void pack_bf16(size_t n, size_t k, size_t first, size_t count, const float *w, uint16_t *out)
{
    (void)n;
    size_t k_padded = BASE_ROUND_UP(k, (size_t)KERNELS_BF16_UNIT);
    for (size_t r = 0; r < BASE_ROUND_UP(count, (size_t)PANEL); r++) {
        for (size_t i = 0; i < k_padded; i++) {
            bool inside = r < count && i < k;
            out[bf16_offset(k_padded, first + r, i)] = inside ? bf16_from_float(w[r * k + i]) : 0;
        }
    }
}

// The largest magnitude, with its sign.
static float signed_extreme(size_t count, const float *values)
{
    float extreme = 0.0f;
    for (size_t i = 0; i < count; i++) {
        if (fabsf(values[i]) > fabsf(extreme)) {
            extreme = values[i];
        }
    }
    return extreme;
}

static int32_t round_clamped(float value, float low, float high)
{
    return (int32_t)nearbyintf(fmaxf(low, fminf(high, value)));
}

static size_t s8_offset(size_t k_padded, size_t row, size_t i)
{
    return row / PANEL * PANEL * k_padded + i / UNIT * UNIT * PANEL + row % PANEL * UNIT + i % UNIT;
}

static void clear_s8_padding(size_t k, size_t row, int8_t *out)
{
    size_t k_padded = BASE_ROUND_UP(k, (size_t)UNIT);
    for (size_t i = k; i < k_padded; i++) {
        out[s8_offset(k_padded, row, i)] = 0;
    }
}

// Lanes first..end of the last panel stand for no row.
static void clear_s8_lanes(size_t k, size_t first, int8_t *out, float *scale, int32_t *sum)
{
    size_t k_padded = BASE_ROUND_UP(k, (size_t)UNIT);
    for (size_t row = first; row % PANEL != 0; row++) {
        for (size_t i = 0; i < k_padded; i++) {
            out[s8_offset(k_padded, row, i)] = 0;
        }
        scale[row] = 0.0f;
        sum[row] = 0;
    }
}

void pack_s8(size_t n, size_t k, size_t first, size_t count, const float *w, int8_t *out,
             float *scale, int32_t *sum)
{
    (void)n;
    size_t k_padded = BASE_ROUND_UP(k, (size_t)UNIT);
    for (size_t r = 0; r < count; r++) {
        const float *source = w + r * k;
        size_t row = first + r;
        float row_scale = fabsf(signed_extreme(k, source)) / 127.0f;
        int32_t total = 0;
        for (size_t i = 0; i < k; i++) {
            int32_t q =
                row_scale > 0.0f ? round_clamped(source[i] / row_scale, -127.0f, 127.0f) : 0;
            out[s8_offset(k_padded, row, i)] = (int8_t)q;
            total += q;
        }
        clear_s8_padding(k, row, out);
        scale[row] = row_scale;
        sum[row] = 128 * total;
    }
    clear_s8_lanes(k, first + count, out, scale, sum);
}

void pack_s8_quantized(size_t n, size_t k, size_t first, size_t count, const int8_t *q,
                       const float *row_scale, int8_t *out, float *scale, int32_t *sum)
{
    (void)n;
    size_t k_padded = BASE_ROUND_UP(k, (size_t)UNIT);
    for (size_t r = 0; r < count; r++) {
        size_t row = first + r;
        int32_t total = 0;
        for (size_t i = 0; i < k; i++) {
            out[s8_offset(k_padded, row, i)] = q[r * k + i];
            total += q[r * k + i];
        }
        clear_s8_padding(k, row, out);
        scale[row] = row_scale[r];
        sum[row] = 128 * total;
    }
    clear_s8_lanes(k, first + count, out, scale, sum);
}

static void pack_s4_group(size_t count, const float *source, uint8_t *bytes, float *scale)
{
    float group_scale = signed_extreme(count, source) / -8.0f;
    uint8_t nibbles[GROUP];
    for (size_t i = 0; i < GROUP; i++) {
        bool zero = i >= count || group_scale == 0.0f;
        int32_t q = zero ? 0 : round_clamped(source[i] / group_scale, -8.0f, 7.0f);
        nibbles[i] = (uint8_t)(q + 8);
    }
    for (size_t j = 0; j < GROUP_BYTES; j++) {
        bytes[j] = (uint8_t)(nibbles[j] | nibbles[j + GROUP_BYTES] << 4);
    }
    *scale = group_scale == 0.0f ? 0.0f : group_scale; // no minus zero
}

void pack_s4(size_t n, size_t k, size_t first, size_t count, const float *w, uint8_t *out,
             float *scale)
{
    (void)n;
    size_t groups = BASE_ROUND_UP(k, (size_t)GROUP) / GROUP;
    size_t rows_padded = BASE_ROUND_UP(count, (size_t)PANEL);
    for (size_t r = 0; r < rows_padded; r++) {
        size_t row = first + r;
        for (size_t g = 0; g < groups; g++) {
            size_t at = (row / PANEL * groups + g) * PANEL + row % PANEL;
            size_t length = r < count ? BASE_MIN(k - g * GROUP, (size_t)GROUP) : 0;
            const float *source = r < count ? w + r * k + g * GROUP : w;
            pack_s4_group(length, source, out + at * GROUP_BYTES, scale + at);
        }
    }
}

void unpack_row_f32(size_t k, size_t row, const float *panels, float *out)
{
    const float *lane = panels + row / PANEL * PANEL * k + row % PANEL;
    for (size_t i = 0; i < k; i++) {
        out[i] = lane[i * PANEL];
    }
}

void unpack_row_f16(size_t k, size_t row, const uint16_t *panels, float *out)
{
    const uint16_t *lane = panels + row / PANEL * PANEL * k + row % PANEL;
    for (size_t i = 0; i < k; i++) {
        out[i] = half_to_float(lane[i * PANEL]);
    }
}

void unpack_row_bf16(size_t k, size_t row, const uint16_t *panels, float *out)
{
    size_t k_padded = BASE_ROUND_UP(k, (size_t)KERNELS_BF16_UNIT);
    for (size_t i = 0; i < k; i++) {
        out[i] = bf16_to_float(panels[bf16_offset(k_padded, row, i)]);
    }
}

void unpack_row_s8(size_t k, size_t row, const int8_t *panels, const float *scale, float *out)
{
    size_t k_padded = BASE_ROUND_UP(k, (size_t)UNIT);
    for (size_t i = 0; i < k; i++) {
        out[i] = (float)panels[s8_offset(k_padded, row, i)] * scale[row];
    }
}

void unpack_row_s4(size_t k, size_t row, const uint8_t *panels, const float *scale, float *out)
{
    size_t groups = BASE_ROUND_UP(k, (size_t)GROUP) / GROUP;
    for (size_t i = 0; i < k; i++) {
        size_t at = (row / PANEL * groups + i / GROUP) * PANEL + row % PANEL;
        size_t j = i % GROUP;
        uint8_t byte = panels[at * GROUP_BYTES + j % GROUP_BYTES];
        int q = (j < GROUP_BYTES ? byte & 15 : byte >> 4) - 8;
        out[i] = (float)q * scale[at];
    }
}
