// What FFmpeg says only in its log, and Scout needs for a sentence that helps: kept as flags and as
// the last error line. FFmpeg's log is global, so this is too.
#ifndef SCOUT_DECODE_HINTS_H
#define SCOUT_DECODE_HINTS_H

#include <stdbool.h>

enum { HINT_TEXT_MAX = 120 };

typedef struct Hints {
    bool index_missing; // an MP4 without its moov box
    bool encrypted;
    bool cut_short; // the demuxer met the end of the file in the middle of something
    char last_error[HINT_TEXT_MAX];
} Hints;

void hints_start(void); // from now on FFmpeg's log goes here, and nowhere else
const Hints *hints_get(void);

#endif
