// The search for a window's text: beam search at temperature 0 (a beam of one is greedy), and the
// best of several samples above it, as the reference does both (OpenAI's decoding.py). Knows the
// model only as rows in, logits out.
#ifndef SPEECH_SEARCH_H
#define SPEECH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hotwords.h"
#include "models/whisper.h"
#include "rules.h"
#include "turn.h"
#include <scout/speech.h>

typedef struct SearchTask {
    WhisperRun *run;
    size_t prompt_sequence; // holds the prompt; is not changed
    size_t work_sequence;   // this and the following width - 1 are overwritten
    const float *logits;    // [n_vocab], after the prompt; borrowed
    const int32_t *begun;   // what the prompt holds of the text already (a prefix)
    size_t begun_count;
    const Rules *rules;
    const Hotwords *hotwords; // may be NULL
    Turn *turn;               // held

    size_t width;         // beams, or samples
    size_t finished;      // hypotheses that end a beam search: width * patience
    float temperature;    // 0: beam search
    Chance chance;        // of sampling
    float length_penalty; // negative: mean log probability
    size_t tokens_max;    // written at most
} SearchTask;

typedef struct SearchResult {
    const int32_t *tokens; // begun ones first, without the end; borrowed until the next search
    size_t count;
    double logprob; // of all that was written, the end included: the model's own, no boosts
    size_t written; // tokens without those begun and without the end
    bool ended;     // false: the room ran out
    size_t rows;    // decoder rows that were computed
} SearchResult;

typedef struct Search Search; // the memory of a search; one owner thread

// For searches of at most these sizes; tokens_max counts those begun too.
ScoutStatus search_new(size_t n_vocab, size_t width_max, size_t finished_max, size_t tokens_max,
                       Search **search, ScoutError *error);
void search_free(Search *search); // NULL is allowed

// CANCELLED, or what whisper_decode says.
ScoutStatus search_run(Search *search, const SearchTask *task, SearchResult *result,
                       ScoutError *error);

// The mean log probability a token, the end counted as one.
double search_mean_logprob(const SearchResult *result);

#endif
