// A Stockham transform of mixed radix 4, 2 and 5 over groups of FFT_LANES signals.
//
// The real signal of N points is read as a complex one of M = N / 2 (even samples real, odd ones
// imaginary), transformed, and its spectrum is taken apart at the end. A Stockham stage writes its
// results where the next stage reads them in order, so nothing is ever permuted: stages go back and
// forth between two buffers. A complex value is one FftCell: the real parts of all lanes, then the
// imaginary ones.
//
// Van Loan, "Computational Frameworks for the Fast Fourier Transform", sections 1.7 and 4.3.
#include "dsp/fft.h"

#include <math.h>
#include <stdbool.h>

#include "base/memory.h"

enum {
    CELL_FLOATS = 2 * FFT_LANES,
    STAGES_MAX = 16, // 2^15 complex points by radix 4 and one 2 are 8; 5^6 are 6
};

typedef struct FftTwiddle {
    float re, im;
} FftTwiddle;

typedef struct FftStage {
    size_t radix;
    size_t groups;              // m: butterflies with different twiddles
    size_t stride;              // s: butterflies that share them
    const FftTwiddle *twiddles; // [groups][radix - 1]
} FftStage;

struct Fft {
    size_t points;
    size_t stage_count;
    FftStage stages[STAGES_MAX];
    FftTwiddle *stage_twiddles;
    FftTwiddle *split_twiddles; // [points / 4 + 1]: exp(-2 pi i k / points)
};

static const double TWO_PI = 6.283185307179586476925;

static FftTwiddle twiddle(size_t numerator, size_t denominator)
{
    const double angle = -TWO_PI * (double)(numerator % denominator) / (double)denominator;
    return (FftTwiddle){(float)cos(angle), (float)sin(angle)};
}

// The butterflies: `in` holds the inputs `step` cells apart, `out` receives the outputs out_step
// cells apart, the k-th multiplied by w[k - 1].
static void butterfly_2(const float *restrict in, size_t step, float *restrict out, size_t out_step,
                        const FftTwiddle *w)
{
    const float *const b = in + step;
    float *const y1 = out + out_step;
    const FftTwiddle w1 = w[0];
    for (size_t l = 0; l < FFT_LANES; l++) {
        const size_t i = l + FFT_LANES;
        const float dr = in[l] - b[l];
        const float di = in[i] - b[i];
        out[l] = in[l] + b[l];
        out[i] = in[i] + b[i];
        y1[l] = dr * w1.re - di * w1.im;
        y1[i] = dr * w1.im + di * w1.re;
    }
}

static void butterfly_4(const float *restrict in, size_t step, float *restrict out, size_t out_step,
                        const FftTwiddle *w)
{
    const float *const b = in + step;
    const float *const c = b + step;
    const float *const d = c + step;
    float *const y1 = out + out_step;
    float *const y2 = y1 + out_step;
    float *const y3 = y2 + out_step;
    const FftTwiddle w1 = w[0];
    const FftTwiddle w2 = w[1];
    const FftTwiddle w3 = w[2];
    for (size_t l = 0; l < FFT_LANES; l++) {
        const size_t i = l + FFT_LANES;
        const float ac_r = in[l] + c[l];
        const float ac_i = in[i] + c[i];
        const float am_r = in[l] - c[l];
        const float am_i = in[i] - c[i];
        const float bd_r = b[l] + d[l];
        const float bd_i = b[i] + d[i];
        const float bm_r = b[i] - d[i]; // -i (b - d)
        const float bm_i = d[l] - b[l];
        out[l] = ac_r + bd_r;
        out[i] = ac_i + bd_i;
        y1[l] = (am_r + bm_r) * w1.re - (am_i + bm_i) * w1.im;
        y1[i] = (am_r + bm_r) * w1.im + (am_i + bm_i) * w1.re;
        y2[l] = (ac_r - bd_r) * w2.re - (ac_i - bd_i) * w2.im;
        y2[i] = (ac_r - bd_r) * w2.im + (ac_i - bd_i) * w2.re;
        y3[l] = (am_r - bm_r) * w3.re - (am_i - bm_i) * w3.im;
        y3[i] = (am_r - bm_r) * w3.im + (am_i - bm_i) * w3.re;
    }
}

static void butterfly_5(const float *restrict in, size_t step, float *restrict out, size_t out_step,
                        const FftTwiddle *w)
{
    const float c1 = 0.309016994374947424102f; // cos 72
    const float c2 = -0.809016994374947424102f;
    const float s1 = 0.951056516295153572116f; // sin 72
    const float s2 = 0.587785252292473129169f;
    const float *const b = in + step;
    const float *const c = b + step;
    const float *const d = c + step;
    const float *const e = d + step;
    float *const y1 = out + out_step;
    float *const y2 = y1 + out_step;
    float *const y3 = y2 + out_step;
    float *const y4 = y3 + out_step;
    for (size_t l = 0; l < FFT_LANES; l++) {
        const size_t i = l + FFT_LANES;
        const float be_r = b[l] + e[l];
        const float be_i = b[i] + e[i];
        const float cd_r = c[l] + d[l];
        const float cd_i = c[i] + d[i];
        const float bm_r = b[l] - e[l];
        const float bm_i = b[i] - e[i];
        const float cm_r = c[l] - d[l];
        const float cm_i = c[i] - d[i];
        const float m1_r = in[l] + c1 * be_r + c2 * cd_r;
        const float m1_i = in[i] + c1 * be_i + c2 * cd_i;
        const float m2_r = in[l] + c2 * be_r + c1 * cd_r;
        const float m2_i = in[i] + c2 * be_i + c1 * cd_i;
        const float n1_r = s1 * bm_i + s2 * cm_i; // -i times the odd part
        const float n1_i = -(s1 * bm_r + s2 * cm_r);
        const float n2_r = s2 * bm_i - s1 * cm_i;
        const float n2_i = -(s2 * bm_r - s1 * cm_r);
        out[l] = in[l] + be_r + cd_r;
        out[i] = in[i] + be_i + cd_i;
        y1[l] = (m1_r + n1_r) * w[0].re - (m1_i + n1_i) * w[0].im;
        y1[i] = (m1_r + n1_r) * w[0].im + (m1_i + n1_i) * w[0].re;
        y2[l] = (m2_r + n2_r) * w[1].re - (m2_i + n2_i) * w[1].im;
        y2[i] = (m2_r + n2_r) * w[1].im + (m2_i + n2_i) * w[1].re;
        y3[l] = (m2_r - n2_r) * w[2].re - (m2_i - n2_i) * w[2].im;
        y3[i] = (m2_r - n2_r) * w[2].im + (m2_i - n2_i) * w[2].re;
        y4[l] = (m1_r - n1_r) * w[3].re - (m1_i - n1_i) * w[3].im;
        y4[i] = (m1_r - n1_r) * w[3].im + (m1_i - n1_i) * w[3].re;
    }
}

static void run_stage(const FftStage *stage, const float *in, float *out)
{
    const size_t stride = stage->stride * CELL_FLOATS;
    const size_t step = stage->groups * stride;
    for (size_t p = 0; p < stage->groups; p++) {
        const FftTwiddle *w = stage->twiddles + p * (stage->radix - 1);
        const float *from = in + p * stride;
        float *to = out + p * stage->radix * stride;
        for (size_t q = 0; q < stride; q += CELL_FLOATS) {
            switch (stage->radix) {
            case 5: butterfly_5(from + q, step, to + q, stride, w); break;
            case 4: butterfly_4(from + q, step, to + q, stride, w); break;
            default: butterfly_2(from + q, step, to + q, stride, w); break;
            }
        }
    }
}

// From the transform Z of the M complex values to bins 0..M of the real signal. With E and O the
// transforms of the even and the odd samples, X[k] = E + w^k O and X[M - k] = conj(E - w^k O).
static void split_spectrum(const Fft *fft, const float *restrict z, float *restrict out)
{
    const size_t half = fft->points / 2;
    for (size_t k = 0; k <= half / 2; k++) {
        const float *const a = z + k * CELL_FLOATS;
        const float *const b = z + (half - k) % half * CELL_FLOATS;
        float *const x = out + k * CELL_FLOATS;
        float *const mirrored = out + (half - k) * CELL_FLOATS;
        const FftTwiddle w = fft->split_twiddles[k];
        for (size_t l = 0; l < FFT_LANES; l++) {
            const size_t i = l + FFT_LANES;
            const float even_r = 0.5f * (a[l] + b[l]);
            const float even_i = 0.5f * (a[i] - b[i]);
            const float odd_r = 0.5f * (a[i] + b[i]);
            const float odd_i = 0.5f * (b[l] - a[l]);
            const float turned_r = odd_r * w.re - odd_i * w.im;
            const float turned_i = odd_r * w.im + odd_i * w.re;
            mirrored[l] = even_r - turned_r;
            mirrored[i] = turned_i - even_i;
            x[l] = even_r + turned_r;
            x[i] = even_i + turned_i;
        }
    }
}

void fft_forward(const Fft *fft, const float *in, float *work, float *out)
{
    const float *from = in;
    for (size_t i = 0; i < fft->stage_count; i++) {
        // The last stage must leave its result in work, for the split to read.
        float *const to = (fft->stage_count - i) % 2 == 1 ? work : out;
        run_stage(&fft->stages[i], from, to);
        from = to;
    }
    split_spectrum(fft, work, out);
}

// Factors points / 2 into radices 4, 2 and 5, largest savings first. False if another prime is
// left.
static bool plan_stages(Fft *fft, size_t *twiddle_count)
{
    const size_t radices[] = {4, 2, 5};
    size_t length = fft->points / 2;
    size_t stride = 1;
    *twiddle_count = 0;
    for (size_t r = 0; r < BASE_COUNT(radices); r++) {
        const size_t radix = radices[r];
        while (length % radix == 0) {
            const size_t groups = length / radix;
            fft->stages[fft->stage_count++] =
                (FftStage){.radix = radix, .groups = groups, .stride = stride};
            *twiddle_count += groups * (radix - 1);
            length = groups;
            stride *= radix;
        }
    }
    return length == 1;
}

static void fill_tables(Fft *fft)
{
    FftTwiddle *next = fft->stage_twiddles;
    for (size_t i = 0; i < fft->stage_count; i++) {
        FftStage *const stage = &fft->stages[i];
        stage->twiddles = next;
        for (size_t p = 0; p < stage->groups; p++)
            for (size_t k = 1; k < stage->radix; k++)
                *next++ = twiddle(p * k, stage->groups * stage->radix);
    }
    for (size_t k = 0; k <= fft->points / 4; k++)
        fft->split_twiddles[k] = twiddle(k, fft->points);
}

ScoutStatus fft_new(size_t points, Fft **fft, ScoutError *error)
{
    if (points < 4 || points > FFT_POINTS_MAX || points % 2 != 0) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a transform has an even number of points from 4 to %d, not %zu",
                         FFT_POINTS_MAX, points);
    }
    Fft *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->points = points;
    size_t twiddle_count;
    if (!plan_stages(made, &twiddle_count)) {
        fft_free(made);
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a transform of %zu points would need a factor other than 2 and 5",
                         points);
    }
    made->stage_twiddles = mem_array(twiddle_count, sizeof *made->stage_twiddles);
    made->split_twiddles = mem_array(points / 4 + 1, sizeof *made->split_twiddles);
    if (!made->stage_twiddles || !made->split_twiddles) {
        fft_free(made);
        return error_no_memory(error);
    }
    fill_tables(made);
    *fft = made;
    return SCOUT_OK;
}

void fft_free(Fft *fft)
{
    if (fft) {
        mem_free(fft->stage_twiddles);
        mem_free(fft->split_twiddles);
        mem_free(fft);
    }
}

size_t fft_points(const Fft *fft)
{
    return fft->points;
}

size_t fft_spectrum_floats(const Fft *fft)
{
    return (fft->points / 2 + 1) * CELL_FLOATS;
}
