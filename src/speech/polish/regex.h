// Replacement by regular expressions (PCRE2), one after the other over a whole text that may still
// grow. A match is looked for at every place from left to right, within SCOUT_TEXT_REACH bytes
// from there, and with a limit on the work: a pattern that needs more does not match there.
#ifndef SPEECH_POLISH_REGEX_H
#define SPEECH_POLISH_REGEX_H

#include "marked.h"

#include "base/status.h"

typedef struct Regex Regex;               // immutable; any thread
typedef struct RegexScratch RegexScratch; // one owner thread

// INVALID_ARGUMENT: not a pattern, or `to` names a group that is not there.
ScoutStatus regex_new(const char *pattern, const char *to, bool keep_case, Regex **regex,
                      ScoutError *error);
void regex_free(Regex *regex);

RegexScratch *regex_scratch_new(void); // NULL: out of memory
void regex_scratch_free(RegexScratch *scratch);

// Appends what is decided of the text to out; returns how many replacements were made.
size_t regex_apply(const Regex *regex, RegexScratch *scratch, const Marked *text, bool ended,
                   Marked *out);

#endif
