// The recording's clock: see timeline.h.
#include "timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Timestamps of Matroska, FLV and ASF count milliseconds, AVI and live captures are looser still:
// below this, a difference is taken for jitter and the samples' own count is kept.
static const double JITTER_S = 0.1;

// A clock that falls back further than this was restarted (chained Ogg, joined transport streams).
// Less is an overlap, which the following timestamps make up for.
static const double RESTART_S = 1.0;

void timeline_init(Timeline *timeline, int rate, double gap_max_s)
{
    *timeline = (Timeline){.rate = rate, .gap_max_s = gap_max_s};
}

static int64_t rescale(int64_t samples, int from, int to)
{
    return llround((double)samples / from * to);
}

void timeline_set_rate(Timeline *timeline, int rate)
{
    timeline->next = rescale(timeline->next, timeline->rate, rate);
    timeline->shift = rescale(timeline->shift, timeline->rate, rate);
    timeline->rate = rate;
}

bool timeline_is_break(double drift_s, double gap_max_s)
{
    return drift_s > gap_max_s || drift_s < -RESTART_S;
}

TimelinePlace timeline_place(Timeline *timeline, bool known, int64_t at, int64_t count)
{
    TimelinePlace place = {0};
    if (known) {
        double rate = timeline->rate;
        double drift = (double)at + (double)timeline->shift - (double)timeline->next;
        double tolerance = timeline->exact ? 0 : JITTER_S * rate;
        if (timeline_is_break(drift / rate, timeline->gap_max_s)) {
            timeline->shift -= (int64_t)drift;
            place.jump = drift > 0 ? (int64_t)drift : 0;
        } else if (drift > tolerance) {
            place.silence = (int64_t)drift;
        }
        timeline->exact = false;
    }
    timeline->next += place.silence + count;
    return place;
}

void anchor_add(Anchor *anchor, bool known, int64_t at, int64_t count)
{
    if (known)
        anchor->offsets[anchor->frames++ % ANCHOR_FRAMES_MAX] = at - anchor->counted;
    anchor->counted += count;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t anchor_next(const Anchor *anchor, int64_t fallback)
{
    size_t count = anchor->frames < ANCHOR_FRAMES_MAX ? anchor->frames : ANCHOR_FRAMES_MAX;
    if (count == 0)
        return fallback;
    int64_t sorted[ANCHOR_FRAMES_MAX];
    memcpy(sorted, anchor->offsets, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2] + anchor->counted;
}

double timeline_seconds(const Timeline *timeline)
{
    return (double)timeline->next / timeline->rate;
}
