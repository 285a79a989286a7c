// The draft of a window's text: a smaller model of the same vocabulary guesses the next tokens, one
// after the other, and the large model computes its rows for all of them in one step. Only what
// the large model would have written itself is taken, so the text is its own to the last bit; a
// good guess saves it a step, a bad one costs it a row.
//
// Belongs to a window (window.h), which drives it; changed with the turn held.
#ifndef SPEECH_DRAFT_H
#define SPEECH_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/whisper.h"
#include "search.h"
#include "speech/batch.h"

enum { DRAFT_MAX = 8 }; // guesses a round

typedef struct Draft {
    Batch *batch; // of the draft model; NULL: nothing is drafted
    size_t place; // in that batch
    bool has_place;
    bool refused; // there was no place: the window does without
    bool encoded;
    WhisperEncoding *encoding; // in progress; NULL when none is
    size_t held; // tokens in its sequence: of the window's prompt and text, then guesses
    // Of the round, from one step of the large model to the next:
    size_t known; // tokens of prompt and text
    int32_t guesses[DRAFT_MAX];
    size_t count, limit;
    // What earlier rounds have taught:
    size_t depth;    // guesses of a round, at most
    size_t misses;   // rounds in a row without any right guess
    size_t rest;     // rounds to sit out
    size_t rest_for; // the next time that it has to
} Draft;

// What the draft goes on from.
typedef struct DraftText {
    const int32_t *prompt;
    size_t prompt_count;
    const int32_t *text; // after the prompt, without what the prompt holds of it
} DraftText;

// INVALID_ARGUMENT when the draft's tokens are not the model's, or its windows are of other sizes.
ScoutStatus draft_check(const WhisperModel *whisper, const WhisperModel *draft, ScoutError *error);

// A new window. The draft has no place yet.
void draft_open(Draft *draft);
void draft_close(Draft *draft); // gives its place back

// Whether the window's sound has to be encoded for it, and whether there is a place to do that in;
// where there is none, the window does without a draft.
bool draft_wants_encoding(const Draft *draft);
bool draft_try_place(Draft *draft);
void draft_note_encoded(Draft *draft);
void draft_forget_encoded(Draft *draft); // it is to be encoded otherwise

// The search begins, maybe again, after a prompt of so many tokens.
void draft_start(Draft *draft, size_t prompt_count);

// A round: draft_begin_round, draft_rows and draft_advance as long as there are rows, then the
// large model's step, and draft_end_round with how many of the guesses were right. Prompt and text
// are of `known` tokens together, and `room` more may be written, at least 1.
void draft_begin_round(Draft *draft, size_t known, size_t room);
// The rows to compute now, the last one with logits; 0: the guesses are complete, or the rows are
// more than `most`.
size_t draft_rows(const Draft *draft, const DraftText *text, WhisperRow *rows, size_t most);
// What the logits say.
void draft_advance(Draft *draft, SearchGuess guess, int32_t end);
void draft_end_round(Draft *draft, size_t right);

#endif
