// Speech to text: engines, streams, transcripts.
//
// An engine loads models and owns the threads that compute; make one a process. A stream turns one
// recording, pushed as samples, into events. scout_transcribe_file and scout_transcribe_samples are
// a stream that is fed for you.
//
// Threads: an engine may be used by any number of threads at once; a stream belongs to one thread
// at a time, except scout_stream_cancel, which any thread or signal handler may call. Events are
// delivered on the thread that calls scout_stream_push, scout_stream_finish or scout_transcribe_*.
// Their receiver may take its time, load models, and push to other streams, but not call anything
// of the stream they come from except scout_stream_cancel.
#ifndef SCOUT_SPEECH_H
#define SCOUT_SPEECH_H

#include <stddef.h>
#include <stdint.h>

#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SCOUT_SAMPLE_RATE = 16000 };

typedef enum ScoutCompute {
    SCOUT_COMPUTE_AUTO, // the fastest that the model's weights allow without loss of accuracy
    SCOUT_COMPUTE_F32,
    SCOUT_COMPUTE_BF16,
    SCOUT_COMPUTE_INT8
} ScoutCompute;

typedef enum ScoutTask { SCOUT_TASK_TRANSCRIBE, SCOUT_TASK_TRANSLATE } ScoutTask;

// ---------------------------------------------------------------------------------------- results

// Text that the model also considered in a word's place.
typedef struct ScoutAlternative {
    const char *text;  // UTF-8, as it would be written, without surrounding spaces
    float probability; // 0..1
} ScoutAlternative;

typedef struct ScoutWord {
    const char *text;      // UTF-8, with the space before it where the language has one
    double start_s, end_s; // seconds from the start of the recording
    float probability;     // 0..1, mean of its tokens
    const ScoutAlternative *alternatives; // most probable first, the written word not among them
    size_t alternative_count;
} ScoutWord;

typedef struct ScoutSegment {
    size_t id;             // 0, 1, 2, ... in a transcript
    double start_s, end_s; // seconds from the start of the recording
    const char *text;      // UTF-8, with its leading space where the model wrote one
    const char *language;  // ISO code, "en"
    const int32_t *tokens; // text tokens and timestamps as the model wrote them
    size_t token_count;
    float temperature;       // of the pass that was kept
    float avg_logprob;       // mean natural log probability a token
    float compression_ratio; // of the text, zlib
    float no_speech_prob;    // the model's own, for the window the segment is from
    float speech_prob; // voice activity, mean over the segment's time; -1 without voice activity
    const ScoutWord *words; // only when words were asked for
    size_t word_count;
} ScoutSegment;

typedef enum ScoutSkipReason {
    SCOUT_SKIP_NO_SPEECH,  // voice activity found no speech
    SCOUT_SKIP_SILENT,     // the model judged the window silent
    SCOUT_SKIP_UNRELIABLE, // every pass was repetitive or improbable
    // Before `start_s` or after `end_s` of the options. For files, what lies after end_s is not
    // decoded and not told of, and what lies before start_s only if the recording is that long.
    SCOUT_SKIP_OUTSIDE
} ScoutSkipReason;

// Audio that gave no text. Nothing is dropped without one of these.
typedef struct ScoutSkipped {
    double start_s, end_s;
    ScoutSkipReason reason;
    float speech_prob_max, speech_prob_mean; // voice activity; -1 when it was off
    float no_speech_prob, avg_logprob;       // the model's; -1 and 0 when it did not run
    const char *text; // for SILENT and UNRELIABLE: what was rejected; else NULL
} ScoutSkipped;

typedef struct ScoutLanguage {
    const char *code;  // "en"
    const char *name;  // "english"
    float probability; // 1 when it was given
} ScoutLanguage;

typedef enum ScoutEventType {
    // Once, before the first segment: at the first push where the language was given; else when it
    // is clear, which takes ten seconds of speech, or less where the model is very sure of it, and
    // at most the 30 s of sound after the first speech, whose text waits for it.
    SCOUT_EVENT_LANGUAGE,
    SCOUT_EVENT_SEGMENT,
    SCOUT_EVENT_SKIPPED,
    SCOUT_EVENT_PROGRESS
} ScoutEventType;

// Everything in an event is borrowed until the callback returns.
//
// A run that was stopped can be resumed by another. Everything told before a progress event lies
// before its `settled_s`, and nothing told after it does. So whoever resumes keeps what came before
// the last progress event, discards segments and skipped spans that came after it (the new run
// tells of that time again), and gives the new run the same options but for these:
// - start_s: settled_s;
// - language: the one that was detected, if there was a language event;
// - prefix: NULL, if a segment is kept;
// - previous_tokens: the tokens of the kept segments. Text of a temperature above 0.5 is no prompt
//   for what follows, nor is what came before it: only the tokens after the last such segment, and
//   no `prompt`, where there is one.
// The text is that of one run as far as this goes: a window that is listened to again may be cut
// otherwise. Segment ids begin at 0 again, and a file's time before settled_s is told of as
// SCOUT_SKIP_OUTSIDE.
typedef struct ScoutEvent {
    ScoutEventType type;
    union {
        ScoutLanguage language;
        ScoutSegment segment;
        ScoutSkipped skipped;
        struct {
            double received_s; // audio pushed so far
            double settled_s;  // no later event tells of anything before this
            double total_s;    // the length of a file as its header claims; 0 or less: unknown
        } progress;
    } u;
} ScoutEvent;

// Return non-zero to stop: the call in progress then returns SCOUT_ERROR_CANCELLED.
typedef int (*ScoutEventCallback)(void *context, const ScoutEvent *event);

// ----------------------------------------------------------------------------------------- engine

typedef struct ScoutEngine ScoutEngine;

typedef struct ScoutEngineOptions {
    size_t size;               // sizeof(ScoutEngineOptions), set by scout_engine_options_init
    const char *models_folder; // NULL: $SCOUT_MODELS_DIR, else $XDG_DATA_HOME/scout/models
    const char *cpu;     // kernel tier to allow at most, "avx2"; NULL: $SCOUT_CPU, else the best
    const char *decoder; // path of scout-decode; NULL: beside the program, else where installed
    int threads;         // 0: one for each processor; at most 256
    ScoutCompute compute;
    // Models that stay in memory when they are not in use: when another is loaded beyond so many,
    // the one unused for longest is given up. 0: 2.
    int models_max;
    // Nonzero: has the decoder's process ready (it takes some 20 ms) before the first recording
    // comes. For those who know that one will that is no plain WAV; otherwise it is done after one.
    int decoder_ahead;
} ScoutEngineOptions;

SCOUT_API void scout_engine_options_init(ScoutEngineOptions *options);

// options may be NULL. *engine is the caller's; free it after its streams.
SCOUT_API ScoutStatus scout_engine_new(const ScoutEngineOptions *options, ScoutEngine **engine,
                                       ScoutError *error);
SCOUT_API void scout_engine_free(ScoutEngine *engine);

// Loads a model now instead of on first use. NOT_FOUND, FORMAT, CORRUPT, OUT_OF_MEMORY,
// UNSUPPORTED.
SCOUT_API ScoutStatus scout_engine_load(ScoutEngine *engine, const char *model, ScoutError *error);

// Gives up the models that nobody has used for `idle_s` seconds, and returns freed memory to the
// system; a model is loaded again when it is wanted again. Returns how many. Any thread.
SCOUT_API size_t scout_engine_trim(ScoutEngine *engine, double idle_s);

// "avx512vnni", "avx2", ...; static storage.
SCOUT_API const char *scout_engine_kernels(const ScoutEngine *engine);
SCOUT_API int scout_engine_threads(const ScoutEngine *engine);

// ------------------------------------------------------------------------------------------
// streams

enum {
    SCOUT_TEMPERATURES_MAX = 16,
    SCOUT_BEAM_MAX = 16,
    SCOUT_ALTERNATIVES_MAX = 16,
    SCOUT_BATCH_MAX = 8
};

// Of those who want to compute at the same time, the higher priority goes first; equals share.
typedef enum ScoutPriority {
    SCOUT_PRIORITY_NORMAL,
    SCOUT_PRIORITY_LIVE,      // somebody speaks and waits for the words
    SCOUT_PRIORITY_BACKGROUND // only when nobody else computes
} ScoutPriority;

typedef struct ScoutTranscribeOptions {
    size_t size;          // sizeof(ScoutTranscribeOptions), set by scout_transcribe_options_init
    const char *model;    // name or path; NULL: "base"
    const char *language; // ISO code or English name; NULL or "auto": detected
    ScoutTask task;

    const char *prompt;          // text as if said before; gives names and style. NULL: none
    const char *prefix;          // the first window's text begins with it. NULL: none
    const char *const *hotwords; // words and phrases to favour; never written unless heard
    size_t hotword_count;        // at most 1,000, of at most 1,024 bytes each
    float hotword_boost;         // added to the logits along a phrase; 0..10, default 2

    int words;            // non-zero: word times
    int alternatives;     // per word, 0..SCOUT_ALTERNATIVES_MAX; implies words
    int beam_size;        // 1: greedy; default 5; at most SCOUT_BEAM_MAX
    int best_of;          // samples a temperature above 0; default 5; at most SCOUT_BEAM_MAX
    float patience;       // beam search stops at beam_size * patience finished; default 1
    float length_penalty; // Google NMT's alpha, 0..1; negative: mean log probability (default)
    float temperatures[SCOUT_TEMPERATURES_MAX]; // tried in turn; default 0, 0.2, ... 1
    size_t temperature_count;
    uint64_t seed; // of sampling; the same seed gives the same text

    float compression_ratio_threshold; // above: try the next temperature; default 2.4
    float logprob_threshold;           // below: try the next temperature; default -1
    float no_speech_threshold;         // with a low log probability: silence; default 0.6
    // Non-zero: earlier text is the prompt of the next. Spelling is more consistent then, and every
    // window has to wait for the one before. 0 (default): `prompt` is that of every window.
    int condition_on_previous;
    int suppress_non_speech; // non-zero (default): no brackets and note signs
    int timestamps;          // non-zero (default): the model writes segment times

    int vad;             // non-zero (default): text only where voice activity finds speech
    float vad_threshold; // probability at which speech begins, 0..1; 0: the default

    double start_s, end_s; // part of the recording; end_s 0: to its end
    int channel;           // files only: 1-based channel; 0: the mean of all
    double max_seconds;    // files only: cap on decoded audio; 0: 7 days

    // For a run that goes on where another stopped: the `tokens` of its segments, one after the
    // other, as if this run had written them. Only the last few hundred matter; any id the model
    // lacks is an error. NULL: none
    const int32_t *previous_tokens;
    size_t previous_token_count;

    ScoutPriority priority; // when others want to compute, too; default SCOUT_PRIORITY_NORMAL
    // How many windows of the recording are decoded at once, 1..SCOUT_BATCH_MAX. More are faster,
    // take more memory, and are heard before the first is told of. The text is the same. 0
    // (default): 4 for whole recordings, 1 for streams. With condition_on_previous always 1.
    int batch_size;
    int full_window; // non-zero: the model always hears 30 s, however short the sound: slower
    // A smaller model of the same vocabulary, by name or path, that guesses what the model writes
    // next, so that it takes fewer steps. The text is the model's alone, to the letter. For a
    // beam_size of 1; INVALID_ARGUMENT with more, or with another vocabulary. NULL (default): none
    const char *draft;
} ScoutTranscribeOptions;

SCOUT_API void scout_transcribe_options_init(ScoutTranscribeOptions *options);

typedef struct ScoutStream ScoutStream;

// Strings in options are copied. The model is loaded if it was not: UNSUPPORTED also for one that
// is not made for 30 s of sound and 448 tokens. callback may not be NULL.
SCOUT_API ScoutStatus scout_stream_new(ScoutEngine *engine, const ScoutTranscribeOptions *options,
                                       ScoutEventCallback callback, void *context,
                                       ScoutStream **stream, ScoutError *error);
SCOUT_API void scout_stream_free(ScoutStream *stream);

// samples: 16 kHz mono, -1..1, any count. Computes whenever enough has come, so it may take long.
// Memory stays bounded however much is pushed.
SCOUT_API ScoutStatus scout_stream_push(ScoutStream *stream, const float *samples, size_t count,
                                        ScoutError *error);

// Computes the rest. Afterwards only scout_stream_free is allowed.
SCOUT_API ScoutStatus scout_stream_finish(ScoutStream *stream, ScoutError *error);

// Makes the call in progress, and every later one, return SCOUT_ERROR_CANCELLED soon; a stream that
// was finished stays so, and its calls return STATE. Any thread; async-signal-safe.
SCOUT_API void scout_stream_cancel(ScoutStream *stream);

// ------------------------------------------------------------------------------------- transcripts

// A whole result. Immutable; everything in it is borrowed until scout_transcript_free.
typedef struct ScoutTranscript ScoutTranscript;

typedef struct ScoutTimings {
    double audio_s;  // length of the audio that was read
    double decode_s; // waiting for the file decoder
    double vad_s;    // voice activity
    double mel_s;
    double encoder_s;
    double decoder_s; // token decoding
    double align_s;   // word times and alternatives
    double total_s;   // wall time of the whole call
    size_t windows;   // encoder runs
    size_t tokens;    // decoder rows
    size_t fallbacks; // passes above the first temperature
    double draft_s;   // what the draft model did, encoder and all; in none of the above
    size_t drafted;   // tokens that it guessed and the model looked at
    size_t accepted;  // of them, those that were right
} ScoutTimings;

// What the source was, for files.
typedef struct ScoutSource {
    char container[64], codec[64];
    int sample_rate, channels;
    double claimed_duration_s; // what the header said; negative: nothing
} ScoutSource;

typedef struct ScoutDamage {
    double at_s;
    int to_end; // nothing after at_s could be decoded
    char message[192];
} ScoutDamage;

// A flag that stops a running scout_transcribe_* soon.
typedef struct ScoutCancel ScoutCancel;
SCOUT_API ScoutStatus scout_cancel_new(ScoutCancel **cancel, ScoutError *error);
SCOUT_API void scout_cancel_free(ScoutCancel *cancel);  // no call may be using it
SCOUT_API void scout_cancel_raise(ScoutCancel *cancel); // any thread; async-signal-safe

// callback and cancel may be NULL. The callback sees events as they come; when it returns non-zero
// or cancel is raised, the status is CANCELLED. Whenever the recording could be opened, also when
// the call fails later, *transcript is what was done so far, the caller's to free; otherwise it is
// NULL.
SCOUT_API ScoutStatus scout_transcribe_file(ScoutEngine *engine, const char *path,
                                            const ScoutTranscribeOptions *options,
                                            ScoutEventCallback callback, void *context,
                                            ScoutCancel *cancel, ScoutTranscript **transcript,
                                            ScoutError *error);
SCOUT_API ScoutStatus scout_transcribe_samples(ScoutEngine *engine, const float *samples,
                                               size_t count, const ScoutTranscribeOptions *options,
                                               ScoutEventCallback callback, void *context,
                                               ScoutCancel *cancel, ScoutTranscript **transcript,
                                               ScoutError *error);
SCOUT_API void scout_transcript_free(ScoutTranscript *transcript);

SCOUT_API const char *scout_transcript_text(const ScoutTranscript *transcript);
SCOUT_API const ScoutLanguage *scout_transcript_language(const ScoutTranscript *transcript);
SCOUT_API double scout_transcript_duration_s(const ScoutTranscript *transcript);
SCOUT_API const ScoutSegment *scout_transcript_segments(const ScoutTranscript *transcript,
                                                        size_t *count);
SCOUT_API const ScoutSkipped *scout_transcript_skipped(const ScoutTranscript *transcript,
                                                       size_t *count);
SCOUT_API const ScoutDamage *scout_transcript_damage(const ScoutTranscript *transcript,
                                                     size_t *count);
SCOUT_API const ScoutTimings *scout_transcript_timings(const ScoutTranscript *transcript);
SCOUT_API const ScoutSource *scout_transcript_source(const ScoutTranscript *transcript);

// The version of the library, "0.1.0"; static storage.
SCOUT_API const char *scout_version(void);

#ifdef __cplusplus
}
#endif

#endif
