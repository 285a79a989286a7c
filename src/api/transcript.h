// Collects a stream's events into the transcript that the caller keeps.
#ifndef API_TRANSCRIPT_H
#define API_TRANSCRIPT_H

#include "audio/decoder.h"
#include "base/arena.h"
#include "base/buffer.h"
#include <scout/speech.h>

struct ScoutTranscript {
    Arena arena; // every text, word and token below
    Buffer text;
    Buffer segments; // ScoutSegment[]
    Buffer skipped;  // ScoutSkipped[]
    ScoutDamage *damage;
    size_t damage_count;
    ScoutLanguage language;
    ScoutTimings timings;
    ScoutSource source;
    double duration_s;
};

ScoutStatus transcript_new(ScoutTranscript **transcript, ScoutError *error);

// Copies the event; progress is ignored. LIMIT when the transcript would pass its cap of 1 GiB.
ScoutStatus transcript_add(ScoutTranscript *transcript, const ScoutEvent *event, ScoutError *error);

ScoutStatus transcript_set_source(ScoutTranscript *transcript, const AudioDecoder *decoder,
                                  ScoutError *error);

#endif
