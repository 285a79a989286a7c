// One window of sound, at most 30 s, through the model: log-mel, encoder, the prompt, the search
// with its temperatures, and the judgement whether the text may be believed. A window says which
// rows it needs computed and is told their logits, so that many windows can share each step: the
// lanes (lanes.h) drive it. One owner thread, but for window_look and window_advance.
#ifndef SPEECH_WINDOW_H
#define SPEECH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alternatives.h"
#include "base/arena.h"
#include "base/status.h"
#include "dsp/mel.h"
#include "hotwords.h"
#include "models/whisper.h"
#include "speech/batch.h"
#include "speech/turn.h"
#include "track.h"
#include "words.h"
#include <scout/speech.h>

enum { WINDOW_SAMPLES_MAX = 480000, WINDOW_PREFIX_MAX = 200 };

// What the windows of a stream share. Borrowed.
typedef struct WindowSetup {
    Batch *batch;
    Batch *draft; // of a model that guesses ahead (draft.h); NULL: none
    const ScoutTranscribeOptions *options;
    const Hotwords *hotwords; // may be NULL
    const Track *track;       // the sound
    Mel *mel;
    float *frames;  // [MEL_WINDOW_FRAMES][n_mels]: scratch
    Mel *draft_mel; // with `frames` of its own where the draft's n_mels is another, else the same
    float *draft_frames;
    Turn *turn;
    ScoutTimings *timings; // added to
    bool sized_only; // the model never hears 30 s for a text that is not good: it is a guess anyway
} WindowSetup;

typedef struct Window Window;

ScoutStatus window_new(const WindowSetup *setup, Window **window, ScoutError *error);
void window_free(Window *window); // NULL is allowed

// Begins with the sound start..end, which the track keeps until window_close. The encoder sees it
// and a second of silence after it, not the 30 s that the model was trained on; the window falls
// back to those when a text from less is not good. `whole`: 30 s from the start.
void window_open(Window *window, int64_t start, int64_t end, bool whole);
// Gives back what the window holds; harmless when it is not open.
void window_close(Window *window);

// A place in the batch, which encoding needs. The first waits for one: CANCELLED; the second
// returns false when there is none. Both do nothing when the window has one.
ScoutStatus window_take_place(Window *window, ScoutError *error);
bool window_try_place(Window *window);

// Whether the sound has to be encoded before anything else: after window_open, and later when 30 s
// of it turn out to be needed. A draft's is encoded when it is clear that text will be searched.
bool window_needs_encoding(const Window *window);

// Encodes; the window has a place. The turn is held afterwards; others may have had it in between.
ScoutStatus window_encode(Window *window, ScoutError *error);

// Log probabilities of the languages (index of models/tokenizer.h) for the window, which was opened
// whole and is encoded: the model learned to tell languages on 30 s, and does so worse on less.
// -INFINITY for languages that it does not know. logprobs[language_count()]. The turn is held.
ScoutStatus window_detect_language(Window *window, float *logprobs, ScoutError *error);

typedef struct WindowTask {
    const int32_t *previous; // text before this window; the last tokens of it that fit are used
    size_t previous_count;
    const int32_t *prefix; // the text begins with it; at most WINDOW_PREFIX_MAX
    size_t prefix_count;
    size_t language;   // index; ignored by English-only models
    uint64_t place;    // of the window in its stream: sampling repeats for the same seed and place
    bool plain;        // without timestamps, whatever the options say
    size_t tokens_max; // to be written, at most; 0: as many as there is room for
} WindowTask;

// What is to be written, of the window that is open; nothing of the task is kept.
void window_begin(Window *window, const WindowTask *task);

// The rows to compute now, at most `room`, else none: 0 when the window must be encoded first, when
// there is no room, and when it is done.
size_t window_rows(const Window *window, WhisperRow *rows, size_t room);
// The logits of the rows that want them, which stay until window_advance is over, by any thread;
// then once window_advance, by any thread while the turn is held.
void window_look(Window *window, size_t row, float *logits);
void window_advance(Window *window);

// Before the rows of a step come those of the draft, as long as there are any: the same
// conversation, for the draft's batch, with one row that wants logits.
size_t window_draft_rows(const Window *window, WhisperRow *rows, size_t room);
void window_draft_look(Window *window, float *logits);
void window_draft_advance(Window *window);

// A window that is done has given back its place, unless word times or alternatives are wanted.
bool window_is_done(const Window *window);

typedef enum WindowVerdict {
    WINDOW_TEXT,
    WINDOW_SILENT, // the model doubts that there is speech, and its own text
    WINDOW_LOOP    // every pass repeats itself
} WindowVerdict;

typedef struct WindowResult {
    WindowVerdict verdict;
    const int32_t *tokens; // without the end; borrowed until window_begin or window_free
    size_t count;
    bool ended;    // the model closed its text; false: it ran out of room
    bool reliable; // one of the passes met every threshold
    float avg_logprob, compression_ratio, no_speech_prob, temperature;
} WindowResult;

// When it is done. OUT_OF_MEMORY, or what went wrong in window_advance.
ScoutStatus window_result(const Window *window, WindowResult *result, ScoutError *error);

// Aligns text tokens (no timestamps) with the window, which is open: starts[count + 1] in positions
// of 0.02 s, the last one the end of the last token; probabilities[count] of each token. The turn
// is held.
ScoutStatus window_align(Window *window, size_t language, const int32_t *tokens, size_t count,
                         size_t *starts, float *probabilities, ScoutError *error);

// What else the model could have written in the place of each of the words, which are of those
// tokens: found[word_count], in the arena; alternatives.h. Needs options->alternatives > 0. The
// turn is held.
ScoutStatus window_alternatives(Window *window, size_t language, const int32_t *tokens,
                                size_t count, const Word *words, size_t word_count, Arena *arena,
                                WordAlternatives *found, ScoutError *error);

#endif
