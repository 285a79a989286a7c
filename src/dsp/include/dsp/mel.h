// Whisper's log-mel spectrogram: 16 kHz samples in, frames of mel bands out, 10 ms a frame.
//
// The reference is WhisperFeatureExtractor of transformers: a periodic Hann window of 400 samples
// every 160, the power spectrum, a Slaney-normalised mel filterbank, log10 floored at 1e-10, then
// floored at the maximum - 8 over the window and scaled to (x + 4) / 4.
#ifndef DSP_MEL_H
#define DSP_MEL_H

#include <stddef.h>

#include "base/status.h"

enum {
    MEL_SAMPLE_RATE = 16000,
    MEL_HOP_SAMPLES = 160,
    MEL_FFT_SAMPLES = 400,
    MEL_BANDS_MAX = 128,
    MEL_WINDOW_FRAMES = 3000, // 30 s
    MEL_WINDOW_SAMPLES = 480000
};

typedef struct Mel Mel; // tables for one number of bands; immutable, any thread

// bands is 40, 80 or 128.
ScoutStatus mel_new(size_t bands, Mel **mel, ScoutError *error);
void mel_free(Mel *mel);
size_t mel_bands(const Mel *mel);

// Computes frames log-mel frames of `samples` followed by zeros: out[frames][bands], frame-major.
// Sample 0 is the centre of frame 0. Before sample 0 the signal is mirrored. frames <= 3000 is
// usual, more is allowed. The maximum is taken over these frames, so it equals the reference for a
// window of frames * 160 samples. count may be less or more than frames * 160; what is beyond is
// not used: at its end the window is mirrored, as the reference does. Samples that are not finite
// make their frames silent. Allocates nothing.
void mel_compute(const Mel *mel, const float *samples, size_t count, size_t frames, float *out);

// The same frames as sums of power, before the logarithm and the floors: what speaker encoders
// take.
void mel_compute_power(const Mel *mel, const float *samples, size_t count, size_t frames,
                       float *out);

#endif
