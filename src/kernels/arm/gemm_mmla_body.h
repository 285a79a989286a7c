// Products by the matrix instructions of ARMv8.6, for a tier that has said what they multiply: each
// takes eight bytes of k of two rows and of two channels, and adds to the four sums. Panels hold
// four bytes of k of a channel, so neighbouring units are zipped: in registers for few rows, once
// for a block of many. A tier that includes this has defined
//   UnitSum, MmlaSums         one sum, and four: two channels of one row, then of the other
//   mmla_zero, mmla_add       and sums + the products
//   mmla_rows                 the sums of four channels, by row (and back)
//   mmla_load, mmla_store     four sums
#ifndef KERNELS_ARM_GEMM_MMLA_BODY_H
#define KERNELS_ARM_GEMM_MMLA_BODY_H

#include <stdbool.h>

#include "gemm_tiles.h"

enum {
    MMLA_BYTES = 8, // of k of a row
    MMLA_UNIT = 4,
    MMLA_PAIRS = 3, // of rows: 24 registers of sums
    MMLA_BLOCK_ROWS = 96,
    MMLA_STEP_BYTES = 1024, // of k: zipped, 16 KiB of a panel
    UNIT_OF_PANEL = PANEL * MMLA_UNIT,
};

// Four channels of two rows.
typedef struct MmlaQuarter {
    MmlaSums low, high;
} MmlaQuarter;

typedef struct MmlaPair {
    MmlaQuarter q0, q1, q2, q3;
} MmlaPair;

typedef struct MmlaWeights {
    uint8x16_t low, high; // of four channels
} MmlaWeights;

typedef struct MmlaActs {
    uint8x16_t p0, p1, p2; // of each pair of rows
} MmlaActs;

// Where a pair of rows begins. A row that is alone stands for both.
typedef struct MmlaRows {
    const uint8_t *first, *second;
} MmlaRows;

LANES_INLINE uint8x8_t acts_of_row(const uint8_t *p, bool whole)
{
    uint32_t four;
    if (whole) {
        return vld1_u8(p);
    }
    memcpy(&four, p, sizeof four);
    return vcreate_u8(four);
}

LANES_INLINE uint8x16_t acts_of_pair(MmlaRows rows, size_t at, bool whole)
{
    return vcombine_u8(acts_of_row(rows.first + at, whole), acts_of_row(rows.second + at, whole));
}

// Quarter `quarter` of the eight bytes of k at w: of two units side by side, or zipped already. The
// second of them is not there if it is not whole.
LANES_INLINE MmlaWeights weights_of_quarter(const bool zipped, bool whole, const int8_t *w,
                                            const size_t quarter)
{
    const uint8_t *bytes = (const uint8_t *)w;
    if (zipped) {
        return (MmlaWeights){vld1q_u8(bytes + quarter * 32), vld1q_u8(bytes + quarter * 32 + 16)};
    }
    uint32x4_t one = vreinterpretq_u32_u8(vld1q_u8(bytes + quarter * 16));
    uint32x4_t two = vdupq_n_u32(0);
    if (whole) {
        two = vreinterpretq_u32_u8(vld1q_u8(bytes + UNIT_OF_PANEL + quarter * 16));
    }
    return (MmlaWeights){vreinterpretq_u8_u32(vzip1q_u32(one, two)),
                         vreinterpretq_u8_u32(vzip2q_u32(one, two))};
}

LANES_INLINE MmlaQuarter quarter_add(MmlaQuarter sums, uint8x16_t x, MmlaWeights w)
{
    return (MmlaQuarter){mmla_add(sums.low, x, w.low), mmla_add(sums.high, x, w.high)};
}

LANES_INLINE MmlaPair pair_zero(void)
{
    const MmlaQuarter zero = {mmla_zero(), mmla_zero()};
    return (MmlaPair){zero, zero, zero, zero};
}

LANES_INLINE MmlaQuarter quarter_get(const UnitSum *first, const UnitSum *second)
{
    MmlaQuarter sums;
    mmla_rows(mmla_load(first), mmla_load(second), &sums.low, &sums.high);
    return sums;
}

LANES_INLINE MmlaPair pair_get(const UnitSum *tile)
{
    const UnitSum *other = tile + PANEL;
    return (MmlaPair){quarter_get(tile, other), quarter_get(tile + 4, other + 4),
                      quarter_get(tile + 8, other + 8), quarter_get(tile + 12, other + 12)};
}

LANES_INLINE void quarter_put(MmlaQuarter sums, UnitSum *first, UnitSum *second)
{
    MmlaSums row;
    MmlaSums other;
    mmla_rows(sums.low, sums.high, &row, &other);
    mmla_store(first, row);
    mmla_store(second, other);
}

LANES_INLINE void pair_put(MmlaPair sums, UnitSum *tile)
{
    UnitSum *other = tile + PANEL;
    quarter_put(sums.q0, tile, other);
    quarter_put(sums.q1, tile + 4, other + 4);
    quarter_put(sums.q2, tile + 8, other + 8);
    quarter_put(sums.q3, tile + 12, other + 12);
}

// Makes the compiler believe that the weights' address comes from a value, so that it does not load
// weights long before it uses them: GCC puts sums on the stack otherwise.
#define LOAD_AFTER(w, value) __asm__("" : "+r"(w), "+w"(value))

#define ADD_QUARTER(number)                                                                        \
    do {                                                                                           \
        MmlaWeights quarter = weights_of_quarter(zipped, whole, w, number);                        \
        c0.q##number = quarter_add(c0.q##number, x.p0, quarter);                                   \
        c1.q##number = pairs > 1 ? quarter_add(c1.q##number, x.p1, quarter) : c1.q##number;        \
        c2.q##number = pairs > 2 ? quarter_add(c2.q##number, x.p2, quarter) : c2.q##number;        \
        if (pairs > 2) {                                                                           \
            LOAD_AFTER(w, c2.q##number.low);                                                       \
        }                                                                                          \
    } while (0)

#define ADD_EIGHT_BYTES()                                                                          \
    do {                                                                                           \
        MmlaActs x;                                                                                \
        x.p0 = acts_of_pair(rows[0], i, whole);                                                    \
        x.p1 = pairs > 1 ? acts_of_pair(rows[1], i, whole) : x.p0;                                 \
        x.p2 = pairs > 2 ? acts_of_pair(rows[2], i, whole) : x.p0;                                 \
        if (pairs > 2) {                                                                           \
            LOAD_AFTER(w, x.p2);                                                                   \
        }                                                                                          \
        ADD_QUARTER(0);                                                                            \
        ADD_QUARTER(1);                                                                            \
        ADD_QUARTER(2);                                                                            \
        ADD_QUARTER(3);                                                                            \
    } while (0)

// tile[2 * pairs][16] = rows[bytes] * a panel, or += if `more`. Inlined with constants.
LANES_INLINE void multiply_pairs(const size_t pairs, const bool zipped, size_t bytes,
                                 const MmlaRows *rows, const int8_t *w, bool more, UnitSum *tile)
{
    MmlaPair c0 = more ? pair_get(tile) : pair_zero();
    MmlaPair c1 = more && pairs > 1 ? pair_get(tile + (size_t)2 * PANEL) : pair_zero();
    MmlaPair c2 = more && pairs > 2 ? pair_get(tile + (size_t)4 * PANEL) : pair_zero();
    size_t i = 0;
    for (; i + MMLA_BYTES <= bytes; i += MMLA_BYTES) {
        const bool whole = true;
        __builtin_prefetch(w + PREFETCH_BYTES);
        ADD_EIGHT_BYTES();
        w += 2 * UNIT_OF_PANEL;
    }
    if (i < bytes) {
        const bool whole = false;
        ADD_EIGHT_BYTES();
    }
    pair_put(c0, tile);
    if (pairs > 1) {
        pair_put(c1, tile + (size_t)2 * PANEL);
    }
    if (pairs > 2) {
        pair_put(c2, tile + (size_t)4 * PANEL);
    }
}

#undef ADD_EIGHT_BYTES
#undef ADD_QUARTER
#undef LOAD_AFTER

typedef void MmlaTile(size_t bytes, const MmlaRows *rows, const int8_t *w, bool more,
                      UnitSum *tile);

#define DEFINE_TILE(name, pairs, zipped)                                                           \
    static void name(size_t bytes, const MmlaRows *rows, const int8_t *w, bool more,               \
                     UnitSum *tile)                                                                \
    {                                                                                              \
        multiply_pairs(pairs, zipped, bytes, rows, w, more, tile);                                 \
    }
DEFINE_TILE(tile_mmla_1, 1, false)
DEFINE_TILE(tile_mmla_2, 2, false)
DEFINE_TILE(tile_mmla_3, 3, false)
DEFINE_TILE(tile_mmla_1_zipped, 1, true)
DEFINE_TILE(tile_mmla_2_zipped, 2, true)
DEFINE_TILE(tile_mmla_3_zipped, 3, true)
#undef DEFINE_TILE

// By pairs of rows, for panels as they lie and zipped.
static MmlaTile *const MMLA_TILES[2][MMLA_PAIRS + 1] = {
    {NULL, tile_mmla_1, tile_mmla_2, tile_mmla_3},
    {NULL, tile_mmla_1_zipped, tile_mmla_2_zipped, tile_mmla_3_zipped},
};

// Finishes the sums of rows and a panel; rows, then where they begin.
typedef void MmlaFinish(const void *context, const UnitSum *sums, size_t rows, size_t panels,
                        size_t row, size_t column);

static void zip_panel(size_t bytes, const int8_t *w, int8_t *out)
{
    for (size_t i = 0; i < bytes; i += MMLA_BYTES) {
        const bool whole = i + MMLA_BYTES <= bytes;
        for (size_t quarter = 0; quarter < 4; quarter++) {
            MmlaWeights zipped = weights_of_quarter(false, whole, w + i * PANEL, quarter);
            uint8_t *to = (uint8_t *)out + i * PANEL + quarter * 32;
            vst1q_u8(to, zipped.low);
            vst1q_u8(to + 16, zipped.high);
        }
    }
}

// Rows first..first+count of a product, as pairs.
static void find_pairs(const uint8_t *a, size_t a_stride, size_t count, MmlaRows *rows)
{
    for (size_t i = 0; i < count; i += 2) {
        const uint8_t *first = a + i * a_stride;
        rows[i / 2] = (MmlaRows){first, i + 1 < count ? first + a_stride : first};
    }
}

// One step of k of a panel for the rows of a block; `sums` has room for whole pairs.
static void multiply_mmla_step(size_t m, size_t bytes, const uint8_t *a, size_t a_stride,
                               const int8_t *w, bool zipped, bool more, UnitSum *sums)
{
    RowCut cut = cut_rows((m + 1) / 2, MMLA_PAIRS);
    for (size_t t = 0, row = 0; t < cut.tiles; t++) {
        MmlaRows rows[MMLA_PAIRS];
        size_t pairs = cut.rows + (t < cut.longer ? 1 : 0);
        find_pairs(a + row * a_stride, a_stride, BASE_MIN(m - row, 2 * pairs), rows);
        MMLA_TILES[zipped ? 1 : 0][pairs](bytes, rows, w, more, sums + row * PANEL);
        row += 2 * pairs;
    }
}

// All n columns of m rows; bytes of k, a multiple of four.
LANES_INLINE void multiply_mmla(size_t m, size_t n, size_t bytes, const uint8_t *a, size_t a_stride,
                                const int8_t *w, MmlaFinish *const finish, const void *context)
{
    UnitSum sums[MMLA_BLOCK_ROWS * PANEL];
    int8_t zipped[MMLA_STEP_BYTES * PANEL];
    if (m == 0) {
        return;
    }
    RowCut cut = cut_rows(m, MMLA_BLOCK_ROWS);
    const bool few = m <= (size_t)2 * MMLA_PAIRS;
    const size_t step = few ? BASE_MAX(bytes, (size_t)1) : (size_t)MMLA_STEP_BYTES;
    for (size_t block = 0, row = 0; block < cut.tiles; block++) {
        size_t rows = cut.rows + (block < cut.longer ? 1 : 0);
        for (size_t column = 0; column < n; column += PANEL) {
            for (size_t start = 0; start < bytes || start == 0; start += step) {
                const int8_t *from = w + column * bytes + start * PANEL;
                size_t count = BASE_MIN(bytes - start, step);
                if (!few) {
                    zip_panel(count, from, zipped);
                }
                multiply_mmla_step(rows, count, a + row * a_stride + start, a_stride,
                                   few ? from : zipped, !few, start > 0, sums);
            }
            finish(context, sums, rows, 1, row, column);
        }
        row += rows;
    }
}

#endif
