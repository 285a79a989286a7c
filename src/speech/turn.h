// A stream's hold on the schedule while it computes: taken for one unit of work (an encoder window,
// a few decoder steps), passed on in between, so that others get in and a cancelled stream stops.
#ifndef SPEECH_TURN_H
#define SPEECH_TURN_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/status.h"
#include "speech/schedule.h"

typedef struct Turn {
    Schedule *schedule;
    const Cancel *cancel; // may be NULL
    int steps;            // since the turn was taken
    bool held;
} Turn;

// Take and leave belong together; leave is harmless when the turn is not held.
void turn_take(Turn *turn);
void turn_leave(Turn *turn);

// Between two steps of work: CANCELLED when the stream is to stop; lets others in after every few
// steps. The turn stays held either way.
ScoutStatus turn_step(Turn *turn, ScoutError *error);

#endif
