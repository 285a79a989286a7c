// Whisper's log-mel spectrogram, FFT_LANES frames at a time.
//
// Each group of frames is windowed into a block whose lanes are the frames, transformed together,
// and summed into bands through a filterbank that keeps only its non-zero weights (391 of 16,080
// for 80 bands). Frames do not depend on each other until the last step, the floor at the maximum
// minus 8.
#include "dsp/mel.h"

#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "dsp/fft.h"

enum {
    MEL_BINS = MEL_FFT_SAMPLES / 2 + 1,
    MEL_HALF_SAMPLES = MEL_FFT_SAMPLES / 2,
    GROUP_SPAN_SAMPLES = (FFT_LANES - 1) * MEL_HOP_SAMPLES + MEL_FFT_SAMPLES,
    SPECTRUM_FLOATS = MEL_BINS * 2 * FFT_LANES,
    MEL_WEIGHTS_MAX = 2 * MEL_BINS, // neighbouring triangles overlap, so a bin lies in two at most
};

// One triangle of the filterbank: its non-zero weights lie at first_weight, for bins first_bin on.
typedef struct MelBand {
    size_t first_bin;
    size_t bin_count;
    size_t first_weight;
} MelBand;

struct Mel {
    size_t bands;
    Fft *fft;
    float window[MEL_FFT_SAMPLES];
    MelBand band[MEL_BANDS_MAX];
    float weights[MEL_WEIGHTS_MAX];
};

// Slaney's scale: 66 2/3 Hz a mel up to 1 kHz, logarithmic above (Auditory Toolbox, 1998).
static const double SLANEY_HZ_PER_MEL = 200.0 / 3.0;
static const double SLANEY_KNEE_HZ = 1000.0;
static const double SLANEY_LOG_STEP = 0.068751777420949119; // ln(6.4) / 27

static double mel_from_hz(double hz)
{
    const double knee_mel = SLANEY_KNEE_HZ / SLANEY_HZ_PER_MEL;
    return hz < SLANEY_KNEE_HZ ? hz / SLANEY_HZ_PER_MEL
                               : knee_mel + log(hz / SLANEY_KNEE_HZ) / SLANEY_LOG_STEP;
}

static double hz_from_mel(double mel)
{
    const double knee_mel = SLANEY_KNEE_HZ / SLANEY_HZ_PER_MEL;
    return mel < knee_mel ? mel * SLANEY_HZ_PER_MEL
                          : SLANEY_KNEE_HZ * exp((mel - knee_mel) * SLANEY_LOG_STEP);
}

static void fill_filterbank(Mel *mel)
{
    const double top_mel = mel_from_hz(MEL_SAMPLE_RATE / 2.0);
    const double mel_step = top_mel / (double)(mel->bands + 1);
    size_t weight_count = 0;
    for (size_t b = 0; b < mel->bands; b++) {
        const double low = hz_from_mel(mel_step * (double)b);
        const double middle = hz_from_mel(mel_step * (double)(b + 1));
        const double high = hz_from_mel(mel_step * (double)(b + 2));
        MelBand *const band = &mel->band[b];
        *band = (MelBand){.first_weight = weight_count};
        for (size_t bin = 0; bin < MEL_BINS; bin++) {
            const double hz = (double)bin * MEL_SAMPLE_RATE / MEL_FFT_SAMPLES;
            const double rising = (hz - low) / (middle - low);
            const double falling = (high - hz) / (high - middle);
            const double weight = rising < falling ? rising : falling;
            if (weight <= 0)
                continue;
            if (band->bin_count == 0)
                band->first_bin = bin;
            band->bin_count++;
            mel->weights[weight_count++] = (float)(weight * 2 / (high - low));
        }
    }
}

static void fill_window(Mel *mel)
{
    const double turn = 6.283185307179586476925 / MEL_FFT_SAMPLES;
    for (size_t i = 0; i < MEL_FFT_SAMPLES; i++)
        mel->window[i] = (float)(0.5 - 0.5 * cos(turn * (double)i));
}

ScoutStatus mel_new(size_t bands, Mel **mel, ScoutError *error)
{
    if (bands != 40 && bands != 80 && bands != 128) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a mel spectrogram has 40, 80 or 128 bands, not %zu", bands);
    }
    Mel *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->bands = bands;
    const ScoutStatus status = fft_new(MEL_FFT_SAMPLES, &made->fft, error);
    if (status != SCOUT_OK) {
        mel_free(made);
        return status;
    }
    fill_window(made);
    fill_filterbank(made);
    *mel = made;
    return SCOUT_OK;
}

void mel_free(Mel *mel)
{
    if (mel) {
        fft_free(mel->fft);
        mem_free(mel);
    }
}

size_t mel_bands(const Mel *mel)
{
    return mel->bands;
}

// The sample at a position of the window of `length` samples, mirrored at both ends as often as it
// takes, zero beyond count.
static float sample_at(const float *samples, size_t count, ptrdiff_t length, ptrdiff_t position)
{
    while (position < 0 || position >= length)
        position = position < 0 ? -position : 2 * (length - 1) - position;
    return (size_t)position < count ? samples[position] : 0.0f;
}

// The samples under the frames first..first + FFT_LANES: borrowed from `samples` where they all
// exist, else put together in span[GROUP_SPAN_SAMPLES].
static const float *find_span(const float *samples, size_t count, size_t length, size_t first,
                              float *span)
{
    const ptrdiff_t begin = (ptrdiff_t)(first * MEL_HOP_SAMPLES) - MEL_HALF_SAMPLES;
    const size_t usable = count < length ? count : length;
    if (begin >= 0 && (size_t)begin + GROUP_SPAN_SAMPLES <= usable)
        return samples + begin;
    for (ptrdiff_t i = 0; i < GROUP_SPAN_SAMPLES; i++)
        span[i] = sample_at(samples, count, (ptrdiff_t)length, begin + i);
    return span;
}

// power[MEL_BINS][FFT_LANES] of the frames that lie in span.
static void power_spectra(const Mel *mel, const float *restrict span, float *restrict power)
{
    float block[MEL_FFT_SAMPLES * FFT_LANES];
    float work[SPECTRUM_FLOATS];
    float spectrum[SPECTRUM_FLOATS];
    for (size_t i = 0; i < MEL_FFT_SAMPLES; i++)
        for (size_t l = 0; l < FFT_LANES; l++)
            block[i * FFT_LANES + l] = span[l * MEL_HOP_SAMPLES + i] * mel->window[i];
    fft_forward(mel->fft, block, work, spectrum);
    for (size_t bin = 0; bin < MEL_BINS; bin++) {
        const float *const re = spectrum + bin * 2 * FFT_LANES;
        const float *const im = re + FFT_LANES;
        for (size_t l = 0; l < FFT_LANES; l++)
            power[bin * FFT_LANES + l] = re[l] * re[l] + im[l] * im[l];
    }
}

// out[lane][bands] for the first `lanes` of a group.
static void sum_bands(const Mel *mel, const float *restrict power, size_t lanes,
                      float *restrict out)
{
    for (size_t b = 0; b < mel->bands; b++) {
        const MelBand *const band = &mel->band[b];
        const float *const weights = mel->weights + band->first_weight;
        const float *const bins = power + band->first_bin * FFT_LANES;
        float sum[FFT_LANES] = {0};
        for (size_t i = 0; i < band->bin_count; i++)
            for (size_t l = 0; l < FFT_LANES; l++)
                sum[l] += weights[i] * bins[i * FFT_LANES + l];
        for (size_t l = 0; l < lanes; l++)
            out[l * mel->bands + b] = sum[l];
    }
}

void mel_compute_power(const Mel *mel, const float *samples, size_t count, size_t frames,
                       float *out)
{
    float span_memory[GROUP_SPAN_SAMPLES];
    float power[MEL_BINS * FFT_LANES];
    const size_t length = frames * MEL_HOP_SAMPLES;
    for (size_t first = 0; first < frames; first += FFT_LANES) {
        const size_t lanes = frames - first < FFT_LANES ? frames - first : FFT_LANES;
        const float *const span = find_span(samples, count, length, first, span_memory);
        power_spectra(mel, span, power);
        sum_bands(mel, power, lanes, out + first * mel->bands);
    }
}

void mel_compute(const Mel *mel, const float *samples, size_t count, size_t frames, float *out)
{
    const float log10_of_2 = 0.301029995663981195214f;
    mel_compute_power(mel, samples, count, frames, out);
    const size_t values = frames * mel->bands;
    float largest = -10.0f;
    for (size_t i = 0; i < values; i++) {
        // What damaged samples make (no number, or one too large) counts as silence.
        const float power = out[i] > 1e-10f && out[i] <= FLT_MAX ? out[i] : 1e-10f;
        out[i] = log2f(power) * log10_of_2;
        largest = out[i] > largest ? out[i] : largest;
    }
    const float floor = largest - 8.0f;
    for (size_t i = 0; i < values; i++) {
        const float value = out[i] > floor ? out[i] : floor;
        out[i] = (value + 4.0f) * 0.25f;
    }
}
