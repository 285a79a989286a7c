// The vocabularies that lie beside a model, in the forms people have them, as bytes by id.
#ifndef MODELS_VOCABULARY_H
#define MODELS_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "models/packed_writer.h"
#include "source.h"

// Whisper: writes n_vocab tokens, the bytes of ids below text_count and nothing for the special
// ones above. From the ggml file itself, or from vocabulary.json, vocabulary.txt, vocab.json or
// tokenizer.json in the source's folder. NOT_FOUND when there is none of them, CORRUPT when one of
// the text ids is missing.
ScoutStatus vocabulary_write_whisper(const Source *source, PackedWriter *writer, size_t n_vocab,
                                     size_t text_count, ScoutError *error);

// WordPiece: writes the count lines of vocab.txt, or what tokenizer.json has, as they are.
ScoutStatus vocabulary_write_wordpiece(const Source *source, PackedWriter *writer, size_t count,
                                       ScoutError *error);

// GPT-2 writes bytes as printable characters. Turns such text back into bytes (out has room for
// length, the bytes are never more); false if a character stands for no byte.
bool vocabulary_decode_bytes(const char *text, size_t length, char *out, size_t *out_length);

#endif
