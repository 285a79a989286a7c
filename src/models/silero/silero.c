// Silero VAD: spectra of overlapping quarters of a frame, four convolutions that reduce them to one
// vector, a recurrent cell, and one number.
//
// Only the cell needs the frame before it. So frames are taken in small groups: everything up to
// the cell's input is computed for the group at once, which uses each weight for more than one row.
// A row of a product does not depend on the rows beside it (kernels.h), so a frame's probability is
// the same in any group.
#include "silero_internal.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum {
    GROUP_FRAMES = 8,
    FRAMES_A_TRANSFORM = FFT_LANES / SILERO_POSITIONS,
    // The context before, the frame, and its end mirrored.
    EXTENDED_SAMPLES = SILERO_CONTEXT_SAMPLES + SILERO_FRAME_SAMPLES + SILERO_STFT_SAMPLES / 4,
    SPECTRUM_FLOATS = SILERO_BINS * 2 * FFT_LANES,
    PADDED_POSITIONS = SILERO_POSITIONS + 2, // zeros before and after
};

_Static_assert((SILERO_POSITIONS - 1) * SILERO_STFT_HOP + SILERO_STFT_SAMPLES == EXTENDED_SAMPLES,
               "the spectra cover the extended frame");

// Louder than any sound: keeps sums finite.
static const float SAMPLE_MAX = 64.0f;

static inline float clean_sample(float sample)
{
    // A sample that is not a number becomes 0: one would stay in the recurrent state for ever.
    const float low = sample > -SAMPLE_MAX ? sample : -SAMPLE_MAX;
    const float clean = low < SAMPLE_MAX ? low : SAMPLE_MAX;
    return isnan(sample) ? 0.0f : clean;
}

// out[EXTENDED_SAMPLES] of one frame; the context becomes the frame's end.
static void extend_frame(SileroState *state, const float *samples, float *out)
{
    memcpy(out, state->context, sizeof state->context);
    float *const frame = out + SILERO_CONTEXT_SAMPLES;
    for (size_t i = 0; i < SILERO_FRAME_SAMPLES; i++)
        frame[i] = clean_sample(samples[i]);
    for (size_t i = SILERO_FRAME_SAMPLES; i < EXTENDED_SAMPLES - SILERO_CONTEXT_SAMPLES; i++)
        frame[i] = frame[2 * (SILERO_FRAME_SAMPLES - 1) - i];
    memcpy(state->context, frame + SILERO_FRAME_SAMPLES - SILERO_CONTEXT_SAMPLES,
           sizeof state->context);
}

// magnitudes[frame][PADDED_POSITIONS][SILERO_BINS] of at most FRAMES_A_TRANSFORM extended frames;
// the padding stays untouched.
static void transform_frames(const Silero *silero, const float *extended, size_t frames,
                             float *magnitudes)
{
    float in[SILERO_STFT_SAMPLES * FFT_LANES];
    float work[SPECTRUM_FLOATS];
    float spectrum[SPECTRUM_FLOATS];
    for (size_t lane = 0; lane < FFT_LANES; lane++) {
        const size_t frame = lane / SILERO_POSITIONS;
        const float *const from = extended + BASE_MIN(frame, frames - 1) * EXTENDED_SAMPLES +
                                  lane % SILERO_POSITIONS * SILERO_STFT_HOP;
        for (size_t i = 0; i < SILERO_STFT_SAMPLES; i++)
            in[i * FFT_LANES + lane] = from[i] * silero->window[i];
    }
    fft_forward(silero->fft, in, work, spectrum);
    for (size_t lane = 0; lane < frames * SILERO_POSITIONS; lane++) {
        const size_t padded =
            lane / SILERO_POSITIONS * PADDED_POSITIONS + lane % SILERO_POSITIONS + 1;
        float *const to = magnitudes + padded * SILERO_BINS;
        for (size_t bin = 0; bin < SILERO_BINS; bin++) {
            const float re = spectrum[bin * 2 * FFT_LANES + lane];
            const float im = spectrum[(bin * 2 + 1) * FFT_LANES + lane];
            to[bin] = sqrtf(re * re + im * im);
        }
    }
}

// c[m][n] = max(0, a * W^T + bias), rows without gaps.
static void convolve(const Silero *silero, size_t m, size_t n, size_t k, const float *a,
                     const float *weight, const float *bias, float *c)
{
    silero->kernels->gemm_f32(m, n, k, a, k, weight, c, n, &(KernelsEpilogue){.bias = bias});
    for (size_t i = 0; i < m * n; i++)
        c[i] = c[i] > 0 ? c[i] : 0;
}

// From padded magnitudes of `frames` frames to the cell's input, encoded[frames][SILERO_CONV4].
static void encode_frames(const Silero *silero, const float *magnitudes, size_t frames,
                          float *encoded)
{
    float windows[GROUP_FRAMES * SILERO_POSITIONS * SILERO_CONV1_K];
    float first[GROUP_FRAMES * SILERO_POSITIONS * SILERO_CONV1];
    float second[GROUP_FRAMES * SILERO_HALF_POSITIONS * SILERO_CONV2];
    float third[GROUP_FRAMES * SILERO_CONV3];
    for (size_t i = 0; i < frames * SILERO_POSITIONS; i++) {
        const size_t padded = i / SILERO_POSITIONS * PADDED_POSITIONS + i % SILERO_POSITIONS;
        memcpy(windows + i * SILERO_CONV1_K, magnitudes + padded * SILERO_BINS,
               SILERO_CONV1_K * sizeof(float));
    }
    convolve(silero, frames * SILERO_POSITIONS, SILERO_CONV1, SILERO_CONV1_K, windows,
             silero->conv1_weight, silero->conv1_bias, first);
    for (size_t f = 0; f < frames; f++) {
        // The windows around positions 0 and 2: padding, 0, 1 and 1, 2, 3.
        float *const window = windows + f * SILERO_HALF_POSITIONS * SILERO_CONV2_K;
        const float *const from = first + f * SILERO_POSITIONS * SILERO_CONV1;
        memset(window, 0, SILERO_CONV1 * sizeof(float));
        memcpy(window + SILERO_CONV1, from, (size_t)2 * SILERO_CONV1 * sizeof(float));
        memcpy(window + SILERO_CONV2_K, from + SILERO_CONV1, SILERO_CONV2_K * sizeof(float));
    }
    convolve(silero, frames * SILERO_HALF_POSITIONS, SILERO_CONV2, SILERO_CONV2_K, windows,
             silero->conv2_weight, silero->conv2_bias, second);
    convolve(silero, frames, SILERO_CONV3, SILERO_CONV3_K, second, silero->conv3_weight,
             silero->conv3_bias, third);
    convolve(silero, frames, SILERO_CONV4, SILERO_CONV4_K, third, silero->conv4_weight,
             silero->conv4_bias, encoded);
}

// One step of the cell; input_gates is the input's share of the gates with both biases.
static float step_cell(const Silero *silero, SileroState *state, const float *input_gates)
{
    const Kernels *const kernels = silero->kernels;
    float gates[SILERO_GATES];
    kernels->gemm_f32(1, SILERO_GATES, SILERO_STATE, state->hidden, SILERO_STATE,
                      silero->hidden_weight, gates, SILERO_GATES,
                      &(KernelsEpilogue){.residual = input_gates});
    float *const input = gates;
    float *const forget = gates + SILERO_STATE;
    float *const candidate = gates + (size_t)2 * SILERO_STATE;
    float *const output = gates + (size_t)3 * SILERO_STATE;
    kernels->sigmoid((size_t)2 * SILERO_STATE, input);
    kernels->tanh(SILERO_STATE, candidate);
    kernels->sigmoid(SILERO_STATE, output);
    for (size_t i = 0; i < SILERO_STATE; i++) {
        state->cell[i] = forget[i] * state->cell[i] + input[i] * candidate[i];
        state->hidden[i] = state->cell[i];
    }
    kernels->tanh(SILERO_STATE, state->hidden);
    float positive[SILERO_STATE];
    for (size_t i = 0; i < SILERO_STATE; i++) {
        state->hidden[i] *= output[i];
        positive[i] = state->hidden[i] > 0 ? state->hidden[i] : 0;
    }
    float logit = kernels->dot(SILERO_STATE, positive, silero->out_weight) + silero->out_bias;
    kernels->sigmoid(1, &logit);
    return logit;
}

static void run_group(const Silero *silero, SileroState *state, const float *samples, size_t frames,
                      float *probabilities)
{
    float extended[FRAMES_A_TRANSFORM * EXTENDED_SAMPLES];
    float magnitudes[GROUP_FRAMES * PADDED_POSITIONS * SILERO_BINS] = {0};
    for (size_t f = 0; f < frames; f += FRAMES_A_TRANSFORM) {
        const size_t count = BASE_MIN((size_t)FRAMES_A_TRANSFORM, frames - f);
        for (size_t i = 0; i < count; i++)
            extend_frame(state, samples + (f + i) * SILERO_FRAME_SAMPLES,
                         extended + i * EXTENDED_SAMPLES);
        transform_frames(silero, extended, count, magnitudes + f * PADDED_POSITIONS * SILERO_BINS);
    }
    float encoded[GROUP_FRAMES * SILERO_CONV4];
    float gates[GROUP_FRAMES * SILERO_GATES];
    encode_frames(silero, magnitudes, frames, encoded);
    silero->kernels->gemm_f32(frames, SILERO_GATES, SILERO_CONV4, encoded, SILERO_CONV4,
                              silero->input_weight, gates, SILERO_GATES,
                              &(KernelsEpilogue){.bias = silero->gates_bias});
    for (size_t f = 0; f < frames; f++)
        probabilities[f] = step_cell(silero, state, gates + f * SILERO_GATES);
}

void silero_steps(const Silero *silero, SileroState *state, const float *samples, size_t count,
                  float *probabilities)
{
    for (size_t f = 0; f < count; f += GROUP_FRAMES) {
        const size_t frames = BASE_MIN((size_t)GROUP_FRAMES, count - f);
        run_group(silero, state, samples + f * SILERO_FRAME_SAMPLES, frames, probabilities + f);
    }
}

float silero_step(const Silero *silero, SileroState *state,
                  const float samples[SILERO_FRAME_SAMPLES])
{
    float probability;
    silero_steps(silero, state, samples, 1, &probability);
    return probability;
}
