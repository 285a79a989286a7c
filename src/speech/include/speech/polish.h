// The words of live text as they are shown: replacements, spoken punctuation and commands, numbers,
// profanity filter, joins and capitals across utterances. Knows no model and no sound, only text.
//
// An utterance's raw text grows: a settled part that never changes any more and a tentative rest,
// again and again, then its final text, which begins with the last settled part. What comes out has
// a settled part, too, and that is a byte prefix of all later settled parts and of the utterance's
// final text, whatever the rest turns out to be: what may still become part of a match ("new" of
// "new line") is held back. How the raw text is cut does not change the final text.
//
// Texts of utterances are appended to one page: the space or nothing between two utterances is the
// beginning of the second one's text. What commands take back stays in the text; an event says how
// much of the page goes, and after how much of the utterance's text.
#ifndef SPEECH_POLISH_H
#define SPEECH_POLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include <scout/text.h>

enum {
    POLISH_RAW_MAX = 16384, // bytes of an utterance
    POLISH_EVENTS_MAX = 64  // of an utterance; commands beyond that many events do nothing
};

// The user's table with the built-in ones, ready for use (include/scout/text.h). Immutable but for
// the counts of hits; any thread.
typedef struct ScoutTextRules PolishRules;

// As scout_text_rules_new; `size` is not looked at.
ScoutStatus polish_rules_new(const ScoutTextOptions *options, PolishRules **rules,
                             ScoutError *error);
void polish_rules_free(PolishRules *rules);
uint64_t polish_rules_hits(const PolishRules *rules, size_t replacement);
uint64_t polish_rules_masked(const PolishRules *rules);

typedef enum PolishEventType {
    POLISH_TAKE_BACK, // the last `bytes` bytes (`characters` characters) of the page go
    POLISH_STOP       // dictation ends here; text behind it was said after it
} PolishEventType;

typedef struct PolishEvent {
    PolishEventType type;
    size_t at_bytes; // bytes of this utterance's text that were appended to the page before
    size_t bytes, characters;
} PolishEvent;

typedef struct PolishText {
    const char *text;          // UTF-8, NUL-terminated
    size_t length;             // settled_bytes of it are settled; all, when final
    size_t settled_bytes;      //
    size_t join_bytes;         // a space that separates it from the page before, 0 or 1
    const PolishEvent *events; // of the settled part, in order; never fewer than before
    size_t event_count;
} PolishText;

// One stream's text. One owner thread.
typedef struct Polish Polish;

// rules are borrowed for as long as the Polish lives.
ScoutStatus polish_new(const PolishRules *rules, Polish **polish, ScoutError *error);
void polish_free(Polish *polish);

// The language of what is heard from now on, an ISO code; unknown ones have no built-in commands.
// Between utterances only: ignored while one has settled text.
void polish_set_language(Polish *polish, const char *code);

// The words go to another place from now on, an empty page: nothing is joined or taken back.
// Between utterances.
void polish_new_page(Polish *polish);

// The utterance so far: settled, then tentative. out borrows until the next call. Malformed bytes
// become U+FFFD, control characters spaces. INVALID_ARGUMENT when settled does not begin with what
// was settled before, LIMIT beyond POLISH_RAW_MAX (the utterance has to be ended then).
ScoutStatus polish_partial(Polish *polish, const char *settled, size_t settled_length,
                           const char *tentative, size_t tentative_length, PolishText *out,
                           ScoutError *error);

// The end of the utterance; the next call begins another.
ScoutStatus polish_final(Polish *polish, const char *raw, size_t length, PolishText *out,
                         ScoutError *error);

#endif
