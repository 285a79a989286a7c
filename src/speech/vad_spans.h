// From probabilities of speech to spans: the rules of voice activity, without sound and without a
// model. Everything is counted in frames.
#ifndef SPEECH_VAD_SPANS_H
#define SPEECH_VAD_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "speech/vad.h"

enum {
    VAD_ONSET_FRAMES_MAX = 64,  // 2 s and a little
    VAD_REACH_BACK_FRAMES = 32, // how far before its onset speech may have begun, besides padding
};

typedef struct VadSpans {
    float onset, offset;
    int64_t onset_frames, hold_frames, pad_before_frames, pad_after_frames, min_gap_frames;
    int64_t max_span_frames;
    VadSink sink;
    void *context;
    ScoutStatus status; // the sink's, once it is not OK

    // Frames so far, and what is known of them: those before `decided` have their kind.
    int64_t frames;
    int64_t decided;
    bool active;       // inside speech
    int64_t first;     // first frame of the speech that is going on, or was last; -1 before any
    int64_t last;      // last frame of speech, -1 before any
    int64_t until;     // end of the padding after it; frames before are decided
    int64_t candidate; // where speech began if it turns out to be speech; -1 for nowhere
    int64_t candidate_pause;            // frames of silence at its end
    float recent[VAD_ONSET_FRAMES_MAX]; // probabilities of the last onset_frames, a ring

    // The span that is not delivered yet: frames pending..decided, of one kind.
    int64_t pending;
    bool pending_speech;
    float *probabilities; // [capacity], of the frames from `pending` on
    size_t capacity;
} VadSpans;

// options are valid. OUT_OF_MEMORY.
ScoutStatus vad_spans_init(VadSpans *spans, const VadOptions *options, VadSink sink, void *context,
                           ScoutError *error);
void vad_spans_done(VadSpans *spans);

// The next frame's probability.
ScoutStatus vad_spans_push(VadSpans *spans, float probability);

// Decides and delivers all frames; the stream ends at end_samples, inside the last frame. Then
// begins anew.
ScoutStatus vad_spans_flush(VadSpans *spans, int64_t end_samples);

VadSpan vad_spans_pending(const VadSpans *spans);

// The most frames that may be undecided after a push.
int64_t vad_spans_delay(const VadSpans *spans);

#endif
