// What the tokenizers ask about a character. The tables are made by tools/make_unicode_tables.py
// from the reference tokenizers, so the answers are theirs at every code point.
#ifndef MODELS_TOKENIZER_UNICODE_H
#define MODELS_TOKENIZER_UNICODE_H

#include <stddef.h>
#include <stdint.h>

// The classes of the GPT-2 split.
typedef enum UnicodeClass {
    UNICODE_OTHER,
    UNICODE_LETTER,
    UNICODE_NUMBER,
    UNICODE_SPACE
} UnicodeClass;

UnicodeClass unicode_class(uint32_t code);

// What BERT's uncased tokenizer does with a character before it looks for words.
typedef enum FoldKind {
    FOLD_KEEP,       // part of a word
    FOLD_DROP,       // control and format characters, accents
    FOLD_SPACE,      // ends a word
    FOLD_ALONE,      // an ideograph: a word of its own
    FOLD_PUNCTUATION // a word of its own, too
} FoldKind;

enum { UNICODE_FOLD_MAX = 3 };

FoldKind unicode_fold_kind(uint32_t code);

// Lower case, decomposed, without accents. Returns how many code points out has, 1 to 3.
size_t unicode_fold(uint32_t code, uint32_t out[UNICODE_FOLD_MAX]);

#endif
