// What all products share: how rows and columns are cut into tiles that fit the registers, and how
// a finished tile is put down. Included after a tier's lanes.
#ifndef KERNELS_GEMM_TILES_H
#define KERNELS_GEMM_TILES_H

#include "kernels/kernels.h"
#include "lanes_math.h"

enum {
    PANEL = KERNELS_PANEL,
    TILE_ROWS_MAX = 8,
    TILE_PANELS_MAX = 4,
    PREFETCH_BYTES = 1024,
};

// Where the finished elements go.
typedef struct Output {
    size_t n;
    float *c;
    size_t c_stride;
    const KernelsEpilogue *epilogue;
} Output;

LANES_INLINE f32x16 finish_full(f32x16 value, const KernelsEpilogue *epilogue, size_t row,
                                size_t column)
{
    if (epilogue == NULL) {
        return value;
    }
    if (epilogue->bias != NULL) {
        value = f32x16_add(value, f32x16_load(epilogue->bias + column));
    }
    if (epilogue->gelu) {
        value = gelu_value(value);
    }
    if (epilogue->residual != NULL) {
        const float *residual = epilogue->residual + row * epilogue->residual_stride;
        value = f32x16_add(value, f32x16_load(residual + column));
    }
    return value;
}

LANES_INLINE f32x16 finish_first(f32x16 value, const KernelsEpilogue *epilogue, size_t row,
                                 size_t column, size_t count)
{
    if (epilogue == NULL) {
        return value;
    }
    if (epilogue->bias != NULL) {
        value = f32x16_add(value, f32x16_load_first(epilogue->bias + column, count));
    }
    if (epilogue->gelu) {
        value = gelu_value(value);
    }
    if (epilogue->residual != NULL) {
        const float *residual = epilogue->residual + row * epilogue->residual_stride;
        value = f32x16_add(value, f32x16_load_first(residual + column, count));
    }
    return value;
}

// Finishes and writes the 16 channels from column on, as far as they exist.
LANES_INLINE void put_panel(f32x16 value, const Output *out, size_t row, size_t column)
{
    float *c = out->c + row * out->c_stride + column;
    size_t count = out->n - column;
    if (count >= PANEL) {
        f32x16_store(c, finish_full(value, out->epilogue, row, column));
    } else {
        f32x16_store_first(c, finish_first(value, out->epilogue, row, column, count), count);
    }
}

LANES_INLINE void prefetch_weight_row(const size_t panels, const char *w, size_t w_stride)
{
    __builtin_prefetch(w + PREFETCH_BYTES);
    if (panels > 1) {
        __builtin_prefetch(w + w_stride + PREFETCH_BYTES);
    }
    if (panels > 2) {
        __builtin_prefetch(w + 2 * w_stride + PREFETCH_BYTES);
        __builtin_prefetch(w + 3 * w_stride + PREFETCH_BYTES);
    }
}

// How rows are cut into tiles: as evenly as can be, because a tile of one row costs nearly as much
// as a full one.
typedef struct RowCut {
    size_t tiles;
    size_t rows;   // of each tile
    size_t longer; // the first so many tiles have one row more
} RowCut;

LANES_INLINE RowCut cut_rows(size_t m, size_t rows_max)
{
    size_t tiles = (m + rows_max - 1) / rows_max;
    return (RowCut){.tiles = tiles, .rows = m / tiles, .longer = m % tiles};
}

// The panels to take at once when left are left: 4, 2 or 1.
LANES_INLINE size_t step_panels(size_t most, size_t left)
{
    size_t panels = BASE_MIN(most, left);
    return panels == 3 ? 2 : panels;
}

#endif
