// Every operation in scalar C: the specification of the other tiers, and what runs where there is
// no other.
//
// Each element of a product is one accumulation over k in ascending order; a panel's 16 channels
// are computed together, which is also what lets a compiler vectorise the inner loop. Other
// reductions run over 16 lanes (element i goes to lane i mod 16), which are then folded in halves:
// one vector of 16 lanes, two of 8 and four of 4 do the same sums.
#include <math.h>
#include <string.h>

#include "approx.h"
#include "attend.h"
#include "base/attributes.h"
#include "half.h"
#include "tiers.h"

enum { PANEL = KERNELS_PANEL, UNIT = KERNELS_S8_UNIT, GROUP = KERNELS_S4_GROUP, LANES = 16 };

// Without hardware fusing, fmaf is a slow library call; two roundings are within every bound.
// Compiled with it (on ARM, or by the tests), this tier equals the vector tiers bit for bit.
static float multiply_add(float a, float b, float c)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

static float fold_lanes(float *lanes)
{
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            lanes[i] += lanes[i + half];
        }
    }
    return lanes[0];
}

static float horner(size_t count, const float *coefficients, float x)
{
    float sum = coefficients[count - 1];
    for (size_t i = count - 1; i-- > 0;) {
        sum = multiply_add(sum, x, coefficients[i]);
    }
    return sum;
}

static float exponential(float x)
{
    if (!(x >= EXP_LOWEST)) { // also what is not a number, which a damaged model can bring about
        return 0.0f;
    }
    float n = multiply_add(x, EXP_LOG2_E, EXP_ROUND) - EXP_ROUND;
    float r = multiply_add(n, -EXP_LN2_HI, x);
    r = multiply_add(n, -EXP_LN2_LO, r);
    float p = horner(BASE_COUNT(EXP_P), EXP_P, r);
    p = multiply_add(p, r, 1.0f);
    p = multiply_add(p, r, 1.0f);
    return p * half_bits_to_float((uint32_t)((int32_t)n + 127) << 23);
}

static float logistic(float x)
{
    return 1.0f / (1.0f + exponential(fminf(-x, EXP_HIGHEST)));
}

static float hyperbolic_tangent(float x)
{
    float magnitude = fabsf(x);
    if (magnitude < TANH_SMALL) {
        float s = x * x;
        return multiply_add(horner(BASE_COUNT(TANH_P), TANH_P, s) * s, x, x);
    }
    float e = exponential(2.0f * fminf(magnitude, TANH_HIGHEST));
    return copysignf(1.0f - 2.0f / (e + 1.0f), x);
}

static float gelu_value(float x)
{
    float t = fminf(fabsf(x), GELU_END);
    float q = horner(BASE_COUNT(GELU_Q), GELU_Q, multiply_add(t, GELU_SCALE, -1.0f));
    return multiply_add(-t, q, fmaxf(x, 0.0f));
}

static float finish(float value, const KernelsEpilogue *epilogue, size_t row, size_t column)
{
    if (epilogue == NULL) {
        return value;
    }
    if (epilogue->bias != NULL) {
        value += epilogue->bias[column];
    }
    if (epilogue->gelu) {
        value = gelu_value(value);
    }
    if (epilogue->residual != NULL) {
        value += epilogue->residual[row * epilogue->residual_stride + column];
    }
    return value;
}

static void store_panel(const float *values, size_t n, size_t row, size_t column, float *c,
                        size_t c_stride, const KernelsEpilogue *epilogue)
{
    size_t count = BASE_MIN(n - column, (size_t)PANEL);
    for (size_t lane = 0; lane < count; lane++) {
        c[row * c_stride + column + lane] = finish(values[lane], epilogue, row, column + lane);
    }
}

static void gemm_f32_ref(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                         const float *w, float *c, size_t c_stride, const KernelsEpilogue *epilogue)
{
    for (size_t column = 0; column < n; column += PANEL) {
        const float *panel = w + column * k;
        for (size_t row = 0; row < m; row++) {
            float sums[PANEL] = {0};
            for (size_t i = 0; i < k; i++) {
                float x = a[row * a_stride + i];
                for (size_t lane = 0; lane < PANEL; lane++) {
                    sums[lane] = multiply_add(x, panel[i * PANEL + lane], sums[lane]);
                }
            }
            store_panel(sums, n, row, column, c, c_stride, epilogue);
        }
    }
}

static void gemm_f16_ref(size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                         const uint16_t *w, float *c, size_t c_stride,
                         const KernelsEpilogue *epilogue)
{
    for (size_t column = 0; column < n; column += PANEL) {
        const uint16_t *panel = w + column * k;
        for (size_t row = 0; row < m; row++) {
            float sums[PANEL] = {0};
            for (size_t i = 0; i < k; i++) {
                float x = a[row * a_stride + i];
                for (size_t lane = 0; lane < PANEL; lane++) {
                    float weight = half_to_float(panel[i * PANEL + lane]);
                    sums[lane] = multiply_add(x, weight, sums[lane]);
                }
            }
            store_panel(sums, n, row, column, c, c_stride, epilogue);
        }
    }
}

// The products of a row with 16 channels.
static void sum_units(size_t k, const uint8_t *x, const int8_t *panel, int32_t *sums)
{
    memset(sums, 0, PANEL * sizeof *sums);
    for (size_t i = 0; i < k; i += UNIT) {
        for (size_t lane = 0; lane < PANEL; lane++) {
            const int8_t *q = panel + i * PANEL + lane * UNIT;
            sums[lane] += x[i] * q[0] + x[i + 1] * q[1] + x[i + 2] * q[2] + x[i + 3] * q[3];
        }
    }
}

static void gemm_u8s8_ref(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                          const KernelsS8Panels *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    for (size_t column = 0; column < n; column += PANEL) {
        const int8_t *panel = w->q + column * k;
        for (size_t row = 0; row < m; row++) {
            int32_t sums[PANEL];
            sum_units(k, a->q + row * a->stride, panel, sums);
            float values[PANEL];
            for (size_t lane = 0; lane < PANEL; lane++) {
                int32_t sum = sums[lane] - w->sum[column + lane];
                values[lane] = (float)sum * (a->scale[row] * w->scale[column + lane]);
            }
            store_panel(values, n, row, column, c, c_stride, epilogue);
        }
    }
}

static void gemm_u8s8_pairs_ref(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                                const KernelsS8Panels *w, float *c, size_t c_stride,
                                const KernelsEpilogue *epilogue)
{
    for (size_t column = 0; column < n; column += PANEL) {
        for (size_t row = 0; row < m; row++) {
            float values[PANEL] = {0};
            for (size_t part = 2 * row; part < 2 * row + 2; part++) {
                int32_t sums[PANEL];
                sum_units(k, a->q + part * a->stride, w->q + column * k, sums);
                for (size_t lane = 0; lane < PANEL; lane++) {
                    int32_t sum = sums[lane] - w->sum[column + lane];
                    values[lane] += (float)sum * (a->scale[part] * w->scale[column + lane]);
                }
            }
            store_panel(values, n, row, column, c, c_stride, epilogue);
        }
    }
}

// The products of 32 activations with the 32 nibbles of one channel.
static int32_t sum_group(const uint8_t *x, const uint8_t *bytes)
{
    int32_t sum = 0;
    for (size_t j = 0; j < GROUP / 2; j++) {
        sum += (x[j] - 128) * ((bytes[j] & 15) - 8);
        sum += (x[j + GROUP / 2] - 128) * ((bytes[j] >> 4) - 8);
    }
    return sum;
}

static void gemm_u8s4_ref(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                          const KernelsS4Panels *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    size_t groups = k / GROUP;
    for (size_t column = 0; column < n; column += PANEL) {
        for (size_t row = 0; row < m; row++) {
            float sums[PANEL] = {0};
            for (size_t g = 0; g < groups; g++) {
                size_t at = column * groups + g * PANEL;
                const uint8_t *x = a->q + row * a->stride + g * GROUP;
                for (size_t lane = 0; lane < PANEL; lane++) {
                    int32_t sum = sum_group(x, w->q + (at + lane) * (GROUP / 2));
                    // Fused by contract; once in 32 products, so a library call is bearable.
                    sums[lane] = fmaf((float)sum, w->scale[at + lane], sums[lane]);
                }
            }
            for (size_t lane = 0; lane < PANEL; lane++) {
                sums[lane] *= a->scale[row];
            }
            store_panel(sums, n, row, column, c, c_stride, epilogue);
        }
    }
}

static void gemm_bf16_ref(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                          const uint16_t *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    for (size_t column = 0; column < n; column += PANEL) {
        const uint16_t *panel = w + column * k;
        for (size_t row = 0; row < m; row++) {
            float sums[PANEL] = {0};
            for (size_t i = 0; i < k; i++) {
                float x = bf16_to_float(a[row * a_stride + i]);
                for (size_t lane = 0; lane < PANEL; lane++) {
                    uint16_t weight = panel[i / 2 * 2 * PANEL + lane * 2 + i % 2];
                    sums[lane] = multiply_add(x, bf16_to_float(weight), sums[lane]);
                }
            }
            store_panel(sums, n, row, column, c, c_stride, epilogue);
        }
    }
}

// Weights of one query in place of its scores; returns their sum.
static float weigh_ref(size_t length, float *scores, uint16_t *weights)
{
    float largest = scores[0];
    for (size_t j = 1; j < length; j++) {
        largest = fmaxf(largest, scores[j]);
    }
    float lanes[LANES] = {0};
    for (size_t j = 0; j < length; j++) {
        float weight = exponential(scores[j] - largest);
        weights[j] = bf16_from_float(weight);
        lanes[j % LANES] += weight;
    }
    return fold_lanes(lanes);
}

static void attend_bf16_ref(size_t m, const KernelsHead *head, float scale, const float *q,
                            size_t q_stride, float *out, size_t out_stride, void *scratch)
{
    const size_t width = BASE_ROUND_UP(head->size, (size_t)KERNELS_BF16_UNIT);
    const size_t padded = attend_stride(head->length);
    float *scores = scratch;
    uint16_t *weights = (uint16_t *)(void *)(scores + ATTEND_ROWS * padded);
    for (size_t row = 0; row < m; row++) {
        uint16_t query[KERNELS_HEAD_MAX] = {0};
        for (size_t i = 0; i < head->size; i++) {
            query[i] = bf16_from_float(q[row * q_stride + i] * scale);
        }
        gemm_bf16_ref(1, head->length, width, query, width, head->keys, scores, padded, NULL);
        memset(weights, 0, padded * sizeof *weights);
        float inverse = 1.0f / weigh_ref(head->length, scores, weights);
        float *mixed = out + row * out_stride;
        gemm_bf16_ref(1, head->size, padded, weights, padded, head->values, mixed, out_stride,
                      NULL);
        for (size_t i = 0; i < head->size; i++) {
            mixed[i] *= inverse;
        }
    }
}

static void quantize_u8_ref(size_t m, size_t k, size_t k_padded, const float *x, size_t x_stride,
                            uint8_t *q, size_t q_stride, float *scale)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        uint8_t *out = q + row * q_stride;
        float largest = 0.0f;
        for (size_t i = 0; i < k; i++) {
            largest = fmaxf(largest, fabsf(in[i]));
        }
        bool zero = largest < QUANTIZE_LOWEST;
        float inverse = zero ? 0.0f : 127.0f / largest;
        scale[row] = zero ? 1.0f : largest / 127.0f;
        for (size_t i = 0; i < k; i++) {
            // The limits change nothing but what is not a number, which no integer stands for.
            float value = fmaxf(-127.0f, fminf(127.0f, nearbyintf(in[i] * inverse)));
            out[i] = (uint8_t)(128 + (int)value);
        }
        memset(out + k, 128, k_padded - k);
    }
}

static void quantize_u8_pairs_ref(size_t m, size_t k, size_t k_padded, const float *x,
                                  size_t x_stride, uint8_t *q, size_t q_stride, float *scale)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        uint8_t *coarse = q + 2 * row * q_stride;
        uint8_t *fine = coarse + q_stride;
        float *step = scale + 2 * row;
        quantize_u8_ref(1, k, k_padded, in, k, coarse, q_stride, step);
        float largest = 0.0f;
        for (size_t i = 0; i < k; i++) {
            float rest = fabsf(in[i] - (float)(coarse[i] - 128) * step[0]);
            largest = rest > largest ? rest : largest; // GCC 12 for ARM fails on fmaxf here
        }
        bool zero = largest < QUANTIZE_LOWEST;
        float inverse = zero ? 0.0f : 127.0f / largest;
        step[1] = zero ? 1.0f : largest / 127.0f;
        for (size_t i = 0; i < k; i++) {
            float rest = in[i] - (float)(coarse[i] - 128) * step[0];
            float value = fmaxf(-127.0f, fminf(127.0f, nearbyintf(rest * inverse)));
            fine[i] = (uint8_t)(128 + (int)value);
        }
        memset(fine + k, 128, k_padded - k);
    }
}

static void layer_norm_ref(size_t m, size_t k, const float *x, size_t x_stride, const float *gamma,
                           const float *beta, float epsilon, float *y, size_t y_stride)
{
    for (size_t row = 0; row < m; row++) {
        const float *in = x + row * x_stride;
        float *out = y + row * y_stride;
        float lanes[LANES] = {0};
        for (size_t i = 0; i < k; i++) {
            lanes[i % LANES] += in[i];
        }
        float mean = fold_lanes(lanes) / (float)k;
        memset(lanes, 0, sizeof lanes);
        for (size_t i = 0; i < k; i++) {
            float d = in[i] - mean;
            lanes[i % LANES] = multiply_add(d, d, lanes[i % LANES]);
        }
        float inverse = 1.0f / sqrtf(fold_lanes(lanes) / (float)k + epsilon);
        for (size_t i = 0; i < k; i++) {
            out[i] = multiply_add((in[i] - mean) * inverse, gamma[i], beta[i]);
        }
    }
}

static void softmax_ref(size_t n, float *x, float scale)
{
    float largest = x[0] * scale;
    for (size_t i = 1; i < n; i++) {
        largest = fmaxf(largest, x[i] * scale);
    }
    float totals[LANES] = {0};
    for (size_t start = 0; start < n; start += SOFTMAX_BLOCK) {
        float lanes[LANES] = {0};
        for (size_t i = start; i < BASE_MIN(n, start + SOFTMAX_BLOCK); i++) {
            x[i] = exponential(multiply_add(x[i], scale, -largest));
            lanes[i % LANES] += x[i];
        }
        for (size_t lane = 0; lane < LANES; lane++) {
            totals[lane] += lanes[lane];
        }
    }
    float inverse = 1.0f / fold_lanes(totals);
    for (size_t i = 0; i < n; i++) {
        x[i] *= inverse;
    }
}

static void quantize_s16_ref(size_t n, const float *x, int16_t *q, float *scale)
{
    const float most = (float)KERNELS_S16_MOST;
    float largest = 0.0f;
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(x[i]));
    }
    bool zero = largest < QUANTIZE_LOWEST;
    float inverse = zero ? 0.0f : most / largest;
    *scale = zero ? 1.0f : largest / most;
    for (size_t i = 0; i < n; i++) {
        q[i] = (int16_t)fmaxf(-most, fminf(most, nearbyintf(x[i] * inverse)));
    }
}

static float softmax_s16_ref(size_t n, size_t n_padded, float *x, float scale,
                             const float *value_scale, int16_t *w)
{
    float largest = x[0] * scale;
    for (size_t i = 1; i < n; i++) {
        largest = fmaxf(largest, x[i] * scale);
    }
    float sums[LANES] = {0};
    float weighted[LANES] = {0};
    float most = 0.0f;
    for (size_t i = 0; i < n; i++) {
        float e = exponential(multiply_add(x[i], scale, -largest));
        x[i] = e * value_scale[i];
        sums[i % LANES] += e;
        weighted[i % LANES] += x[i];
        most = fmaxf(most, x[i]);
    }
    float factor = fminf(S16_WEIGHT_MOST / most, S16_SUM_MOST / fold_lanes(weighted));
    for (size_t i = 0; i < n; i++) {
        w[i] = (int16_t)fmaxf(0.0f, fminf(S16_WEIGHT_MOST, nearbyintf(x[i] * factor)));
    }
    memset(w + n, 0, (n_padded - n) * sizeof *w);
    return 1.0f / (factor * fold_lanes(sums));
}

static void gemm_s16_ref(size_t m, size_t n, size_t k, const int16_t *a, size_t a_stride,
                         const float *a_scale, const int16_t *w, float *c, size_t c_stride)
{
    for (size_t column = 0; column < n; column++) {
        const int16_t *panel = w + column / PANEL * PANEL * k + column % PANEL * 2;
        for (size_t row = 0; row < m; row++) {
            const int16_t *x = a + row * a_stride;
            int32_t sum = 0;
            for (size_t i = 0; i < k; i += 2) {
                sum += x[i] * panel[i * PANEL] + x[i + 1] * panel[i * PANEL + 1];
            }
            c[row * c_stride + column] = (float)sum * a_scale[row];
        }
    }
}

static float max_ref(size_t n, const float *x)
{
    float largest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}

static double exp_sum_ref(size_t n, const float *x, float high, float scale)
{
    double total = 0.0;
    for (size_t start = 0; start < n; start += SOFTMAX_BLOCK) {
        float lanes[LANES] = {0};
        for (size_t i = start; i < BASE_MIN(n, start + SOFTMAX_BLOCK); i++) {
            float t = (x[i] - high) * scale;
            lanes[i % LANES] += t > EXP_LOWEST ? exponential(t) : 0.0f;
        }
        total += (double)fold_lanes(lanes);
    }
    return total;
}

static void gelu_ref(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = gelu_value(x[i]);
    }
}

static void sigmoid_ref(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = logistic(x[i]);
    }
}

static void tanh_ref(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = hyperbolic_tangent(x[i]);
    }
}

static void add_ref(size_t n, const float *a, const float *b, float *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = a[i] + b[i];
    }
}

static float dot_ref(size_t n, const float *a, const float *b)
{
    float lanes[LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        lanes[i % LANES] = multiply_add(a[i], b[i], lanes[i % LANES]);
    }
    return fold_lanes(lanes);
}

static void axpy_ref(size_t n, float scale, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = multiply_add(scale, x[i], y[i]);
    }
}

static void dot_rows_ref(size_t count, size_t n, const float *x, const float *const *rows,
                         size_t offset, float *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = dot_ref(n, x, rows[i] + offset);
    }
}

static void mix_rows_ref(size_t count, size_t n, const float *weights, const float *const *rows,
                         size_t offset, float *out)
{
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        axpy_ref(n, weights[i], rows[i] + offset, out);
    }
}

static void f16_to_f32_ref(size_t n, const uint16_t *in, float *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = half_to_float(in[i]);
    }
}

static void f32_to_f16_ref(size_t n, const float *in, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = half_from_float(in[i]);
    }
}

static void f32_to_bf16_ref(size_t n, const float *in, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = bf16_from_float(in[i]);
    }
}

static void f32_pairs_to_bf16_ref(size_t n, const float *a, const float *b, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = bf16_from_float(a[i]);
        out[2 * i + 1] = bf16_from_float(b[i]);
    }
}

static void pack_lanes_ref(size_t rows, size_t units, const void *in, size_t in_stride, void *out)
{
    const char *from = in;
    char *to = out;
    for (size_t unit = 0; unit < units; unit++) {
        for (size_t lane = 0; lane < rows; lane++) {
            memcpy(to + lane * UNIT, from + lane * in_stride + unit * UNIT, UNIT);
        }
        memset(to + rows * UNIT, 0, (PANEL - rows) * UNIT);
        to += PANEL * UNIT;
    }
}

void kernels_init_ref(Kernels *kernels)
{
    kernels->gemm_f32 = gemm_f32_ref;
    kernels->gemm_f16 = gemm_f16_ref;
    kernels->gemm_u8s8 = gemm_u8s8_ref;
    kernels->gemm_u8s8_pairs = gemm_u8s8_pairs_ref;
    kernels->gemm_u8s4 = gemm_u8s4_ref;
    kernels->gemm_bf16 = gemm_bf16_ref;
    kernels->attend_bf16 = attend_bf16_ref;
    kernels->quantize_s16 = quantize_s16_ref;
    kernels->softmax_s16 = softmax_s16_ref;
    kernels->gemm_s16 = gemm_s16_ref;
    kernels->attends_best_in_s16 = false;
    kernels->attends_best_in_bf16 = false;
    kernels->bf16_is_fast = false;
    kernels->quantize_u8 = quantize_u8_ref;
    kernels->quantize_u8_pairs = quantize_u8_pairs_ref;
    kernels->layer_norm = layer_norm_ref;
    kernels->softmax = softmax_ref;
    kernels->max = max_ref;
    kernels->exp_sum = exp_sum_ref;
    kernels->gelu = gelu_ref;
    kernels->sigmoid = sigmoid_ref;
    kernels->tanh = tanh_ref;
    kernels->add = add_ref;
    kernels->dot = dot_ref;
    kernels->axpy = axpy_ref;
    kernels->dot_rows = dot_rows_ref;
    kernels->mix_rows = mix_rows_ref;
    kernels->f16_to_f32 = f16_to_f32_ref;
    kernels->f32_to_f16 = f32_to_f16_ref;
    kernels->f32_to_bf16 = f32_to_bf16_ref;
    kernels->f32_pairs_to_bf16 = f32_pairs_to_bf16_ref;
    kernels->pack_lanes = pack_lanes_ref;
}
