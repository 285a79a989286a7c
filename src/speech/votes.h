// The language of a recording, by what the model thinks of one window after the other.
#ifndef SPEECH_VOTES_H
#define SPEECH_VOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "window.h"

typedef struct Votes {
    double *scores;  // sums of log probabilities
    int64_t speech;  // samples of speech in those sums
    float *logprobs; // of the window at hand
} Votes;

ScoutStatus votes_init(Votes *votes, ScoutError *error);
void votes_done(Votes *votes); // one that is zeroed is fine

// Asks the window, which holds `speech` samples of speech, was opened whole and is encoded. The
// turn is held.
ScoutStatus votes_add(Votes *votes, Window *window, int64_t speech, ScoutError *error);

// The language that all windows asked so far make most probable, and how probable. False when that
// is not certain enough to be settled: a second of speech alone is often mistaken.
bool votes_choose(const Votes *votes, size_t *language, float *probability);

#endif
