// What is known of languages: their spoken commands, the words before and after which a command's
// words are ordinary ones, and words that are never names.
#ifndef SPEECH_POLISH_LANGUAGES_H
#define SPEECH_POLISH_LANGUAGES_H

#include <stdbool.h>
#include <stddef.h>

#include <scout/text.h>

typedef struct PolishLanguage {
    const char *code;                 // ISO
    const ScoutTextCommand *commands; // ends at say == NULL
    // Words, separated by spaces; phrases, by commas.
    const char *guards_before; // no command behind one of them
    const char *guards_end;    // nor one of SCOUT_TEXT_END behind one of these
    const char *guards_after;  // nor a line's end before one of these
    const char *escapes;       // phrases that are left out: the command behind is written in words
    const char *quotes;        // phrases behind which it is, too, and which stay
    const char *small_words;   // never names: small in the middle of a sentence
    bool nouns_are_capital;
} PolishLanguage;

enum { POLISH_LANGUAGES_MAX = 8 };

extern const PolishLanguage polish_languages[];
extern const size_t polish_language_count;

// The index of a language, POLISH_LANGUAGES_MAX for one that is not there.
size_t polish_language_find(const char *code);

// English words that the filter masks when it is on, as in ScoutTextOptions; ends at NULL.
extern const char *const polish_profanities[];

#endif
