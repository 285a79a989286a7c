// Voice activity of a stream: frames, one loudness, Silero, and the rules of vad_spans.c.
#include "speech/vad.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "vad_spans.h"

enum { GROUP_FRAMES = 8, PADDING_MS_MAX = 10000, ONSET_MS_MAX = 2000 };

// The peak is brought to -8 dBFS. It falls by 12 dB a second while the sound is quieter, so that
// the gain follows a speaker but not a syllable. Amplification ends at 40 dB.
static const float LEVEL_TARGET = 0.398107f;
static const float LEVEL_LOWEST = 0.00398107f;
static const float LEVEL_HIGHEST = 10.0f;
static const float LEVEL_FALL = 0.956764f; // a frame: 10^(-12 * 0.032 / 20)

struct Vad {
    const Silero *silero;
    SileroState state;
    VadSpans spans;
    float level;            // the peak, falling
    int64_t samples_pushed; // of this stream
    size_t held;            // samples in `frames` that are no whole frame yet
    float frames[GROUP_FRAMES * VAD_FRAME_SAMPLES];
};

void vad_options_init(VadOptions *options)
{
    *options = (VadOptions){
        .onset = 0.5f,
        .offset = 0.1f,
        .onset_ms = 160,
        .hold_ms = 512,
        .pad_before_ms = 400,
        .pad_after_ms = 400,
        .min_gap_ms = 500,
        .max_span_ms = 30000,
    };
}

void vad_options_set_onset(VadOptions *options, float onset)
{
    options->offset *= onset / options->onset;
    options->onset = onset;
}

static ScoutStatus check_ms(const char *name, int value, int low, int high, ScoutError *error)
{
    if (value >= low && value <= high)
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                     "voice activity: %s is %d, but must be %d to %d", name, value, low, high);
}

static ScoutStatus check_options(const VadOptions *options, ScoutError *error)
{
    if (!(options->onset >= 0 && options->onset <= 1))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "voice activity: the onset probability must be 0 to 1");
    if (!(options->offset >= 0 && options->offset <= options->onset))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "voice activity: the offset probability must be 0 to the onset's");
    const struct {
        const char *name;
        int value, low, high;
    } times[] = {
        {"the onset's time in ms", options->onset_ms, 0, ONSET_MS_MAX},
        {"the hold in ms", options->hold_ms, 0, PADDING_MS_MAX},
        {"the padding before in ms", options->pad_before_ms, 0, PADDING_MS_MAX},
        {"the padding after in ms", options->pad_after_ms, 0, PADDING_MS_MAX},
        {"the shortest gap in ms", options->min_gap_ms, 0, PADDING_MS_MAX},
        {"the longest span in ms", options->max_span_ms, 32, 600000},
    };
    for (size_t i = 0; i < BASE_COUNT(times); i++) {
        const ScoutStatus status =
            check_ms(times[i].name, times[i].value, times[i].low, times[i].high, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

static void begin_stream(Vad *vad)
{
    vad->state = (SileroState){0};
    vad->level = 0;
    vad->samples_pushed = 0;
    vad->held = 0;
}

ScoutStatus vad_new(const Silero *silero, const VadOptions *options, VadSink sink, void *context,
                    Vad **vad, ScoutError *error)
{
    VadOptions chosen;
    vad_options_init(&chosen);
    if (options)
        chosen = *options;
    ScoutStatus status = check_options(&chosen, error);
    if (status != SCOUT_OK)
        return status;
    Vad *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->silero = silero;
    begin_stream(made);
    status = vad_spans_init(&made->spans, &chosen, sink, context, error);
    if (status != SCOUT_OK) {
        vad_free(made);
        return status;
    }
    *vad = made;
    return SCOUT_OK;
}

void vad_free(Vad *vad)
{
    if (!vad)
        return;
    vad_spans_done(&vad->spans);
    mem_free(vad);
}

// Brings one frame to the common loudness. Samples that are not numbers do not count.
static void level_frame(Vad *vad, float *frame)
{
    float peak = LEVEL_LOWEST;
    for (size_t i = 0; i < VAD_FRAME_SAMPLES; i++) {
        const float size = fabsf(frame[i]);
        peak = size > peak ? size : peak;
    }
    peak = BASE_MIN(peak, LEVEL_HIGHEST);
    vad->level = BASE_MAX(peak, vad->level * LEVEL_FALL);
    const float gain = LEVEL_TARGET / vad->level;
    for (size_t i = 0; i < VAD_FRAME_SAMPLES; i++)
        frame[i] *= gain;
}

static ScoutStatus process_frames(Vad *vad, size_t count)
{
    float probabilities[GROUP_FRAMES];
    for (size_t i = 0; i < count; i++)
        level_frame(vad, vad->frames + i * VAD_FRAME_SAMPLES);
    silero_steps(vad->silero, &vad->state, vad->frames, count, probabilities);
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < count && status == SCOUT_OK; i++)
        status = vad_spans_push(&vad->spans, probabilities[i]);
    return status;
}

ScoutStatus vad_push(Vad *vad, const float *samples, size_t count)
{
    ScoutStatus status = vad->spans.status;
    while (count > 0 && status == SCOUT_OK) {
        const size_t taken = BASE_MIN(BASE_COUNT(vad->frames) - vad->held, count);
        memcpy(vad->frames + vad->held, samples, taken * sizeof *samples);
        samples += taken;
        count -= taken;
        vad->held += taken;
        vad->samples_pushed += (int64_t)taken;
        const size_t whole = vad->held / VAD_FRAME_SAMPLES;
        status = process_frames(vad, whole);
        vad->held -= whole * VAD_FRAME_SAMPLES;
        memmove(vad->frames, vad->frames + whole * VAD_FRAME_SAMPLES,
                vad->held * sizeof *vad->frames);
    }
    return status;
}

ScoutStatus vad_flush(Vad *vad)
{
    ScoutStatus status = vad->spans.status;
    if (status == SCOUT_OK && vad->held > 0) {
        memset(vad->frames + vad->held, 0, (VAD_FRAME_SAMPLES - vad->held) * sizeof *vad->frames);
        status = process_frames(vad, 1);
    }
    if (status == SCOUT_OK)
        status = vad_spans_flush(&vad->spans, vad->samples_pushed);
    begin_stream(vad);
    return status;
}

VadSpan vad_pending(const Vad *vad)
{
    return vad_spans_pending(&vad->spans);
}

bool vad_is_speaking(const Vad *vad)
{
    return vad->spans.active;
}

int64_t vad_silence_samples(const Vad *vad)
{
    const VadSpans *const spans = &vad->spans;
    return spans->last < 0 ? 0 : (spans->frames - 1 - spans->last) * VAD_FRAME_SAMPLES;
}

int64_t vad_onset_samples(const Vad *vad)
{
    return vad->spans.first < 0 ? -1 : vad->spans.first * VAD_FRAME_SAMPLES;
}

size_t vad_delay_samples(const Vad *vad)
{
    return (size_t)(vad_spans_delay(&vad->spans) + 1) * VAD_FRAME_SAMPLES;
}
