// FFmpeg, in a module of its own: with all it is linked to it takes longer to load than a recording
// that does not need it takes to decode.
#ifndef SCOUT_DECODE_FFMPEG_H
#define SCOUT_DECODE_FFMPEG_H

#include <stdbool.h>
#include <stddef.h>

#include "decode.h"

typedef struct Ffmpeg {
    void (*describe)(char *out, size_t size); // its versions, in words
    // Decodes the input, whose head was read, and reports it from INFO to END or ERROR.
    void (*decode)(const DecodeOptions *options, Input *input, Output *output);
} Ffmpeg;

// What the module shows.
#define FFMPEG_SYMBOL      scout_decode_ffmpeg
#define FFMPEG_SYMBOL_NAME "scout_decode_ffmpeg"
extern const Ffmpeg FFMPEG_SYMBOL;

// Loads the module, which lies beside the program. Before the sandbox; NULL when it cannot be, and
// then standard error says why. Of its thousands of functions a recording needs a few hundred, and
// these are looked up when they are called, unless all are here, as a whole.
const Ffmpeg *ffmpeg_load(bool whole);

#endif
