// What the parts of live text share: live.c listens (voice activity, where utterances begin and
// end), live_work.c finds their text, live_tell.c tells of it.
#ifndef SPEECH_LIVE_INTERNAL_H
#define SPEECH_LIVE_INTERNAL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "hints.h"
#include "lanes.h"
#include "passage.h"
#include "report.h"
#include "speech/live.h"
#include "speech/polish.h"
#include "speech/turn.h"
#include "speech/vad.h"
#include "track.h"
#include "utterance.h"
#include "votes.h"

enum { LIVE_UTTERANCES_MAX = 16 };

typedef enum JobKind {
    JOB_NONE,
    JOB_PARTIAL,
    JOB_FINAL // of an utterance that has ended, or that may be about to
} JobKind;

// The one window that is at work, the front of its lanes.
typedef struct Job {
    JobKind kind;
    Plan plan;
    int64_t voice_end; // of the utterance, when the job began
    bool forced;       // the text begins with what is settled, by force
    bool done;         // its text is known, and waits for the end of the utterance
    bool sentence;     // that text may end a sentence
    double cost_s;     // so far, of one processor
} Job;

struct Live {
    const WhisperModel *whisper;
    ScoutTranscribeOptions finals, partials; // of the two kinds of text
    ScoutLiveOptions options;
    ScoutLiveCallback callback;
    void *context;
    const Cancel *cancel;
    Turn turn;
    double threads;
    ScoutTimings timings;
    Hints hints;

    // Listening. Positions are samples since the first one pushed.
    Vad *vad;
    int64_t vad_origin; // where the voice activity's stream began
    Track track;
    float frame[VAD_FRAME_SAMPLES];
    size_t frame_fill;
    int64_t received;   // whole frames that were listened to
    int64_t last_voice; // the end of the last utterance's speech

    // Utterances that are not told of yet. The last one may be open.
    Utterance queue[LIVE_UTTERANCES_MAX];
    size_t first, count;
    uint64_t utterances;

    // Work.
    Lanes *final_lanes, *partial_lanes;
    Job job;
    int64_t partial_begun, final_begun; // when the last of each began
    double partial_cost_s, final_cost_s;
    Votes votes;
    size_t language;
    int64_t language_heard; // sound before this was asked for its language

    // Telling.
    Passage *passage;
    Report report;
    Arena kept;      // what the passage says of the utterance at hand
    Buffer segments; // ScoutSegment[]
    Buffer skipped;  // ScoutSkipped[]
    Buffer text, raw, scratch, told_text;
    Polish *polish;
    PolishRules *plain_rules; // where the caller has none: only what joins utterances
    ScoutLiveCommand commands[POLISH_EVENTS_MAX]; // of the utterance at hand
    size_t told_commands;
    uint64_t told_utterance; // of the last partial text, and 1
    size_t told_settled;     // bytes of it
    int64_t progress_received, progress_settled;

    ScoutLivePace pace;
    float language_probability;
    bool ending; // no more sound comes
    bool open;   // the last utterance of the queue is being spoken
    bool language_known, language_guessed, language_told;
    bool keeping; // events of the report are kept, not sent
    bool keep_failed;
};

static inline Utterance *live_at(Live *live, size_t index)
{
    return &live->queue[(live->first + index) % LIVE_UTTERANCES_MAX];
}

extern const PassageDoubt live_doubt;

double live_seconds(const Live *live, int64_t position);

// live.c: the open utterance ends, its sound at `end`; the speaker has stopped.
ScoutStatus live_end_utterance(Live *live, int64_t end, ScoutError *error);
// Silence since the last frame of speech, in samples.
int64_t live_silence(const Live *live);
// After so much silence, in samples, an utterance ends whose text is no whole sentence.
int64_t live_end_silence(const Live *live);

// live_tell.c. Each returns CANCELLED when the receiver wants to stop.
ScoutStatus live_send(Live *live, const ScoutLiveEvent *event, ScoutError *error);
// The text of the open utterance, if it is another than before.
ScoutStatus live_tell_partial(Live *live, const Utterance *utterance, ScoutError *error);
// Whether a text of these tokens begins with what is settled of the utterance.
bool live_begins_with_settled(Live *live, const Utterance *utterance, const int32_t *tokens,
                              size_t count);
// Takes the text of the front utterance from the window that is done. *rest: sound of it is left
// from there on, else its end.
ScoutStatus live_take_final(Live *live, int64_t *rest, ScoutError *error);
// All of the utterance was heard: tells of it.
ScoutStatus live_tell_final(Live *live, Utterance *utterance, ScoutError *error);
// What lies before `end` is silence.
ScoutStatus live_tell_silence(Live *live, int64_t end, ScoutError *error);
ScoutStatus live_tell_progress(Live *live, ScoutError *error);
ScoutStatus live_tell_language(Live *live, ScoutError *error);
// The text of the tokens, but for a character that is cut off. False when memory is out.
bool live_tokens_text(Live *live, const int32_t *tokens, size_t count, Buffer *text);
// A ScoutEventCallback whose context is the Live: what the report says.
int live_hear_report(void *context, const ScoutEvent *event);

#endif
