// One model's memory for decoding, shared by all streams that use it: places, each for one window
// (its encoded sound and the sequences of its texts), and decoder steps in which the rows of many
// windows, of one stream or of several, take one pass over the weights.
//
// Any thread; what touches the model's run needs the schedule's turn, as is said for each call.
#ifndef SPEECH_BATCH_H
#define SPEECH_BATCH_H

#include <stddef.h>

#include "base/status.h"
#include "base/thread_pool.h"
#include "models/whisper.h"
#include "speech/schedule.h"
#include "speech/turn.h"

enum {
    BATCH_PLACES_MAX = 64,   // windows at once, of all streams
    BATCH_PLACES_LATER = 40, // of them, at most, windows that their streams do not need next
    BATCH_ROWS_MAX = 512,    // rows of a step
    BATCH_LOGITS_MAX = 128   // of them, with logits
};

typedef struct Batch Batch;

// The model and the pool are borrowed; the pool is used only with the schedule's turn held.
ScoutStatus batch_new(const WhisperModel *whisper, ThreadPool *pool, Schedule *schedule,
                      Batch **batch, ScoutError *error);
void batch_free(Batch *batch); // nobody holds a place; NULL is allowed

// Nobody holds a place or will ask for one meanwhile: gives back what many places at once have
// taken. The little that one stream needs is kept.
void batch_rest(Batch *batch);

// A place for the window that a stream needs next; waits for one, without the turn, as long as
// there is none: the better priority first, then who came first. CANCELLED.
//
// Some places are kept for those of better priority, and some for windows that a stream needs next:
// so the places never all hold windows that others have to come before.
ScoutStatus batch_take_place(Batch *batch, Turn *turn, size_t *place, ScoutError *error);
// A place for a later window, without waiting: false when there is none to spare.
bool batch_try_place(Batch *batch, size_t *place);
// The place may be somebody else's at once. The encoding, if one was begun in the place and not
// freed, goes with it; NULL: none. The turn need not be held.
void batch_return_place(Batch *batch, size_t place, WhisperEncoding *encoding);

// Clears what returned places still hold, with the turn held: after it was taken, before a new
// place is used.
void batch_tidy(Batch *batch);

// The model's run. The audio of a place has its number, its sequences are 1 + SCOUT_BEAM_MAX
// from batch_first_sequence on. To be used with the turn held.
WhisperRun *batch_run(const Batch *batch);
const WhisperModel *batch_whisper(const Batch *batch);
size_t batch_first_sequence(size_t place);

typedef struct BatchRows {
    const WhisperRow *rows;
    size_t count; // at most BATCH_ROWS_MAX, of them at most BATCH_LOGITS_MAX with logits
    // Gets the logits of one row, which it may change and which stay until `advance` is over;
    // called on the pool's threads, for different rows at once. `row` counts the rows with logits.
    void (*look)(void *context, size_t row, float *logits);
    // When all were looked at: the one place where the caller's sequences may be changed. The turn
    // is held, maybe by another thread, for which the caller waits.
    void (*advance)(void *context);
    void *context;
} BatchRows;

// Computes the rows, has their logits looked at and advances, perhaps together with rows of other
// streams, which change nothing about the result. The turn need not be held; it may be passed on
// meanwhile, and may or may not be held afterwards. CANCELLED, or what whisper_decode says: then
// nothing was advanced.
ScoutStatus batch_decode(Batch *batch, Turn *turn, const BatchRows *rows, ScoutError *error);

#endif
