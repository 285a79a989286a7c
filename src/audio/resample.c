// Resampling by libsoxr: see resample.h.
#include "audio/resample.h"

#include <soxr.h>
#include <string.h>

#include "base/memory.h"

struct Resampler {
    soxr_t soxr; // NULL when the rates are equal
};

ScoutStatus resampler_new(int rate_in, int rate_out, Resampler **resampler, ScoutError *error)
{
    if (rate_in < RESAMPLE_RATE_MIN || rate_in > RESAMPLE_RATE_MAX ||
        rate_out < RESAMPLE_RATE_MIN || rate_out > RESAMPLE_RATE_MAX)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "cannot convert %d Hz to %d Hz: rates from %d to %d Hz are supported",
                         rate_in, rate_out, RESAMPLE_RATE_MIN, RESAMPLE_RATE_MAX);
    Resampler *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    if (rate_in != rate_out) {
        soxr_error_t failure = NULL;
        soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        made->soxr = soxr_create(rate_in, rate_out, 1, &failure, &io, &quality, &runtime);
        if (failure || !made->soxr) {
            resampler_free(made);
            return error_no_memory(error);
        }
    }
    *resampler = made;
    return SCOUT_OK;
}

void resampler_free(Resampler *resampler)
{
    if (!resampler)
        return;
    if (resampler->soxr)
        soxr_delete(resampler->soxr);
    mem_free(resampler);
}

static ScoutStatus run(Resampler *resampler, const float *in, size_t count, size_t *taken,
                       float *out, size_t capacity, size_t *given, ScoutError *error)
{
    soxr_error_t failure = soxr_process(resampler->soxr, in, count, taken, out, capacity, given);
    if (failure)
        return error_set(error, SCOUT_ERROR_OUT_OF_MEMORY, "resampling failed: %s", failure);
    return SCOUT_OK;
}

ScoutStatus resampler_process(Resampler *resampler, const float *in, size_t count, size_t *taken,
                              float *out, size_t capacity, size_t *given, ScoutError *error)
{
    *taken = 0;
    *given = 0;
    if (resampler->soxr)
        return count ? run(resampler, in, count, taken, out, capacity, given, error) : SCOUT_OK;
    size_t copied = count < capacity ? count : capacity;
    if (copied)
        memcpy(out, in, copied * sizeof *out);
    *taken = copied;
    *given = copied;
    return SCOUT_OK;
}

ScoutStatus resampler_finish(Resampler *resampler, float *out, size_t capacity, size_t *given,
                             ScoutError *error)
{
    *given = 0;
    if (!resampler->soxr)
        return SCOUT_OK;
    return run(resampler, NULL, 0, NULL, out, capacity, given, error);
}
