// AMX: the product of rows in two parts. Blocks of up to 16 rows (32 rows of tiles) and two panels
// are summed at a time; all rows of the call take a pair of panels before the next is read, so the
// weights come from memory once, and are asked for while the pair before is multiplied.
#ifndef KERNELS_X86_AMX_PAIRS_H
#define KERNELS_X86_AMX_PAIRS_H

enum {
    PAIRS_LEAST = 3,       // fewer rows are left to VNNI
    PAIRS_BLOCK_ROWS = 16, // most rows of a block
};

typedef struct PairsBlock {
    const int32_t *sums; // [2 * rows][panels * 16]
    size_t row, column, panels;
    size_t next, rows; // rows done, and all
} PairsBlock;

typedef struct PairsProduct {
    size_t k;
    const KernelsU8Rows *a;
    const KernelsS8Panels *w;
    Output out;
} PairsProduct;

// Finishes so many rows more of the panel at `column`.
LANES_INLINE void finish_pairs_panel(const PairsProduct *product, const PairsBlock *block,
                                     size_t rows, size_t p)
{
    const size_t width = block->panels * PANEL;
    const size_t column = block->column + p * PANEL;
    const i32x16 bias = i32x16_load(product->w->sum + column);
    const f32x16 w_scale = f32x16_load(product->w->scale + column);
    for (size_t r = block->next; r < block->next + rows; r++) {
        const int32_t *sums = block->sums + 2 * r * width + p * PANEL;
        i32x16 coarse = i32x16_sub(i32x16_load(sums), bias);
        i32x16 fine = i32x16_sub(i32x16_load(sums + width), bias);
        const float *a_scale = product->a->scale + 2 * (block->row + r);
        put_panel(join_pair(coarse, fine, a_scale, w_scale), &product->out, block->row + r, column);
    }
}

static void finish_pairs(const PairsProduct *product, PairsBlock *block, size_t most)
{
    const size_t rows = BASE_MIN(most, block->rows - block->next);
    for (size_t p = 0; rows > 0 && p < block->panels; p++) {
        finish_pairs_panel(product, block, rows, p);
    }
    block->next += rows;
}

LANES_INLINE void prefetch_tile(const int8_t *w)
{
    for (size_t i = 0; i < TILE_ROWS; i++) {
        __builtin_prefetch(w + i * TILE_BYTES);
    }
}

// The sums of a block; finishes what waits meanwhile. `ahead` are the panels that come after.
LANES_INLINE void multiply_pairs(const bool two_rows, const bool two_panels,
                                 const PairsProduct *product, size_t row, const int8_t *w,
                                 const int8_t *ahead, PairsBlock *waiting, int32_t *sums)
{
    const size_t k = product->k;
    const size_t stride = product->a->stride;
    const uint8_t *a = product->a->q + 2 * row * stride;
    const uint8_t *a1 = a + TILE_ROWS * stride;
    const int8_t *w1 = w + k * PANEL;
    const size_t pieces = (waiting->rows * TILE_BYTES + k - 1) / k;
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
        if (ahead != NULL) {
            prefetch_tile(ahead + i * PANEL);
            prefetch_tile(ahead + (k + i) * PANEL);
        }
        _tile_loadd(4, a + i, stride);
        _tile_loadd(6, w + i * PANEL, TILE_BYTES);
        _tile_dpbusd(0, 4, 6);
        if (two_panels) {
            _tile_loadd(7, w1 + i * PANEL, TILE_BYTES);
            _tile_dpbusd(1, 4, 7);
        }
        if (two_rows) {
            _tile_loadd(5, a1 + i, stride);
            _tile_dpbusd(2, 5, 6);
        }
        if (two_rows && two_panels) {
            _tile_dpbusd(3, 5, 7);
        }
        finish_pairs(product, waiting, pieces);
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

LANES_INLINE void multiply_pairs_block(const PairsProduct *product, size_t rows, size_t row,
                                       size_t panels, const int8_t *w, const int8_t *ahead,
                                       PairsBlock *waiting, int32_t *sums)
{
    const bool two_rows = 2 * rows > TILE_ROWS;
    if (two_rows && panels > 1) {
        multiply_pairs(true, true, product, row, w, ahead, waiting, sums);
    } else if (two_rows) {
        multiply_pairs(true, false, product, row, w, NULL, waiting, sums);
    } else if (panels > 1) {
        multiply_pairs(false, true, product, row, w, ahead, waiting, sums);
    } else {
        multiply_pairs(false, false, product, row, w, NULL, waiting, sums);
    }
}

// Blocks are of one size, so that the tiles are configured once: the last one begins where it is
// full and leaves out what is finished already.
static void gemm_u8s8_pairs_amx(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                                const KernelsS8Panels *w, float *c, size_t c_stride,
                                const KernelsEpilogue *epilogue)
{
    if (m < PAIRS_LEAST || k % TILE_BYTES != 0) {
        gemm_u8s8_pairs_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    _Alignas(TILE_BYTES) int32_t sums[2][2 * PAIRS_BLOCK_ROWS * BLOCK_PANELS * PANEL];
    const PairsProduct product = {
        .k = k,
        .a = a,
        .w = w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
    };
    const size_t blocks = (m + PAIRS_BLOCK_ROWS - 1) / PAIRS_BLOCK_ROWS;
    const size_t rows = (m + blocks - 1) / blocks;
    PairsBlock waiting = {.panels = 1};
    size_t turn = 0;
    configure_tiles(2 * rows);
    for (size_t column = 0; column < n; column += BLOCK_PANELS * PANEL) {
        const size_t panels = n - column > PANEL ? 2 : 1;
        const int8_t *weights = w->q + column * k;
        const bool more = n - column > (size_t)3 * PANEL;
        for (size_t row = 0; row < m; row += rows) {
            const size_t first = BASE_MIN(row, m - rows);
            const int8_t *ahead =
                more && row == 0 ? weights + (size_t)BLOCK_PANELS * PANEL * k : NULL;
            multiply_pairs_block(&product, rows, first, panels, weights, ahead, &waiting,
                                 sums[turn]);
            finish_pairs(&product, &waiting, rows);
            waiting = (PairsBlock){
                .sums = sums[turn],
                .row = first,
                .column = column,
                .panels = panels,
                .next = row - first,
                .rows = rows,
            };
            turn = 1 - turn;
        }
    }
    finish_pairs(&product, &waiting, rows);
    _tile_release();
}

#endif
