// Whose turn it is: one engine's threads serve many streams, one unit of work at a time (a layer of
// an encoder window, a decoder step). A stream holds the turn only while it computes.
//
// The turn goes to the highest priority that waits; among equals to the stream that was served
// least. A stream that was idle, or is new, counts as served a second less than those at work, so
// a short clip is done before a long one goes on, and nobody can save up more than that second.
// However many short ones come, the long one has its share: what newcomers count from moves on with
// the work of all.
// What somebody waits for may be done by the holder along with its own work (an errand): the rows
// of several streams cost one pass over the model's weights.
//
// Any thread; a client belongs to one thread at a time.
#ifndef SPEECH_SCHEDULE_H
#define SPEECH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

typedef struct Schedule Schedule;

typedef enum SchedulePriority {
    SCHEDULE_LIVE, // somebody speaks and waits for the words
    SCHEDULE_NORMAL,
    SCHEDULE_BACKGROUND, // when nobody else wants to compute
    SCHEDULE_PRIORITIES
} SchedulePriority;

// One stream's standing. Fields are the schedule's.
typedef struct ScheduleClient {
    SchedulePriority priority;
    int64_t served_ns; // virtual: see above
    bool known;        // has waited or been served before
} ScheduleClient;

// Work of one kind that may be done together: `kind` is compared only. Borrowed while it waits.
typedef struct ScheduleErrand {
    const void *kind;
    size_t size;        // what it adds to a common limit
    void *work;         // the owner's
    ScoutStatus status; // of the work, when another did it
    // The schedule's own:
    ScheduleClient *client;
    struct ScheduleErrand *next;
    void *waiter;
} ScheduleErrand;

ScoutStatus schedule_new(Schedule **schedule, ScoutError *error);
void schedule_free(Schedule *schedule); // nobody may be waiting

// A client begins its life as this; nothing needs to be undone at its end.
ScheduleClient schedule_client(SchedulePriority priority);

typedef enum ScheduleEntry {
    SCHEDULE_HELD,     // the turn is the caller's
    SCHEDULE_SERVED,   // another has done the errand; its status says how that went
    SCHEDULE_CANCELLED // neither
} ScheduleEntry;

// Waits for the turn, or until another has done the errand, which may be NULL; or, if cancel is not
// NULL, until that is raised. An errand that another has begun is waited for in any case.
ScheduleEntry schedule_enter(Schedule *schedule, ScheduleClient *client, ScheduleErrand *errand,
                             const Cancel *cancel);
void schedule_leave(Schedule *schedule, ScheduleClient *client);

// Whether somebody who should be served before the holder waits: it then does well to leave. To be
// asked between two units of work.
bool schedule_is_wanted(Schedule *schedule, ScheduleClient *client);

// The errands of this kind that wait with about the holder's claim or a better one, at most `most`
// and as many as fit into `room`; they belong to the holder until it gives them back by
// schedule_done, with their status set. Waits a moment for those who were served along with the
// last such work and are about to come back.
ScheduleErrand *schedule_gather(Schedule *schedule, ScheduleClient *client, const void *kind,
                                size_t room, size_t most);

// Everybody in the list goes on; the time since the turn was taken is shared among them and the
// holder, whose own part counts `size`.
void schedule_done(Schedule *schedule, ScheduleClient *client, size_t size,
                   ScheduleErrand *errands);

#endif
