// Whisper models of any shape with made-up weights, for tests: every value is a function of the
// tensor's name and the value's index, in integer arithmetic, so that
// tests/reference/make_whisper.py gives the reference implementation the very same model.
#ifndef TESTS_SUPPORT_TINY_WHISPER_H
#define TESTS_SUPPORT_TINY_WHISPER_H

#include <stddef.h>

#include "models/packed.h"

typedef struct TinyWhisper {
    size_t n_vocab; // 51864, 51865, 51866, or TINY_VOCAB
    size_t n_mels, n_state, n_heads, n_encoder_layers, n_decoder_layers, n_audio_ctx, n_text_ctx;
    int32_t alignment[8]; // layer, head, layer, head ...
    size_t alignment_count;
    const char *without; // a tensor to leave out, or NULL
    const char *shorter; // a tensor that gets a row too few, or NULL
} TinyWhisper;

// 256 bytes, the special tokens of one language and 1501 timestamps: for tests that mind the time.
enum { TINY_VOCAB = 256 + 2 + 1 + 6 + 1501 };

// Writes the model as a packed file with its matrices in `encoding`; any failure fails the running
// test.
void tiny_whisper_write(const TinyWhisper *shape, PackedEncoding encoding, const char *path);

// The same to a new temporary file, opened. The file is removed again at once.
PackedFile *tiny_whisper_open(const TinyWhisper *shape, PackedEncoding encoding);

// out[i] = value i of the named tensor: uniform in -amplitude..amplitude.
void tiny_whisper_values(const char *name, size_t count, float amplitude, float *out);

#endif
