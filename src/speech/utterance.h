// What is known of an utterance while it is spoken: its sound, the text that was heard in it last,
// and how much of that is settled. Pure.
#ifndef SPEECH_UTTERANCE_H
#define SPEECH_UTTERANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/tokenizer.h"

enum { UTTERANCE_TOKENS_MAX = 224, UTTERANCE_SETTLED_MAX = 180 };

typedef struct Utterance {
    uint64_t id;
    // Positions in the stream.
    int64_t start;     // of its sound, pre-roll included
    int64_t onset;     // its first frame of speech
    int64_t voice_end; // the end of its last frame of speech so far
    int64_t end;       // of its sound, once it has ended
    bool ended;
    bool cut; // it ended where it was full, in the middle of speech
    bool continues;

    int32_t tokens[UTTERANCE_TOKENS_MAX]; // of the last text; those settled first
    int64_t since[UTTERANCE_TOKENS_MAX];  // each was there, after the same ones, when the sound so
                                          // far ended here
    size_t count, settled_count;
    int64_t heard;         // the sound of that text ended here; 0: there is no text yet
    int64_t settled_until; // what is settled was said before this
} Utterance;

typedef struct UtteranceHearing {
    const int32_t *tokens; // text only; begins with those that are settled
    size_t count;
    int64_t heard;
    bool may_settle;
    bool spaces;   // the language puts them between words
    size_t guard;  // so many words at the end are never settled
    int64_t stays; // what is settled has stood in every text of this much sound
} UtteranceHearing;

// A new text of the utterance: words that have stood in all texts for long enough are settled.
void utterance_hear(Utterance *utterance, const Bpe *bpe, const UtteranceHearing *hearing);

// Whether the text may end a sentence.
bool utterance_is_sentence(const char *text, size_t length);

#endif
