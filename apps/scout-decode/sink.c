// Cutting and resampling: see sink.h.
#include "sink.h"

#include <math.h>

enum { OUT_RATE = 16000, PIECE_SAMPLES = 4096, WARM_UP_S = 1 };

void sink_init(Sink *sink, Output *output, double start_s, double end_s, double max_seconds)
{
    // From a whole second on, the grid of 16 kHz samples is that of the whole recording, so a part
    // sounds exactly as the same part of all of it.
    int64_t base_s = (int64_t)start_s - WARM_UP_S;
    *sink = (Sink){.output = output, .base_s = base_s > 0 ? base_s : 0};
    sink->skip = llround((start_s - (double)sink->base_s) * OUT_RATE);
    sink->left = llround(max_seconds * OUT_RATE);
    sink->capped = true;
    if (end_s > 0) {
        int64_t wanted = end_s > start_s ? llround((end_s - start_s) * OUT_RATE) : 0;
        sink->capped = wanted > sink->left;
        sink->left = sink->capped ? sink->left : wanted;
    }
}

void sink_done(Sink *sink)
{
    resampler_free(sink->resampler);
    sink->resampler = NULL;
}

static void emit(Sink *sink, const float *samples, int64_t count)
{
    sink->made += count;
    int64_t skipped = sink->skip < count ? sink->skip : count;
    sink->skip -= skipped;
    samples += skipped;
    count -= skipped;
    if (count > sink->left) {
        count = sink->left;
        sink->full = true;
    }
    sink->left -= count;
    if (count)
        output_audio(sink->output, samples, (size_t)count);
}

ScoutStatus sink_finish(Sink *sink, ScoutError *error)
{
    // As many samples as the time takes: the resampler's own count is off by one now and then.
    int64_t target =
        llround(((double)sink->position / sink->rate - (double)sink->base_s) * OUT_RATE);
    float piece[PIECE_SAMPLES];
    size_t given = 1;
    while (given && sink->made < target && !sink->full) {
        ScoutStatus status = resampler_finish(sink->resampler, piece, PIECE_SAMPLES, &given, error);
        if (status)
            return status;
        int64_t missing = target - sink->made;
        emit(sink, piece, (int64_t)given < missing ? (int64_t)given : missing);
    }
    static const float silence[1];
    while (sink->made < target && !sink->full)
        emit(sink, silence, 1);
    return SCOUT_OK;
}

ScoutStatus sink_set_rate(Sink *sink, int rate, int64_t position, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    if (sink->resampler)
        status = sink_finish(sink, error);
    if (status)
        return status;
    sink_done(sink);
    sink->rate = rate;
    sink->position = position;
    return resampler_new(rate, OUT_RATE, &sink->resampler, error);
}

static ScoutStatus resample(Sink *sink, const float *samples, size_t count, ScoutError *error)
{
    float out[PIECE_SAMPLES];
    size_t taken;
    size_t given;
    do {
        ScoutStatus status = resampler_process(sink->resampler, samples, count, &taken, out,
                                               PIECE_SAMPLES, &given, error);
        if (status)
            return status;
        emit(sink, out, (int64_t)given);
        samples += taken;
        count -= taken;
    } while (count && !sink->full);
    return SCOUT_OK;
}

ScoutStatus sink_feed(Sink *sink, const float *samples, int64_t count, ScoutError *error)
{
    static const float silence[PIECE_SAMPLES];
    int64_t early = sink->base_s * sink->rate - sink->position;
    if (early > 0) {
        int64_t dropped = early < count ? early : count;
        sink->position += dropped;
        count -= dropped;
        samples = samples ? samples + dropped : NULL;
    }
    while (count > 0 && !sink->full) {
        size_t piece = count < PIECE_SAMPLES ? (size_t)count : PIECE_SAMPLES;
        ScoutStatus status = resample(sink, samples ? samples : silence, piece, error);
        if (status)
            return status;
        sink->position += (int64_t)piece;
        count -= (int64_t)piece;
        samples = samples ? samples + piece : NULL;
    }
    return SCOUT_OK;
}
