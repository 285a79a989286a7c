// Planning of windows: see plan.h.
#include "plan.h"

#include "base/attributes.h"
#include "window.h"

// A longer pause ends a window: silence is not worth the model's time, and text out of silence is
// what it invents.
static const int64_t PAUSE_MAX = 2 * 16000;
// A window that is this full is closed at a pause rather than filled with the beginning of speech
// that it cannot hold.
static const int64_t FULL = 0;
// Sound that is not speech, kept before and after it.
static const int64_t LEAD = 0;
static const int64_t TAIL = 0;

static Plan skip(const Track *track, int64_t cursor, int64_t end)
{
    end = BASE_MIN(end, track->end);
    if (end <= cursor)
        return (Plan){PLAN_WAIT, cursor, cursor, false};
    return (Plan){PLAN_SKIP, cursor, end, false};
}

Plan plan_next(const Track *track, int64_t cursor, bool finished)
{
    size_t at = 0;
    while (at < track->span_count && track->spans[at].end <= cursor)
        at++;
    int64_t lead = finished ? 0 : LEAD;
    if (at == track->span_count)
        return skip(track, cursor, track->decided - lead);
    int64_t start = BASE_MAX(cursor, track->spans[at].start - LEAD);
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
        return (Plan){PLAN_DECODE, start, limit, true};
    if (!open && last + 1 == track->span_count && track->decided - end > PAUSE_MAX)
        decided = true;
    if (!decided)
        return (Plan){PLAN_WAIT, start, end, false};
    if (last + 1 < track->span_count && end - start < FULL &&
        track->spans[last + 1].start - end <= PAUSE_MAX)
        return (Plan){PLAN_DECODE, start, limit, true};
    end = BASE_MIN(BASE_MIN(end + TAIL, limit), finished ? track->end : track->decided);
    if (last + 1 < track->span_count)
        end = BASE_MIN(end, track->spans[last + 1].start);
    return (Plan){PLAN_DECODE, start, end, false};
}
