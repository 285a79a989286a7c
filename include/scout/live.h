// Words while somebody speaks: sound in as it comes, text out as it becomes clear.
//
// A live stream turns sound into utterances. While one is spoken its text is told again and again:
// the settled part, which never changes any more, and a tentative rest. A moment after the speaker
// has stopped comes the final text. Voice activity decides where there is speech: silence costs
// next to nothing and gives no text, and every span that gave none is told of.
//
// Threads: sound may be pushed by any one thread at a time, which never waits for recognition. A
// thread of the stream's own computes and delivers the events, one at a time. Their receiver may
// take its time (sound that comes meanwhile is kept, see backlog_max_s) and push to other streams,
// but call nothing of its own stream but scout_live_cancel and scout_live_push. Any number of
// streams share an engine.
#ifndef SCOUT_LIVE_H
#define SCOUT_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include <scout/speech.h>
#include <scout/status.h>
#include <scout/text.h>

#ifdef __cplusplus
extern "C" {
#endif

// All times are seconds of sound pushed before, so text and sound cannot drift apart.
typedef enum ScoutLiveEventType {
    SCOUT_LIVE_LANGUAGE,       // u.language: once, when it is known
    SCOUT_LIVE_SPEECH_STARTED, // u.speech
    SCOUT_LIVE_PARTIAL,        // u.text
    SCOUT_LIVE_SPEECH_ENDED,   // u.speech: it is decided that the speaker has stopped
    SCOUT_LIVE_FINAL,          // u.text: the utterance's text. None, if there turned out to be none
    SCOUT_LIVE_COMMAND,        // u.command: as soon as it is settled, before the text that has it
    SCOUT_LIVE_SKIPPED,        // u.skipped: sound without text
    SCOUT_LIVE_DEGRADED,       // u.degraded: whenever it changes
    SCOUT_LIVE_PROGRESS        // u.progress
} ScoutLiveEventType;

typedef struct ScoutLiveSpeech {
    uint64_t utterance; // 0, 1, 2, ... in the stream
    double at_s;        // STARTED: where the speech begins; ENDED: where its last frame ends
    double known_s;     // how much sound had come when that was decided
} ScoutLiveSpeech;

typedef enum ScoutLiveCommandType {
    SCOUT_LIVE_SCRATCH, // what was said last is to be taken back
    SCOUT_LIVE_STOP     // "stop dictation"
} ScoutLiveCommandType;

// Something that was said to the program, not for the text. It belongs after the first `at_bytes`
// of the utterance's text; whoever writes that text writes as much of it, does what the command
// says, and goes on with the rest.
typedef struct ScoutLiveCommand {
    ScoutLiveCommandType type;
    uint64_t utterance; // in which it was said
    size_t at_bytes;
    size_t bytes, characters; // SCRATCH: the last so many of all that is written go (code points)
} ScoutLiveCommand;

// The text of an utterance, so far or final, as it is to be put after the text of those before it:
// it begins with the space or newline that separates them.
typedef struct ScoutLiveText {
    uint64_t utterance;
    double start_s, end_s; // of the sound that the text is of
    const char *text;      // UTF-8
    size_t settled_bytes;  // of the text: the beginning of every later text of this utterance
    // FINAL only: what the model wrote, before rules of text were applied. One or more.
    const ScoutSegment *segments;
    size_t segment_count;
    // What was said in the text up to settled_bytes; each has been an event of its own, too.
    const ScoutLiveCommand *commands;
    size_t command_count;
    int continues; // FINAL: the speaker goes on; the next utterance begins without any other event
} ScoutLiveText;

typedef enum ScoutLivePace {
    SCOUT_LIVE_FULL,       // partial texts as often as asked for
    SCOUT_LIVE_SLOWER,     // less often: the machine is busy or slow
    SCOUT_LIVE_FINALS_ONLY // none: what was said is caught up with first
} ScoutLivePace;

typedef struct ScoutLiveEvent {
    ScoutLiveEventType type;
    union {
        ScoutLanguage language;
        ScoutLiveSpeech speech;
        ScoutLiveText text;
        ScoutLiveCommand command;
        ScoutSkipped skipped;
        struct {
            ScoutLivePace pace;
            double backlog_s; // sound that has come and was not listened to yet
        } degraded;
        struct {
            double received_s; // sound that was listened to
            double settled_s;  // finals and skipped spans tell of everything before this
        } progress;
    } u;
} ScoutLiveEvent;

// Everything in an event is borrowed until the callback returns. Non-zero stops the stream: its
// calls return SCOUT_ERROR_CANCELLED.
typedef int (*ScoutLiveCallback)(void *context, const ScoutLiveEvent *event);

typedef struct ScoutLiveOptions {
    size_t size; // sizeof(ScoutLiveOptions), set by scout_live_options_init
    // Model, language, hotwords, words and so on; NULL: the defaults. Without effect here: start_s,
    // end_s, channel, max_seconds, batch_size, previous_tokens, condition_on_previous. vad has to
    // be on. The priority is SCOUT_PRIORITY_LIVE unless it is BACKGROUND.
    const ScoutTranscribeOptions *transcribe;
    const ScoutTextRules
        *rules;   // replacements and commands; NULL: none. Borrowed for the stream's life
    int partials; // nonzero (default): partial texts
    double partial_interval_s; // a new one at most this often; 0.1..10, default 0.3
    double partial_share; // of one processor that partial texts may take; 0.05..1, default 0.35
    double end_silence_s; // silence after which an utterance whose text is no whole sentence ends;
                          // 0.2..5, default 0.48. A whole one ends after half of it
    double utterance_max_s; // a longer one is told of in parts; 5..28, default 24
    double
        pre_roll_s; // sound before the first frame of speech that belongs to it; 0..2, default 0.5
    // Sound that may wait to be listened to: beyond a few seconds it lies in an unnamed file in
    // backlog_folder (NULL: $TMPDIR or /var/tmp). More is an error of scout_live_push, LIMIT.
    double backlog_max_s; // default 86400
    const char *backlog_folder;
    // Nonzero: sound is listened to when the texts of what came before it are found, however fast
    // it is pushed: a file gives the text that it would give if it were spoken now.
    int patient;
    double start_s; // the recording's time of the first sample pushed; all times count from it
} ScoutLiveOptions;

SCOUT_API void scout_live_options_init(ScoutLiveOptions *options);

typedef struct ScoutLive ScoutLive;

// Options are copied, but for the rules. Loads the models. callback may not be NULL.
SCOUT_API ScoutStatus scout_live_new(ScoutEngine *engine, const ScoutLiveOptions *options,
                                     ScoutLiveCallback callback, void *context, ScoutLive **live,
                                     ScoutError *error);

// Stops without finishing and frees; not from a callback.
SCOUT_API void scout_live_free(ScoutLive *live);

// samples: 16 kHz mono, -1..1, any count. Returns at once. When listening has failed or was
// cancelled, that is returned.
SCOUT_API ScoutStatus scout_live_push(ScoutLive *live, const float *samples, size_t count,
                                      ScoutError *error);
// The same for samples of 16 bits.
SCOUT_API ScoutStatus scout_live_push_s16(ScoutLive *live, const int16_t *samples, size_t count,
                                          ScoutError *error);

// Ends an utterance that is being spoken now, as if silence had followed what was pushed so far:
// for a key that was released. Returns at once.
SCOUT_API ScoutStatus scout_live_flush(ScoutLive *live, ScoutError *error);

// No more sound comes: waits until all of it was listened to and told of. Afterwards only
// scout_live_free is allowed.
SCOUT_API ScoutStatus scout_live_finish(ScoutLive *live, ScoutError *error);

// Sound that was pushed and not listened to yet, in seconds. Any thread.
SCOUT_API double scout_live_backlog_s(ScoutLive *live);

// Any thread; async-signal-safe.
SCOUT_API void scout_live_cancel(ScoutLive *live);

#ifdef __cplusplus
}
#endif

#endif
