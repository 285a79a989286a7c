// Spoken commands: finds their phrases in a text and puts what they write, marked with the action,
// in their place. Spaces and punctuation around stay as they were: the page (page.h) sees to those.
#ifndef SPEECH_POLISH_COMMANDS_H
#define SPEECH_POLISH_COMMANDS_H

#include "languages.h"
#include "marked.h"
#include "phrases.h"

typedef struct CommandSet {
    Phrases phrases;                   // commands, escapes and quotes
    Phrases before, before_end, after; // guards
    ScoutTextCommand *table;           // by id; texts are borrowed
    size_t count;
} CommandSet;

// own: the user's, before the built-in ones of the language (NULL: none). The texts of both stay
// borrowed.
ScoutStatus commands_init(CommandSet *commands, const ScoutTextCommand *own, size_t own_count,
                          const PolishLanguage *language, ScoutError *error);
void commands_done(CommandSet *commands);

// Appends what is decided of the text to out.
void commands_apply(const CommandSet *commands, const Marked *text, bool ended, Marked *out);

// What commands that write nothing have in the text.
#define COMMAND_NO_TEXT "\x01"

#endif
