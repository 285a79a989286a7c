// The input as FFmpeg reads it: its only byte source.
#ifndef SCOUT_DECODE_BYTES_H
#define SCOUT_DECODE_BYTES_H

#include <libavformat/avio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

typedef struct Bytes {
    Input *input;
    bool seekable;     // as FFmpeg sees it
    size_t head_given; // of the input's head, to FFmpeg
    bool too_large;    // to be gathered
    uint8_t *whole;    // all bytes of a pipe that had to be gathered first, or NULL
    size_t whole_bytes;
    size_t whole_at;
    AVIOContext *avio;
} Bytes;

// Makes bytes->avio on an input whose head was read; false when memory is out or the pipe
// too_large. A pipe with a format whose index lies behind its sound is gathered in memory first.
// bytes must stay where it is.
bool bytes_open(Bytes *bytes, Input *input);

#endif
