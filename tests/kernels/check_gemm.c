// The products: each tier against scalar C bit for bit, against sums in double, and against itself
// with rows and columns computed apart. Operands lie at the end of readable memory.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "kernels/pack.h"

enum { F32, F16, BF16, U8S8, U8S4, TYPES };

static const char *const TYPE_NAMES[TYPES] = {"gemm_f32", "gemm_f16", "gemm_bf16", "gemm_u8s8",
                                              "gemm_u8s4"};
static const size_t K_UNITS[TYPES] = {1, 1, KERNELS_BF16_UNIT, KERNELS_S8_UNIT, KERNELS_S4_GROUP};

// One product with everything it needs. w holds the weights as they are after packing.
typedef struct Problem {
    int type;
    size_t m, n, k, k_padded, a_stride;
    const float *a;
    const float *w;
    const void *panels;
    const uint16_t *a_bf16;
    size_t a_bf16_stride;
    KernelsU8Rows rows;
    KernelsS8Panels s8;
    KernelsS4Panels s4;
} Problem;

enum { PLAIN, SMALL, LARGE, MIXED };

static float pick_value(int kind)
{
    float x = random_unit();
    switch (kind) {
    case SMALL: return x * 0x1p-120f; // their products are denormal or zero
    case LARGE: return x * 0x1p+55f;
    case MIXED: return random_bits() % 4 == 0 ? 0.0f : ldexpf(x, (int)(random_bits() % 12) - 6);
    default: return x;
    }
}

static size_t panels_of(size_t n)
{
    return (n + KERNELS_PANEL - 1) / KERNELS_PANEL;
}

static void quantize_rows(Problem *problem)
{
    size_t stride = problem->k_padded + 5;
    uint8_t *q = guarded((problem->m - 1) * stride + problem->k_padded, 1);
    float *scale = guarded(problem->m, sizeof *scale);
    Kernels ref;
    kernels_init(&ref, 0);
    ref.quantize_u8(problem->m, problem->k, problem->k_padded, problem->a, problem->a_stride, q,
                    stride, scale);
    problem->rows = (KernelsU8Rows){.q = q, .stride = stride, .scale = scale};
}

static void round_rows(Problem *problem)
{
    size_t stride = problem->k_padded + 3;
    size_t count = (problem->m - 1) * stride + problem->k_padded;
    uint16_t *rounded = guarded(count, sizeof *rounded);
    memset(rounded, 0, count * sizeof *rounded);
    Kernels ref;
    kernels_init(&ref, 0);
    for (size_t row = 0; row < problem->m; row++) {
        ref.f32_to_bf16(problem->k, problem->a + row * problem->a_stride, rounded + row * stride);
    }
    problem->a_bf16 = rounded;
    problem->a_bf16_stride = stride;
}

static void pack_weights(Problem *problem, const float *w)
{
    size_t n = problem->n;
    size_t k = problem->k;
    size_t n_padded = panels_of(n) * KERNELS_PANEL;
    float *back = guarded(n * k, sizeof *back);
    if (problem->type == F32) {
        float *panels = guarded(pack_f32_bytes(n, k), 1);
        pack_f32(n, k, 0, n, w, panels);
        problem->panels = panels;
        for (size_t row = 0; row < n; row++) {
            unpack_row_f32(k, row, panels, back + row * k);
        }
    } else if (problem->type == F16) {
        uint16_t *panels = guarded(pack_f16_bytes(n, k), 1);
        pack_f16(n, k, 0, n, w, panels);
        problem->panels = panels;
        for (size_t row = 0; row < n; row++) {
            unpack_row_f16(k, row, panels, back + row * k);
        }
    } else if (problem->type == BF16) {
        uint16_t *panels = guarded(pack_bf16_bytes(n, k), 1);
        pack_bf16(n, k, 0, n, w, panels);
        problem->panels = panels;
        for (size_t row = 0; row < n; row++) {
            unpack_row_bf16(k, row, panels, back + row * k);
        }
    } else if (problem->type == U8S8) {
        int8_t *panels = guarded(pack_s8_bytes(n, k), 1);
        float *scale = guarded(n_padded, sizeof *scale);
        int32_t *sum = guarded(n_padded, sizeof *sum);
        pack_s8(n, k, 0, n, w, panels, scale, sum);
        problem->s8 = (KernelsS8Panels){.q = panels, .scale = scale, .sum = sum};
        for (size_t row = 0; row < n; row++) {
            unpack_row_s8(k, row, panels, scale, back + row * k);
        }
    } else {
        uint8_t *panels = guarded(pack_s4_bytes(n, k), 1);
        float *scale = guarded(pack_s4_scales(n, k), sizeof *scale);
        pack_s4(n, k, 0, n, w, panels, scale);
        problem->s4 = (KernelsS4Panels){.q = panels, .scale = scale};
        for (size_t row = 0; row < n; row++) {
            unpack_row_s4(k, row, panels, scale, back + row * k);
        }
    }
    problem->w = back;
}

static Problem make_problem(int type, size_t m, size_t n, size_t k, int kind)
{
    Problem problem = {.type = type, .m = m, .n = n, .k = k, .a_stride = k + 3};
    problem.k_padded = BASE_ROUND_UP(k, K_UNITS[type]);
    size_t a_count = (m - 1) * problem.a_stride + k;
    float *a = guarded(a_count, sizeof *a);
    for (size_t i = 0; i < a_count; i++) {
        a[i] = pick_value(kind);
    }
    for (size_t i = 0; m > 2 && i < k; i++) {
        a[problem.a_stride + i] = 0.0f; // a row of zeros
    }
    problem.a = a;
    float *w = guarded(n * k, sizeof *w);
    for (size_t i = 0; i < n * k; i++) {
        // binary16 has no such large numbers
        w[i] = pick_value((kind == LARGE && type != F16) || kind == SMALL ? kind : PLAIN);
    }
    for (size_t i = 0; n > 2 && i < k; i++) {
        w[k + i] = 0.0f;
    }
    pack_weights(&problem, w);
    if (type >= U8S8) {
        quantize_rows(&problem);
    }
    if (type == BF16) {
        round_rows(&problem);
    }
    return problem;
}

// Computes rows first..first+count and columns column.. (a multiple of 16) to column + columns.
static void compute_part(const Kernels *kernels, const Problem *problem, size_t first, size_t count,
                         size_t column, size_t columns, float *c, size_t c_stride,
                         const KernelsEpilogue *whole)
{
    KernelsEpilogue part;
    const KernelsEpilogue *epilogue = NULL;
    if (whole != NULL) {
        part = *whole;
        part.bias = part.bias == NULL ? NULL : part.bias + column;
        part.residual =
            part.residual == NULL ? NULL : part.residual + first * part.residual_stride + column;
        epilogue = &part;
    }
    const float *a = problem->type == F32 || problem->type == F16
                         ? problem->a + first * problem->a_stride
                         : NULL;
    size_t k = problem->k_padded;
    float *out = c + first * c_stride + column;
    KernelsU8Rows rows = problem->rows;
    if (problem->type >= U8S8) {
        rows.q += first * rows.stride;
        rows.scale += first;
    }
    if (problem->type == F32) {
        kernels->gemm_f32(count, columns, k, a, problem->a_stride,
                          (const float *)problem->panels + column * k, out, c_stride, epilogue);
    } else if (problem->type == F16) {
        kernels->gemm_f16(count, columns, k, a, problem->a_stride,
                          (const uint16_t *)problem->panels + column * k, out, c_stride, epilogue);
    } else if (problem->type == BF16) {
        kernels->gemm_bf16(count, columns, k, problem->a_bf16 + first * problem->a_bf16_stride,
                           problem->a_bf16_stride, (const uint16_t *)problem->panels + column * k,
                           out, c_stride, epilogue);
    } else if (problem->type == U8S8) {
        KernelsS8Panels s8 = {problem->s8.q + column * k, problem->s8.scale + column,
                              problem->s8.sum + column};
        kernels->gemm_u8s8(count, columns, k, &rows, &s8, out, c_stride, epilogue);
    } else {
        KernelsS4Panels s4 = {problem->s4.q + column * k / 2,
                              problem->s4.scale + column * (k / KERNELS_S4_GROUP)};
        kernels->gemm_u8s4(count, columns, k, &rows, &s4, out, c_stride, epilogue);
    }
}

static void compute(const Kernels *kernels, const Problem *problem, float *c, size_t c_stride,
                    const KernelsEpilogue *epilogue)
{
    compute_part(kernels, problem, 0, problem->m, 0, problem->n, c, c_stride, epilogue);
}

static size_t c_size(const Problem *problem, size_t c_stride)
{
    return (problem->m - 1) * c_stride + problem->n;
}

// The gaps between rows must keep what they held.
static const float UNTOUCHED = -12345.5f;

static float *new_output(const Problem *problem, size_t c_stride)
{
    float *c = guarded(c_size(problem, c_stride), sizeof *c);
    for (size_t i = 0; i < c_size(problem, c_stride); i++) {
        c[i] = UNTOUCHED;
    }
    return c;
}

static void compare_with_expected(const Problem *problem, const float *c, size_t c_stride,
                                  const KernelsEpilogue *epilogue, const float *start)
{
    if (subject->expected == NULL || (problem->type == BF16 && subject->own_bf16)) {
        return;
    }
    float *expected = guarded(c_size(problem, c_stride), sizeof *expected);
    memcpy(expected, start, c_size(problem, c_stride) * sizeof *expected);
    KernelsEpilogue moved;
    if (epilogue != NULL && epilogue->residual == c) { // in place there, in place here
        moved = *epilogue;
        moved.residual = expected;
        epilogue = &moved;
    }
    compute(subject->expected, problem, expected, c_stride, epilogue);
    char what[128];
    snprintf(what, sizeof what, "%s m %zu n %zu k %zu", TYPE_NAMES[problem->type], problem->m,
             problem->n, problem->k);
    assert_same_floats(what, c_size(problem, c_stride), c, expected);
}

// The activation as the product sees it.
static double activation(const Problem *problem, size_t row, size_t i)
{
    if (problem->type == BF16) {
        uint32_t bits = (uint32_t)problem->a_bf16[row * problem->a_bf16_stride + i] << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    if (problem->type < U8S8) {
        return (double)problem->a[row * problem->a_stride + i];
    }
    int q = problem->rows.q[row * problem->rows.stride + i] - 128;
    return (double)q * (double)problem->rows.scale[row];
}

static void compare_with_double(const Problem *problem, const float *c, size_t c_stride,
                                const KernelsEpilogue *epilogue)
{
    for (size_t row = 0; row < problem->m; row++) {
        for (size_t column = 0; column < problem->n; column++) {
            double sum = 0.0;
            double magnitude = 0.0;
            for (size_t i = 0; i < problem->k; i++) {
                double x =
                    activation(problem, row, i) * (double)problem->w[column * problem->k + i];
                sum += x;
                magnitude += fabs(x);
            }
            double tolerance = (double)(problem->k + 4) * 0x1p-24 * magnitude;
            // Sums among denormals, which bfloat16 units may take for zeros.
            tolerance += (double)problem->k * (problem->type == BF16 ? 0x1p-125 : 0x1p-149);
            if (epilogue != NULL && epilogue->bias != NULL) {
                sum += (double)epilogue->bias[column];
                tolerance += fabs(sum) * 0x1p-23;
            }
            if (epilogue != NULL && epilogue->gelu) {
                sum = gelu_double(sum);
                tolerance = 1.2 * tolerance + 1e-6 + fabs(sum) * 0x1p-23;
            }
            if (epilogue != NULL && epilogue->residual != NULL) {
                sum += (double)epilogue->residual[row * epilogue->residual_stride + column];
                tolerance += fabs(sum) * 0x1p-23;
            }
            assert_near(TYPE_NAMES[problem->type], row * c_stride + column,
                        (double)c[row * c_stride + column], sum, tolerance);
        }
        for (size_t gap = problem->n; row + 1 < problem->m && gap < c_stride; gap++) {
            assert_true(c[row * c_stride + gap] == UNTOUCHED);
        }
    }
}

static void check_problem(int type, size_t m, size_t n, size_t k, int kind)
{
    Problem problem = make_problem(type, m, n, k, kind);
    size_t c_stride = n + 7;
    float *c = new_output(&problem, c_stride);
    float *start = new_output(&problem, c_stride);
    compute(&subject->kernels, &problem, c, c_stride, NULL);
    compare_with_double(&problem, c, c_stride, NULL);
    compare_with_expected(&problem, c, c_stride, NULL, start);
    free_guarded();
}

static void shapes_are_right(void **state)
{
    (void)state;
    static const size_t ms[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 17, 32, 41};
    static const size_t ns[] = {1, 15, 16, 17, 32, 47, 50, 64, 65, 112, 130};
    static const size_t ks[] = {1, 3, 4, 7, 32, 65, 128, 192};
    seed_random(1);
    for (int type = 0; type < TYPES; type++) {
        for (size_t i = 0; i < BASE_COUNT(ms); i++) {
            for (size_t j = 0; j < BASE_COUNT(ns); j++) {
                size_t k = ks[(i * BASE_COUNT(ns) + j) % BASE_COUNT(ks)];
                check_problem(type, ms[i], ns[j], k, MIXED);
            }
        }
    }
}

static void extreme_values_are_right(void **state)
{
    (void)state;
    seed_random(2);
    for (int type = 0; type < TYPES; type++) {
        check_problem(type, 7, 37, 70, LARGE);
        check_problem(type, 7, 37, 70, SMALL);
    }
}

// More rows than a block, more k than a chunk.
static void large_products_are_right(void **state)
{
    (void)state;
    seed_random(3);
    for (int type = 0; type < TYPES; type++) {
        check_problem(type, 55, 33, 5120, PLAIN);
        check_problem(type, 200, 17, 1280, PLAIN);
    }
}

// The largest magnitudes, of one sign: the first thing to overflow.
static void integers_do_not_saturate(void **state)
{
    (void)state;
    enum { M = 5, N = 18, K = 2048 };
    static const int ROW_Q[M] = {255, 1, 255, 1, 0};
    for (int type = U8S8; type <= U8S4; type++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            Problem problem = {.type = type, .m = M, .n = N, .k = K, .k_padded = K};
            float *w = guarded((size_t)N * K, sizeof *w);
            for (size_t i = 0; i < (size_t)N * K; i++) {
                w[i] = (float)sign;
            }
            pack_weights(&problem, w);
            uint8_t *q = guarded((size_t)M * K, 1);
            float *scale = guarded(M, sizeof *scale);
            for (size_t r = 0; r < M; r++) {
                memset(q + r * K, ROW_Q[r], K);
                scale[r] = 1.0f;
            }
            problem.rows = (KernelsU8Rows){.q = q, .stride = K, .scale = scale};
            float *c = new_output(&problem, N);
            compute(&subject->kernels, &problem, c, N, NULL);
            compare_with_double(&problem, c, N, NULL);
        }
        free_guarded();
    }
}

// Weights of -127, 0 and 127, and activations of 1, 128 and 255, a byte of each: pairs that
// saturate stand beside pairs that do not, in every row that could be the one that is looked at.
static Problem make_extreme_problem(int type, size_t m, size_t n, size_t k)
{
    static const uint8_t EXTREMES[4] = {1, 255, 255, 128};
    Problem problem = {.type = type, .m = m, .n = n, .k = k, .k_padded = k};
    float *w = guarded(n * k, sizeof *w);
    for (size_t i = 0; i < n * k; i++) {
        w[i] = (float)(int)(random_bits() % 3) - 1.0f;
    }
    for (size_t row = 0; row < n; row++) {
        w[row * k] = 1.0f; // or the row could be of zeros, whose scale is another
    }
    pack_weights(&problem, w);
    uint8_t *q = guarded(m * k, 1);
    float *scale = guarded(m, sizeof *scale);
    for (size_t row = 0; row < m; row++) {
        scale[row] = 1.0f;
        for (size_t i = 0; i < k; i++) {
            q[row * k + i] = row % 3 == 2 ? 128 : EXTREMES[random_bits() % 4];
        }
    }
    problem.rows = (KernelsU8Rows){.q = q, .stride = k, .scale = scale};
    return problem;
}

static void assert_exact(const Problem *problem, const float *c)
{
    for (size_t row = 0; row < problem->m; row++) {
        for (size_t column = 0; column < problem->n; column++) {
            int32_t sum = 0;
            for (size_t i = 0; i < problem->k; i++) {
                int x = problem->rows.q[row * problem->rows.stride + i] - 128;
                sum += x * (problem->w[column * problem->k + i] > 0.0f   ? 127
                            : problem->w[column * problem->k + i] < 0.0f ? -127
                                                                         : 0);
            }
            float expected = (float)sum * (1.0f * problem->s8.scale[column]);
            assert_same_floats("gemm_u8s8", 1, &c[row * problem->n + column], &expected);
        }
    }
}

static void extreme_integers_are_exact(void **state)
{
    (void)state;
    static const struct {
        size_t m, n, k;
    } shapes[] = {{1, 17, 1024}, {2, 33, 36},  {3, 64, 8},      {4, 16, 516},   {5, 80, 64},
                  {6, 31, 100},  {7, 48, 512}, {8, 47, 68},     {9, 70, 1028},  {23, 130, 544},
                  {97, 20, 64},  {200, 5, 32}, {2, 17, 65536},  {9, 17, 65536}, {9, 17, 8192},
                  {8, 16, 8196}, {64, 1, 576}, {300, 33, 1536}, {8, 16, 4}};
    seed_random(7);
    for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
        for (int type = U8S8; type <= U8S4; type++) {
            size_t k = BASE_ROUND_UP(shapes[i].k, K_UNITS[type]);
            Problem problem = make_extreme_problem(type, shapes[i].m, shapes[i].n, k);
            float *c = new_output(&problem, problem.n);
            float *start = new_output(&problem, problem.n);
            compute(&subject->kernels, &problem, c, problem.n, NULL);
            if (type == U8S8) {
                assert_exact(&problem, c);
            }
            compare_with_expected(&problem, c, problem.n, NULL, start);
            free_guarded();
        }
    }
}

static void epilogues_are_right(void **state)
{
    (void)state;
    enum { M = 9, N = 53, K = 64, C_STRIDE = N + 7 };
    seed_random(4);
    for (int type = 0; type < TYPES; type++) {
        for (unsigned variant = 0; variant < 16; variant++) {
            Problem problem = make_problem(type, M, N, K, PLAIN);
            bool in_place = (variant & 8) != 0;
            float *c = new_output(&problem, C_STRIDE);
            if (in_place) {
                for (size_t i = 0; i < M * N; i++) {
                    c[i / N * C_STRIDE + i % N] = random_unit();
                }
            }
            float *start = guarded(c_size(&problem, C_STRIDE), sizeof *start);
            memcpy(start, c, c_size(&problem, C_STRIDE) * sizeof *start);
            KernelsEpilogue epilogue = {
                .bias = (variant & 1) != 0 ? guarded_random(N) : NULL,
                .gelu = (variant & 2) != 0,
            };
            if (in_place) {
                epilogue.residual = c;
                epilogue.residual_stride = C_STRIDE;
            } else if ((variant & 4) != 0) {
                epilogue.residual = guarded_random((M - 1) * (N + 2) + N);
                epilogue.residual_stride = N + 2;
            }
            compute(&subject->kernels, &problem, c, C_STRIDE, &epilogue);
            compare_with_expected(&problem, c, C_STRIDE, &epilogue, start);
            if (in_place) {
                epilogue.residual = start;
            }
            compare_with_double(&problem, c, C_STRIDE, &epilogue);
            free_guarded();
        }
    }
}

// Whatever is computed together gives the same bits as when it is computed apart.
static void rows_and_columns_are_independent(void **state)
{
    (void)state;
    enum { M = 39, N = 150, K = 128 };
    static const size_t PIECES[] = {1, 2, 3, 5, 6, 13, 16, 33};
    seed_random(5);
    for (int type = 0; type < TYPES; type++) {
        Problem problem = make_problem(type, M, N, K, MIXED);
        KernelsEpilogue epilogue = {.bias = guarded_random(N), .gelu = true};
        float *whole = new_output(&problem, N);
        compute(&subject->kernels, &problem, whole, N, &epilogue);
        for (size_t i = 0; i < BASE_COUNT(PIECES); i++) {
            float *parts = new_output(&problem, N);
            size_t columns = PIECES[i] * KERNELS_PANEL;
            for (size_t row = 0; row < M; row += PIECES[i]) {
                for (size_t column = 0; column < N; column += columns) {
                    compute_part(&subject->kernels, &problem, row, BASE_MIN(PIECES[i], M - row),
                                 column, BASE_MIN(columns, N - column), parts, N, &epilogue);
                }
            }
            assert_same_floats(TYPE_NAMES[type], (size_t)M * N, parts, whole);
        }
        free_guarded();
    }
}

static void nothing_to_do_writes_nothing(void **state)
{
    (void)state;
    seed_random(6);
    for (int type = 0; type < TYPES; type++) {
        Problem problem = make_problem(type, 3, 20, 32, PLAIN);
        float *c = new_output(&problem, 20);
        compute_part(&subject->kernels, &problem, 0, 0, 0, 20, c, 20, NULL);
        compute_part(&subject->kernels, &problem, 0, 3, 0, 0, c, 20, NULL);
        for (size_t i = 0; i < 60; i++) {
            assert_true(c[i] == UNTOUCHED);
        }
        free_guarded();
    }
}

// Rows first..first+count, in two parts each, with columns from `column` on.
static void compute_pairs(const Kernels *kernels, const Problem *problem, size_t first,
                          size_t count, size_t column, float *c, size_t c_stride,
                          const KernelsEpilogue *whole)
{
    size_t k = problem->k_padded;
    KernelsEpilogue epilogue = *whole;
    epilogue.bias = whole->bias == NULL ? NULL : whole->bias + column;
    epilogue.residual =
        whole->residual == NULL ? NULL : whole->residual + first * whole->residual_stride + column;
    KernelsU8Rows rows = problem->rows;
    rows.q += 2 * first * rows.stride;
    rows.scale += 2 * first;
    KernelsS8Panels s8 = {problem->s8.q + column * k, problem->s8.scale + column,
                          problem->s8.sum + column};
    kernels->gemm_u8s8_pairs(count, problem->n - column, k, &rows, &s8,
                             c + first * c_stride + column, c_stride, &epilogue);
}

// The sum of the two parts, each as gemm_u8s8 gives it; then with everything after it, in place,
// as scalar C does it; then rows and columns apart.
static void check_pairs(size_t m, size_t n, size_t k)
{
    Problem problem = make_problem(U8S8, 2 * m, n, k, MIXED);
    size_t c_stride = n + 7;
    size_t count = (m - 1) * c_stride + n;
    float *parts = guarded(2 * m * n, sizeof *parts);
    float *bias = guarded_random(n);
    float *start = guarded_random(count);
    float *c = guarded(count, sizeof *c);
    float *same = guarded(count, sizeof *same);
    KernelsEpilogue nothing = {.bias = NULL};
    compute(&subject->kernels, &problem, parts, n, NULL);
    memcpy(c, start, count * sizeof *c);
    compute_pairs(&subject->kernels, &problem, 0, m, 0, c, c_stride, &nothing);
    for (size_t row = 0; row < m; row++) {
        for (size_t column = 0; column < n; column++) {
            float sum = parts[2 * row * n + column] + parts[(2 * row + 1) * n + column];
            assert_same_floats("pairs", 1, &c[row * c_stride + column], &sum);
        }
    }
    for (int gelu = 0; gelu < 2; gelu++) {
        KernelsEpilogue all = {
            .bias = bias, .gelu = gelu != 0, .residual = c, .residual_stride = c_stride};
        memcpy(c, start, count * sizeof *c);
        compute_pairs(&subject->kernels, &problem, 0, m, 0, c, c_stride, &all);
        all.residual = same;
        if (subject->expected != NULL) {
            memcpy(same, start, count * sizeof *same);
            compute_pairs(subject->expected, &problem, 0, m, 0, same, c_stride, &all);
            assert_same_floats("pairs with everything", count, c, same);
        }
        memcpy(same, start, count * sizeof *same);
        size_t half = BASE_ROUND_UP(n / 2, (size_t)KERNELS_PANEL);
        for (size_t row = 0; row < m; row++) {
            all.residual = start;
            compute_pairs(&subject->kernels, &problem, row, 1, 0, same, c_stride, &all);
            if (half < n) {
                compute_pairs(&subject->kernels, &problem, row, 1, half, same, c_stride, &all);
            }
        }
        assert_same_floats("pairs apart", count, c, same);
    }
    free_guarded();
}

static void pairs_are_right(void **state)
{
    (void)state;
    static const size_t ms[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20, 33, 40};
    static const size_t ns[] = {1, 16, 17, 32, 50, 64, 80, 130};
    static const size_t ks[] = {4, 60, 64, 128, 132, 192};
    seed_random(7);
    for (size_t i = 0; i < BASE_COUNT(ms); i++) {
        for (size_t j = 0; j < BASE_COUNT(ns); j++) {
            check_pairs(ms[i], ns[j], ks[(i + j) % BASE_COUNT(ks)]);
        }
        check_pairs(ms[i], 96, 512);
    }
}

const struct CMUnitTest GEMM_TESTS[] = {
    cmocka_unit_test(pairs_are_right),
    cmocka_unit_test(shapes_are_right),
    cmocka_unit_test(extreme_values_are_right),
    cmocka_unit_test(large_products_are_right),
    cmocka_unit_test(integers_do_not_saturate),
    cmocka_unit_test(extreme_integers_are_exact),
    cmocka_unit_test(epilogues_are_right),
    cmocka_unit_test(rows_and_columns_are_independent),
    cmocka_unit_test(nothing_to_do_writes_nothing),
};
const size_t GEMM_TEST_COUNT = BASE_COUNT(GEMM_TESTS);
