// Waiting for the events of a selection.
#ifndef PLATFORM_X11_SELECTION_WAIT_H
#define PLATFORM_X11_SELECTION_WAIT_H

#include "selection.h"

// The next event, to be freed with free; NULL when time is up or the display is gone.
xcb_generic_event_t *selection_wait_event(const Selection *selection, int64_t end_ns);

// The server's time now, which claims to a selection are to carry; 0 when the display is gone.
xcb_timestamp_t selection_server_time(const Selection *selection);

#endif
