// Rules for text that is shown or typed while somebody speaks: replacements, spoken punctuation and
// commands, numbers. docs/dictation-text.md describes them for people, and the file they can be
// read from.
#ifndef SCOUT_TEXT_H
#define SCOUT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SCOUT_TEXT_REPLACEMENTS_MAX = 20000,
    SCOUT_TEXT_REGEXES_MAX = 64, // of these
    SCOUT_TEXT_COMMANDS_MAX = 1000,
    SCOUT_TEXT_PROFANITIES_MAX = 5000,
    SCOUT_TEXT_BYTES_MAX = 1000, // bytes of every text in these tables
    // A regex sees the text before its match, and so many bytes from the match's beginning. What
    // it may still match waits that long at most.
    SCOUT_TEXT_REACH = 256
};

typedef enum ScoutTextKind {
    SCOUT_TEXT_WORD,   // one whole word; small and capital letters are the same
    SCOUT_TEXT_PHRASE, // words with spaces, hyphens, dashes or commas between, whatever is heard
    SCOUT_TEXT_EXACT,  // these bytes, wherever they stand
    SCOUT_TEXT_REGEX   // PCRE2; $1 to $9, ${10}, $0 (all of it) and $$ in `to`
} ScoutTextKind;

typedef struct ScoutTextReplacement {
    ScoutTextKind kind;
    const char *from;
    const char *to; // may be empty: then a comma behind goes, too (not for EXACT and REGEX)
    int match_case; // non-zero: capitals matter (EXACT and REGEX: they always do; (?i) is there)
    int keep_case;  // non-zero: CAPITALS and a Capital of the place are kept
    const char *origin; // where it stands, "rules.yaml:12", for messages. NULL: its number
} ScoutTextReplacement;

// What a spoken command does.
typedef enum ScoutTextAction {
    SCOUT_TEXT_NOTHING,      // no command: takes a built-in one away
    SCOUT_TEXT_MARK,         // writes a mark that closes: no space before it, one after it
    SCOUT_TEXT_OPEN,         // a space before, none after: brackets, quotes, currency signs
    SCOUT_TEXT_CLOSE,        // no space before; the marks that were heard after it stay
    SCOUT_TEXT_TIGHT,        // no space on either side: hyphens, slashes
    SCOUT_TEXT_DASH,         // spaces on both sides
    SCOUT_TEXT_WRITE,        // as DASH, and the marks that were heard around it stay
    SCOUT_TEXT_BREAK,        // ends a line: no spaces on either side
    SCOUT_TEXT_CAPITALS,     // the next word in capitals; writes nothing, like all that follow
    SCOUT_TEXT_CAPITALS_ON,  // until off, or the utterance's end
    SCOUT_TEXT_CAPITALS_OFF, //
    SCOUT_TEXT_SCRATCH,      // takes back the last sentence
    SCOUT_TEXT_UNDO,         // takes back the last utterance; what was taken back, comes back
    SCOUT_TEXT_STOP          // dictation ends here
} ScoutTextAction;

// Where the phrase is a command, for many are words like others, too.
typedef enum ScoutTextPlace {
    // Not behind an article ("a comma", "the new line"); a line's end not before "of" either.
    SCOUT_TEXT_GUARDED,
    SCOUT_TEXT_ANYWHERE,
    SCOUT_TEXT_END,  // guarded, and before a mark, a capital, another command or the end
    SCOUT_TEXT_ALONE // between marks, other commands, and the ends of the utterance
} ScoutTextPlace;

typedef struct ScoutTextCommand {
    const char *say;   // a phrase; small and capital letters are the same
    const char *write; // what MARK, OPEN, CLOSE, TIGHT, DASH, WRITE and BREAK write; else NULL
    ScoutTextAction action;
    ScoutTextPlace place;
    const char *origin; // as of a replacement
} ScoutTextCommand;

typedef enum ScoutTextNumbers {
    SCOUT_TEXT_AS_HEARD,
    SCOUT_TEXT_DIGITS, // "twenty-three" becomes 23 (English only)
    SCOUT_TEXT_WORDS   // 23 becomes "twenty-three" (English only)
} ScoutTextNumbers;

// The default (all zero) leaves the words as they were heard, but for what joins utterances.
typedef struct ScoutTextOptions {
    size_t size;          // sizeof(ScoutTextOptions), set by scout_text_options_init
    const char *language; // ISO code, of the built-in commands; NULL: "en"
    // The longest of those that match at a place is applied, of equals the first, all in one pass;
    // then the regexes, one after the other.
    const ScoutTextReplacement *replacements;
    size_t replacement_count;
    int commands;                          // non-zero: spoken punctuation and commands
    int no_built_in_commands;              // non-zero: only these
    const ScoutTextCommand *command_table; // goes before the built-in one
    size_t command_count;
    ScoutTextNumbers numbers;
    int profanity_filter;               // non-zero: masked words, "f***"
    int no_built_in_profanities;        // non-zero: only these
    const char *const *profanity_table; // words; one that ends in * stands for all that begin so
    size_t profanity_count;
} ScoutTextOptions;

SCOUT_API void scout_text_options_init(ScoutTextOptions *options);

// Immutable once made, but for the counts of hits; any number of streams on any threads may use it.
typedef struct ScoutTextRules ScoutTextRules;

// Everything in options is copied. INVALID_ARGUMENT says which rule is wrong and what to do about
// it; LIMIT: too many rules.
SCOUT_API ScoutStatus scout_text_rules_new(const ScoutTextOptions *options, ScoutTextRules **rules,
                                           ScoutError *error);
SCOUT_API void scout_text_rules_free(ScoutTextRules *rules);

// How often a replacement was applied in final texts, by its index; 0 for one that is not there.
SCOUT_API uint64_t scout_text_rules_hits(const ScoutTextRules *rules, size_t replacement);

// How many words the profanity filter masked in final texts.
SCOUT_API uint64_t scout_text_rules_masked(const ScoutTextRules *rules);

#ifdef __cplusplus
}
#endif

#endif
