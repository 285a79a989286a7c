// Peak loops of AMX: six tiles of sums, 16 x 16 each, and two of inputs.
#include <immintrin.h>
#include <string.h>

#include "peak_tiers.h"
#include "x86/amx_tiles.h"

enum { SUMS = 6 };

static void begin(uint8_t input)
{
    uint8_t tile[TILE_ROWS * TILE_BYTES];
    memset(tile, input, sizeof tile);
    configure_tiles((size_t)2 * TILE_ROWS); // all eight are whole
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
