// Builds the panels that kernels.h describes, and reads single rows back from them. Plain C, run
// when a model is imported or loaded, never per token. Source matrices are row-major [n][k] f32.
// Any thread.
#ifndef KERNELS_PACK_H
#define KERNELS_PACK_H

#include <stddef.h>
#include <stdint.h>

// Sizes in bytes of the packed data.
size_t pack_f32_bytes(size_t n, size_t k);
size_t pack_f16_bytes(size_t n, size_t k);
size_t pack_bf16_bytes(size_t n, size_t k);
size_t pack_s8_bytes(size_t n, size_t k);
size_t pack_s4_bytes(size_t n, size_t k);
size_t pack_s4_scales(size_t n, size_t k); // number of f32 scales

// Packs rows first..first+count of W, first a multiple of 16, count too unless it ends at row n; w
// points at row `first`. Buffers are those of the whole matrix. Splitting by rows lets a large
// matrix be packed in pieces or by many threads.
void pack_f32(size_t n, size_t k, size_t first, size_t count, const float *w, float *out);
void pack_f16(size_t n, size_t k, size_t first, size_t count, const float *w, uint16_t *out);
void pack_bf16(size_t n, size_t k, size_t first, size_t count, const float *w, uint16_t *out);

// Per output channel: scale = max|w| / 127, q = round-half-even(w / scale), sum as in kernels.h. A
// row of zeros has scale 0. So have the rows that pad n.
void pack_s8(size_t n, size_t k, size_t first, size_t count, const float *w, int8_t *out,
             float *scale, int32_t *sum);

// The same from values that are already quantised (q in -127..127, w = q * row_scale[row]),
// exactly.
void pack_s8_quantized(size_t n, size_t k, size_t first, size_t count, const int8_t *q,
                       const float *row_scale, int8_t *out, float *scale, int32_t *sum);

// Per channel and group of 32: scale = signed extreme / -8, q = clamp(round(w / scale), -8, 7).
void pack_s4(size_t n, size_t k, size_t first, size_t count, const float *w, uint8_t *out,
             float *scale);

// One row of W back as f32[k]: for embedding look-up.
void unpack_row_f32(size_t k, size_t row, const float *panels, float *out);
void unpack_row_f16(size_t k, size_t row, const uint16_t *panels, float *out);
void unpack_row_bf16(size_t k, size_t row, const uint16_t *panels, float *out);
void unpack_row_s8(size_t k, size_t row, const int8_t *panels, const float *scale, float *out);
void unpack_row_s4(size_t k, size_t row, const uint8_t *panels, const float *scale, float *out);

#endif
