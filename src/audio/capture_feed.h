// What lies between a driver's thread and the consumer: frames at the device's rate, marks that say
// when they were heard and what was lost before them, and notes. One feed lasts from one opening of
// a device to its closing. The functions for drivers take no lock and allocate nothing but where
// said.
#ifndef AUDIO_CAPTURE_FEED_H
#define AUDIO_CAPTURE_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/capture.h"
#include "base/ring.h"
#include "base/wake.h"

// Goes with a run of frames.
typedef struct CaptureMark {
    uint64_t position;   // of the first, counted since the feed began, lost ones included
    uint64_t lost;       // frames lost directly before it
    size_t count;        // frames in the ring
    int64_t captured_ns; // CLOCK_MONOTONIC when the first was heard
    int64_t slept_ns;    // how much CLOCK_BOOTTIME is ahead of it: what the machine has slept
} CaptureMark;

typedef enum CaptureNoteKind {
    CAPTURE_NOTE_DEVICE, // another device from here on; text is its name
    CAPTURE_NOTE_END     // the feed's last; status OK: a good end, else text says why
} CaptureNoteKind;

typedef struct CaptureNote {
    CaptureNoteKind kind;
    ScoutStatus status;
    uint64_t frames; // that were written before it
    uint64_t lost;   // an END's: frames lost after the last mark
    char text[AUDIO_CAPTURE_TEXT_MAX];
} CaptureNote;

typedef enum CaptureFeedEnd {
    CAPTURE_FEED_GOES_ON,
    CAPTURE_FEED_DONE, // its END has status OK
    CAPTURE_FEED_BROKEN
} CaptureFeedEnd;

typedef struct CaptureFeed {
    Ring frames; // int16_t
    Ring marks;
    Ring notes;
    int rate;                           // Hz, of the frames
    bool live;                          // the driver's: a device with a clock of its own
    bool monitor;                       // zeros are no sign of a muted microphone
    char device[AUDIO_DEVICE_TEXT_MAX]; // its name for people, when the feed began
    Wake *arrived;                      // posted for the consumer
    Wake room;                          // posted for a driver that waits
    atomic_bool closing;                // the driver is about to be closed

    uint64_t position; // the driver's thread's: frames delivered, lost ones included
    uint64_t written;
    uint64_t lost;                    // not yet told
    atomic_int end;                   // a CaptureFeedEnd
    bool orphan;                      // the supervisor's: nobody reads it any more
    atomic_int_fast64_t delivered_ns; // when frames came last; 0: none yet
    atomic_int_fast64_t heard_ns;     // until when what was delivered was heard
} CaptureFeed;

// ---- The supervisor's

ScoutStatus capture_feed_new(Wake *arrived, CaptureFeed **feed, ScoutError *error);
void capture_feed_free(CaptureFeed *feed);

// ---- The driver's

// In open, before frames come. Allocates. name is for people; INVALID_ARGUMENT for a rate that the
// resampler does not take.
ScoutStatus capture_feed_begin(CaptureFeed *feed, int rate, const char *name, ScoutError *error);

// From one thread at a time. captured_ns is when the first frame was heard. Frames that do not fit
// are counted as lost at this place.
void capture_feed_frames(CaptureFeed *feed, const int16_t *frames, size_t count,
                         int64_t captured_ns);
void capture_feed_lost(CaptureFeed *feed, size_t count);

// The same thread; the text is copied. After an END nothing may follow.
void capture_feed_device(CaptureFeed *feed, const char *name);
void capture_feed_end(CaptureFeed *feed, ScoutStatus status, const char *text);

// For a driver that can make its source wait: until count frames fit. False when the feed closes;
// then the driver's thread ends.
bool capture_feed_wait(CaptureFeed *feed, size_t count);

#endif
