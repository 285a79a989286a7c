// One window of sound, at most 30 s, through the model: log-mel, encoder, the prompt, the search
// with its temperatures, and the judgement whether the text may be believed. Holds the model's run;
// one owner thread, the schedule's turn held during every call.
#ifndef SPEECH_WINDOW_H
#define SPEECH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alternatives.h"
#include "base/arena.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "hotwords.h"
#include "models/whisper.h"
#include "turn.h"
#include "words.h"
#include <scout/speech.h>

enum { WINDOW_SAMPLES_MAX = 480000, WINDOW_PREFIX_MAX = 100 };

typedef struct WindowSetup {
    const WhisperModel *whisper;
    ThreadPool *pool;
    const ScoutTranscribeOptions *options; // borrowed, as all that follows
    const Hotwords *hotwords;              // may be NULL
    Turn *turn;
    ScoutTimings *timings; // added to
} WindowSetup;

typedef struct Window Window;

ScoutStatus window_new(const WindowSetup *setup, Window **window, ScoutError *error);
void window_free(Window *window); // NULL is allowed

// Encodes the samples; they stay borrowed until the next call of this. The encoder sees them and a
// second of silence after them, not the 30 s that the model was trained on; window_decode falls
// back to those when a text from less is not good. `whole`: 30 s from the start.
ScoutStatus window_load(Window *window, const float *samples, size_t count, bool whole,
                        ScoutError *error);

// Log probabilities of the languages (index of models/tokenizer.h) for the window, which was loaded
// whole: the model learned to tell languages on 30 s, and does so worse on less. -INFINITY for
// languages that it does not know. logprobs[language_count()].
ScoutStatus window_detect_language(Window *window, float *logprobs, ScoutError *error);

typedef struct WindowTask {
    const int32_t *previous; // text before this window; the last tokens of it that fit are used
    size_t previous_count;
    const int32_t *prefix; // the text begins with it; at most WINDOW_PREFIX_MAX
    size_t prefix_count;
    size_t language; // index; ignored by English-only models
    uint64_t place;  // of the window in its stream: sampling repeats for the same seed and place
} WindowTask;

typedef enum WindowVerdict {
    WINDOW_TEXT,
    WINDOW_SILENT, // the model doubts that there is speech, and its own text
    WINDOW_LOOP    // every pass repeats itself
} WindowVerdict;

typedef struct WindowResult {
    WindowVerdict verdict;
    const int32_t *tokens; // without the end; borrowed until the next call
    size_t count;
    bool ended;    // the model closed its text; false: it ran out of room
    bool reliable; // one of the passes met every threshold
    float avg_logprob, compression_ratio, no_speech_prob, temperature;
} WindowResult;

ScoutStatus window_decode(Window *window, const WindowTask *task, WindowResult *result,
                          ScoutError *error);

// Aligns text tokens (no timestamps) with the loaded window: starts[count + 1] in positions of
// 0.02 s, the last one the end of the last token; probabilities[count] of each token.
ScoutStatus window_align(Window *window, size_t language, const int32_t *tokens, size_t count,
                         size_t *starts, float *probabilities, ScoutError *error);

// What else the model could have written in the place of each of the words, which are of those
// tokens: found[word_count], in the arena; alternatives.h. Needs options->alternatives > 0.
ScoutStatus window_alternatives(Window *window, size_t language, const int32_t *tokens,
                                size_t count, const Word *words, size_t word_count, Arena *arena,
                                WordAlternatives *found, ScoutError *error);

#endif
