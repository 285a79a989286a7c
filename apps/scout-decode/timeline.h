// Where decoded samples belong on the recording's clock. Timestamps jitter, leave gaps and jump;
// samples follow each other. The timeline keeps both true: samples are laid end to end, silence
// fills real gaps so that later times stay right, and jumps of the clock itself are left out.
#ifndef SCOUT_DECODE_TIMELINE_H
#define SCOUT_DECODE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Timestamps beyond this are damage, and would overflow when they are added up.
static inline bool timestamp_is_sane(int64_t timestamp)
{
    const int64_t most = INT64_C(1) << 60;
    return timestamp > -most && timestamp < most; // nor AV_NOPTS_VALUE
}

typedef struct Timeline {
    int rate;         // samples a second of everything below
    int64_t next;     // where the next sample goes; 0 is the start of the recording
    int64_t shift;    // added to timestamps, since the clock has jumped
    double gap_max_s; // a longer gap is a jump of the clock
    bool exact;       // the next timestamp is believed to the sample: something was lost before it
} Timeline;

typedef struct TimelinePlace {
    int64_t silence; // samples of silence that go before this piece; >= 0
    int64_t jump;    // how far the clock jumped ahead, or 0
} TimelinePlace;

void timeline_init(Timeline *timeline, int rate, double gap_max_s);

// Whether a timestamp so far from where it is expected (ahead, if positive) says that the clock
// itself was restarted or has jumped.
bool timeline_is_break(double drift_s, double gap_max_s);

// The source's rate changed.
void timeline_set_rate(Timeline *timeline, int rate);

// Places count samples, which the source says begin at `at` (in samples; known is false when it
// does not say), and moves next behind them.
TimelinePlace timeline_place(Timeline *timeline, bool known, int64_t at, int64_t count);

// Finds out where decoding has landed after skipping, from the timestamps of the frames up to
// there. One alone may be off (Vorbis tells the wrong place where block sizes change, Matroska
// rounds to a millisecond): the median is not.
enum { ANCHOR_FRAMES_MAX = 64 };

typedef struct Anchor {
    int64_t counted;                    // samples so far
    int64_t offsets[ANCHOR_FRAMES_MAX]; // timestamp - counted, of the latest frames
    size_t frames;
} Anchor;

void anchor_add(Anchor *anchor, bool known, int64_t at, int64_t count);

// Where the next sample belongs; fallback when no frame told.
int64_t anchor_next(const Anchor *anchor, int64_t fallback);

double timeline_seconds(const Timeline *timeline); // of next

#endif
