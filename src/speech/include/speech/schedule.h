// Whose turn it is: one engine's threads serve many streams, one unit of work at a time (an encoder
// window or a few decoder steps), first come first served. A stream holds the turn only while it
// computes, so that a short clip never waits for a long one. Any thread.
#ifndef SPEECH_SCHEDULE_H
#define SPEECH_SCHEDULE_H

#include "base/status.h"

typedef struct Schedule Schedule;

ScoutStatus schedule_new(Schedule **schedule, ScoutError *error);
void schedule_free(Schedule *schedule); // nobody may be waiting

// Waits for the turn; returns with it held.
void schedule_enter(Schedule *schedule);
void schedule_leave(Schedule *schedule);

#endif
