// Planning of windows: see plan.h.
#include "plan.h"

#include "base/attributes.h"
#include "window.h"

// A longer pause ends a window: silence is not worth the model's time, and text out of silence is
// what it invents.
static const int64_t PAUSE_MAX = 2 * 16000;
// Speech that does not fit is cut in a pause, which the voice activity was too coarse to take for
// an end: frames of less than this probability, at least so many. Half a second is as good as more.
static const float PAUSE_PROBABILITY = 0.35F;
enum { PAUSE_FRAMES_MIN = 3, PAUSE_FRAMES_ENOUGH = 16 };
// Such pauses are looked for in the end of the window, then in all of it but its beginning.
static const int64_t CUT_LATE = 10 * 16000, CUT_EARLY = 24 * 16000;

static Plan skip(const Track *track, int64_t cursor, int64_t end)
{
    end = BASE_MIN(end, track->end);
    if (end <= cursor)
        return (Plan){PLAN_WAIT, cursor, cursor, false};
    return (Plan){PLAN_SKIP, cursor, end, false};
}

bool plan_find_pause(const Track *track, int64_t low, int64_t high, int64_t *middle)
{
    if (!track->probabilities)
        return false;
    int64_t first = BASE_MAX((low + VAD_FRAME_SAMPLES - 1) / VAD_FRAME_SAMPLES, track->first_frame);
    int64_t end =
        BASE_MIN(high / VAD_FRAME_SAMPLES, track->first_frame + (int64_t)track->frame_count);
    int64_t best = PAUSE_FRAMES_MIN - 1, run = 0;
    for (int64_t frame = first; frame < end; frame++) {
        bool quiet = track->probabilities[frame - track->first_frame] < PAUSE_PROBABILITY;
        run = quiet ? run + 1 : 0;
        if (run < BASE_MAX(best, (int64_t)PAUSE_FRAMES_MIN))
            continue;
        best = BASE_MIN(run, (int64_t)PAUSE_FRAMES_ENOUGH);
        *middle = (frame + 1) * VAD_FRAME_SAMPLES - run * VAD_FRAME_SAMPLES / 2;
    }
    return best >= PAUSE_FRAMES_MIN;
}

// The window begins at `start`, and speech goes on beyond it.
static Plan cut(const Track *track, int64_t start)
{
    const int64_t limit = start + WINDOW_SAMPLES_MAX;
    int64_t end;
    if (plan_find_pause(track, limit - CUT_LATE, limit, &end) ||
        plan_find_pause(track, limit - CUT_EARLY, limit - CUT_LATE, &end))
        return (Plan){PLAN_DECODE, start, end, false};
    return (Plan){PLAN_DECODE, start, limit, true};
}

Plan plan_next(const Track *track, int64_t cursor, bool finished)
{
    size_t at = 0;
    while (at < track->span_count && track->spans[at].end <= cursor)
        at++;
    if (at == track->span_count)
        return skip(track, cursor, track->decided);
    int64_t start = BASE_MAX(cursor, track->spans[at].start);
    if (start > cursor)
        return skip(track, cursor, start);

    int64_t limit = start + WINDOW_SAMPLES_MAX;
    bool decided = finished || track->decided >= limit;
    size_t last = at; // the last span that the window holds
    for (; last + 1 < track->span_count; last++) {
        const TrackSpan *next = &track->spans[last + 1];
        if (next->start - track->spans[last].end > PAUSE_MAX || next->end > limit) {
            decided = true;
            break;
        }
    }
    int64_t end = track->spans[last].end;
    bool open = track->open && last + 1 == track->span_count;
    if (end > limit || (open && decided && !finished)) // speech goes on beyond the window
        return cut(track, start);
    if (!open && last + 1 == track->span_count && track->decided - end > PAUSE_MAX)
        decided = true;
    if (!decided)
        return (Plan){PLAN_WAIT, start, end, false};
    return (Plan){PLAN_DECODE, start, end, false};
}
