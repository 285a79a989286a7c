// Samples and spans in memory of a fixed size: see track.h.
#include "track.h"

#include <assert.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

ScoutStatus track_init(Track *track, size_t samples, bool voice_activity, ScoutError *error)
{
    size_t frames = samples / VAD_FRAME_SAMPLES + 2;
    *track = (Track){.capacity = samples,
                     .frame_capacity = voice_activity ? frames : 0,
                     .span_capacity = frames / 2 + 2};
    track->samples = mem_aligned(samples, sizeof *track->samples);
    track->spans = mem_array(track->span_capacity, sizeof *track->spans);
    if (voice_activity)
        track->probabilities = mem_array(frames, sizeof *track->probabilities);
    if (!track->samples || !track->spans || (voice_activity && !track->probabilities)) {
        track_done(track);
        return error_no_memory(error);
    }
    if (!voice_activity) {
        track->span_count = 1;
        track->open = true;
    }
    return SCOUT_OK;
}

void track_done(Track *track)
{
    mem_free(track->samples);
    mem_free(track->spans);
    mem_free(track->probabilities);
    *track = (Track){0};
}

static ScoutStatus no_room(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_LIMIT,
                     "more sound waits to be transcribed than can be held");
}

ScoutStatus track_append(Track *track, const float *samples, size_t count, ScoutError *error)
{
    size_t held = (size_t)(track->end - track->base);
    if (count > track->capacity - held)
        return no_room(error);
    memcpy(track->samples + held, samples, count * sizeof *samples);
    track->end += (int64_t)count;
    if (!track->probabilities) {
        track->spans[0].end = track->end;
        track->decided = track->end;
    }
    return SCOUT_OK;
}

ScoutStatus track_add_span(Track *track, const VadSpan *span, ScoutError *error)
{
    assert(span->start_samples == track->decided);
    if (span->frame_count > track->frame_capacity - track->frame_count)
        return no_room(error);
    memcpy(track->probabilities + track->frame_count, span->probabilities,
           span->frame_count * sizeof *track->probabilities);
    track->frame_count += span->frame_count;
    track->decided = span->end_samples;
    track->open = span->speech && span->continues;
    if (!span->speech)
        return SCOUT_OK;
    size_t count = track->span_count;
    if (count > 0 && track->spans[count - 1].end == span->start_samples) {
        track->spans[count - 1].end = span->end_samples;
        return SCOUT_OK;
    }
    if (count == track->span_capacity)
        return no_room(error);
    track->spans[track->span_count++] = (TrackSpan){span->start_samples, span->end_samples};
    return SCOUT_OK;
}

static void forget_spans(Track *track, int64_t position)
{
    size_t gone = 0;
    if (track->span_count == 0)
        return;
    while (gone < track->span_count && track->spans[gone].end <= position &&
           !(track->open && gone + 1 == track->span_count))
        gone++;
    track->span_count -= gone;
    memmove(track->spans, track->spans + gone, track->span_count * sizeof *track->spans);
    if (track->span_count > 0)
        track->spans[0].start = BASE_MAX(track->spans[0].start, position);
}

void track_forget(Track *track, int64_t position)
{
    position = BASE_MIN(position, track->end);
    if (position <= track->base)
        return;
    size_t gone = (size_t)(position - track->base);
    size_t kept = (size_t)(track->end - position);
    memmove(track->samples, track->samples + gone, kept * sizeof *track->samples);
    track->base = position;
    forget_spans(track, position);
    int64_t frame = position / VAD_FRAME_SAMPLES;
    if (track->probabilities && frame > track->first_frame) {
        gone = BASE_MIN((size_t)(frame - track->first_frame), track->frame_count);
        track->frame_count -= gone;
        memmove(track->probabilities, track->probabilities + gone,
                track->frame_count * sizeof *track->probabilities);
        track->first_frame += (int64_t)gone;
    }
}

const float *track_samples(const Track *track, int64_t start)
{
    assert(start >= track->base && start <= track->end);
    return track->samples + (start - track->base);
}

int64_t track_speech(const Track *track, int64_t start, int64_t end)
{
    int64_t sum = 0;
    for (size_t i = 0; i < track->span_count; i++) {
        int64_t low = BASE_MAX(start, track->spans[i].start);
        int64_t high = BASE_MIN(end, track->spans[i].end);
        sum += low < high ? high - low : 0;
    }
    return sum;
}

// The frames that start..end touches, as far as they are known: [*first, *last).
static void known_frames(const Track *track, int64_t start, int64_t end, int64_t *first,
                         int64_t *last)
{
    *first = BASE_MAX(start / VAD_FRAME_SAMPLES - track->first_frame, (int64_t)0);
    *last = (end + VAD_FRAME_SAMPLES - 1) / VAD_FRAME_SAMPLES - track->first_frame;
    *last = BASE_MIN(*last, (int64_t)track->frame_count);
}

int64_t track_voiced(const Track *track, int64_t start, int64_t end, float probability)
{
    if (!track->probabilities)
        return BASE_MAX(end - start, (int64_t)0);
    int64_t first, last, sum = 0;
    known_frames(track, start, end, &first, &last);
    for (int64_t i = first; i < last; i++)
        sum += track->probabilities[i] >= probability ? VAD_FRAME_SAMPLES : 0;
    return sum;
}

void track_probability(const Track *track, int64_t start, int64_t end, float *max, float *mean)
{
    *max = *mean = -1;
    if (!track->probabilities)
        return;
    int64_t first, last;
    known_frames(track, start, end, &first, &last);
    if (first >= last)
        return;
    double sum = 0;
    for (int64_t i = first; i < last; i++) {
        sum += (double)track->probabilities[i];
        *max = BASE_MAX(*max, track->probabilities[i]);
    }
    *mean = (float)(sum / (double)(last - first));
}
