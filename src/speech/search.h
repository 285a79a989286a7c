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
#include <scout/speech.h>

typedef struct SearchTask {
    WhisperRun *run;        // used while the schedule's turn is held
    size_t prompt_sequence; // holds the prompt; is not changed
    size_t work_sequence;   // this and the following width - 1 are overwritten
    const float *logits;    // [n_vocab], after the prompt; borrowed until search_begin returns
    const int32_t *begun;   // what the prompt holds of the text already (a prefix); likewise
    size_t begun_count;
    const Rules *rules;       // borrowed until the search is over, as the hotwords are
    const Hotwords *hotwords; // may be NULL

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

typedef struct Search Search; // the memory of a search; one owner thread, but for search_look

// For searches of at most these sizes; tokens_max counts those begun too.
ScoutStatus search_new(const WhisperModel *whisper, size_t width_max, size_t finished_max,
                       size_t tokens_max, Search **search, ScoutError *error);
void search_free(Search *search); // NULL is allowed

// A search is a conversation: search_begin, then, as long as search_rows asks for rows, their
// logits to search_look and one search_advance. Who computes the rows, and what with, is nothing to
// it.
void search_begin(Search *search, const SearchTask *task);

// The rows to compute now, at most `width` of the task, all with logits; 0: the search is over.
size_t search_rows(const Search *search, WhisperRow *rows);

// Looks at the logits of row `row` of search_rows, and changes them. Once for each row, in any
// order; rows may be looked at by several threads at once.
void search_look(Search *search, size_t row, float *logits);

// All rows were looked at: decides how the texts go on. The turn is held.
void search_advance(Search *search);

// Of a search at temperature 0 with a width of 1 that is not over: its text, which it goes on with,
// and how many more tokens it may write, at least 1. Borrowed until search_advance.
typedef struct SearchText {
    const int32_t *tokens; // those begun first
    size_t count;
    size_t room;
} SearchText;

void search_text(const Search *search, SearchText *text);

// A token that such a search would write, and its probability.
typedef struct SearchGuess {
    int32_t token; // negative: none could follow
    double probability;
} SearchGuess;

// What would follow if `ahead` were written already, count of them and fewer than there is room,
// and these were the logits then, which are changed. Changes nothing else; not while rows are
// looked at.
SearchGuess search_guess(Search *search, const int32_t *ahead, size_t count, float *logits);

// When the search is over.
void search_result(const Search *search, SearchResult *result);

// The mean log probability a token, the end counted as one.
double search_mean_logprob(const SearchResult *result);

#endif
