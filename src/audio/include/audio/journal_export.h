// From a journal to a sound file whose frame n is the journal's frame n.
#ifndef AUDIO_JOURNAL_EXPORT_H
#define AUDIO_JOURNAL_EXPORT_H

#include "audio/journal.h"
#include "audio/sound_file.h"

typedef struct JournalExport {
    const char *journal;
    const char *sound; // the file to be made; one of that name is replaced
    SoundFormat format;
    // May be NULL: done goes from 0 to 1.
    void (*progress)(void *context, double done);
    void *context;
    const Cancel *cancel; // may be NULL
} JournalExport;

// Writes the sound file: gaps become silence of their length. *frames, which may be NULL, is how
// long it is. CANCELLED; else the errors of journal_playback.h and sound_file.h. On failure there
// is no new file.
ScoutStatus journal_export(const JournalExport *job, uint64_t *frames, ScoutError *error);

// Reads the sound file and compares it with the journal: each sample of FLAC and WAV, the number of
// frames of Opus. CORRUPT when they differ.
ScoutStatus journal_verify(const JournalExport *job, ScoutError *error);

#endif
