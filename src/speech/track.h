// What has been heard and is still needed: the samples since some position, and what voice activity
// said of them. Positions are samples since the stream's beginning. One owner thread.
#ifndef SPEECH_TRACK_H
#define SPEECH_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "speech/vad.h"

typedef struct TrackSpan {
    int64_t start, end;
} TrackSpan;

typedef struct Track {
    float *samples; // those from `base` on
    size_t capacity;
    int64_t base, end;
    float *probabilities; // one a frame, from first_frame on; NULL without voice activity
    size_t frame_capacity, frame_count;
    int64_t first_frame;
    TrackSpan *spans; // of speech, ascending, joined where they touch
    size_t span_capacity, span_count;
    bool open;       // the last span goes on
    int64_t decided; // before this, all speech is among the spans
} Track;

// Room for `samples` samples at once. Without voice activity everything is speech.
ScoutStatus track_init(Track *track, size_t samples, bool voice_activity, ScoutError *error);
void track_done(Track *track);

// LIMIT when there is no room.
ScoutStatus track_append(Track *track, const float *samples, size_t count, ScoutError *error);
// Spans come in order and without gaps, as Vad delivers them.
ScoutStatus track_add_span(Track *track, const VadSpan *span, ScoutError *error);

// What lies before position is not asked for any more.
void track_forget(Track *track, int64_t position);

const float *track_samples(const Track *track, int64_t start);

// Samples of start..end that are speech.
int64_t track_speech(const Track *track, int64_t start, int64_t end);

// Samples of start..end in frames of at least this probability of speech, without any padding. With
// no voice activity all are.
int64_t track_voiced(const Track *track, int64_t start, int64_t end, float probability);

// Probability of speech over the frames that start..end touches; -1 for both without voice
// activity.
void track_probability(const Track *track, int64_t start, int64_t end, float *max, float *mean);

#endif
