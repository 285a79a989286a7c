// Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the program at once.
#ifndef SCOUT_SIGNALS_H
#define SCOUT_SIGNALS_H

#include <stdbool.h>

#include <scout/speech.h>

#include "base/cancel.h"

// SIGPIPE and SIGXFSZ are ignored from here on: a closed pipe, or a file that may not grow, is seen
// when writing fails.
void signals_init(void);

// What the first signal raises, besides signals_cancel(); NULL for nothing.
void signals_set_cancel(ScoutCancel *cancel);

// What the first signal calls, with its context; NULL for nothing. It has to be async-signal-safe.
// One that came before calls it at once.
void signals_set_stop(void (*stop)(void *context), void *context);

bool signals_interrupted(void);
const Cancel *signals_cancel(void);

#endif
