// Collects what an engine tells of one input, and what an earlier run has told of it. One owner
// thread.
#ifndef SCOUT_DOCUMENT_H
#define SCOUT_DOCUMENT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"
#include "view.h"

typedef struct Document {
    Arena arena;
    Buffer segments; // of ScoutSegment
    Buffer skipped;  // of ScoutSkipped
    View view;       // shows what the buffers hold; its `file`, `model`, ... are the caller's
    ScoutSource source;
    ScoutTimings timings;
} Document;

void document_init(Document *document);
void document_done(Document *document);

// Copies a language, segment or skipped span; anything else is ignored. Times are rounded to
// milliseconds and segments numbered, so that a document put together from two runs is the same as
// one from a single run.
ScoutStatus document_add(Document *document, const ScoutEvent *event, ScoutError *error);

// What is only known at the end: source, damage, timings, duration. transcript may be NULL.
ScoutStatus document_finish(Document *document, const ScoutTranscript *transcript,
                            ScoutError *error);

// Forgets segments and skipped spans beyond the first so many.
void document_cut(Document *document, size_t segments, size_t skipped);

#endif
