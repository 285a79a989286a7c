// Recordings in folders: what a capture makes while it runs (a journal), and what is made of it
// when it is finished (a sound file, texts). docs/recording-folder.md describes the files.
//
// Threads: a recording is used by one thread at a time; different ones by any.
#ifndef SCOUT_RECORDING_H
#define SCOUT_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include <scout/speech.h>
#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ScoutRecordingState {
    SCOUT_RECORDING_LIVE,        // some process is making it now
    SCOUT_RECORDING_CLOSED,      // its journal is complete; it has no sound file yet
    SCOUT_RECORDING_INTERRUPTED, // its journal ends in the middle: a crash, a power cut
    SCOUT_RECORDING_FINISHED     // sound and text files are there
} ScoutRecordingState;

typedef struct ScoutRecordingInfo {
    ScoutRecordingState state;
    int64_t created_ms; // since 1970, UTC
    double duration_s;
    size_t channels;
    double settled_s; // text and skipped spans tell of everything before this, in every channel
    double missing_s; // sound that is known to be missing
    size_t texts, skipped;
} ScoutRecordingInfo;

typedef struct ScoutRecording ScoutRecording;

// NOT_FOUND when the folder holds no recording; CORRUPT when nothing of it can be read. One that is
// being made can be looked at, not changed.
SCOUT_API ScoutStatus scout_recording_open(const char *folder, ScoutRecording **recording,
                                           ScoutError *error);
SCOUT_API void scout_recording_free(ScoutRecording *recording);
SCOUT_API const ScoutRecordingInfo *scout_recording_info(const ScoutRecording *recording);

typedef enum ScoutSoundFormat {
    SCOUT_SOUND_FLAC,
    SCOUT_SOUND_OPUS, // in Ogg
    SCOUT_SOUND_WAV
} ScoutSoundFormat;

typedef struct ScoutRecordingOptions {
    size_t size; // sizeof(ScoutRecordingOptions), set by scout_recording_options_init
    ScoutSoundFormat sound;
    const ScoutTranscribeOptions *transcribe; // for what has no text yet; NULL: the defaults
    int skipped;      // nonzero: spans that were skipped are transcribed after all
    int keep_journal; // nonzero: it is not removed when everything else is on the disk
} ScoutRecordingOptions;

SCOUT_API void scout_recording_options_init(ScoutRecordingOptions *options);

// done: 0..1. Non-zero stops: what is done is kept, and another call goes on from there.
typedef int (*ScoutRecordingProgress)(void *context, const char *what, double done);

// Transcribes what is not told of yet, writes the sound file and the texts, and removes the journal
// when all that is safe on the disk. engine may be NULL when everything has its text. progress may
// be NULL. BUSY when the recording is being made.
SCOUT_API ScoutStatus scout_recording_finish(ScoutEngine *engine, ScoutRecording *recording,
                                             const ScoutRecordingOptions *options,
                                             ScoutRecordingProgress progress, void *context,
                                             ScoutError *error);

#ifdef __cplusplus
}
#endif

#endif
