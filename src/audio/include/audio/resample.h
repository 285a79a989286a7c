// Any sample rate to any other, mono, in pieces. libsoxr's high-quality setting: flat to 0.91 of
// the lower Nyquist frequency, alias-free, no delay left in the output.
#ifndef AUDIO_RESAMPLE_H
#define AUDIO_RESAMPLE_H

#include <stddef.h>

#include "base/status.h"

enum { RESAMPLE_RATE_MIN = 1000, RESAMPLE_RATE_MAX = 1536000 };

typedef struct Resampler Resampler; // one owner thread

// Equal rates copy the samples bit by bit. UNSUPPORTED when a rate, Hz, is out of range.
ScoutStatus resampler_new(int rate_in, int rate_out, Resampler **resampler, ScoutError *error);
void resampler_free(Resampler *resampler);

// Takes samples in and gives what is ready, at most capacity. *taken may be less than count and
// *given less than capacity; call again with the rest while either is above 0.
ScoutStatus resampler_process(Resampler *resampler, const float *in, size_t count, size_t *taken,
                              float *out, size_t capacity, size_t *given, ScoutError *error);

// After the last sample: gives what is still inside; call until *given is 0.
ScoutStatus resampler_finish(Resampler *resampler, float *out, size_t capacity, size_t *given,
                             ScoutError *error);

#endif
