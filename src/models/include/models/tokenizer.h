// Tokenizers: byte-level BPE for whisper (by lowest rank after the GPT-2 split) and WordPiece for
// MiniLM. Immutable once made; any thread.
#ifndef MODELS_TOKENIZER_H
#define MODELS_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "models/packed.h"

typedef struct Bpe Bpe;

// The ids with a meaning of their own: known from the names of the special tokens where the
// vocabulary has them, else from n_vocab (51864 English-only, 51865 multilingual, 51866 large-v3).
// Every vocabulary has all of them; English-only models have language tokens, but do not use them.
typedef struct BpeSpecial {
    int32_t end, start;
    int32_t language_first, language_count;
    int32_t translate, transcribe, start_of_lm, start_of_prev, no_speech, no_timestamps;
    int32_t timestamp_first; // 0.00 s; 1501 of them, 0.02 s apart
    bool multilingual;
} BpeSpecial;

enum { BPE_TIMESTAMPS = 1501, BPE_TEXT_MAX_BYTES = 1 << 20 };

// Copies the token bytes of the file's vocabulary; ranks are ids. The file may be closed
// afterwards. FORMAT when the file has no vocabulary; UNSUPPORTED when the special ids cannot be
// told from n_vocab or the vocabulary; CORRUPT when text tokens are missing; LIMIT when a token or
// their number is beyond reason.
ScoutStatus bpe_new(const PackedFile *file, size_t n_vocab, Bpe **bpe, ScoutError *error);
void bpe_free(Bpe *bpe);
const BpeSpecial *bpe_special(const Bpe *bpe);
size_t bpe_size(const Bpe *bpe); // n_vocab

// Encodes text (no special tokens are recognised in it; malformed UTF-8 counts as one U+FFFD a
// byte). LIMIT when more than capacity ids are needed; *count is then the number needed, and the
// ids are the first of them. INVALID_ARGUMENT above BPE_TEXT_MAX_BYTES. Takes up to 40 bytes of
// memory a byte of the longest word.
ScoutStatus bpe_encode(const Bpe *bpe, const char *text, size_t length, int32_t *ids,
                       size_t capacity, size_t *count, ScoutError *error);

// The bytes of a text token, borrowed; length 0 for special tokens and timestamps. May end inside a
// UTF-8 character.
void bpe_token_bytes(const Bpe *bpe, int32_t id, const char **bytes, size_t *length);

// Appends the bytes of all text tokens; false when the buffer is exhausted.
bool bpe_decode(const Bpe *bpe, const int32_t *ids, size_t count, Buffer *out);

bool bpe_is_timestamp(const Bpe *bpe, int32_t id);
double bpe_timestamp_seconds(const Bpe *bpe, int32_t id);

// The non-speech ids that are never written (brackets, note signs, speaker dashes), with the six
// special ones: 90 English, 88 multilingual. Borrowed.
void bpe_suppressed(const Bpe *bpe, const int32_t **ids, size_t *count);

// Languages: index 0..99 in whisper's order. NULL for an index beyond.
size_t language_count(void);                                 // 100
const char *language_code(size_t index);                     // "en"
const char *language_name(size_t index);                     // "english"
bool language_find(const char *code_or_name, size_t *index); // any case, and the usual aliases
int32_t bpe_language_token(const Bpe *bpe, size_t language_index); // -1 if this vocabulary lacks it
bool bpe_language_of(const Bpe *bpe, int32_t id, size_t *index);

typedef struct WordPiece WordPiece;

// The file may be closed afterwards. FORMAT when it has no vocabulary, CORRUPT when that lacks
// [UNK], [CLS] or [SEP].
ScoutStatus wordpiece_new(const PackedFile *file, WordPiece **wordpiece, ScoutError *error);
void wordpiece_free(WordPiece *wordpiece);
// BERT uncased: cleans, splits CJK, lower-cases, strips accents, splits punctuation; adds [CLS] and
// [SEP]; truncates to capacity (INVALID_ARGUMENT below 2). No special tokens are recognised in the
// text; malformed UTF-8 is dropped. Allocates nothing.
ScoutStatus wordpiece_encode(const WordPiece *wordpiece, const char *text, size_t length,
                             int32_t *ids, size_t capacity, size_t *count, ScoutError *error);

#endif
