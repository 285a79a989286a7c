// Words while somebody speaks: sound in as it comes, events out (include/scout/live.h). Knows no
// device, no file, no thread and no clock but that of the sound: whoever drives it pushes what has
// come and lets it work, a unit at a time, as long as there is something to do. So it hears new
// sound between any two units, and the same run can be repeated faster than it was spoken.
//
// One owner thread.
#ifndef SPEECH_LIVE_H
#define SPEECH_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/status.h"
#include "models/silero.h"
#include "speech/batch.h"
#include "speech/schedule.h"
#include <scout/live.h>

typedef struct LiveSetup {
    Batch *batch; // of the model; shared with other streams, as the schedule is
    const Silero *silero;
    Schedule *schedule;
    size_t threads; // that take part in computing: what a text costs is counted in all of them
    const ScoutTranscribeOptions *transcribe; // checked; copied
    const ScoutLiveOptions *options;          // checked; `transcribe` in it is not looked at
    ScoutLiveCallback callback;
    void *context;
    const Cancel *cancel; // borrowed; may be NULL
} LiveSetup;

typedef struct Live Live;

// INVALID_ARGUMENT for a language, task, prompt or prefix that this model cannot do.
ScoutStatus live_new(const LiveSetup *setup, Live **live, ScoutError *error);
void live_free(Live *live); // NULL is allowed

// How many samples may be pushed now: 0 when what was pushed has to be worked on first.
size_t live_room(const Live *live);

// Listens: voice activity, and what follows from it. Takes a small part of the sound's time.
ScoutStatus live_push(Live *live, const float *samples, size_t count, ScoutError *error);

// Does one unit of work: encodes a window, or decodes a step, or tells of a text. waiting_s: sound
// that has come but was not pushed yet; more than a moment of it slows partial texts down. *idle:
// there was nothing to do.
ScoutStatus live_work(Live *live, double waiting_s, bool *idle, ScoutError *error);

// Ends an utterance that is being spoken, as if silence followed.
ScoutStatus live_flush(Live *live, ScoutError *error);

// No more sound comes. What was pushed is told of by live_work, until it is idle.
ScoutStatus live_end(Live *live, ScoutError *error);

// Where the time went so far. Borrowed.
const ScoutTimings *live_timings(const Live *live);

void live_options_init(ScoutLiveOptions *options); // the defaults
// Checks ranges; says which is wrong.
ScoutStatus live_options_check(const ScoutLiveOptions *options, ScoutError *error);

#endif
