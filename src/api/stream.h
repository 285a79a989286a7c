// A stream's inside, shared by stream.c and transcribe.c.
#ifndef API_STREAM_H
#define API_STREAM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "engine.h"
#include "speech/transcriber.h"

// The copies of a stream's option texts: 1,000 hotwords and two prompts fit many times over.
enum { STREAM_TEXT_MAX_BYTES = 8 << 20 };

struct ScoutStream {
    ScoutEngine *engine;
    EngineModel *model; // in use
    EngineModel *draft; // likewise; NULL: none
    Transcriber *transcriber;
    ScoutTranscribeOptions options; // its texts live in the arena
    Arena arena;
    Cancel cancel;
    bool finished;
};

// Defaults, the caller's struct over them, and the checks.
ScoutStatus stream_options(const ScoutTranscribeOptions *given, ScoutTranscribeOptions *options,
                           ScoutError *error);

// options are checked; origin_s is the recording's time of the first sample that will be pushed.
// cancel is borrowed; NULL means the stream's own flag.
ScoutStatus stream_open(ScoutEngine *engine, const ScoutTranscribeOptions *options, double origin_s,
                        const Cancel *cancel, ScoutEventCallback callback, void *context,
                        ScoutStream **stream, ScoutError *error);

#endif
