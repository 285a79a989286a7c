// What else the model could have written in the place of each word: the text is shown to it once
// more, and where it thought of other tokens than the written ones, those are completed to words.
// Only the search; the window says which run, prompt and words. One owner thread, the schedule's
// turn held during alternatives_find.
#ifndef SPEECH_ALTERNATIVES_H
#define SPEECH_ALTERNATIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "models/whisper.h"
#include "rules.h"
#include "speech/turn.h"
#include "words.h"
#include <scout/speech.h>

typedef struct Alternatives Alternatives;

// limit: alternatives a word, 1..SCOUT_ALTERNATIVES_MAX. Takes all the memory it will need, about
// 16 rows of logits.
ScoutStatus alternatives_new(const WhisperModel *whisper, size_t limit, Alternatives **alternatives,
                             ScoutError *error);
void alternatives_free(Alternatives *alternatives); // NULL is allowed

typedef struct AlternativesTask {
    WhisperRun *run;
    size_t audio;          // of the run: the window
    size_t sequence;       // this one and `width` after it are overwritten
    size_t width;          // words that are completed at once, at least 1
    const Rules *rules;    // for the tokens that are never written
    const int32_t *prompt; // the marks before the text, at least one
    size_t prompt_count;
    const int32_t *tokens; // the text, without timestamps; it fits n_text_ctx with the prompt
    size_t count;
    const Word *words; // of the tokens
    size_t word_count;
    bool spaces; // as for words_split
    Turn *turn;
} AlternativesTask;

typedef struct WordAlternatives {
    const ScoutAlternative *items; // in the arena; NULL for none
    size_t count;
} WordAlternatives;

// found[word_count]: for each word at most `limit` others, most probable first, none below 0.001.
// They are written as the word is, with the punctuation that is joined to it, and differ from it
// and from one another in more than case and punctuation. *rows grows by the decoder rows it took.
ScoutStatus alternatives_find(Alternatives *alternatives, const AlternativesTask *task,
                              Arena *arena, WordAlternatives *found, size_t *rows,
                              ScoutError *error);

#endif
