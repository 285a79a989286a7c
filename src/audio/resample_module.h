// The resampler as a module, scout-resample.so: libscout itself does without libsoxr, which cannot
// be linked statically everywhere, and sound of 16 kHz needs none.
#ifndef AUDIO_RESAMPLE_MODULE_H
#define AUDIO_RESAMPLE_MODULE_H

#include "audio/resample.h"

// The functions of audio/resample.h.
typedef struct ResampleModule {
    ScoutStatus (*begin)(int rate_in, int rate_out, Resampler **resampler, ScoutError *error);
    void (*end)(Resampler *resampler);
    ScoutStatus (*process)(Resampler *resampler, const float *in, size_t count, size_t *taken,
                           float *out, size_t capacity, size_t *given, ScoutError *error);
    ScoutStatus (*finish)(Resampler *resampler, float *out, size_t capacity, size_t *given,
                          ScoutError *error);
} ResampleModule;

// What the module shows.
#define RESAMPLE_MODULE_FILE        "scout-resample.so"
#define RESAMPLE_MODULE_SYMBOL      scout_resample
#define RESAMPLE_MODULE_SYMBOL_NAME "scout_resample"

#endif
