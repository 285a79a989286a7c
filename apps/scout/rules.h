// The user's own words, which listen, record and dictate apply to what is said: --replacements.
#ifndef SCOUT_RULES_H
#define SCOUT_RULES_H

#include <scout/text.h>

#include "config/config.h"
#include "config/text_file.h"

typedef struct Rules {
    ConfigTextFile *file;  // what the rules borrow
    ScoutTextRules *rules; // NULL: none were asked for
} Rules;

ScoutStatus rules_read(Rules *rules, const Config *config, ScoutError *error);
void rules_done(Rules *rules);

#endif
