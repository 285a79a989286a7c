// Copies of what events tell, which is borrowed, in an arena.
#ifndef SPEECH_KEEP_H
#define SPEECH_KEEP_H

#include <stdbool.h>

#include "base/arena.h"
#include <scout/speech.h>

// Make everything that the segment or skipped span points to a copy in the arena. False when there
// is no room.
bool keep_segment(Arena *arena, ScoutSegment *segment);
bool keep_skipped(Arena *arena, ScoutSkipped *skipped);

#endif
