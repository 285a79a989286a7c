// Products whose k comes in units of four bytes: four 8-bit values (u8 x s8) or two bfloat16. A
// tile is summed as in gemm_float_body.h. A tier that includes this has defined
//   Units           a unit of k of a panel: 64 bytes, 4 of each channel
//   Acts            a unit of a row, for all channels
//   units_load      from the panel
//   acts_load       from the row
//   UnitSum, UnitSums    one sum, and sixteen
//   unit_sums_zero, unit_sums_add (sums + the products of a unit), unit_sums_put
//   GEMM_UNITS_TILES(X)    X(rows, panels) for each tile; panels 1, 2 or 4
//   GEMM_UNITS_ROWS        the most rows
//   GEMM_UNITS_PANELS      array initialiser: for 0..ROWS rows, the most panels
#ifndef KERNELS_GEMM_UNITS_BODY_H
#define KERNELS_GEMM_UNITS_BODY_H

#include "gemm_tiles.h"

enum {
    UNIT_BYTES = 4,
    // Rows of a block: all weights pass by once for each.
    UNITS_BLOCK_ROWS = 240,
};

typedef struct UnitSumsRow {
    UnitSums p0, p1, p2, p3;
} UnitSumsRow;

typedef struct UnitsRow {
    Units p0, p1, p2, p3;
} UnitsRow;

LANES_INLINE UnitSumsRow unit_row_zero(void)
{
    return (UnitSumsRow){unit_sums_zero(), unit_sums_zero(), unit_sums_zero(), unit_sums_zero()};
}

LANES_INLINE UnitsRow load_units_row(const size_t panels, const int8_t *w, size_t w_stride)
{
    UnitsRow row;
    row.p0 = units_load(w);
    row.p1 = panels > 1 ? units_load(w + w_stride) : row.p0;
    row.p2 = panels > 2 ? units_load(w + 2 * w_stride) : row.p0;
    row.p3 = panels > 2 ? units_load(w + 3 * w_stride) : row.p0;
    return row;
}

LANES_INLINE UnitSumsRow unit_row_add(const size_t panels, UnitSumsRow sums, const uint8_t *a,
                                      UnitsRow w)
{
    Acts x = acts_load(a);
    sums.p0 = unit_sums_add(sums.p0, x, w.p0);
    if (panels > 1) {
        sums.p1 = unit_sums_add(sums.p1, x, w.p1);
    }
    if (panels > 2) {
        sums.p2 = unit_sums_add(sums.p2, x, w.p2);
        sums.p3 = unit_sums_add(sums.p3, x, w.p3);
    }
    return sums;
}

LANES_INLINE void unit_row_put(const size_t panels, UnitSumsRow sums, UnitSum *tile)
{
    unit_sums_put(tile, sums.p0);
    if (panels > 1) {
        unit_sums_put(tile + PANEL, sums.p1);
    }
    if (panels > 2) {
        unit_sums_put(tile + (size_t)2 * PANEL, sums.p2);
        unit_sums_put(tile + (size_t)3 * PANEL, sums.p3);
    }
}

// Adds the products of a unit of a row.
typedef UnitSumsRow UnitRowAdd(const size_t panels, UnitSumsRow sums, const uint8_t *a, UnitsRow w);

// tile[rows][panels * 16] = a[rows][bytes] * panels, as multiply_float. Strides are in bytes.
LANES_INLINE void multiply_units(const size_t rows, const size_t panels, UnitRowAdd *const add,
                                 size_t bytes, const uint8_t *a, size_t a_stride, const int8_t *w,
                                 size_t w_stride, UnitSum *tile)
{
    const size_t tile_stride = panels * PANEL;
    const uint8_t *a1 = rows > 1 ? a + a_stride : a;
    const uint8_t *a2 = rows > 2 ? a1 + a_stride : a;
    const uint8_t *a3 = rows > 3 ? a2 + a_stride : a;
    const uint8_t *a4 = rows > 4 ? a3 + a_stride : a;
    const uint8_t *a5 = rows > 5 ? a4 + a_stride : a;
    UnitSumsRow c0 = unit_row_zero();
    UnitSumsRow c1 = c0;
    UnitSumsRow c2 = c0;
    UnitSumsRow c3 = c0;
    UnitSumsRow c4 = c0;
    UnitSumsRow c5 = c0;
    for (size_t i = 0; i < bytes; i += UNIT_BYTES) {
        UnitsRow row = load_units_row(panels, w, w_stride);
        if (rows <= 2) {
            prefetch_weight_row(panels, (const char *)w, w_stride);
        }
        c0 = add(panels, c0, a + i, row);
        if (rows > 1) {
            c1 = add(panels, c1, a1 + i, row);
        }
        if (rows > 2) {
            c2 = add(panels, c2, a2 + i, row);
        }
        if (rows > 3) {
            c3 = add(panels, c3, a3 + i, row);
        }
        if (rows > 4) {
            c4 = add(panels, c4, a4 + i, row);
        }
        if (rows > 5) {
            c5 = add(panels, c5, a5 + i, row);
        }
        w += PANEL * UNIT_BYTES;
    }
    unit_row_put(panels, c0, tile);
    if (rows > 1) {
        unit_row_put(panels, c1, tile + tile_stride);
    }
    if (rows > 2) {
        unit_row_put(panels, c2, tile + 2 * tile_stride);
    }
    if (rows > 3) {
        unit_row_put(panels, c3, tile + 3 * tile_stride);
    }
    if (rows > 4) {
        unit_row_put(panels, c4, tile + 4 * tile_stride);
    }
    if (rows > 5) {
        unit_row_put(panels, c5, tile + 5 * tile_stride);
    }
}

typedef void UnitsTile(size_t bytes, const uint8_t *a, size_t a_stride, const int8_t *w,
                       size_t w_stride, UnitSum *tile);

#define DEFINE_TILE(rows, panels)                                                                  \
    static void tile_units_##rows##x##panels(size_t bytes, const uint8_t *a, size_t a_stride,      \
                                             const int8_t *w, size_t w_stride, UnitSum *tile)      \
    {                                                                                              \
        multiply_units(rows, panels, unit_row_add, bytes, a, a_stride, w, w_stride, tile);         \
    }
GEMM_UNITS_TILES(DEFINE_TILE)
#undef DEFINE_TILE

#define LIST_TILE(rows, panels) [rows][panels] = tile_units_##rows##x##panels,
static UnitsTile *const UNITS_TILES[TILE_ROWS_MAX + 1][TILE_PANELS_MAX + 1] = {
    GEMM_UNITS_TILES(LIST_TILE)};
#undef LIST_TILE

static const size_t UNITS_PANELS[TILE_ROWS_MAX + 1] = GEMM_UNITS_PANELS;

// Finishes a tile: rows and panels, then where it begins.
typedef void UnitsFinish(const void *context, const UnitSum *tile, size_t rows, size_t panels,
                         size_t row, size_t column);

// All n columns of m rows; strides in bytes, w_stride from panel to panel.
LANES_INLINE void multiply_units_rows(size_t m, size_t n, size_t bytes, const uint8_t *a,
                                      size_t a_stride, const int8_t *w, UnitsFinish *const finish,
                                      const void *context)
{
    UnitSum tile[TILE_ROWS_MAX * TILE_PANELS_MAX * PANEL];
    const size_t w_stride = bytes * PANEL;
    for (size_t first = 0; first < m; first += UNITS_BLOCK_ROWS) {
        RowCut cut = cut_rows(BASE_MIN((size_t)UNITS_BLOCK_ROWS, m - first), GEMM_UNITS_ROWS);
        size_t rows_most = cut.rows + (cut.longer > 0 ? 1 : 0);
        for (size_t column = 0; column < n;) {
            size_t left = (n - column + PANEL - 1) / PANEL;
            size_t panels = step_panels(UNITS_PANELS[rows_most], left);
            size_t row = first;
            for (size_t t = 0; t < cut.tiles; t++) {
                size_t rows = cut.rows + (t < cut.longer ? 1 : 0);
                // All shapes that cut_rows and step_panels give are in the table.
                // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
                UNITS_TILES[rows][panels](bytes, a + row * a_stride, a_stride, w + column * bytes,
                                          w_stride, tile);
                finish(context, tile, rows, panels, row, column);
                row += rows;
            }
            column += panels * PANEL;
        }
    }
}

#endif
