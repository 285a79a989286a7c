// Words to favour: a trie of the token sequences that a word or phrase may be written with. While a
// text runs along a phrase, the phrase's next token gets a boost on its logit; a phrase that breaks
// off keeps nothing of it. So a favoured word wins over one that sounds alike, and does not appear
// where the model hears something else.
//
// Immutable once made; any thread. Where a text stands in the trie is a HotwordState, plain data.
#ifndef SPEECH_HOTWORDS_H
#define SPEECH_HOTWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "logits.h"
#include "models/tokenizer.h"

enum {
    HOTWORDS_TOKENS_MAX = 64,    // a phrase
    HOTWORDS_CANDIDATES_MAX = 32 // raised tokens a step
};

typedef struct Hotwords Hotwords;

// The longest beginning of a phrase that the text ends with; 0: none.
typedef uint32_t HotwordState;

// A phrase is taken as it is written, after a space or (scripts without spaces) without one, and
// with a capital if it begins with a small letter. INVALID_ARGUMENT names a phrase that is empty or
// longer than HOTWORDS_TOKENS_MAX tokens.
ScoutStatus hotwords_new(const Bpe *bpe, const char *const *phrases, size_t count, float boost,
                         Hotwords **hotwords, ScoutError *error);
void hotwords_free(Hotwords *hotwords); // NULL is allowed

// The state after one more token.
HotwordState hotwords_next(const Hotwords *hotwords, HotwordState state, int32_t token);

// What the text has gained along a phrase that is not complete yet, in logits. A search that
// compares texts takes it back when the phrase breaks off.
double hotwords_pending(const Hotwords *hotwords, HotwordState state);

typedef struct HotwordCandidate {
    int32_t token;
    float logit; // the model's own
    float gain;  // to add to it
} HotwordCandidate;

// The open tokens that begin a phrase or go on in one, the best HOTWORDS_CANDIDATES_MAX after their
// gain, best first. With `pending` the gain holds what the text has gained along the phrase so far,
// which every other token would lose; else it is the boost of this step alone. Tokens that the
// model finds far from possible are left out: nothing is raised that was not heard at all.
size_t hotwords_candidates(const Hotwords *hotwords, HotwordState state, bool pending,
                           const Kernels *kernels, const float *logits, const LogitRanges *open,
                           HotwordCandidate candidates[HOTWORDS_CANDIDATES_MAX]);

#endif
