// Speech made up for the fake model: each word is a tone, its letter the tone's pitch. What the
// script hears is read from the log-mel that the model is given, so a test sees what really went
// in.
#ifndef TESTS_SPEECH_FAKE_SPEECH_H
#define TESTS_SPEECH_FAKE_SPEECH_H

#include "fake_models.h"

typedef struct FakeWord {
    double start_s, end_s;
    char letter; // a .. z
} FakeWord;

// count samples of silence with the words in it; free() it.
float *fake_speech(const FakeWord *words, size_t word_count, size_t count);

typedef struct FakeSpeaker {
    int language;        // what it hears when asked; index
    bool no_times;       // writes no timestamps of its own
    bool doubts;         // is unsure of every token, and of there being speech
    size_t repeats;      // says every text so many times more
    size_t unsure_below; // windows of fewer frames than this: the language is a guess
} FakeSpeaker;

// A FakeScript whose context is a FakeSpeaker: writes each word it hears as a segment of its own; a
// word that the window's end cuts gets no end.
void fake_speaker_script(void *context, const float *mel, size_t frames, const int32_t *tokens,
                         size_t count, float *logits);

#endif
