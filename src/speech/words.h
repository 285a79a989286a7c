// Words and their times: tokens joined to words, punctuation joined to its word, times taken from
// the alignment and kept sane, as the reference does (OpenAI's timing.py), and then held inside the
// speech that was found. Pure but for the tokenizer.
#ifndef SPEECH_WORDS_H
#define SPEECH_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/tokenizer.h"

enum { WORDS_MAX = 448 };

// One word of a window: the text tokens first..end of those that were aligned.
typedef struct Word {
    size_t first, end;
    double start_s, end_s; // of the window
    float probability;
    bool joined; // it is part of its neighbour now (punctuation); its own range is empty
} Word;

// Splits count text tokens into words: at spaces and around punctuation, or, in languages written
// without spaces, at characters. Returns the number of words, at most WORDS_MAX (the last then
// takes the rest).
size_t words_split(const Bpe *bpe, const int32_t *tokens, size_t count, bool spaces, Word *words);

// Chinese, Japanese, Thai, Lao, Burmese and Cantonese: false.
bool words_language_has_spaces(const char *code);

// Gives each word its times and probability: starts[count + 1] are those of align_tokens for the
// text tokens and the end, in positions of 0.02 s; probabilities[count] belong to the tokens.
void words_place(Word *words, size_t word_count, const size_t *starts, const float *probabilities);

// The typical length of these words, at most 0.7 s; 0 if none has a length.
double words_median_s(const Word *words, size_t count);

// A word at the end or the beginning of a sentence that takes more than twice the typical time is
// cut to that: it has swallowed a pause.
void words_cut_pauses(const Bpe *bpe, const int32_t *tokens, Word *words, size_t count,
                      double median_s);

// Joins opening punctuation to the word that follows and closing punctuation to the one before.
void words_join_punctuation(const Bpe *bpe, const int32_t *tokens, Word *words, size_t count);

// The words of one piece against the times that the model wrote around it (start_s, end_s) and the
// end of the speech before it: the first and the last word do not swallow a pause. The piece's
// times become those of its words.
void words_fit_piece(Word *words, size_t count, double median_s, double last_speech_s,
                     double *start_s, double *end_s);

// Speech found by voice activity, in seconds of the window; ascending, disjoint.
typedef struct SpeechSpan {
    double start_s, end_s;
} SpeechSpan;

// Moves what lies outside speech inside it (span_count 0: anywhere), and makes the words strictly
// ordered: each at least 0.02 s long, none begins before the one before has ended, all within
// low_s..high_s. Where there is not that much room, they share what there is.
void words_hold_inside(Word *words, size_t count, const SpeechSpan *spans, size_t span_count,
                       double low_s, double high_s);

#endif
