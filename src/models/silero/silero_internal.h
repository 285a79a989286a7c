// What loading and running Silero share.
#ifndef MODELS_SILERO_INTERNAL_H
#define MODELS_SILERO_INTERNAL_H

#include "models/silero.h"

#include "dsp/fft.h"

enum {
    SILERO_STFT_SAMPLES = 256,
    SILERO_STFT_HOP = 128,
    SILERO_BINS = SILERO_STFT_SAMPLES / 2 + 1,
    SILERO_TAPS = 3,
    SILERO_POSITIONS = 4,      // spectra a frame, after context and mirror are added
    SILERO_HALF_POSITIONS = 2, // after conv2, which steps by 2; conv3 leaves 1
    SILERO_CONV1 = 128,        // output channels
    SILERO_CONV2 = 64,
    SILERO_CONV3 = 64,
    SILERO_CONV4 = SILERO_STATE,
    SILERO_GATES = 4 * SILERO_STATE, // input, forget, cell, output
    SILERO_CONV1_K = SILERO_TAPS * SILERO_BINS,
    SILERO_CONV2_K = SILERO_TAPS * SILERO_CONV1,
    // Of conv3's and conv4's taps only those that do not always lie on padding.
    SILERO_CONV3_K = 2 * SILERO_CONV2,
    SILERO_CONV4_K = SILERO_CONV3
};

// Weights are f32 panels (kernels/kernels.h).
struct Silero {
    const Kernels *kernels;
    PackedFile *file;
    Fft *fft;
    float *memory; // what below is not mapped from the file
    float *window; // [SILERO_STFT_SAMPLES]
    const float *conv1_weight, *conv1_bias;
    const float *conv2_weight, *conv2_bias;
    float *conv3_weight; // taps 1 and 2
    const float *conv3_bias;
    float *conv4_weight; // tap 1
    const float *conv4_bias;
    const float *input_weight, *hidden_weight;
    float *gates_bias; // [SILERO_GATES], the sum of both
    float *out_weight; // [SILERO_STATE]
    float out_bias;
};

#endif
