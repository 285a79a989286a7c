// A set of words and phrases, and which of them stands at a place of a text: the longest, once it
// is sure that no other could still be it.
//
// Between the words of a phrase may stand what people and models put there: spaces, hyphens,
// dashes, commas, dots of an ellipsis character. A phrase that begins (ends) with a part of a word
// matches only where a word begins (ends). Letters are compared without case.
#ifndef SPEECH_POLISH_PHRASES_H
#define SPEECH_POLISH_PHRASES_H

#include "marked.h"

#include "base/status.h"

enum {
    PHRASE_EXACT = 1,      // character by character, wherever it stands
    PHRASE_MATCH_CASE = 2, // as written
    PHRASE_OPEN_END = 4    // any word that begins so
};

typedef struct Phrases {
    Buffer codes;   // uint32_t each
    Buffer entries; // of phrases.c
    size_t count;
    bool any_exact;
} Phrases;

typedef enum PhraseMatch {
    PHRASE_NONE,
    PHRASE_FOUND,
    PHRASE_UNDECIDED // more text could make, prolong or spoil a match
} PhraseMatch;

typedef struct PhraseHit {
    uint32_t id; // as it was given; of equally long phrases the smallest
    size_t end;  // bytes from the text's beginning
} PhraseHit;

void phrases_init(Phrases *phrases);
void phrases_done(Phrases *phrases);

// text: well-formed UTF-8 with a character that is no space. False when memory is out or the set is
// full.
bool phrases_add(Phrases *phrases, const char *text, unsigned flags, uint32_t id);

// Once, between the last phrases_add and the first search.
void phrases_sort(Phrases *phrases);

// hit is set for PHRASE_FOUND.
PhraseMatch phrases_find(const Phrases *phrases, TextView view, size_t at, PhraseHit *hit);

// Whether the word at..end is in the set.
bool phrases_have_word(const Phrases *phrases, TextView view, size_t at, size_t end);

#endif
