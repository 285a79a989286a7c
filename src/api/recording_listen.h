// Text for sound that has none yet: of a journal, or of spans of a finished recording.
#ifndef API_RECORDING_LISTEN_H
#define API_RECORDING_LISTEN_H

#include "audio/journal.h"
#include "audio/sound_file.h"
#include <scout/recording.h>

#include <jansson.h>

typedef struct RecordingListen {
    ScoutEngine *engine;
    const ScoutTranscribeOptions *transcribe; // NULL: the defaults
    const char *language;                     // known before; NULL or "": not
    ScoutRecordingProgress progress;          // may be NULL
    void *context;
} RecordingListen;

// Listens to a channel of the journal from a frame on, and appends what is found to it; a later
// call goes on from the last settled record.
ScoutStatus recording_listen_journal(const RecordingListen *listen, Journal *journal,
                                     const char *path, uint32_t channel, uint64_t from,
                                     ScoutError *error);

// Listens to the skipped spans of text.json in its sound file, voice activity off, and moves what
// is found to the utterances, marked "from_skipped"; a span is marked "listened" then, and not
// listened to again. When it stops in between, text_json has what was done so far.
ScoutStatus recording_listen_skipped(const RecordingListen *listen, const char *sound,
                                     json_t *text_json, ScoutError *error);

#endif
