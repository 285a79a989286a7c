// The windows of a stream that are at work at once, in the order of the sound. Each step computes
// the rows of all of them; the front one is handed out when it is done. Between windows stand the
// silences that are told of with them. One owner thread.
#ifndef SPEECH_LANES_H
#define SPEECH_LANES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "plan.h"
#include "window.h"

typedef struct Lanes Lanes;

typedef struct LanesSetup {
    WindowSetup window; // but for the mels and the frames
    size_t busy;        // windows decoded at once, at least 1
    size_t queue;       // windows waiting, decoded or done, at least `busy`
} LanesSetup;

ScoutStatus lanes_new(const LanesSetup *setup, Lanes **lanes, ScoutError *error);
void lanes_free(Lanes *lanes); // NULL is allowed

typedef struct Lane {
    Plan plan;
    Window *window; // NULL: a silence
} Lane;

// How many windows are in the queue, and how many more it has room for.
size_t lanes_count(const Lanes *lanes);
bool lanes_have_room(const Lanes *lanes);

// At the end of the queue. There is room for `queue` windows, and for a silence after each.
void lanes_add_silence(Lanes *lanes, const Plan *plan);
ScoutStatus lanes_add_window(Lanes *lanes, const Plan *plan, const WindowTask *task,
                             ScoutError *error);
// The rest of the front window, which was popped, as a window of its own in front.
ScoutStatus lanes_add_rest(Lanes *lanes, const Plan *plan, const WindowTask *task,
                           ScoutError *error);

// A window of its own for the language: opened whole and encoded, with the turn held. It becomes
// the front of the empty queue with lanes_keep_heard, or is dropped, also when hearing it fails.
ScoutStatus lanes_hear(Lanes *lanes, const Plan *plan, Window **window, ScoutError *error);
void lanes_keep_heard(Lanes *lanes, const Plan *plan, const WindowTask *task);
void lanes_drop_heard(Lanes *lanes);

// The front of the queue; NULL when it is empty.
const Lane *lanes_front(const Lanes *lanes);

// Encodes what needs it and computes a step of the windows at work; the front is a window that is
// not done. CANCELLED and whatever decoding says. The turn may be held afterwards.
ScoutStatus lanes_step(Lanes *lanes, ScoutError *error);
// The same until the front window is done.
ScoutStatus lanes_run(Lanes *lanes, ScoutError *error);

// Removes the front. Its window is closed.
void lanes_pop(Lanes *lanes);

#endif
