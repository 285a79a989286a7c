// Writes a small Whisper model of made-up weights that `scout transcribe` takes, for tests of the
// whole program that need no real one: write_tiny_model FILE.
#include "support/tiny_whisper.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static const TinyWhisper shape = {
        .n_vocab = TINY_VOCAB,
        .n_mels = 80,
        .n_state = 16,
        .n_heads = 1,
        .n_encoder_layers = 1,
        .n_decoder_layers = 1,
        .n_audio_ctx = 1500,
        .n_text_ctx = 448,
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    tiny_whisper_write(&shape, PACKED_PANEL_S8, argv[1]);
    return 0;
}
