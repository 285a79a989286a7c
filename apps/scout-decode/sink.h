// From samples on the recording's clock to what is sent: resampling to 16 kHz, the cut at start and
// end, and the cap on the whole.
#ifndef SCOUT_DECODE_SINK_H
#define SCOUT_DECODE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/resample.h"
#include "base/status.h"
#include "output.h"

typedef struct Sink {
    Output *output;
    Resampler *resampler;
    int rate;         // of the source
    int64_t base_s;   // resampling begins at this whole second, a little before the start
    int64_t position; // of the next source sample on the recording's clock
    int64_t made;     // samples at 16 kHz since base_s
    int64_t skip;     // of them, to be dropped before the start
    int64_t left;     // samples that may still be sent
    bool full;        // left is 0 and there was more
    bool capped;      // left was set by the cap and not by the end that was asked for
} Sink;

// end_s 0: no end.
void sink_init(Sink *sink, Output *output, double start_s, double end_s, double max_seconds);
void sink_done(Sink *sink);

// The source's rate is this from `position` on. Called before the first sample, too.
ScoutStatus sink_set_rate(Sink *sink, int rate, int64_t position, ScoutError *error);

// Takes the next count samples, or that much silence for NULL.
ScoutStatus sink_feed(Sink *sink, const float *samples, int64_t count, ScoutError *error);

// Sends what the resampler still holds.
ScoutStatus sink_finish(Sink *sink, ScoutError *error);

#endif
