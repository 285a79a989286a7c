// The consumer's side of a feed: what comes next, at 16 kHz, with lost frames in their places.
#ifndef AUDIO_CAPTURE_INTAKE_H
#define AUDIO_CAPTURE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture_feed.h"
#include "resample_module.h"

enum { INTAKE_RUN = 1024, INTAKE_OUT = 16384 };

typedef enum IntakeKind {
    INTAKE_NOTHING, // now
    INTAKE_FRAMES,
    INTAKE_SILENCE, // in place of frames that were lost
    INTAKE_GAP,     // the machine slept here
    INTAKE_NOTE
} IntakeKind;

typedef struct IntakePiece {
    IntakeKind kind;
    size_t count;        // FRAMES, SILENCE
    int64_t captured_ns; // of the first
    int64_t slept_ns;    // added to captured_ns: CLOCK_BOOTTIME
    int64_t gap_ns;      // GAP
    CaptureNote note;    // NOTE
} IntakePiece;

typedef struct Intake {
    CaptureFeed *feed;              // NULL: none
    const ResampleModule *resample; // NULL: the feed has 16 kHz
    Resampler *resampler;
    CaptureMark mark;     // the one whose frames are being taken
    size_t left;          // of its frames
    bool marked;          // there was one
    uint64_t taken;       // frames taken out of the feed's ring
    uint64_t in;          // at the feed's rate: frames passed on, lost ones included
    uint64_t out;         // at 16 kHz: made of them, silence included
    uint64_t given;       // of these, handed out
    size_t silence;       // frames of it to be handed out before anything else
    int64_t gap_ns;       // to be told before anything else
    bool drained;         // for the break that comes next
    uint64_t lost_at_end; // already put in place of
    uint64_t zeros;       // exact ones at the end of what was taken, at the feed's rate
    size_t pending_from;  // [from, to) of pending is yet to be handed out
    size_t pending_to;
    int16_t pending[INTAKE_OUT];
} Intake;

ScoutStatus intake_begin(Intake *intake, CaptureFeed *feed, ScoutError *error);
void intake_done(Intake *intake); // the feed is the caller's; a zeroed one is fine

// The next piece, of at most `most` frames. Fails when memory runs out.
ScoutStatus intake_next(Intake *intake, int16_t *frames, size_t most, IntakePiece *piece,
                        ScoutError *error);

#endif
