// What wordpiece_new is made of; tests make tokenizers from lists of tokens with it.
#ifndef MODELS_TOKENIZER_WORDPIECE_PRIVATE_H
#define MODELS_TOKENIZER_WORDPIECE_PRIVATE_H

#include "models/tokenizer.h"
#include "token_table.h"

// As wordpiece_new, for tokens by id; they are copied.
ScoutStatus wordpiece_new_from_tokens(const TokenSpan *tokens, size_t count, WordPiece **wordpiece,
                                      ScoutError *error);

#endif
