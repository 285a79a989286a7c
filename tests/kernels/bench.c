// How fast each tier is on the shapes that Whisper models have: GFLOP/s (or GOP/s) for products of
// many rows, GB/s of weights read for products of few, ns a value for the rest. One thread.
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernels/pack.h"

typedef struct Shape {
    size_t m, n, k;
} Shape;

static const Shape SHAPES[] = {
    {1500, 512, 512}, {1500, 2048, 512}, {1500, 512, 2048}, {375, 1280, 1280}, {375, 1280, 5120},
    {48, 1500, 64},   {48, 64, 1500},    {1, 512, 512},     {1, 2048, 512},    {1, 512, 2048},
    {1, 51865, 512},  {5, 512, 512},     {5, 51865, 512},   {5, 1280, 5120},
};

enum { REPEATS = 5, K_MAX = 5120, N_MAX = 51865 + 16 };

static const size_t PANEL_BYTES = (size_t)N_MAX * 512 * sizeof(float);

typedef struct Operands {
    float *a, *c, *bias;
    uint8_t *q;
    float *row_scale;
    char *panels;
    float *scale;
    int32_t *sum;
} Operands;

// Bytes that are distributed about as weights and activations are, around `middle`.
static void fill_bell(void *out, size_t count, int middle)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = random_bits();
        int sum = (int)(bits & 127) + (int)(bits >> 8 & 127) + (int)(bits >> 16 & 127);
        bytes[i] = (uint8_t)(middle + (sum - 190) / 2);
    }
}

static double best_seconds(void (*run)(const Kernels *, const Shape *, const Operands *),
                           const Kernels *kernels, const Shape *shape, const Operands *operands)
{
    double best = 1e9;
    double spent = 0.0;
    for (size_t i = 0; i < REPEATS || (spent < 0.25 && i < 2000); i++) {
        int64_t start = clock_monotonic_ns();
        run(kernels, shape, operands);
        double seconds = (double)(clock_monotonic_ns() - start) * 1e-9;
        best = BASE_MIN(best, seconds);
        spent += seconds;
        if (spent > 2.0) {
            break;
        }
    }
    return best;
}

static void run_f32(const Kernels *kernels, const Shape *s, const Operands *o)
{
    KernelsEpilogue epilogue = {.bias = o->bias};
    kernels->gemm_f32(s->m, s->n, s->k, o->a, s->k, (const float *)(const void *)o->panels, o->c,
                      s->n, &epilogue);
}

static void run_f16(const Kernels *kernels, const Shape *s, const Operands *o)
{
    KernelsEpilogue epilogue = {.bias = o->bias};
    kernels->gemm_f16(s->m, s->n, s->k, o->a, s->k, (const uint16_t *)(const void *)o->panels, o->c,
                      s->n, &epilogue);
}

static void run_bf16(const Kernels *kernels, const Shape *s, const Operands *o)
{
    KernelsEpilogue epilogue = {.bias = o->bias};
    size_t k = BASE_ROUND_UP(s->k, (size_t)KERNELS_BF16_UNIT);
    kernels->gemm_bf16(s->m, s->n, k, (const uint16_t *)(const void *)o->a, k,
                       (const uint16_t *)(const void *)o->panels, o->c, s->n, &epilogue);
}

static void run_u8s8(const Kernels *kernels, const Shape *s, const Operands *o)
{
    KernelsEpilogue epilogue = {.bias = o->bias};
    KernelsU8Rows rows = {.q = o->q, .stride = s->k, .scale = o->row_scale};
    KernelsS8Panels w = {.q = (const int8_t *)o->panels, .scale = o->scale, .sum = o->sum};
    kernels->gemm_u8s8(s->m, s->n, s->k, &rows, &w, o->c, s->n, &epilogue);
}

static void run_u8s4(const Kernels *kernels, const Shape *s, const Operands *o)
{
    KernelsEpilogue epilogue = {.bias = o->bias};
    KernelsU8Rows rows = {.q = o->q, .stride = s->k, .scale = o->row_scale};
    KernelsS4Panels w = {.q = (const uint8_t *)o->panels, .scale = o->scale};
    kernels->gemm_u8s4(s->m, s->n, s->k, &rows, &w, o->c, s->n, &epilogue);
}

typedef struct GemmBench {
    const char *name;
    void (*run)(const Kernels *, const Shape *, const Operands *);
    double bytes; // a weight
} GemmBench;

static const GemmBench GEMMS[] = {
    {"gemm_f32", run_f32, 4.0},   {"gemm_f16", run_f16, 2.0},     {"gemm_bf16", run_bf16, 2.0},
    {"gemm_u8s8", run_u8s8, 1.0}, {"gemm_u8s4", run_u8s4, 0.625},
};

static void bench_gemms(const Subject *subjects, size_t count, const char *filter,
                        const Operands *operands)
{
    for (size_t g = 0; g < BASE_COUNT(GEMMS); g++) {
        if (filter != NULL && strstr(GEMMS[g].name, filter) == NULL) {
            continue;
        }
        if (GEMMS[g].run == run_u8s8) {
            fill_bell(operands->panels, PANEL_BYTES / sizeof(float), 0);
        } else {
            memset(operands->panels, 0, PANEL_BYTES);
        }
        printf("%-10s %5s %6s %5s", GEMMS[g].name, "m", "n", "k");
        for (size_t i = 0; i < count; i++) {
            printf(" %12s", subjects[i].name);
        }
        printf("\n");
        for (size_t s = 0; s < BASE_COUNT(SHAPES); s++) {
            const Shape *shape = &SHAPES[s];
            double products = (double)shape->m * (double)shape->n * (double)shape->k;
            printf("%-10s %5zu %6zu %5zu", "", shape->m, shape->n, shape->k);
            for (size_t i = 0; i < count; i++) {
                double seconds = best_seconds(GEMMS[g].run, &subjects[i].kernels, shape, operands);
                double weights = (double)shape->n * (double)shape->k * GEMMS[g].bytes;
                bool few = shape->m <= 5;
                printf(" %7.1f %4s", (few ? weights : 2.0 * products) / seconds * 1e-9,
                       few ? "GB/s" : "GOP");
            }
            printf("\n");
        }
    }
}

static void run_gelu(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->gelu(s->m * s->k, o->c);
}

static void run_softmax(const Kernels *kernels, const Shape *s, const Operands *o)
{
    for (size_t row = 0; row < s->m; row++) {
        kernels->softmax(s->k, o->c + row * s->k, 1.0f);
    }
}

static void run_tanh(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->tanh(s->m * s->k, o->c);
}

static void run_sigmoid(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->sigmoid(s->m * s->k, o->c);
}

static void run_layer_norm(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->layer_norm(s->m, s->k, o->a, s->k, o->bias, o->bias, 1e-5f, o->c, s->k);
}

static void run_quantize(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->quantize_u8(s->m, s->k, s->k, o->a, s->k, o->q, s->k, o->row_scale);
}

static void run_quantize_pairs(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->quantize_u8_pairs(s->m, s->k, s->k, o->a, s->k, o->q, s->k, o->row_scale);
}

static void run_max(const Kernels *kernels, const Shape *s, const Operands *o)
{
    o->c[0] = kernels->max(s->m * s->k, o->a);
}

static void run_exp_sum(const Kernels *kernels, const Shape *s, const Operands *o)
{
    o->c[0] = (float)kernels->exp_sum(s->m * s->k, o->a, 1.0f, 1.0f);
}

static void run_dot(const Kernels *kernels, const Shape *s, const Operands *o)
{
    for (size_t row = 0; row < s->m; row++) {
        o->c[row] = kernels->dot(s->k, o->a + row * s->k, o->bias);
    }
}

static void run_axpy(const Kernels *kernels, const Shape *s, const Operands *o)
{
    for (size_t row = 0; row < s->m; row++) {
        kernels->axpy(s->k, 1e-9f, o->a + row * s->k, o->c);
    }
}

static void run_add(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->add(s->m * s->k, o->a, o->a, o->c);
}

static void run_f32_to_f16(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->f32_to_f16(s->m * s->k, o->a, (uint16_t *)(void *)o->panels);
}

static void run_f32_to_bf16(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->f32_to_bf16(s->m * s->k, o->a, (uint16_t *)(void *)o->panels);
}

static void run_f16_to_f32(const Kernels *kernels, const Shape *s, const Operands *o)
{
    kernels->f16_to_f32(s->m * s->k, (const uint16_t *)(const void *)o->panels, o->c);
}

static void bench_elementwise(const Subject *subjects, size_t count, const char *filter,
                              const Operands *operands)
{
    static const struct {
        const char *name;
        void (*run)(const Kernels *, const Shape *, const Operands *);
    } ops[] = {
        {"gelu", run_gelu},
        {"sigmoid", run_sigmoid},
        {"tanh", run_tanh},
        {"softmax", run_softmax},
        {"layer_norm", run_layer_norm},
        {"quantize_u8", run_quantize},
        {"pairs_u8", run_quantize_pairs},
        {"add", run_add},
        {"max", run_max},
        {"exp_sum", run_exp_sum},
        {"dot", run_dot},
        {"axpy", run_axpy},
        {"f32_to_f16", run_f32_to_f16},
        {"f16_to_f32", run_f16_to_f32},
        {"f32_to_bf16", run_f32_to_bf16},
    };
    static const Shape shape = {.m = 64, .k = 512};
    for (size_t g = 0; g < BASE_COUNT(ops); g++) {
        if (filter != NULL && strstr(ops[g].name, filter) == NULL) {
            continue;
        }
        printf("%-12s %4zu x %-6zu  ", ops[g].name, shape.m, shape.k);
        for (size_t i = 0; i < count; i++) {
            double seconds = best_seconds(ops[g].run, &subjects[i].kernels, &shape, operands);
            printf(" %6.3f ns/v", seconds * 1e9 / (double)(shape.m * shape.k));
        }
        printf("\n");
    }
}

int run_benches(const Subject *subjects, size_t count, const char *filter)
{
    size_t columns = N_MAX;
    size_t c_count = 1500 * 2048;
    Operands operands = {
        .a = mem_aligned((size_t)1500 * K_MAX, sizeof(float)),
        .c = mem_aligned(c_count, sizeof(float)),
        .bias = mem_array(columns, sizeof(float)),
        .q = mem_aligned((size_t)1500 * K_MAX, 1),
        .row_scale = mem_array(1500, sizeof(float)),
        .panels = mem_aligned(PANEL_BYTES, 1),
        .scale = mem_array(columns * 16, sizeof(float)),
        .sum = mem_array(columns, sizeof(int32_t)),
    };
    bool ready = operands.a != NULL && operands.c != NULL && operands.bias != NULL &&
                 operands.q != NULL && operands.row_scale != NULL && operands.panels != NULL &&
                 operands.scale != NULL && operands.sum != NULL;
    if (ready) {
        memset(operands.a, 0, (size_t)1500 * K_MAX * sizeof(float));
        memset(operands.c, 0, c_count * sizeof(float));
        fill_bell(operands.q, (size_t)1500 * K_MAX, 128);
        bench_gemms(subjects, count, filter, &operands);
        memset(operands.panels, 0, PANEL_BYTES);
        bench_elementwise(subjects, count, filter, &operands);
    }
    mem_free(operands.a);
    mem_free(operands.c);
    mem_free(operands.bias);
    mem_free(operands.q);
    mem_free(operands.row_scale);
    mem_free(operands.panels);
    mem_free(operands.scale);
    mem_free(operands.sum);
    return ready ? 0 : 1;
}
