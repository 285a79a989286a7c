// Replacement of words, phrases and exact texts in one pass, and masked words.
#ifndef SPEECH_POLISH_LITERALS_H
#define SPEECH_POLISH_LITERALS_H

#include <stdatomic.h>

#include "marked.h"
#include "phrases.h"
#include <scout/text.h>

// Appends what is decided of the text to out. The id of a phrase is its index in `table`; hits, by
// the same index, may be NULL.
void literals_apply(const Phrases *phrases, const ScoutTextReplacement *table, const Marked *text,
                    bool ended, _Atomic uint64_t *hits, Marked *out);

// As above; but for its first letter, each word of the set becomes asterisks. Returns how many did.
size_t literals_mask(const Phrases *words, const Marked *text, bool ended, Marked *out);

#endif
