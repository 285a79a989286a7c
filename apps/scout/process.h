// Runs another program, without a shell.
#ifndef SCOUT_PROCESS_H
#define SCOUT_PROCESS_H

#include "base/cancel.h"
#include "base/status.h"

// Runs argv[0] (looked for in PATH) to its end, without input; what it prints goes nowhere but for
// its last line on standard error, which the error quotes. waiting, called about ten times a
// second, may be NULL. A raised cancel ends the program: CANCELLED. NOT_FOUND when there is no such
// program, CHILD when it fails.
ScoutStatus process_run(const char *const *argv, void (*waiting)(void *context), void *context,
                        const Cancel *cancel, ScoutError *error);

#endif
