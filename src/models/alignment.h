// The attention heads whose weights follow the sound: what word times are made from.
#ifndef MODELS_ALIGNMENT_H
#define MODELS_ALIGNMENT_H

#include <stddef.h>
#include <stdint.h>

enum { ALIGNMENT_PAIRS_MAX = 2048 };

// OpenAI's heads for the sizes it has published, or all heads of the upper half of the decoder's
// layers. Writes flat pairs of layer and head to out[2 * ALIGNMENT_PAIRS_MAX]; returns the number
// of int32 written.
size_t alignment_default_heads(size_t n_state, size_t n_vocab, size_t n_decoder_layers,
                               size_t n_heads, int32_t *out);

#endif
