// What is known of one input, as plain arrays: what the writers write, wherever it came from.
#ifndef SCOUT_VIEW_H
#define SCOUT_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <scout/speech.h>

typedef struct View {
    const char *file; // as it was given
    const char *model;
    const char *task;
    const json_t *options;  // NULL: not told
    ScoutLanguage language; // code "" while unknown
    const ScoutSegment *segments;
    size_t segment_count;
    const ScoutSkipped *skipped;
    size_t skipped_count;
    const ScoutDamage *damage;
    size_t damage_count;
    const ScoutSource *source;   // NULL while unknown
    const ScoutTimings *timings; // NULL while unknown
    double duration_s;
    bool interrupted;  // what is here is not all
    const char *error; // why it is not all; NULL when it is
} View;

#endif
