// Events out: segments and skipped spans that follow one another without gap or overlap, so that
// every sample of the stream is in exactly one of them. Positions are samples since the beginning
// of the wanted part, so they may be negative. One owner thread.
#ifndef SPEECH_REPORT_H
#define SPEECH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include <scout/speech.h>

typedef struct Report {
    ScoutEventCallback callback;
    void *context;
    double origin_s; // the recording's time of position 0
    int64_t told;    // everything before this was told of, but for `silence`
    size_t segments;

    // Silence that was found and not told of yet, as long as it may grow: it ends at `told`.
    ScoutSkipped silence;
    int64_t silence_start;
    bool silent;        // there is such silence
    double silence_sum; // of probability * samples

    int64_t progress_received, progress_settled;
} Report;

// The stream begins at position `start`.
void report_init(Report *report, ScoutEventCallback callback, void *context, double origin_s,
                 int64_t start);

double report_seconds(const Report *report, int64_t position);

// Each returns CANCELLED when the callback wants to stop.

ScoutStatus report_language(Report *report, const ScoutLanguage *language, ScoutError *error);

// told .. end was skipped; nothing if that is empty. start_s and end_s are filled in. Neighbouring
// NO_SPEECH without text becomes one event of at most five minutes.
ScoutStatus report_skipped(Report *report, int64_t end, const ScoutSkipped *skipped,
                           ScoutError *error);

// The text of told .. end. id, start_s and end_s are filled in.
ScoutStatus report_segment(Report *report, int64_t end, ScoutSegment *segment, ScoutError *error);

// Tells of silence that waits.
ScoutStatus report_flush(Report *report, ScoutError *error);

// received: the position up to which there was sound. An event only when something has moved: what
// is settled, or a second of received sound.
ScoutStatus report_progress(Report *report, int64_t received, ScoutError *error);

#endif
