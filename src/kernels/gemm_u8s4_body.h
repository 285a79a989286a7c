// The product of 8-bit activations and 4-bit weights, for any tier that has f32x16, i32x16, Units
// and
//   nibbles_unpack   a group of an s4 panel (32 x 16 nibbles) to 8 Units of values 0..15
//   SignedActs       4 activations of a row as signed bytes, for all channels
//   signed_load      from the row
//   GroupSums        the products of a group, with group_zero, group_add (one Units) and
//   group_total
// A weight is its nibble less 8, so the sum over a group is the sum of products with the nibbles
// less 8 times the sum of the activations. The latter is made once a row, with a signed copy of the
// row; each group is unpacked once for a block of rows. A tier defines
//   GEMM_U8S4_TILES(X)    X(rows, panels) for 1..ROWS rows and 1..PANELS (1 or 2) panels
//   GEMM_U8S4_ROWS, GEMM_U8S4_PANELS
//   GEMM_U8S4_UNROLL      whether the unrolled loop over a group fits the registers: look at the
//                         disassembly
#ifndef KERNELS_GEMM_U8S4_BODY_H
#define KERNELS_GEMM_U8S4_BODY_H

#include <assert.h>

#include "gemm_tiles.h"

enum {
    GROUP = KERNELS_S4_GROUP,
    GROUP_BYTES = GROUP * KERNELS_PANEL / 2,
    GROUP_UNPACKED_BYTES = GROUP * KERNELS_PANEL,
    CHUNK_GROUPS = 16, // unpacked at once: 8 KiB a panel
    S4_PANELS_MAX = 2,
    S4_BLOCK_ROWS = 48,
    S4_BLOCK_BYTES = 65536, // of signed activations
};

typedef struct SumsRow {
    f32x16 p0, p1;
} SumsRow;

typedef struct GroupRow {
    GroupSums p0, p1;
} GroupRow;

// A block of rows: signed copies, and -8 times the sum of each group.
typedef struct SignedRows {
    size_t rows, k;
    int8_t values[S4_BLOCK_BYTES];
    int32_t starts[S4_BLOCK_BYTES / GROUP];
} SignedRows;

// Some groups of up to two panels.
typedef struct Chunk {
    size_t groups;
    int8_t units[S4_PANELS_MAX][CHUNK_GROUPS * GROUP_UNPACKED_BYTES];
    const float *scale[S4_PANELS_MAX];
} Chunk;

static void sign_rows(const KernelsU8Rows *a, size_t first, SignedRows *out)
{
    size_t groups = out->k / GROUP;
    for (size_t r = 0; r < out->rows; r++) {
        const uint8_t *from = a->q + (first + r) * a->stride;
        int8_t *to = out->values + r * out->k;
        for (size_t g = 0; g < groups; g++) {
            int32_t sum = 0;
            for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++) {
                int32_t x = from[i] - 128;
                to[i] = (int8_t)x;
                sum += x;
            }
            out->starts[r * groups + g] = -8 * sum;
        }
    }
}

LANES_INLINE SumsRow sums_row_get(const size_t panels, const float *sums)
{
    SumsRow row = {f32x16_load(sums), f32x16_zero()};
    if (panels > 1) {
        row.p1 = f32x16_load(sums + PANEL);
    }
    return row;
}

LANES_INLINE void sums_row_put(const size_t panels, SumsRow row, float *sums)
{
    f32x16_store(sums, row.p0);
    if (panels > 1) {
        f32x16_store(sums + PANEL, row.p1);
    }
}

LANES_INLINE GroupRow group_row_add(const size_t panels, GroupRow row, SignedActs x, Units w0,
                                    Units w1)
{
    row.p0 = group_add(row.p0, x, w0);
    if (panels > 1) {
        row.p1 = group_add(row.p1, x, w1);
    }
    return row;
}

LANES_INLINE SumsRow sums_row_join(const size_t panels, SumsRow sums, GroupRow group, int32_t start,
                                   f32x16 scale0, f32x16 scale1)
{
    sums.p0 = f32x16_fma(i32x16_to_float(group_total(group.p0, start)), scale0, sums.p0);
    if (panels > 1) {
        sums.p1 = f32x16_fma(i32x16_to_float(group_total(group.p1, start)), scale1, sums.p1);
    }
    return sums;
}

// Hides from the compiler how often a loop runs, so that it is not unrolled.
LANES_INLINE void keep_loop(size_t *end)
{
    __asm__("" : "+r"(*end));
}

// sums[rows][panels * 16] += a chunk. a and starts are those of the first row and group.
LANES_INLINE void multiply_u8s4(const size_t rows, const size_t panels, const SignedRows *block,
                                size_t row, size_t first_group, const Chunk *chunk, float *sums)
{
    const size_t stride = panels * PANEL;
    const size_t k = block->k;
    const size_t groups = k / GROUP;
    const int8_t *a = block->values + row * k + first_group * GROUP;
    const int32_t *start = block->starts + row * groups + first_group;
    SumsRow c0 = sums_row_get(panels, sums);
    SumsRow c1 = rows > 1 ? sums_row_get(panels, sums + stride) : c0;
    SumsRow c2 = rows > 2 ? sums_row_get(panels, sums + 2 * stride) : c0;
    SumsRow c3 = rows > 3 ? sums_row_get(panels, sums + 3 * stride) : c0;
    SumsRow c4 = rows > 4 ? sums_row_get(panels, sums + 4 * stride) : c0;
    SumsRow c5 = rows > 5 ? sums_row_get(panels, sums + 5 * stride) : c0;
    for (size_t g = 0; g < chunk->groups; g++) {
        const int8_t *u0 = chunk->units[0] + g * GROUP_UNPACKED_BYTES;
        const int8_t *u1 = chunk->units[1] + g * GROUP_UNPACKED_BYTES;
        GroupRow s0 = {group_zero(), group_zero()};
        GroupRow s1 = s0;
        GroupRow s2 = s0;
        GroupRow s3 = s0;
        GroupRow s4 = s0;
        GroupRow s5 = s0;
        size_t end = GROUP;
        if (!GEMM_U8S4_UNROLL) {
            keep_loop(&end);
        }
        for (size_t i = 0; i < end; i += KERNELS_S8_UNIT) {
            Units w0 = units_load(u0 + i * PANEL);
            Units w1 = panels > 1 ? units_load(u1 + i * PANEL) : w0;
            s0 = group_row_add(panels, s0, signed_load(a + i), w0, w1);
            s1 = rows > 1 ? group_row_add(panels, s1, signed_load(a + k + i), w0, w1) : s1;
            s2 = rows > 2 ? group_row_add(panels, s2, signed_load(a + 2 * k + i), w0, w1) : s2;
            s3 = rows > 3 ? group_row_add(panels, s3, signed_load(a + 3 * k + i), w0, w1) : s3;
            s4 = rows > 4 ? group_row_add(panels, s4, signed_load(a + 4 * k + i), w0, w1) : s4;
            s5 = rows > 5 ? group_row_add(panels, s5, signed_load(a + 5 * k + i), w0, w1) : s5;
        }
        f32x16 e0 = f32x16_load(chunk->scale[0] + g * PANEL);
        f32x16 e1 = panels > 1 ? f32x16_load(chunk->scale[1] + g * PANEL) : e0;
        c0 = sums_row_join(panels, c0, s0, start[0], e0, e1);
        c1 = rows > 1 ? sums_row_join(panels, c1, s1, start[groups], e0, e1) : c1;
        c2 = rows > 2 ? sums_row_join(panels, c2, s2, start[2 * groups], e0, e1) : c2;
        c3 = rows > 3 ? sums_row_join(panels, c3, s3, start[3 * groups], e0, e1) : c3;
        c4 = rows > 4 ? sums_row_join(panels, c4, s4, start[4 * groups], e0, e1) : c4;
        c5 = rows > 5 ? sums_row_join(panels, c5, s5, start[5 * groups], e0, e1) : c5;
        a += GROUP;
        start++;
    }
    sums_row_put(panels, c0, sums);
    if (rows > 1) {
        sums_row_put(panels, c1, sums + stride);
    }
    if (rows > 2) {
        sums_row_put(panels, c2, sums + 2 * stride);
    }
    if (rows > 3) {
        sums_row_put(panels, c3, sums + 3 * stride);
    }
    if (rows > 4) {
        sums_row_put(panels, c4, sums + 4 * stride);
    }
    if (rows > 5) {
        sums_row_put(panels, c5, sums + 5 * stride);
    }
}

typedef void S4Tile(const SignedRows *block, size_t row, size_t first_group, const Chunk *chunk,
                    float *sums);

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_u8s4_##rows##x##panels(const SignedRows *block, size_t row,                   \
                                            size_t first_group, const Chunk *chunk, float *sums)   \
    {                                                                                              \
        multiply_u8s4(rows, panels, block, row, first_group, chunk, sums);                         \
    }
GEMM_U8S4_TILES(DEFINE_TILE)
#undef DEFINE_TILE

#define LIST_TILE(rows, panels) [rows][panels] = tile_u8s4_##rows##x##panels,
static S4Tile *const U8S4_TILES[TILE_ROWS_MAX + 1][S4_PANELS_MAX + 1] = {
    GEMM_U8S4_TILES(LIST_TILE)};
#undef LIST_TILE

static void take_chunk(const KernelsS4Panels *w, size_t panels, size_t column, size_t groups,
                       size_t first, Chunk *chunk)
{
    chunk->groups = BASE_MIN(groups - first, (size_t)CHUNK_GROUPS);
    for (size_t p = 0; p < panels; p++) {
        size_t at = (column / PANEL + p) * groups + first;
        chunk->scale[p] = w->scale + at * PANEL;
        for (size_t g = 0; g < chunk->groups; g++) {
            const uint8_t *from = w->q + (at + g) * GROUP_BYTES;
            __builtin_prefetch(from + PREFETCH_BYTES);
            nibbles_unpack(from, chunk->units[p] + g * GROUP_UNPACKED_BYTES);
        }
    }
}

static void multiply_u8s4_block(const SignedRows *block, size_t first, const float *a_scale,
                                const KernelsS4Panels *w, const Output *out)
{
    float sums[S4_BLOCK_ROWS * S4_PANELS_MAX * PANEL];
    Chunk chunk;
    size_t groups = block->k / GROUP;
    RowCut cut = cut_rows(block->rows, GEMM_U8S4_ROWS);
    for (size_t column = 0; column < out->n;) {
        size_t left = (out->n - column + PANEL - 1) / PANEL;
        size_t panels = BASE_MIN(left, (size_t)GEMM_U8S4_PANELS);
        memset(sums, 0, block->rows * panels * PANEL * sizeof *sums);
        for (size_t group = 0; group < groups; group += CHUNK_GROUPS) {
            take_chunk(w, panels, column, groups, group, &chunk);
            for (size_t t = 0, row = 0; t < cut.tiles; t++) {
                size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
                U8S4_TILES[rows][panels](block, row, group, &chunk, sums + row * panels * PANEL);
                row += rows;
            }
        }
        for (size_t r = 0; r < block->rows; r++) {
            f32x16 scale = f32x16_set1(a_scale[first + r]);
            for (size_t p = 0; p < panels; p++) {
                f32x16 sum = f32x16_load(sums + (r * panels + p) * PANEL);
                put_panel(f32x16_mul(sum, scale), out, first + r, column + p * PANEL);
            }
        }
        column += panels * PANEL;
    }
}

static void gemm_u8s4_lanes(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                            const KernelsS4Panels *w, float *c, size_t c_stride,
                            const KernelsEpilogue *epilogue)
{
    assert(k <= S4_BLOCK_BYTES);
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    SignedRows block;
    size_t most = BASE_MIN(S4_BLOCK_BYTES / BASE_MAX(k, (size_t)1), (size_t)S4_BLOCK_ROWS);
    for (size_t row = 0; row < m; row += most) {
        block.rows = BASE_MIN(most, m - row);
        block.k = k;
        sign_rows(a, row, &block);
        multiply_u8s4_block(&block, row, a->scale, w, &out);
    }
}

static void init_gemm_u8s4(Kernels *kernels)
{
    kernels->gemm_u8s4 = gemm_u8s4_lanes;
}

#endif
