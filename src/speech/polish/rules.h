// The user's table, made ready: see speech/polish.h.
#ifndef SPEECH_POLISH_RULES_H
#define SPEECH_POLISH_RULES_H

#include "commands.h"
#include "languages.h"
#include "phrases.h"
#include "regex.h"
#include "speech/polish.h"

#include <stdatomic.h>

#include "base/arena.h"

// One language's share of the rules; one more stands for languages that are not known.
typedef struct LanguageRules {
    CommandSet commands;
    Phrases small_words;
} LanguageRules;

struct ScoutTextRules {
    Arena arena;                 // texts
    ScoutTextReplacement *table; // by index
    size_t count;
    Phrases literals; // words, phrases, exact texts; id: index
    Regex *regexes[SCOUT_TEXT_REGEXES_MAX];
    size_t regex_index[SCOUT_TEXT_REGEXES_MAX]; // in the table
    size_t regex_count;
    LanguageRules languages[POLISH_LANGUAGES_MAX + 1];
    bool commands;
    ScoutTextNumbers numbers;
    bool mask;
    Phrases profanities;
    size_t language;          // index of languages
    _Atomic uint64_t *hits;   // by replacement
    _Atomic uint64_t *masked; // one
};

#endif
