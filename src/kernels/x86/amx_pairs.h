// AMX: the product of rows in two parts. All rows of a call meet two panels (or four, where rows
// are few) before the next are read, so the weights come from memory once. A product takes 52
// cycles to give its sums, so at least four, and up to six, are summed at a time. While the tile
// unit works on a block of rows, the vector units finish the one before.
#ifndef KERNELS_X86_AMX_PAIRS_H
#define KERNELS_X86_AMX_PAIRS_H

enum {
    PAIRS_LEAST = 3,       // fewer rows are left to VNNI
    PAIRS_BLOCK_ROWS = 24, // most rows of a block: three tiles
    PAIRS_PANELS_MAX = 4,
    PAIRS_SUMS = 2 * PAIRS_BLOCK_ROWS * 2 * PANEL,
};

typedef struct PairsProduct {
    size_t k;
    const KernelsU8Rows *a;
    const KernelsS8Panels *w;
    Output out;
    size_t rows;   // of a block
    size_t height; // of a tile; the last one of a block begins where it is full
} PairsProduct;

// The sums of a block, which wait to be finished.
typedef struct PairsBlock {
    const int32_t *sums; // [2 * rows][panels * 16]
    size_t row, column, panels;
    size_t next, rows; // rows done, and all
} PairsBlock;

// Sums in registers 0..5, activations and weights in the others: all rows of tiles are of one
// height.
static void configure_pairs(size_t tiles, size_t height)
{
    TileConfig config = {.palette = 1};
    const size_t weights_first = tiles == 3 ? 7 : tiles == 2 ? 6 : 5;
    for (size_t i = 0; i < 8; i++) {
        config.rows[i] = (uint8_t)(i < weights_first ? height : TILE_ROWS);
        config.row_bytes[i] = TILE_BYTES;
    }
    _tile_loadconfig(&config);
}

// Sums of one row and panel, scaled and joined.
LANES_INLINE f32x16 pairs_value(const PairsProduct *product, const PairsBlock *block, size_t r,
                                size_t p, i32x16 bias, f32x16 w_scale)
{
    const size_t width = block->panels * PANEL;
    const int32_t *sums = block->sums + 2 * r * width + p * PANEL;
    i32x16 coarse = i32x16_sub(i32x16_load(sums), bias);
    i32x16 fine = i32x16_sub(i32x16_load(sums + width), bias);
    return join_pair(coarse, fine, product->a->scale + 2 * (block->row + r), w_scale);
}

// Finishes so many rows more of a panel. What is the same for all rows is looked up once, because
// this takes as long as the products.
LANES_INLINE void finish_pairs_panel(const PairsProduct *product, const PairsBlock *block,
                                     size_t rows, size_t p)
{
    const Output out = product->out;
    const KernelsEpilogue *epilogue = out.epilogue;
    const size_t column = block->column + p * PANEL;
    const size_t end = block->next + rows;
    const i32x16 bias = i32x16_load(product->w->sum + column);
    const f32x16 w_scale = f32x16_load(product->w->scale + column);
    const bool plain = epilogue == NULL ||
                       (epilogue->bias == NULL && !epilogue->gelu && epilogue->residual == NULL);
    if (plain && out.n - column >= PANEL) {
        float *c = out.c + (block->row + block->next) * out.c_stride + column;
        for (size_t r = block->next; r < end; r++, c += out.c_stride) {
            f32x16_store(c, pairs_value(product, block, r, p, bias, w_scale));
        }
        return;
    }
    for (size_t r = block->next; r < end; r++) {
        f32x16 value = pairs_value(product, block, r, p, bias, w_scale);
        put_panel(value, &out, block->row + r, column);
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

// Asks for the tiles of the next step: farther ahead, or into the second-level cache, is slower,
// because the cache's own prefetching follows close behind.
LANES_INLINE void prefetch_next(const size_t panels, size_t k, size_t i, const int8_t *w)
{
    const bool within = i + TILE_BYTES < k;
    const int8_t *next = within ? w + TILE_BYTES * PANEL : w + (panels * k - i) * PANEL;
    for (size_t p = 0; p < panels; p++) {
        for (size_t line = 0; line < TILE_ROWS; line++) {
            __builtin_prefetch(next + p * k * PANEL + line * TILE_BYTES);
        }
    }
}

// What the loops over k share: where a block's rows and weights are, what comes after them, and
// what waits meanwhile.
typedef struct PairsStep {
    const uint8_t *a0, *a1, *a2; // the block's tiles
    const int8_t *w;
    bool prefetches; // the first block to read these weights
    size_t pieces;   // rows to finish at each step
    int32_t *sums;
} PairsStep;

// Up to 8 rows, four panels.
static void multiply_pairs_1x4(const PairsProduct *product, const PairsStep *step,
                               PairsBlock *waiting)
{
    const size_t k = product->k;
    const size_t stride = product->a->stride;
    const size_t panel = k * PANEL;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t i = 0; i < k; i += TILE_BYTES) {
        const int8_t *w = step->w + i * PANEL;
        prefetch_next(4, k, i, w);
        _tile_loadd(4, step->a0 + i, stride);
        _tile_loadd(5, w, TILE_BYTES);
        _tile_dpbusd(0, 4, 5);
        _tile_loadd(6, w + panel, TILE_BYTES);
        _tile_dpbusd(1, 4, 6);
        _tile_loadd(7, w + 2 * panel, TILE_BYTES);
        _tile_dpbusd(2, 4, 7);
        _tile_loadd(5, w + 3 * panel, TILE_BYTES);
        _tile_dpbusd(3, 4, 5);
        finish_pairs(product, waiting, step->pieces);
    }
    const size_t width = 4 * PANEL;
    _tile_stored(0, step->sums, width * sizeof(int32_t));
    _tile_stored(1, step->sums + PANEL, width * sizeof(int32_t));
    _tile_stored(2, step->sums + 2 * (size_t)PANEL, width * sizeof(int32_t));
    _tile_stored(3, step->sums + 3 * (size_t)PANEL, width * sizeof(int32_t));
}

static void multiply_pairs_1x1(const PairsProduct *product, const PairsStep *step,
                               PairsBlock *waiting)
{
    _tile_zero(0);
    for (size_t i = 0; i < product->k; i += TILE_BYTES) {
        _tile_loadd(4, step->a0 + i, product->a->stride);
        _tile_loadd(5, step->w + i * PANEL, TILE_BYTES);
        _tile_dpbusd(0, 4, 5);
        finish_pairs(product, waiting, step->pieces);
    }
    _tile_stored(0, step->sums, PANEL * sizeof(int32_t));
}

// Up to 16 rows, one panel or two.
LANES_INLINE void multiply_pairs_2(const bool two_panels, const PairsProduct *product,
                                   const PairsStep *step, PairsBlock *waiting)
{
    const size_t k = product->k;
    const size_t stride = product->a->stride;
    const size_t panel = k * PANEL;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t i = 0; i < k; i += TILE_BYTES) {
        const int8_t *w = step->w + i * PANEL;
        if (step->prefetches) {
            prefetch_next(two_panels ? 2 : 1, k, i, w);
        }
        _tile_loadd(4, step->a0 + i, stride);
        _tile_loadd(5, step->a1 + i, stride);
        _tile_loadd(6, w, TILE_BYTES);
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 5, 6);
        if (two_panels) {
            _tile_loadd(7, w + panel, TILE_BYTES);
            _tile_dpbusd(2, 4, 7);
            _tile_dpbusd(3, 5, 7);
        }
        finish_pairs(product, waiting, step->pieces);
    }
    const size_t width = (two_panels ? 2 : 1) * PANEL;
    int32_t *last = step->sums + (2 * product->rows - product->height) * width;
    _tile_stored(0, step->sums, width * sizeof(int32_t));
    _tile_stored(1, last, width * sizeof(int32_t));
    if (two_panels) {
        _tile_stored(2, step->sums + PANEL, width * sizeof(int32_t));
        _tile_stored(3, last + PANEL, width * sizeof(int32_t));
    }
}

// Up to 24 rows, one panel or two.
LANES_INLINE void multiply_pairs_3(const bool two_panels, const PairsProduct *product,
                                   const PairsStep *step, PairsBlock *waiting)
{
    const size_t k = product->k;
    const size_t stride = product->a->stride;
    const size_t panel = k * PANEL;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (size_t i = 0; i < k; i += TILE_BYTES) {
        const int8_t *w = step->w + i * PANEL;
        if (step->prefetches) {
            prefetch_next(two_panels ? 2 : 1, k, i, w);
        }
        _tile_loadd(7, w, TILE_BYTES);
        _tile_loadd(6, step->a0 + i, stride);
        _tile_dpbusd(0, 6, 7);
        _tile_loadd(6, step->a1 + i, stride);
        _tile_dpbusd(1, 6, 7);
        _tile_loadd(6, step->a2 + i, stride);
        _tile_dpbusd(2, 6, 7);
        if (two_panels) {
            _tile_loadd(7, w + panel, TILE_BYTES);
            _tile_dpbusd(5, 6, 7);
            _tile_loadd(6, step->a1 + i, stride);
            _tile_dpbusd(4, 6, 7);
            _tile_loadd(6, step->a0 + i, stride);
            _tile_dpbusd(3, 6, 7);
        }
        finish_pairs(product, waiting, step->pieces);
    }
    const size_t width = (two_panels ? 2 : 1) * PANEL;
    int32_t *second = step->sums + product->height * width;
    int32_t *last = step->sums + (2 * product->rows - product->height) * width;
    _tile_stored(0, step->sums, width * sizeof(int32_t));
    _tile_stored(1, second, width * sizeof(int32_t));
    _tile_stored(2, last, width * sizeof(int32_t));
    if (two_panels) {
        _tile_stored(3, step->sums + PANEL, width * sizeof(int32_t));
        _tile_stored(4, second + PANEL, width * sizeof(int32_t));
        _tile_stored(5, last + PANEL, width * sizeof(int32_t));
    }
}

static void multiply_pairs(const PairsProduct *product, size_t tiles, size_t panels,
                           const PairsStep *step, PairsBlock *waiting)
{
    if (tiles == 1 && panels == 4) {
        multiply_pairs_1x4(product, step, waiting);
    } else if (tiles == 1) {
        multiply_pairs_1x1(product, step, waiting);
    } else if (tiles == 2 && panels == 2) {
        multiply_pairs_2(true, product, step, waiting);
    } else if (tiles == 2) {
        multiply_pairs_2(false, product, step, waiting);
    } else if (panels == 2) {
        multiply_pairs_3(true, product, step, waiting);
    } else {
        multiply_pairs_3(false, product, step, waiting);
    }
}

// Panels to take at once when left are left.
static size_t pairs_panels(size_t tiles, size_t left)
{
    const size_t most = tiles == 1 ? 4 : 2;
    return left < most ? 1 : most;
}

// Blocks, and tiles of a block, are of one size, so that the tiles are configured once: the last
// block begins where it is full and leaves out what is finished already.
static void gemm_u8s8_pairs_amx(size_t m, size_t n, size_t k, const KernelsU8Rows *a,
                                const KernelsS8Panels *w, float *c, size_t c_stride,
                                const KernelsEpilogue *epilogue)
{
    if (m < PAIRS_LEAST || k % TILE_BYTES != 0) {
        gemm_u8s8_pairs_lanes(m, n, k, a, w, c, c_stride, epilogue);
        return;
    }
    _Alignas(TILE_BYTES) int32_t sums[2][PAIRS_SUMS];
    const size_t blocks = (m + PAIRS_BLOCK_ROWS - 1) / PAIRS_BLOCK_ROWS;
    const size_t rows = (m + blocks - 1) / blocks;
    const size_t tiles = (2 * rows + TILE_ROWS - 1) / TILE_ROWS;
    const PairsProduct product = {
        .k = k,
        .a = a,
        .w = w,
        .out = {.n = n, .c = c, .c_stride = c_stride, .epilogue = epilogue},
        .rows = rows,
        .height = (2 * rows + tiles - 1) / tiles,
    };
    PairsBlock waiting = {.panels = 1};
    size_t turn = 0;
    configure_pairs(tiles, product.height);
    for (size_t column = 0; column < n;) {
        const size_t left = (n - column + PANEL - 1) / PANEL;
        const size_t panels = pairs_panels(tiles, left);
        for (size_t row = 0; row < m; row += rows) {
            const size_t first = BASE_MIN(row, m - rows);
            const uint8_t *start = a->q + 2 * first * a->stride;
            const PairsStep step = {
                .a0 = start,
                .a1 = start + (tiles == 2 ? 2 * rows - product.height : product.height) * a->stride,
                .a2 = start + (2 * rows - product.height) * a->stride,
                .w = w->q + column * k,
                .prefetches = row == 0,
                .pieces = (waiting.rows * TILE_BYTES + k - 1) / k,
                .sums = sums[turn],
            };
            multiply_pairs(&product, tiles, panels, &step, &waiting);
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
        column += panels * PANEL;
    }
    finish_pairs(&product, &waiting, rows);
    _tile_release();
}

#endif
