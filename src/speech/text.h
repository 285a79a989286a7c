// From tokens to text that may be shown, and how repetitive it is.
#ifndef SPEECH_TEXT_H
#define SPEECH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "models/tokenizer.h"

// Appends bytes as valid UTF-8: what is malformed, a character cut off at the end too, becomes
// U+FFFD, one for each maximal run that cannot be part of one character. False when the buffer is
// exhausted.
bool text_append_valid(Buffer *out, const char *bytes, size_t length);

// Appends the text of the tokens, valid UTF-8; marks and timestamps have none. scratch is
// overwritten.
bool text_append_tokens(Buffer *out, const Bpe *bpe, const int32_t *tokens, size_t count,
                        Buffer *scratch);

// The part of a text without white space at its ends.
void text_trim(const char **text, size_t *length);

// Bytes of the trimmed text for each byte that zlib needs, as the reference measures repetition: 0
// for no text.
ScoutStatus text_compression_ratio(const char *text, size_t length, float *ratio,
                                   ScoutError *error);

// Whether the text says something twice in a row, of at least so many bytes, whatever its spaces,
// its ASCII punctuation and capitals are. scratch is overwritten.
bool text_repeats(const char *text, size_t length, size_t least, Buffer *scratch);

#endif
