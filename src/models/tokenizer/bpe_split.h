// The GPT-2 split: text falls into pieces, and no token crosses the border of two.
#ifndef MODELS_TOKENIZER_BPE_SPLIT_H
#define MODELS_TOKENIZER_BPE_SPLIT_H

#include <stddef.h>

// The length of the first piece of text (at least 1, when length is). It is the first match of
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t bpe_split_next(const char *text, size_t length);

#endif
