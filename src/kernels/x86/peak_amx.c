// Peak loops of AMX: six tiles of sums, 16 x 16 each, and two of inputs.
#include <immintrin.h>
#include <string.h>

#include "peak_tiers.h"

// GCC and Clang spell it differently.
#if !(defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AMX_BF16__)) &&                  \
    !(defined(__AMXTILE__) && defined(__AMXINT8__) && defined(__AMXBF16__))
#error "compile this tier with -mamx-tile -mamx-int8 -mamx-bf16"
#endif

enum { TILE_ROWS = 16, TILE_BYTES = 64, SUMS = 6 };

// The shapes of the eight tile registers (Intel SDM, LDTILECFG).
typedef struct TileConfig {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileConfig;

static void begin(uint8_t input)
{
    TileConfig config = {.palette = 1};
    uint8_t tile[TILE_ROWS * TILE_BYTES];
    for (size_t i = 0; i < SUMS + 2; i++) {
        config.row_bytes[i] = TILE_BYTES;
        config.rows[i] = TILE_ROWS;
    }
    memset(tile, input, sizeof tile);
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_loadd(6, tile, TILE_BYTES);
    _tile_loadd(7, tile, TILE_BYTES);
}

static uint64_t peak_u8s8_amx(uint64_t rounds)
{
    begin(1);
    for (uint64_t i = 0; i < rounds; i++) {
        _tile_dpbusd(0, 6, 7);
        _tile_dpbusd(1, 6, 7);
        _tile_dpbusd(2, 6, 7);
        _tile_dpbusd(3, 6, 7);
        _tile_dpbusd(4, 6, 7);
        _tile_dpbusd(5, 6, 7);
    }
    _tile_release();
    return rounds * SUMS * TILE_ROWS * TILE_ROWS * TILE_BYTES * 2;
}

static uint64_t peak_bf16_amx(uint64_t rounds)
{
    begin(0x3f); // 0x3f3f is about 0.75
    for (uint64_t i = 0; i < rounds; i++) {
        _tile_dpbf16ps(0, 6, 7);
        _tile_dpbf16ps(1, 6, 7);
        _tile_dpbf16ps(2, 6, 7);
        _tile_dpbf16ps(3, 6, 7);
        _tile_dpbf16ps(4, 6, 7);
        _tile_dpbf16ps(5, 6, 7);
    }
    _tile_release();
    return rounds * SUMS * TILE_ROWS * TILE_ROWS * TILE_BYTES;
}

void kernels_peaks_init_amx(KernelsPeaks *peaks)
{
    peaks->u8s8 = peak_u8s8_amx;
    peaks->bf16 = peak_bf16_amx;
}
