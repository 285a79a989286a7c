// What `scout listen` writes: events of a capture in, bytes for standard output out. No device and
// no thread is known here. One owner thread.
#ifndef SCOUT_LISTEN_VIEW_H
#define SCOUT_LISTEN_VIEW_H

#include <stdbool.h>

#include <scout/capture.h>

#include "base/status.h"
#include "captions.h"
#include "document.h"
#include "writer.h"

typedef struct ListenViewOptions {
    WriterOptions writer; // the format
    bool terminal;        // standard output is one that understands escape sequences
    bool quiet;           // no status line
    bool utf8;            // the level may be drawn with block characters
    size_t columns, rows; // of the terminal
    bool two;             // two channels: you and they
    bool polished;        // rules of text were applied, so segments do not say what is written
    const char *model, *task;
    const json_t *told; // the options, for JSON
} ListenViewOptions;

typedef struct ListenView {
    ListenViewOptions options;
    Captions captions; // text
    Writer writer;     // the other formats
    Document document; // of JSON, which is written at the end
    double duration_s;
    size_t segments; // written
    char device[128];
    char message[512]; // why there is no sound now; empty: there is
    bool running;
    bool muted[CAPTION_CHANNELS_MAX];
    bool begun;
} ListenView;

// What is to be said besides, on standard error.
typedef struct ListenSaying {
    bool warning;
    char text[600]; // empty: nothing
} ListenSaying;

void listen_view_init(ListenView *view, const ListenViewOptions *options);
void listen_view_done(ListenView *view);

// Where bytes for standard output lie after each call; the caller takes them from there.
Buffer *listen_view_out(ListenView *view);

ScoutStatus listen_view_event(ListenView *view, const ScoutCaptureEvent *event,
                              ListenSaying *saying, ScoutError *error);

// After the last event.
void listen_view_end(ListenView *view);

#endif
