// AMX: the bfloat16 product of up to 16 rows, as the values that a few queries attend to. A product
// takes 52 cycles to give its sums, so four panels are summed at a time. The order of the sums is
// that of many rows.
#ifndef KERNELS_X86_AMX_FEW_H
#define KERNELS_X86_AMX_FEW_H

enum { FEW_PANELS = 4 };

typedef struct FewProduct {
    size_t rows, bytes, a_stride; // sizes of rows in bytes
    const uint8_t *a;
    Output out;
} FewProduct;

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

static void multiply_few_1x4(const FewProduct *product, const int8_t *w, float *sums)
{
    const size_t panel = product->bytes * PANEL;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t i = 0; i < product->bytes; i += TILE_BYTES) {
        const int8_t *step = w + i * PANEL;
        prefetch_next(FEW_PANELS, product->bytes, i, step);
        _tile_loadd(4, product->a + i, product->a_stride);
        _tile_loadd(5, step, TILE_BYTES);
        _tile_dpbf16ps(0, 4, 5);
        _tile_loadd(6, step + panel, TILE_BYTES);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(7, step + 2 * panel, TILE_BYTES);
        _tile_dpbf16ps(2, 4, 7);
        _tile_loadd(5, step + 3 * panel, TILE_BYTES);
        _tile_dpbf16ps(3, 4, 5);
    }
    const size_t stride = FEW_PANELS * PANEL * sizeof *sums;
    _tile_stored(0, sums, stride);
    _tile_stored(1, sums + PANEL, stride);
    _tile_stored(2, sums + (size_t)2 * PANEL, stride);
    _tile_stored(3, sums + (size_t)3 * PANEL, stride);
}

static void multiply_few_1x1(const FewProduct *product, const int8_t *w, float *sums)
{
    _tile_zero(0);
    for (size_t i = 0; i < product->bytes; i += TILE_BYTES) {
        _tile_loadd(4, product->a + i, product->a_stride);
        _tile_loadd(5, w + i * PANEL, TILE_BYTES);
        _tile_dpbf16ps(0, 4, 5);
    }
    _tile_stored(0, sums, PANEL * sizeof *sums);
}

static void multiply_few(const FewProduct *product, const int8_t *w)
{
    _Alignas(TILE_BYTES) float sums[TILE_ROWS * FEW_PANELS * PANEL];
    const size_t n = product->out.n;
    configure_few(product->rows);
    for (size_t column = 0; column < n;) {
        const size_t left = (n - column + PANEL - 1) / PANEL;
        const size_t panels = left < FEW_PANELS ? 1 : FEW_PANELS;
        const int8_t *from = w + column * product->bytes;
        if (panels > 1) {
            multiply_few_1x4(product, from, sums);
        } else {
            multiply_few_1x1(product, from, sums);
        }
        for (size_t row = 0; row < product->rows; row++) {
            for (size_t p = 0; p < panels; p++) {
                f32x16 value = f32x16_load(sums + (row * panels + p) * PANEL);
                put_panel(value, &product->out, row, column + p * PANEL);
            }
        }
        column += panels * PANEL;
    }
    _tile_release();
}

#endif
