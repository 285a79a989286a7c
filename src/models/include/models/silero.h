// Silero VAD v6 at 16 kHz: one probability of speech for every 512 samples (32 ms).
#ifndef MODELS_SILERO_H
#define MODELS_SILERO_H

#include <stddef.h>

#include "base/status.h"
#include "kernels/kernels.h"
#include "models/packed.h"

enum { SILERO_FRAME_SAMPLES = 512, SILERO_CONTEXT_SAMPLES = 64, SILERO_STATE = 128 };

typedef struct Silero Silero; // immutable, any thread

// Takes the file over and closes it with the model (also on failure).
ScoutStatus silero_open(PackedFile *file, const Kernels *kernels, Silero **silero,
                        ScoutError *error);
void silero_close(Silero *silero);

// The recurrent state and the context of one audio stream; plain data, zeroed at the start.
typedef struct SileroState {
    float hidden[SILERO_STATE];
    float cell[SILERO_STATE];
    float context[SILERO_CONTEXT_SAMPLES];
} SileroState;

// Allocates nothing. Returns the probability, 0..1. Samples that are not finite count as silence.
float silero_step(const Silero *silero, SileroState *state,
                  const float samples[SILERO_FRAME_SAMPLES]);

// The same for `count` frames in a row: samples[count][SILERO_FRAME_SAMPLES]. Same results, bit for
// bit, in less than half the time.
void silero_steps(const Silero *silero, SileroState *state, const float *samples, size_t count,
                  float *probabilities);

#endif
