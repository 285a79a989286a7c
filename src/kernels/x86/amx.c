// AMX: products of tiles. A tile register holds 16 rows of 64 bytes; a panel's [k/4][16][4] is what
// TDPBUSD wants of weights, and rows of activations are tiles as they lie. Blocks of 32 rows and
// two panels are summed at a time. While the tile unit works on one block, the vector units finish
// the one before: that is why finishing is cut into small pieces.
#include "x86/vnni_512.h"

// GCC and Clang spell it differently.
#if !(defined(__AMX_TILE__) && defined(__AMX_INT8__)) &&                                           \
    !(defined(__AMXTILE__) && defined(__AMXINT8__))
#error "compile this tier with -mamx-tile -mamx-int8"
#endif

#include "gemm_u8s8_body.h"
#include "tiers.h"

enum {
    TILE_ROWS = 16,
    TILE_BYTES = 64,
    BLOCK_ROWS = 2 * TILE_ROWS,
    BLOCK_PANELS = 2,
    BLOCK_SUMS = BLOCK_ROWS * BLOCK_PANELS * PANEL,
    ROWS_LEAST = 8, // fewer are left to VNNI: the weights' way from memory is what takes time
};

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
static void configure_tiles(size_t rows)
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

// Sums that wait to be finished.
typedef struct Waiting {
    const float *a_scale;
    const KernelsS8Panels *w;
    const Output *out;
    const int32_t *sums;
    size_t row, column, panels;
    size_t next, count; // vectors done, and all
} Waiting;

static void finish_some(Waiting *waiting, size_t most)
{
    size_t end = BASE_MIN(waiting->next + most, waiting->count);
    for (size_t i = waiting->next; i < end; i++) {
        size_t row = waiting->row + i / waiting->panels;
        size_t column = waiting->column + i % waiting->panels * PANEL;
        i32x16 sum = i32x16_sub(i32x16_load(waiting->sums + i * PANEL),
                                i32x16_load(waiting->w->sum + column));
        f32x16 scale =
            f32x16_mul(f32x16_set1(waiting->a_scale[row]), f32x16_load(waiting->w->scale + column));
        put_panel(f32x16_mul(i32x16_to_float(sum), scale), waiting->out, row, column);
    }
    waiting->next = end;
}

// sums[rows][panels * 16] of a block, k a multiple of 64; finishes what waits meanwhile.
LANES_INLINE void multiply_block(const bool two_rows, const bool two_panels, size_t k,
                                 const uint8_t *a, size_t a_stride, const int8_t *w,
                                 Waiting *waiting, int32_t *sums)
{
    const int8_t *w1 = two_panels ? w + k * PANEL : w;
    const uint8_t *a1 = two_rows ? a + TILE_ROWS * a_stride : a;
    const size_t steps = k / TILE_BYTES;
    const size_t pieces = (waiting->count + steps - 1) / steps;
    _tile_zero(0);
    if (two_panels) {
        _tile_zero(1);
    }
    if (two_rows) {
        _tile_zero(2);
    }
    if (two_rows && two_panels) {
        _tile_zero(3);
    }
    for (size_t i = 0; i < k; i += TILE_BYTES) {
        _tile_loadd(4, a + i, a_stride);
        _tile_loadd(6, w + i * PANEL, TILE_BYTES);
        _tile_dpbusd(0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, w1 + i * PANEL, TILE_BYTES);
            _tile_dpbusd(1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, a1 + i, a_stride);
            _tile_dpbusd(2, 5, 6);
        }
        if (two_rows && two_panels) {
            _tile_dpbusd(3, 5, 7);
        }
        finish_some(waiting, pieces);
    }
    const size_t width = (two_panels ? 2 : 1) * PANEL;
    _tile_stored(0, sums, width * sizeof *sums);
    if (two_panels) {
        _tile_stored(1, sums + PANEL, width * sizeof *sums);
    }
    if (two_rows) {
        _tile_stored(2, sums + TILE_ROWS * width, width * sizeof *sums);
    }
    if (two_rows && two_panels) {
        _tile_stored(3, sums + TILE_ROWS * width + PANEL, width * sizeof *sums);
    }
}

static void multiply_rows(size_t row, size_t rows, size_t k, const KernelsU8Rows *a,
                          const KernelsS8Panels *w, const Output *out)
{
    int32_t sums[2][BLOCK_SUMS];
    Waiting waiting = {.a_scale = a->scale, .w = w, .out = out, .row = row};
    const uint8_t *q = a->q + row * a->stride;
    const bool two_rows = rows > TILE_ROWS;
    configure_tiles(rows);
    size_t turn = 0;
    for (size_t column = 0; column < out->n; column += waiting.panels * PANEL) {
        const int8_t *panel = w->q + column * k;
        const bool two_panels = out->n - column > PANEL;
        int32_t *block = sums[turn];
        if (two_rows && two_panels) {
            multiply_block(true, true, k, q, a->stride, panel, &waiting, block);
        } else if (two_rows) {
            multiply_block(true, false, k, q, a->stride, panel, &waiting, block);
        } else if (two_panels) {
            multiply_block(false, true, k, q, a->stride, panel, &waiting, block);
        } else {
            multiply_block(false, false, k, q, a->stride, panel, &waiting, block);
        }
        waiting.sums = block;
        waiting.column = column;
        waiting.panels = two_panels ? 2 : 1;
        waiting.next = 0;
        waiting.count = rows * waiting.panels;
        turn = 1 - turn;
    }
    finish_some(&waiting, waiting.count);
    _tile_release();
}

static void gemm_u8s8_amx(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                          const KernelsS8Panels *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    if (m < ROWS_LEAST || k % TILE_BYTES != 0) {
        gemm_u8s8_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    Output out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue};
    for (size_t row = 0; row < m; row += BLOCK_ROWS) {
        multiply_rows(row, BASE_MIN(m - row, (size_t)BLOCK_ROWS), k, a, w, &out);
    }
}

void kernels_init_amx(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    kernels->gemm_u8s8 = gemm_u8s8_amx;
}
