// Samples in, events out: voice activity, windows, decoding with every rule of the reference, word
// times. One transcriber a recording, one owner thread. Knows no device and no file.
//
// The types of options and events are the public ones of include/scout/speech.h; here the options
// are already validated and the models loaded.
#ifndef SPEECH_TRANSCRIBER_H
#define SPEECH_TRANSCRIBER_H

#include <stddef.h>

#include "base/cancel.h"
#include "base/status.h"
#include "models/silero.h"
#include "speech/batch.h"
#include "speech/schedule.h"
#include <scout/speech.h>

typedef struct TranscriberSetup {
    Batch *batch;         // of the model; shared with other streams, as the schedule is
    Batch *draft;         // of the model that guesses ahead; NULL: none
    const Silero *silero; // NULL when options->vad is 0
    Schedule *schedule;
    const ScoutTranscribeOptions *options; // copied; start_s and end_s are times of the recording
    double
        origin_s; // the recording's time of the first sample pushed; all event times count from it
    ScoutEventCallback callback;
    void *context;
    const Cancel *cancel; // borrowed; may be NULL
} TranscriberSetup;

typedef struct Transcriber Transcriber;

// INVALID_ARGUMENT for a language, task, prompt or draft this model cannot do (the sentence says
// which).
ScoutStatus transcriber_new(const TranscriberSetup *setup, Transcriber **transcriber,
                            ScoutError *error);
void transcriber_free(Transcriber *transcriber);

// Memory is bounded: at most one window and the voice activity's look-ahead are held.
ScoutStatus transcriber_push(Transcriber *transcriber, const float *samples, size_t count,
                             ScoutError *error);
ScoutStatus transcriber_finish(Transcriber *transcriber, ScoutError *error);

// Where the time went so far (audio_s, decode_s and total_s are left 0). Borrowed.
const ScoutTimings *transcriber_timings(const Transcriber *transcriber);

// Checks the numeric ranges and combinations of options; says which is wrong.
ScoutStatus transcribe_options_check(const ScoutTranscribeOptions *options, ScoutError *error);

#endif
