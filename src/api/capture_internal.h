// A capture's inside: capture.c has what an outsider calls, capture_run.c the thread that takes the
// sound, capture_keep.c its recordings, capture_tell.c the events.
//
// Threads. The taker reads the sources, keeps the frames and hands them to the live streams; it
// never waits for a disk, for recognition or for the receiver of events. What it has to say goes
// through a queue to the teller, which calls the receiver; live streams call it from threads of
// their own. One lock orders those calls, another what is appended to the journal.
#ifndef API_CAPTURE_INTERNAL_H
#define API_CAPTURE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "audio/capture.h"
#include "audio/journal.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "engine.h"
#include "recording_notes.h"
#include <scout/capture.h>

enum {
    CAPTURE_CHANNELS_MAX = 2,
    CAPTURE_EVENTS_MAX = 256,
    CAPTURE_TEXT_MAX = AUDIO_CAPTURE_TEXT_MAX
};

// The last seconds of sound, for what begins before it is known that it begins.
typedef struct CaptureRecent {
    int16_t *frames; // [capacity * channels], a ring
    size_t capacity, channels;
    uint64_t count; // frames that were put in so far; the last `capacity` of them are there
} CaptureRecent;

ScoutStatus capture_recent_init(CaptureRecent *recent, size_t capacity, size_t channels,
                                ScoutError *error);
void capture_recent_done(CaptureRecent *recent);
void capture_recent_put(CaptureRecent *recent, const int16_t *frames, size_t count);
// The frames from `from` on, which are there, in one or two pieces: returns the first.
const int16_t *capture_recent_at(const CaptureRecent *recent, uint64_t from, size_t *count);

// An event that waits, with a copy of its texts.
typedef struct CaptureNews {
    ScoutCaptureEvent event;
    char text[CAPTURE_TEXT_MAX], device[AUDIO_DEVICE_TEXT_MAX];
} CaptureNews;

typedef struct CaptureChannel {
    struct ScoutCapture *capture;
    size_t index;
    ScoutLive *live; // NULL: no text
    bool deaf;       // the taker's: its stream has failed, and gets no more
    // Told by the live stream, under the journal's lock:
    bool speaking;
    uint64_t speech_start, speech_end; // in frames of the capture
    uint64_t heard, settled;           // frames listened to, and told of
} CaptureChannel;

// The recording that is being made. Under the journal's lock.
typedef struct CaptureRecording {
    Journal *journal; // NULL: none
    char *folder;
    uint64_t start; // frame of the capture that is its first
    RecordingNotes notes;
    bool safety; // it is removed when the capture has ended well
    // A text is missing in the journal, so that nothing after it is noted: whoever finishes the
    // recording listens again from there.
    bool untold;
} CaptureRecording;

// A recording that could not begin, and is tried again. Under the journal's lock.
typedef struct CaptureLate {
    ScoutStatus status; // OK: there is none
    ScoutError error;
    uint64_t start;   // where it should have
    int64_t tried_ns; // the last time
} CaptureLate;

struct ScoutCapture {
    ScoutEngine *engine;
    ScoutCaptureOptions options; // its texts lie in the arena
    Arena arena;
    ScoutCaptureCallback callback;
    void *context;
    Cancel cancel;        // of everything
    AudioCaptureSet *set; // the taker's
    size_t channels;
    double backlog_max_s; // of the live streams
    CaptureChannel channel[CAPTURE_CHANNELS_MAX];
    pthread_t taker, teller;

    // The taker's.
    int16_t *frames;           // of a read
    CaptureRecent taken;       // sound that was taken; it grows under the journal's lock
    CaptureRecent aside;       // sound that came while it was paused
    int64_t disk_ns, level_ns; // when that was told last
    JournalDiskState disk;
    float peak[CAPTURE_CHANNELS_MAX];
    double squares[CAPTURE_CHANNELS_MAX];
    size_t squared;

    pthread_mutex_t wishes; // guards the two below, and those of the flags
    double pause_after_s, resume_pre_roll_s;

    pthread_mutex_t keeping; // guards the recording and the channels' figures
    CaptureRecording recording;
    CaptureLate late;
    ScoutStatus keep_failed; // the first thing that went wrong and did not end the capture
    ScoutError keep_error;

    pthread_mutex_t calling; // one call of the receiver at a time

    pthread_mutex_t posting; // guards the queue
    pthread_cond_t posted;
    CaptureNews *news; // [CAPTURE_EVENTS_MAX], a ring
    size_t news_first, news_count;

    ScoutStatus failed; // of the taker
    ScoutError error;

    atomic_bool stop;
    atomic_bool refused;            // the receiver wants no more
    bool taking, telling;           // the threads were made, and not joined yet
    bool paused;                    // the taker's
    bool wants_pause, wants_resume; // wishes
    bool closing;                   // no more comes into the queue
};

double capture_seconds(uint64_t frames);

// capture_run.c
void *capture_take(void *context);
// Whether the source is read as fast as it is listened to, and no faster.
bool capture_can_wait(const ScoutCapture *capture);

// capture_tell.c: any thread. Copies.
void capture_post(ScoutCapture *capture, const ScoutCaptureEvent *event);
void *capture_teller(void *context);
int capture_hear_live(void *context, const ScoutLiveEvent *event);
// Of the sources, as it is read.
void capture_tell_report(ScoutCapture *capture, const AudioCaptureReport *report, size_t count);
void capture_tell_level(ScoutCapture *capture, const int16_t *frames, size_t count);
void capture_tell_disk(ScoutCapture *capture);

// capture_keep.c. What goes wrong there is noted and ends nothing: see keep_failed.
ScoutStatus capture_keep_begin(ScoutCapture *capture, ScoutError *error);
// New frames: from here on they are the capture's.
void capture_keep_frames(ScoutCapture *capture, const int16_t *frames, size_t count);
// Returns how much sound was taken so far, in seconds.
double capture_keep_event(CaptureChannel *channel, const ScoutLiveEvent *event);
void capture_keep_mark(ScoutCapture *capture, const char *kind, const char *detail);
// Waits a moment for the recording to be on the disk: false when it is not, and nobody cancelled.
bool capture_keep_flush(ScoutCapture *capture);
void capture_keep_failure(ScoutCapture *capture, ScoutStatus status, const ScoutError *error);
// Of the disk, as far as a recording is made or should be: else false.
bool capture_keep_status(ScoutCapture *capture, JournalStatus *status);
// Ends the recording when nobody has spoken for long enough; `now`: in any case.
void capture_keep_end(ScoutCapture *capture, bool now, bool well);

#endif
