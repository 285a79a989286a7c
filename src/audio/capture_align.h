// Two streams of frames on different clocks, made one with interleaved channels. No device, thread
// or clock of the system is known here: frames and times come in, frames and times go out.
#ifndef AUDIO_CAPTURE_ALIGN_H
#define AUDIO_CAPTURE_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/capture.h"
#include "capture_clock.h"

enum {
    ALIGN_HOLD = 4 * AUDIO_CAPTURE_RATE, // frames a channel may be ahead
    ALIGN_TAPS = 16,
    ALIGN_PHASES = 64,
    ALIGN_BLOCK = 160,   // frames at a time
    ALIGN_LATE_MS = 500, // a channel that is later than that is silence meanwhile
    ALIGN_GAP_MS = 20,   // more between the end of one leader and the next's beginning is told
    ALIGN_OFF =
        256, // frames: off by more for a while, a channel jumps; else it is led back smoothly
    ALIGN_OFF_FRAMES = AUDIO_CAPTURE_RATE // that while
};

typedef struct AlignChannel {
    bool runs;      // more frames will come
    uint64_t begin; // position of the first frame that is kept
    uint64_t end;   // behind the last
    double at;      // the position that is given next
    bool placed;    // `at` is right
    bool fresh;     // its next frame is the first after a break
    size_t off;     // frames given since it was far off
    CaptureClock clock;
    int16_t frames[ALIGN_HOLD];
} AlignChannel;

typedef struct Align {
    size_t channels;
    bool by_position; // no clocks: frame n of each belongs together
    int leader;       // whose frames are passed on one by one; -1: none runs
    uint64_t given;   // frames
    int64_t next_ns;  // when the next of them was heard
    uint64_t jumps;   // channels set anew, after their beginning
    float taps[ALIGN_PHASES + 1][ALIGN_TAPS];
    AlignChannel channel[AUDIO_CAPTURE_SOURCES_MAX];
} Align;

void align_init(Align *align, size_t channels, bool by_position);

// How many frames a channel takes now.
size_t align_room(const Align *align, size_t channel);

// All that was pushed has been given.
bool align_is_empty(const Align *align, size_t channel);

// count frames, at most align_room; the first was heard at captured_ns. Runs from now on. `fresh`:
// something is missing before them; then the channel should be empty.
void align_push(Align *align, size_t channel, const int16_t *frames, size_t count,
                int64_t captured_ns, bool fresh);

// No more frames come for now. What was pushed is still given.
void align_pause(Align *align, size_t channel);

// Gives interleaved frames that are complete, at most `most`; *captured_ns is when the first was
// heard, and *gap_ns what lies between it and the frame before, where no channel ran. now_ns says
// whether a channel that lacks frames is late.
size_t align_pull(Align *align, int16_t *frames, size_t most, int64_t now_ns, int64_t *captured_ns,
                  int64_t *gap_ns);

#endif
