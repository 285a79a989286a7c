// The rules of voice activity.
//
// A run of frames at or above `offset` (pauses as long as the onset's window allowed) is a
// candidate. It becomes speech when the mean over the onset's window reaches `onset`, and then from
// its first frame on. Speech ends when hold_frames have been below `offset`. A frame is decided as
// soon as no later frame can change its kind: so a frame of no speech waits until it is farther
// back than any padding can reach.
#include "vad_spans.h"

#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

enum { FRAME_MS = 32 };

static int64_t to_frames(int ms)
{
    return (ms + FRAME_MS - 1) / FRAME_MS;
}

static void begin_stream(VadSpans *spans)
{
    spans->frames = 0;
    spans->decided = 0;
    spans->active = false;
    spans->first = -1;
    spans->last = -1;
    spans->until = 0;
    spans->candidate = -1;
    spans->candidate_pause = 0;
    memset(spans->recent, 0, sizeof spans->recent);
    spans->pending = 0;
    spans->pending_speech = false;
}

ScoutStatus vad_spans_init(VadSpans *spans, const VadOptions *options, VadSink sink, void *context,
                           ScoutError *error)
{
    *spans = (VadSpans){
        .onset = options->onset,
        .offset = options->offset,
        .onset_frames = BASE_MAX(to_frames(options->onset_ms), 1),
        .hold_frames = BASE_MAX(to_frames(options->hold_ms), 1),
        .pad_before_frames = to_frames(options->pad_before_ms),
        .pad_after_frames = to_frames(options->pad_after_ms),
        .min_gap_frames = to_frames(options->min_gap_ms),
        .max_span_frames = to_frames(options->max_span_ms),
        .sink = sink,
        .context = context,
        .status = SCOUT_OK,
    };
    begin_stream(spans);
    // A span is delivered when it grows past the maximum, and only then are frames forgotten. One
    // push decides at most what was undecided and its own frame.
    spans->capacity = (size_t)(spans->max_span_frames + vad_spans_delay(spans) + 2);
    spans->probabilities = mem_array(spans->capacity, sizeof *spans->probabilities);
    return spans->probabilities ? SCOUT_OK : error_no_memory(error);
}

void vad_spans_done(VadSpans *spans)
{
    mem_free(spans->probabilities);
    spans->probabilities = NULL;
}

int64_t vad_spans_delay(const VadSpans *spans)
{
    const int64_t reach = VAD_REACH_BACK_FRAMES + spans->pad_before_frames + spans->min_gap_frames;
    return BASE_MAX(reach, spans->hold_frames);
}

static VadSpan describe(const VadSpans *spans, int64_t end)
{
    VadSpan span = {
        .speech = spans->pending_speech,
        .start_samples = spans->pending * VAD_FRAME_SAMPLES,
        .end_samples = end * VAD_FRAME_SAMPLES,
        .probabilities = spans->probabilities,
        .frame_count = (size_t)(end - spans->pending),
    };
    double sum = 0;
    for (size_t i = 0; i < span.frame_count; i++) {
        sum += (double)span.probabilities[i];
        span.probability_max = BASE_MAX(span.probability_max, span.probabilities[i]);
    }
    if (span.frame_count > 0)
        span.probability_mean = (float)(sum / (double)span.frame_count);
    return span;
}

VadSpan vad_spans_pending(const VadSpans *spans)
{
    return describe(spans, spans->decided);
}

// Hands out frames pending..end and forgets them. Does nothing once the sink has failed.
static void deliver(VadSpans *spans, int64_t end, bool continues, int64_t cut_samples)
{
    if (end == spans->pending)
        return;
    VadSpan span = describe(spans, end);
    span.continues = continues;
    span.end_samples -= cut_samples;
    if (spans->status == SCOUT_OK)
        spans->status = spans->sink(spans->context, &span);
    memmove(spans->probabilities, spans->probabilities + span.frame_count,
            (size_t)(spans->frames - end) * sizeof *spans->probabilities);
    spans->pending = end;
}

// Frames decided..end are of this kind.
static void decide(VadSpans *spans, int64_t end, bool speech)
{
    if (end <= spans->decided)
        return;
    if (spans->pending_speech != speech)
        deliver(spans, spans->decided, false, 0);
    spans->pending_speech = speech;
    spans->decided = end;
    while (spans->decided - spans->pending > spans->max_span_frames)
        deliver(spans, spans->pending + spans->max_span_frames, true, 0);
}

static float recent_mean(const VadSpans *spans)
{
    float sum = 0;
    for (int64_t i = 0; i < spans->onset_frames; i++)
        sum += spans->recent[i];
    return sum / (float)spans->onset_frames;
}

static void begin_speech(VadSpans *spans, int64_t frame)
{
    int64_t start = BASE_MAX(spans->candidate - spans->pad_before_frames, spans->until);
    if (start - spans->until <= spans->min_gap_frames)
        start = spans->until;
    if (start > spans->until) // before that all is speech, and may reach beyond this frame
        decide(spans, start, false);
    spans->active = true;
    spans->first = spans->candidate;
    spans->last = frame;
    spans->candidate = -1;
}

static void follow_candidate(VadSpans *spans, int64_t frame, bool silent)
{
    if (!silent) {
        if (spans->candidate < 0)
            spans->candidate = frame;
        spans->candidate_pause = 0;
    } else if (spans->candidate >= 0 && ++spans->candidate_pause > spans->onset_frames) {
        spans->candidate = -1;
    }
    if (spans->candidate >= 0)
        spans->candidate = BASE_MAX(spans->candidate, frame + 1 - VAD_REACH_BACK_FRAMES);
    if (!silent && recent_mean(spans) >= spans->onset)
        begin_speech(spans, frame);
}

static void follow_speech(VadSpans *spans, int64_t frame, bool silent)
{
    if (!silent)
        spans->last = frame;
    if (frame - spans->last < spans->hold_frames)
        return;
    spans->active = false;
    spans->until = spans->last + 1 + spans->pad_after_frames;
}

// Decides what no later frame can change.
static void decide_certain(VadSpans *spans)
{
    if (spans->active) {
        decide(spans, BASE_MIN(spans->frames, spans->last + 1 + spans->pad_after_frames), true);
        return;
    }
    decide(spans, BASE_MIN(spans->frames, spans->until), true);
    const int64_t earliest = spans->candidate >= 0 ? spans->candidate : spans->frames;
    const int64_t padded = earliest - spans->pad_before_frames;
    if (padded - spans->until > spans->min_gap_frames)
        decide(spans, padded, false);
}

ScoutStatus vad_spans_push(VadSpans *spans, float probability)
{
    if (spans->status != SCOUT_OK)
        return spans->status;
    const int64_t frame = spans->frames++;
    spans->probabilities[frame - spans->pending] = probability;
    spans->recent[frame % spans->onset_frames] = probability;
    const bool silent = probability < spans->offset;
    if (spans->active)
        follow_speech(spans, frame, silent);
    else
        follow_candidate(spans, frame, silent);
    decide_certain(spans);
    return spans->status;
}

ScoutStatus vad_spans_flush(VadSpans *spans, int64_t end_samples)
{
    if (spans->status != SCOUT_OK)
        return spans->status;
    if (spans->active)
        spans->until = spans->last + 1 + spans->pad_after_frames;
    decide(spans, BASE_MIN(spans->frames, spans->until), true);
    const bool short_rest = spans->frames - spans->until <= spans->min_gap_frames;
    decide(spans, spans->frames, short_rest && spans->last >= 0);
    deliver(spans, spans->frames, false, spans->frames * VAD_FRAME_SAMPLES - end_samples);
    const ScoutStatus status = spans->status;
    begin_stream(spans);
    return status;
}
