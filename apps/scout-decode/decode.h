// What is to be decoded. Descriptor 0 holds it, and it is reported through output.
#ifndef SCOUT_DECODE_DECODE_H
#define SCOUT_DECODE_DECODE_H

#include "input.h"
#include "output.h"

enum { EXTENSION_MAX = 9 };

typedef struct DecodeOptions {
    double start_s;
    double end_s; // 0: to the end
    int channel;  // 1-based; 0: the mean of all
    double max_seconds;
    char extension[EXTENSION_MAX]; // of the file's name, lower case; may be empty
} DecodeOptions;

#endif
