// AMX: products of tiles. A tile register holds 16 rows of 64 bytes; the panels of s8 and of bf16
// are what TDPBUSD and TDPBF16PS want of weights, and rows of activations are tiles as they lie.
// Blocks of 32 rows and two panels are summed at a time. While the tile unit works on one block,
// the vector units finish the one before: that is why finishing is cut into small pieces.
#include "x86/vnni_512.h"

#include "gemm_pairs_body.h"
#include "gemm_u8s8_body.h"
#include "tiers.h"
#include "x86/amx_tiles.h"

enum {
    BLOCK_ROWS = 2 * TILE_ROWS,
    BLOCK_PANELS = 2,
    BLOCK_SUMS = BLOCK_ROWS * BLOCK_PANELS * PANEL,
    // Rows that weights pass by at once: the third-level cache, where the weights of a layer may
    // lie, is slower than the tile unit.
    BLOCKS_MOST = 8,
    ROWS_LEAST = 3, // fewer are left to VNNI: the weights' way from memory is what takes time
};

// One product, of 8-bit integers or of bfloat16; sizes of rows in bytes.
typedef struct Product {
    bool bf16;
    size_t bytes, a_stride;
    const uint8_t *a;
    const float *a_scale; // of the 8-bit product
    const KernelsS8Panels *s8;
    const int8_t *w;
    Output out;
} Product;

// The sums of a block, integers or floats, that wait to be finished.
typedef struct Waiting {
    const int32_t *sums;
    size_t row, column, panels;
    size_t next, count; // rows done, and all
} Waiting;

// What the 16 channels of a panel are finished with.
typedef struct Channels {
    i32x16 sum;
    f32x16 scale, bias;
} Channels;

LANES_INLINE Channels load_channels(const bool bf16, const Product *product, size_t column)
{
    const KernelsEpilogue *epilogue = product->out.epilogue;
    Channels channels = {.bias = f32x16_zero()};
    if (!bf16) {
        channels.sum = i32x16_load(product->s8->sum + column);
        channels.scale = f32x16_load(product->s8->scale + column);
    }
    if (epilogue != NULL && epilogue->bias != NULL) {
        channels.bias = f32x16_load(epilogue->bias + column);
    }
    return channels;
}

LANES_INLINE f32x16 scaled(const bool bf16, i32x16 sum, f32x16 row_scale, Channels channels)
{
    if (bf16) {
        return _mm512_castsi512_ps(sum);
    }
    return f32x16_mul(i32x16_to_float(i32x16_sub(sum, channels.sum)),
                      f32x16_mul(row_scale, channels.scale));
}

// Rows of two whole panels. Without a bias, -0 + 0 would not be -0: so that is asked for too.
LANES_INLINE void finish_two(const bool bf16, const bool bias, const bool gelu, const bool residual,
                             const Product *product, const Waiting *waiting, size_t end)
{
    const Output *out = &product->out;
    const size_t column = waiting->column;
    const Channels first = load_channels(bf16, product, column);
    const Channels second = load_channels(bf16, product, column + PANEL);
    for (size_t i = waiting->next; i < end; i++) {
        const size_t row = waiting->row + i;
        const int32_t *sums = waiting->sums + i * 2 * PANEL;
        const f32x16 row_scale = bf16 ? f32x16_zero() : f32x16_set1(product->a_scale[row]);
        f32x16 low = scaled(bf16, i32x16_load(sums), row_scale, first);
        f32x16 high = scaled(bf16, i32x16_load(sums + PANEL), row_scale, second);
        if (bias) {
            low = f32x16_add(low, first.bias);
            high = f32x16_add(high, second.bias);
        }
        if (gelu) {
            low = gelu_value(low);
            high = gelu_value(high);
        }
        if (residual) {
            const float *from =
                out->epilogue->residual + row * out->epilogue->residual_stride + column;
            low = f32x16_add(low, f32x16_load(from));
            high = f32x16_add(high, f32x16_load(from + PANEL));
        }
        float *c = out->c + row * out->c_stride + column;
        f32x16_store(c, low);
        f32x16_store(c + PANEL, high);
    }
}

static void finish_any(const Product *product, const Waiting *waiting, size_t end)
{
    for (size_t i = waiting->next; i < end; i++) {
        for (size_t p = 0; p < waiting->panels; p++) {
            const size_t row = waiting->row + i;
            const size_t column = waiting->column + p * PANEL;
            const i32x16 sum = i32x16_load(waiting->sums + (i * waiting->panels + p) * PANEL);
            f32x16 value = _mm512_castsi512_ps(sum);
            if (!product->bf16) {
                const Channels channels = {
                    .sum = i32x16_load(product->s8->sum + column),
                    .scale = f32x16_load(product->s8->scale + column),
                };
                value = scaled(false, sum, f32x16_set1(product->a_scale[row]), channels);
            }
            put_panel(value, &product->out, row, column);
        }
    }
}

static void finish_some(const Product *product, Waiting *waiting, size_t most)
{
    const size_t end = BASE_MIN(waiting->next + most, waiting->count);
    const KernelsEpilogue *epilogue = product->out.epilogue;
    const bool whole = waiting->panels == 2 && product->out.n - waiting->column >= 2 * PANEL;
    const bool bias = epilogue != NULL && epilogue->bias != NULL;
    if (!whole || product->bf16 || !bias || (epilogue->gelu && epilogue->residual != NULL)) {
        finish_any(product, waiting, end);
    } else if (epilogue->gelu) {
        finish_two(false, true, true, false, product, waiting, end);
    } else if (epilogue->residual != NULL) {
        finish_two(false, true, false, true, product, waiting, end);
    } else {
        finish_two(false, true, false, false, product, waiting, end);
    }
    waiting->next = end;
}

// Register numbers are part of the instruction, so this cannot be a function.
#define MULTIPLY_TILES(bf16, sums, a, w)                                                           \
    do {                                                                                           \
        if (bf16) {                                                                                \
            _tile_dpbf16ps(sums, a, w);                                                            \
        } else {                                                                                   \
            _tile_dpbusd(sums, a, w);                                                              \
        }                                                                                          \
    } while (0)

// sums[rows][panels * 16] of a block. Meanwhile it finishes what waits and asks for the weights to
// come, `lines` of them a step: from the third-level cache they would come too late.
LANES_INLINE void multiply_block(const bool bf16, const bool two_rows, const bool two_panels,
                                 const Product *product, const uint8_t *a, const int8_t *w,
                                 const int8_t *ahead, size_t lines, Waiting *waiting, int32_t *sums)
{
    const size_t bytes = product->bytes;
    const size_t a_stride = product->a_stride;
    const int8_t *w1 = two_panels ? w + bytes * PANEL : w;
    const uint8_t *a1 = two_rows ? a + TILE_ROWS * a_stride : a;
    const size_t steps = bytes / TILE_BYTES;
    const size_t pieces = steps > 0 ? (waiting->count + steps - 1) / steps : 0;
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
    for (size_t i = 0; i < bytes; i += TILE_BYTES) {
        _tile_loadd(4, a + i, a_stride);
        _tile_loadd(6, w + i * PANEL, TILE_BYTES);
        MULTIPLY_TILES(bf16, 0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, w1 + i * PANEL, TILE_BYTES);
            MULTIPLY_TILES(bf16, 1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, a1 + i, a_stride);
            MULTIPLY_TILES(bf16, 2, 5, 6);
        }
        if (two_rows && two_panels) {
            MULTIPLY_TILES(bf16, 3, 5, 7);
        }
        for (size_t line = 0; line < lines; line++) {
            _mm_prefetch((const char *)ahead, _MM_HINT_T1);
            ahead += TILE_BYTES;
        }
        finish_some(product, waiting, pieces);
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

// All columns of some blocks of so many rows each. Two panels at a time pass by all the blocks.
LANES_INLINE void multiply_blocks(const bool bf16, const Product *product, size_t first,
                                  size_t blocks, size_t rows)
{
    _Alignas(TILE_BYTES) int32_t sums[2][BLOCK_SUMS]; // tiles are whole lines of the cache
    Waiting waiting = {.count = 0};
    const size_t n = product->out.n;
    const bool two_rows = rows > TILE_ROWS;
    configure_tiles(rows);
    const size_t lines = BLOCK_PANELS * PANEL / blocks;
    size_t turn = 0;
    for (size_t column = 0; column < n; column += waiting.panels * PANEL) {
        const int8_t *w = product->w + column * product->bytes;
        const bool two_panels = n - column > PANEL;
        for (size_t block = 0; block < blocks; block++) {
            const size_t row = first + block * rows;
            const uint8_t *a = product->a + row * product->a_stride;
            int32_t *next = sums[turn];
            const int8_t *ahead =
                w + BLOCK_PANELS * PANEL * product->bytes + block * lines * product->bytes;
            if (two_rows && two_panels) {
                multiply_block(bf16, true, true, product, a, w, ahead, lines, &waiting, next);
            } else if (two_rows) {
                multiply_block(bf16, true, false, product, a, w, ahead, lines, &waiting, next);
            } else if (two_panels) {
                multiply_block(bf16, false, true, product, a, w, ahead, lines, &waiting, next);
            } else {
                multiply_block(bf16, false, false, product, a, w, ahead, lines, &waiting, next);
            }
            finish_some(product, &waiting, waiting.count);
            const size_t panels = two_panels ? 2 : 1;
            waiting = (Waiting){
                .sums = next,
                .row = row,
                .column = column,
                .panels = panels,
                .count = rows,
            };
            turn = 1 - turn;
        }
    }
    finish_some(product, &waiting, waiting.count);
    _tile_release();
}

LANES_INLINE void multiply_rows(const bool bf16, const Product *product, size_t m)
{
    size_t row = 0;
    while (m - row >= BLOCK_ROWS) {
        size_t blocks = BASE_MIN((m - row) / BLOCK_ROWS, (size_t)BLOCKS_MOST);
        multiply_blocks(bf16, product, row, blocks, BLOCK_ROWS);
        row += blocks * BLOCK_ROWS;
    }
    if (row < m) {
        multiply_blocks(bf16, product, row, 1, m - row);
    }
}

#include "x86/amx_pairs.h"

#include "x86/amx_few.h"

static void gemm_u8s8_amx(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                          const KernelsS8Panels *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    if (m < ROWS_LEAST || k % TILE_BYTES != 0) {
        gemm_u8s8_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    Product product = {
        .bytes = k,
        .a_stride = a->stride,
        .a = a->q,
        .a_scale = a->scale,
        .s8 = w,
        .w = w->q,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    if (m <= TILE_ROWS) {
        multiply_few(false, &product, m);
    } else {
        multiply_rows(false, &product, m);
    }
}

// Few rows come here too: another instruction would add in another order.
static void gemm_bf16_amx(size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride,
                          const uint16_t *w, float *c, size_t c_stride,
                          const KernelsEpilogue *epilogue)
{
    Product product = {
        .bf16 = true,
        .bytes = k * sizeof *a,
        .a_stride = a_stride * sizeof *a,
        .a = (const uint8_t *)a,
        .w = (const int8_t *)w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    if (m > 0 && m <= TILE_ROWS) {
        multiply_few(true, &product, m);
    } else {
        multiply_rows(true, &product, m);
    }
}

void kernels_init_amx(Kernels *kernels)
{
    init_gemm_u8s8(kernels);
    init_gemm_pairs(kernels);
    kernels->gemm_u8s8 = gemm_u8s8_amx;
    kernels->gemm_u8s8_pairs = gemm_u8s8_pairs_amx;
    kernels->gemm_bf16 = gemm_bf16_amx;
    kernels->attend_bf16 = attend_bf16_amx;
    kernels->attends_best_in_bf16 = true;
    kernels->bf16_is_fast = true;
}
