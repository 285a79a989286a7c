// A stream's hold on the schedule while it computes: taken for a unit of work (a layer of the
// encoder, a decoder step), passed on in between to whoever has a better claim, so that others get
// in and a cancelled stream stops.
#ifndef SPEECH_TURN_H
#define SPEECH_TURN_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/status.h"
#include "speech/schedule.h"

typedef struct Turn {
    Schedule *schedule;
    ScheduleClient client;
    const Cancel *cancel; // may be NULL
    bool held;
} Turn;

// Harmless when the turn is not held.
void turn_leave(Turn *turn);

// CANCELLED when the stream is to stop.
ScoutStatus turn_check(const Turn *turn, ScoutError *error);

// Before a unit of work: lets others in who should be served first, and takes the turn if it is not
// held. It is held afterwards, unless CANCELLED, when it may or may not be.
ScoutStatus turn_step(Turn *turn, ScoutError *error);

#endif
