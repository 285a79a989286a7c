// A model made up for tests, in the place of models/: it offers the functions of models/whisper.h,
// tokenizer.h and silero.h that speech/ calls, over a small vocabulary, and says what a script
// makes it say. So the rules, the searches and the whole transcriber are tested without weights.
#ifndef TESTS_SPEECH_FAKE_MODELS_H
#define TESTS_SPEECH_FAKE_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/silero.h"
#include "models/tokenizer.h"
#include "models/whisper.h"

enum {
    FAKE_TEXT = 64, // text tokens 0 .. 63
    FAKE_END = FAKE_TEXT,
    FAKE_START,
    FAKE_LANGUAGE, // 4 of them: en, zh, de, es
    FAKE_LANGUAGES = 4,
    FAKE_TRANSLATE = FAKE_LANGUAGE + FAKE_LANGUAGES,
    FAKE_TRANSCRIBE,
    FAKE_START_OF_LM,
    FAKE_START_OF_PREV,
    FAKE_NO_SPEECH,
    FAKE_NO_TIMESTAMPS,
    FAKE_TIMESTAMP,
    FAKE_VOCAB = FAKE_TIMESTAMP + BPE_TIMESTAMPS,
    FAKE_BLANK = 0,               // " "
    FAKE_BRACKET = 1,             // " [", a non-speech token
    FAKE_WORD = 2,                // " a" .. " z"
    FAKE_PIECE = FAKE_WORD + 26,  // "a" .. "z"
    FAKE_COMMA = FAKE_PIECE + 26, // ","
    FAKE_STOP,                    // "."
    FAKE_HALF_CHARACTER,          // the first two bytes of a character of three
    FAKE_REST_CHARACTER           // its third
};

// What the model does: fill logits[FAKE_VOCAB] (all 0 when called) for the token that follows
// tokens[count], the prompt included. mel is the window that was encoded, [frames][80].
typedef void (*FakeScript)(void *context, const float *mel, size_t frames, const int32_t *tokens,
                           size_t count, float *logits);

typedef struct FakeModel {
    FakeScript script;
    void *context;
    size_t encodes;     // windows encoded so far
    size_t last_frames; // of the last window
    size_t decode_calls, decode_rows;
    size_t calls_until_failure;     // whisper_decode fails with IO when it comes to 0; 0: never
    size_t n_audio_ctx, n_text_ctx; // 0: 1500 and 448
    size_t n_vocab, n_mels;         // 0: FAKE_VOCAB and 80
    bool other_marks;               // its special tokens are not where the others are
} FakeModel;

// The one model of the test, and the one that drafts for it; whisper_* act on them.
WhisperModel *fake_model(FakeModel *model);
WhisperModel *fake_draft_model(FakeModel *model);
const Bpe *fake_bpe(void);
const Kernels *fake_kernels(void); // scalar

// Any Silero: speech is where samples are louder than 0.01 on average.
const Silero *fake_silero(void);

#endif
