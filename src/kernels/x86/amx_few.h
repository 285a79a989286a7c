// AMX: the products of up to 16 rows, as a few queries meet the keys and the values of a window. A
// product takes 52 cycles to give its sums, so four panels are summed at a time. The order of the
// sums is that of many rows.
#ifndef KERNELS_X86_AMX_FEW_H
#define KERNELS_X86_AMX_FEW_H

enum { FEW_PANELS = 4 };

// Sums in registers 0..3, activations in 4, weights in the others.
static void configure_few(size_t rows)
{
    TileConfig config = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        config.rows[i] = (uint8_t)(i < 5 ? rows : TILE_ROWS);
        config.row_bytes[i] = TILE_BYTES;
    }
    _tile_loadconfig(&config);
}

// sums[rows][panels * 16] of one panel, or of four.
LANES_INLINE void multiply_few_panels(const bool bf16, const size_t panels, const Product *product,
                                      const int8_t *w, int32_t *sums)
{
    const size_t panel = product->bytes * PANEL;
    _tile_zero(0);
    if (panels > 1) {
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t i = 0; i < product->bytes; i += TILE_BYTES) {
        const int8_t *step = w + i * PANEL;
        prefetch_next(panels, product->bytes, i, step);
        _tile_loadd(4, product->a + i, product->a_stride);
        _tile_loadd(5, step, TILE_BYTES);
        MULTIPLY_TILES(bf16, 0, 4, 5);
        if (panels > 1) {
            _tile_loadd(6, step + panel, TILE_BYTES);
            MULTIPLY_TILES(bf16, 1, 4, 6);
            _tile_loadd(7, step + 2 * panel, TILE_BYTES);
            MULTIPLY_TILES(bf16, 2, 4, 7);
            _tile_loadd(5, step + 3 * panel, TILE_BYTES);
            MULTIPLY_TILES(bf16, 3, 4, 5);
        }
    }
    const size_t stride = panels * PANEL * sizeof *sums;
    _tile_stored(0, sums, stride);
    if (panels > 1) {
        _tile_stored(1, sums + PANEL, stride);
        _tile_stored(2, sums + (size_t)2 * PANEL, stride);
        _tile_stored(3, sums + (size_t)3 * PANEL, stride);
    }
}

LANES_INLINE void finish_few(const bool bf16, const Product *product, size_t rows, size_t panels,
                             size_t column, const int32_t *sums)
{
    for (size_t p = 0; p < panels; p++) {
        const size_t at = column + p * PANEL;
        const i32x16 bias = bf16 ? i32x16_zero() : i32x16_load(product->s8->sum + at);
        const f32x16 w_scale = bf16 ? f32x16_zero() : f32x16_load(product->s8->scale + at);
        for (size_t row = 0; row < rows; row++) {
            const i32x16 sum = i32x16_load(sums + (row * panels + p) * PANEL);
            f32x16 value = _mm512_castsi512_ps(sum);
            if (!bf16) {
                f32x16 scale = f32x16_mul(f32x16_set1(product->a_scale[row]), w_scale);
                value = f32x16_mul(i32x16_to_float(i32x16_sub(sum, bias)), scale);
            }
            put_panel(value, &product->out, row, at);
        }
    }
}

LANES_INLINE void multiply_few(const bool bf16, const Product *product, size_t rows)
{
    _Alignas(TILE_BYTES) int32_t sums[2][TILE_ROWS * FEW_PANELS * PANEL];
    const size_t n = product->out.n;
    size_t turn = 0; // so that the next sums need not wait for these
    configure_few(rows);
    for (size_t column = 0; column < n; turn = 1 - turn) {
        const size_t left = (n - column + PANEL - 1) / PANEL;
        const size_t panels = left < FEW_PANELS ? 1 : FEW_PANELS;
        const int8_t *w = product->w + column * product->bytes;
        if (panels > 1) {
            multiply_few_panels(bf16, FEW_PANELS, product, w, sums[turn]);
        } else {
            multiply_few_panels(bf16, 1, product, w, sums[turn]);
        }
        finish_few(bf16, product, rows, panels, column, sums[turn]);
        column += panels * PANEL;
    }
    _tile_release();
}

#endif
