// What bpe_new is made of; tests make tokenizers from lists of tokens with it.
#ifndef MODELS_TOKENIZER_BPE_PRIVATE_H
#define MODELS_TOKENIZER_BPE_PRIVATE_H

#include "models/tokenizer.h"
#include "token_table.h"

// As bpe_new, for tokens by id; they are copied.
ScoutStatus bpe_new_from_tokens(const TokenSpan *tokens, size_t count, size_t n_vocab, Bpe **bpe,
                                ScoutError *error);

// The special ids. A vocabulary that names them (<|startoftranscript|> and so on, as those of
// Hugging Face and CTranslate2 do) is taken at its word; one that doesn't (ggml) must have one of
// the three sizes that Whisper's own have. UNSUPPORTED otherwise.
ScoutStatus bpe_layout(const TokenSpan *tokens, size_t count, size_t n_vocab, BpeSpecial *special,
                       ScoutError *error);

#endif
