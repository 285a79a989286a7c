// Opens a device, sees whether it runs, and opens it again when it does not: the thread behind a
// capture. It hands feeds to the consumer, one after the other, and says why there is none.
#ifndef AUDIO_CAPTURE_SUPERVISOR_H
#define AUDIO_CAPTURE_SUPERVISOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio/capture.h"
#include "base/wake.h"
#include "capture_driver.h"

enum {
    SUPERVISOR_LOOK_MS = 50,       // how often a running device is looked at
    SUPERVISOR_STALL_MS = 700,     // no frames for so long: it is lost
    SUPERVISOR_FIRST_MS = 1500,    // none at all since opening: said, and waited on
    SUPERVISOR_PATIENCE_MS = 4000, // and then opened again
    SUPERVISOR_RETRY_MIN_MS = 100,
    SUPERVISOR_RETRY_MAX_MS = 1000,
    SUPERVISOR_TAIL_LOOK_MS = 10,
    SUPERVISOR_TAIL_MS = 500, // after a stop, how long what was heard may take to come
    SUPERVISOR_FEEDS_MAX = 2  // one that is read to its end, and the next
};

// Why there is no sound now.
typedef struct SupervisorProblem {
    unsigned serial; // grows with each that is new; 0: none yet
    ScoutStatus status;
    char text[AUDIO_CAPTURE_TEXT_MAX];
} SupervisorProblem;

typedef struct Supervisor {
    AudioCaptureOptions options;
    const CaptureDriver *candidates[CAPTURE_CANDIDATES_MAX];
    size_t candidate_count;
    Wake *arrived; // the consumer's

    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    CaptureFeed *feeds[SUPERVISOR_FEEDS_MAX]; // the first is being read
    size_t feed_count;
    SupervisorProblem problem;
    int64_t stop_ns;        // when the owner heard enough; 0: not yet
    bool closing;           // the owner goes away: at once
    bool finished;          // no feed follows those that are there
    bool ended;             // the source said so itself
    CaptureFeed *open_feed; // its driver is open; NULL: none

    // Its thread's, or the owner's where the driver is not live.
    const CaptureDriver *driver; // the one that opened; NULL: none has yet
    void *state;                 // of the driver; NULL: closed
    pthread_t thread;
    bool has_thread;
} Supervisor;

// options and what they point at stay the caller's and in place. A driver that is not live is
// opened here, and its error is this one's.
ScoutStatus supervisor_begin(Supervisor *supervisor, const AudioCaptureOptions *options,
                             Wake *arrived, ScoutError *error);
void supervisor_end(Supervisor *supervisor);  // frees all feeds
void supervisor_stop(Supervisor *supervisor); // hears no more; what was heard still comes

// The feed to read now, or NULL. Until supervisor_next_feed it stays the consumer's. The problem
// and whether more feeds can follow go with it.
CaptureFeed *supervisor_feed(Supervisor *supervisor, SupervisorProblem *problem, bool *finished);

// The feed was read to its END: it is freed.
void supervisor_next_feed(Supervisor *supervisor);

#endif
