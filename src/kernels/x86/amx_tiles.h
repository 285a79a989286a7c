// The tile registers of AMX, as the files of that tier share them.
#ifndef KERNELS_X86_AMX_TILES_H
#define KERNELS_X86_AMX_TILES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "kernels/kernels.h"

// GCC and Clang spell it differently.
#if !(defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AMX_BF16__)) &&                  \
    !(defined(__AMXTILE__) && defined(__AMXINT8__) && defined(__AMXBF16__))
#error "compile this tier with -mamx-tile -mamx-int8 -mamx-bf16"
#endif

enum { TILE_ROWS = 16, TILE_BYTES = 64 };

// The shapes of the eight tile registers (Intel SDM, LDTILECFG).
typedef struct TileConfig {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileConfig;

// Sums in registers 0..3 (rows 0..15 and two panels, then rows 16..31), activations in 4 and 5,
// weights in 6 and 7.
static inline void configure_tiles(size_t rows)
{
    uint8_t upper = (uint8_t)BASE_MIN(rows, (size_t)TILE_ROWS);
    uint8_t lower = (uint8_t)(rows - upper);
    TileConfig config = {
        .palette = 1,
        .rows = {upper, upper, lower, lower, upper, lower, TILE_ROWS, TILE_ROWS},
    };
    for (size_t i = 0; i < 8; i++) {
        config.row_bytes[i] = config.rows[i] > 0 ? TILE_BYTES : 0;
    }
    _tile_loadconfig(&config);
}

void attend_bf16_amx(size_t m, const KernelsHead *head, float scale, const float *q,
                     size_t q_stride, float *out, size_t out_stride, void *scratch);

#endif
