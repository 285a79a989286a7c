// Subtitles: a segment cut into pieces that fit a screen, at times taken from its words.
#ifndef SCOUT_CUES_H
#define SCOUT_CUES_H

#include <stdbool.h>
#include <stddef.h>

#include <scout/speech.h>

enum { CUE_LINES_MAX = 100, CUE_UNITS_MAX = 4096 };

// The smallest piece that is kept together.
typedef struct CueUnit {
    const char *text; // inside the segment's or its words' text, without spaces around it
    size_t length;
    size_t columns;
    bool space; // a space stands before it when it does not begin a line
    bool stays; // no line begins with it if that can be helped: closing punctuation
    double start_s, end_s;
} CueUnit;

typedef struct Cue {
    size_t first, count;          // units
    size_t breaks[CUE_LINES_MAX]; // the first unit of each line
    size_t line_count;
    double start_s, end_s;
} Cue;

typedef struct CueSplit {
    CueUnit *units;
    size_t unit_count;
    size_t next; // the first unit of the next cue
    size_t max_width, max_lines;
} CueSplit;

// max_width 0: one cue with one line. False when memory is out.
bool cues_begin(CueSplit *split, const ScoutSegment *segment, size_t max_width, size_t max_lines);

// The next cue; false when there is none left.
bool cues_next(CueSplit *split, Cue *cue);

void cues_end(CueSplit *split);

#endif
