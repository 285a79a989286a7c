// Which part of the sound the model hears next: speech joined across short pauses, cut at pauses,
// at most 30 s at once. Pure.
#ifndef SPEECH_PLAN_H
#define SPEECH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "track.h"

typedef enum PlanKind {
    PLAN_WAIT,  // more sound is needed to decide
    PLAN_SKIP,  // start..end holds no speech
    PLAN_DECODE // start..end is a window
} PlanKind;

typedef struct Plan {
    PlanKind kind;
    int64_t start, end;
    bool cut; // the window ends where it is full, in the middle of speech
} Plan;

// What is to be done with the sound from `cursor` on. `finished`: no more sound will come.
Plan plan_next(const Track *track, int64_t cursor, bool finished);

// The middle of the longest pause in low..high, of equal ones the last; false when there is none,
// or no voice activity.
bool plan_find_pause(const Track *track, int64_t low, int64_t high, int64_t *middle);

#endif
