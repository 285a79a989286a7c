// The discrete Fourier transform of real signals, FFT_LANES of them at a time.
//
// Eight signals lie side by side, one value of each in turn, so that every step of the transform is
// the same arithmetic on eight neighbours and the compiler can use whatever vectors it has. Frames
// of a spectrogram come in such groups anyway.
#ifndef DSP_FFT_H
#define DSP_FFT_H

#include <stddef.h>

#include "base/status.h"

enum {
    FFT_LANES = 8,
    FFT_POINTS_MAX = 65536,
};

typedef struct Fft Fft; // tables for one number of points; immutable, any thread

// points is even, 4 to FFT_POINTS_MAX, and points / 2 has no prime factor but 2 and 5;
// INVALID_ARGUMENT otherwise.
ScoutStatus fft_new(size_t points, Fft **fft, ScoutError *error);
void fft_free(Fft *fft);
size_t fft_points(const Fft *fft);

// The number of floats in `work` and in `out` of fft_forward: (points / 2 + 1) * 2 * FFT_LANES.
size_t fft_spectrum_floats(const Fft *fft);

// in[points][FFT_LANES] are the signals; out[points / 2 + 1][2][FFT_LANES] becomes the real and the
// imaginary parts of bins 0..points / 2, not scaled: X[k] = sum x[j] exp(-2 pi i j k / points).
// work is scratch. The three do not overlap. Allocates nothing.
void fft_forward(const Fft *fft, const float *in, float *work, float *out);

#endif
