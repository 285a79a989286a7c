// What a recording's journal says besides sound: the JSON of its records, written by captures and
// by what finishes a recording, read by recording_content.c. docs/recording-folder.md has the
// fields.
#ifndef API_RECORDING_NOTES_H
#define API_RECORDING_NOTES_H

#include "audio/journal.h"
#include <scout/live.h>
#include <scout/speech.h>

// The files of a recording's folder.
#define RECORDING_JOURNAL "journal"
#define RECORDING_SOUND   "sound" // and the extension of its format
#define RECORDING_TEXT    "text.txt"
#define RECORDING_JSON    "text.json"
#define RECORDING_ABOUT   "recording.json"

// Makes a new folder in root (which is made, too, if it is missing), named by the local date and
// time, and flushes it to the disk. *folder is freed with mem_free.
ScoutStatus recording_folder_make(const char *root, int64_t created_ms, char **folder,
                                  ScoutError *error);

// What live streams tell of a recording that is being made.
typedef struct RecordingNotes {
    Journal *journal;                       // borrowed
    double start_s;                         // where the recording begins on the streams' clock
    uint64_t settled[JOURNAL_CHANNELS_MAX]; // what was put down last, in frames; 0 at first
} RecordingNotes;

// Puts down language, finals, commands, skipped spans and how far they reach; other events are
// nothing to be kept. Events of one stream in their order.
ScoutStatus recording_note_live(RecordingNotes *notes, uint32_t channel,
                                const ScoutLiveEvent *event, ScoutError *error);

// Something that happened to the sound: kind is one word ("device_lost", "gap", "overrun",
// "paused", "muted", "disk_full"), detail a sentence or NULL.
ScoutStatus recording_note_mark(Journal *journal, const char *kind, uint64_t position, uint64_t end,
                                const char *detail, ScoutError *error);

// A final text of a stream without utterances, such as a recovery's; `skipped`: it was found in a
// span that had been skipped. Times count from the recording's first frame.
ScoutStatus recording_note_segment(Journal *journal, uint32_t channel, const ScoutSegment *segment,
                                   bool skipped, ScoutError *error);
ScoutStatus recording_note_skipped(Journal *journal, uint32_t channel, const ScoutSkipped *skipped,
                                   double start_s, ScoutError *error);
ScoutStatus recording_note_language(Journal *journal, uint32_t channel,
                                    const ScoutLanguage *language, ScoutError *error);
ScoutStatus recording_note_settled(Journal *journal, uint32_t channel, double settled_s,
                                   ScoutError *error);

// Texts and skipped spans that no settled record follows are void from here on: they are told
// again.
ScoutStatus recording_note_recovery(Journal *journal, ScoutError *error);

#endif
