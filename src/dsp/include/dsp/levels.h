// How loud a block of samples is, in decibels below full scale: what a level meter shows.
#ifndef DSP_LEVELS_H
#define DSP_LEVELS_H

#include <stddef.h>

// Nothing is reported quieter than this; an empty block and digital silence are exactly this.
#define LEVELS_FLOOR_DBFS (-120.0f)

typedef struct Levels {
    float peak_dbfs; // of the largest magnitude; 0 is a magnitude of 1, more is possible
    float rms_dbfs;  // of the root mean square; a full-scale sine gives -3.01
} Levels;

// A sample that is not a finite number counts as one of full scale. Any thread.
Levels levels_measure(const float *samples, size_t count);

#endif
