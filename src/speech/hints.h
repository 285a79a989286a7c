// What is known of a text before any sound was heard, as tokens: its language, text that came
// before it, how it begins, and phrases to favour.
#ifndef SPEECH_HINTS_H
#define SPEECH_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hotwords.h"
#include "models/whisper.h"
#include <scout/speech.h>

typedef struct Hints {
    bool language_known;
    size_t language; // index; meaningful when it is known
    int32_t *prompt; // text as if said before; NULL: none
    size_t prompt_count;
    int32_t *prefix; // the text begins with it; NULL: none
    size_t prefix_count;
    Hotwords *hotwords; // NULL: none
} Hints;

// Of the options; nothing of them is kept. INVALID_ARGUMENT for a language or task that the model
// cannot do, and for a prefix that is too long.
ScoutStatus hints_init(Hints *hints, const WhisperModel *whisper,
                       const ScoutTranscribeOptions *options, ScoutError *error);
void hints_done(Hints *hints); // one that is zeroed is fine

// Every Whisper model was trained on windows of 30 s and texts of 448 tokens, and all that is done
// with its output is made for these: UNSUPPORTED for any other.
ScoutStatus hints_check_model(const WhisperModel *whisper, ScoutError *error);

#endif
