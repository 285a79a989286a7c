// What `scout record` knows of the capture and of recordings that are being finished: events come
// in on their threads, the main thread takes out what is to be said.
#ifndef SCOUT_RECORD_VIEW_H
#define SCOUT_RECORD_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <scout/capture.h>

#include "base/attributes.h"

enum {
    RECORD_WORDS_BYTES = 200, // of the last words that are shown
    RECORD_TEXT_BYTES = 600,
    RECORD_NOTES_MAX = 64,
    RECORD_LINE_BYTES = 400,
};

typedef enum RecordTone { RECORD_NOTE, RECORD_WARNING, RECORD_ERROR } RecordTone;

typedef struct RecordNote {
    RecordTone tone;
    char text[RECORD_TEXT_BYTES];
} RecordNote;

typedef struct RecordView {
    pthread_mutex_t lock; // guards all of it
    pthread_cond_t more;  // folders or `ended` have changed
    bool recording;
    double start_s, at_s; // of the recording, of the sound so far; seconds of the capture
    float peak;
    double left_s; // that the disk has room for; negative: not known
    bool disk_full;
    ScoutCaptureState state;
    char message[RECORD_TEXT_BYTES]; // why there is no sound; empty: there is
    bool muted;
    char words[RECORD_WORDS_BYTES]; // settled, of the recording
    char partial[RECORD_WORDS_BYTES];
    RecordNote notes[RECORD_NOTES_MAX]; // to be said
    size_t note_count;
    char **folders; // to be finished
    size_t folder_count;
    bool ended;          // no more folders come
    char finishing[128]; // what of which recording; empty: nothing
    double done;
} RecordView;

void record_view_init(RecordView *view);
void record_view_done(RecordView *view);

// The events of a capture; context is the view. Never stops it.
int record_view_event(void *context, const ScoutCaptureEvent *event);

// Any thread. Beyond RECORD_NOTES_MAX that nobody has taken, the oldest is dropped.
void record_view_note(RecordView *view, RecordTone tone, const char *format, ...) BASE_PRINTF(3, 4);

// The oldest note, if there is one.
bool record_view_take_note(RecordView *view, RecordNote *note);

// The line that is redrawn in place.
void record_view_line(RecordView *view, char *out, size_t size);

// The next folder that is to be finished; waits for one; NULL when no more come. Free with
// mem_free.
char *record_view_take_folder(RecordView *view);
void record_view_end(RecordView *view);

// What is being finished; NULL: nothing any more.
void record_view_finishing(RecordView *view, const char *what, double done);

#endif
