// Rules for text that is shown or typed while somebody speaks: replacements, spoken punctuation and
// commands, joins between utterances.
#ifndef SCOUT_TEXT_H
#define SCOUT_TEXT_H

#include <stddef.h>

#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// Immutable once made, but for the counts of hits; any number of streams on any threads may use it.
typedef struct ScoutTextRules ScoutTextRules;

#ifdef __cplusplus
}
#endif

#endif
