// A decoded window becomes segments: its text is cut at the model's timestamps, held against the
// evidence of voice activity, given word times if they are wanted, and reported in order. Also says
// where to go on, which is not always the window's end.
#ifndef SPEECH_PASSAGE_H
#define SPEECH_PASSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "plan.h"
#include "report.h"
#include "track.h"
#include "window.h"

// Text is not believed where voice activity found hardly any speech *and* the model found its own
// text improbable (docs/decisions/0008-evidence-of-speech.md): both are below these.
typedef struct PassageDoubt {
    float speech;  // mean probability of speech over the text's time
    float logprob; // mean log probability of its tokens
    bool whole;    // speech is looked for over all of the window, too: where it is one utterance
} PassageDoubt;

extern const PassageDoubt passage_doubt; // for windows with silence around the speech

typedef struct PassageSetup {
    const WhisperModel *whisper;
    const ScoutTranscribeOptions *options; // borrowed, as all here
    const Track *track;
    Report *report;
    Turn *turn;
    PassageDoubt doubt;
} PassageSetup;

typedef struct Passage Passage;

ScoutStatus passage_new(const PassageSetup *setup, Passage **passage, ScoutError *error);
void passage_free(Passage *passage); // NULL is allowed

typedef struct PassageOutcome {
    int64_t resume;        // the next window begins here or later; everything before is told of
    const int32_t *tokens; // what was reported as text; borrowed until the next call
    size_t token_count;
} PassageOutcome;

// plan is what was decoded, window with which result. The schedule's turn is taken where it is
// needed, and given back before events are sent: their receiver may take its time.
ScoutStatus passage_tell(Passage *passage, Window *window, const Plan *plan, size_t language,
                         const WindowResult *result, PassageOutcome *outcome, ScoutError *error);

#endif
