// Voice activity: samples in, spans of speech and of no speech out, each with its evidence.
//
// Every sample pushed lies in exactly one span, in order and without gaps, so that what is not
// transcribed can be told of. Speech begins where the probability, averaged over a moment, reaches
// `onset`, and lasts until it has stayed below `offset` for a while; around it lies padding, so
// that no first or last sound is cut, and short pauses between speech belong to it. Spans are
// handed out as they are decided, long ones in pieces, and memory does not grow with the stream.
//
// Before the model hears it, the sound is brought to one loudness, slowly: it then finds speech at
// any level, and takes fewer other sounds for it (docs/speech-vad.md).
#ifndef SPEECH_VAD_H
#define SPEECH_VAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/silero.h"

enum { VAD_FRAME_SAMPLES = SILERO_FRAME_SAMPLES }; // one probability each, 32 ms

// docs/decisions/0006-voice-activity.md says where the defaults come from. Times are rounded up to
// frames.
typedef struct VadOptions {
    float onset;       // 0..1: mean probability at which speech begins
    float offset;      // 0..onset: below it a frame is silence
    int onset_ms;      // time over which that mean is taken; 0 (one frame) to 2000
    int hold_ms;       // silence after which speech has ended; 0..10000
    int pad_before_ms; // kept before the first frame of speech (the pre-roll); 0..10000
    int pad_after_ms;  // kept after the last one; 0..10000
    int min_gap_ms;    // a shorter pause between padded speech belongs to it; 0..10000
    int max_span_ms;   // a longer span is handed out in pieces; 32..600000
} VadOptions;

void vad_options_init(VadOptions *options);
// Another probability at which speech begins; where it ends follows in proportion.
void vad_options_set_onset(VadOptions *options, float onset);

typedef struct VadSpan {
    bool speech;
    bool continues;        // the next span is of the same kind: a piece of a longer one
    int64_t start_samples; // of the stream; a multiple of VAD_FRAME_SAMPLES
    int64_t end_samples;   // exclusive; a multiple, too, except at the end of the stream
    float probability_max; // over its frames, padding included
    float probability_mean;
    const float *probabilities; // [frame_count]; borrowed until the sink returns
    size_t frame_count;
} VadSpan;

// Gets each span once. A status other than OK ends the stream: the call in progress returns it, and
// so does every later one.
typedef ScoutStatus (*VadSink)(void *context, const VadSpan *span);

typedef struct Vad Vad; // one stream; one owner thread

// silero is borrowed. options may be NULL for the defaults and are copied; INVALID_ARGUMENT for a
// value out of its range. All memory is allocated here.
ScoutStatus vad_new(const Silero *silero, const VadOptions *options, VadSink sink, void *context,
                    Vad **vad, ScoutError *error);
void vad_free(Vad *vad);

// Any number of samples, 16 kHz mono. Spans that become certain are delivered before it returns.
// How the stream is cut into calls makes no difference to them.
ScoutStatus vad_push(Vad *vad, const float *samples, size_t count);

// Delivers what is left; the last span ends with the last sample. A stream without samples has no
// span. Afterwards the stream begins anew at sample 0.
ScoutStatus vad_flush(Vad *vad);

// What is known of the span that has not been delivered yet: how much of it is decided already
// (start_samples..end_samples), for text while somebody speaks. A span of no frames when nothing
// is. Its probabilities are borrowed until the next call.
VadSpan vad_pending(const Vad *vad);

// Whether the last frame is inside speech, before padding: it has begun and not been silent for
// hold_ms.
bool vad_is_speaking(const Vad *vad);

// Where the speech began that is going on, or was the last: its first frame, without padding; -1
// before any.
int64_t vad_onset_samples(const Vad *vad);

// Silence since the last frame of speech, in samples; 0 while there is speech, and before any.
int64_t vad_silence_samples(const Vad *vad);

// The longest that a sample waits between being pushed and being decided, in samples. Delivery
// may take until its span ends or exceeds max_span_ms.
size_t vad_delay_samples(const Vad *vad);

#endif
