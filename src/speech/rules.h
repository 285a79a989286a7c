// What whisper may write next: the reference's logit filters (OpenAI's decoding.py, SuppressBlank,
// SuppressTokens and ApplyTimestampRules), in one place and one order.
#ifndef SPEECH_RULES_H
#define SPEECH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logits.h"
#include "models/tokenizer.h"

enum { RULES_CLOSED_MAX = 128 };

typedef struct Rules {
    const Kernels *kernels;
    size_t n_vocab;
    int32_t end, timestamp_first;
    int32_t no_timestamps; // never written when timestamps are
    int32_t blank;         // the token of a lone space; -1 if the vocabulary has none
    bool timestamps;
    int32_t first_timestamp_max; // the first timestamp is at most this far, in 0.02 s
    int32_t last_timestamp; // where the sound ends: no timestamp is later, and no text begins there
    int32_t closed[RULES_CLOSED_MAX]; // never written
    size_t closed_count;
} Rules;

// suppress_non_speech also closes brackets, note signs and the like; the tasks and other marks of
// the prompt are always closed.
void rules_init(Rules *rules, const Kernels *kernels, const Bpe *bpe, bool timestamps,
                bool suppress_non_speech);

// Closes in `logits` what may not follow the count tokens written so far (after the prompt), and
// tells which parts of the row are open. What the model gives to times after the sound's end it
// gives to the end.
void rules_apply(const Rules *rules, const int32_t *written, size_t count, float *logits,
                 LogitRanges *open);

#endif
