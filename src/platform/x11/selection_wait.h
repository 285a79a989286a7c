// Waiting for the events of a selection.
#ifndef PLATFORM_X11_SELECTION_WAIT_H
#define PLATFORM_X11_SELECTION_WAIT_H

#include "selection.h"

// The next new event, to be freed with free; NULL when time is up or the display is gone.
xcb_generic_event_t *selection_wait_event(const Selection *selection, int64_t end_ns);

// Keeps an event that somebody else waits for: a request that is dropped leaves a program hanging.
void selection_keep_event(Selection *selection, xcb_generic_event_t *event);

// The server's time now, which claims to a selection are to carry; 0 when the display is gone.
xcb_timestamp_t selection_server_time(Selection *selection);

#endif
