// Asks a program whether it has read all events sent to it so far: _NET_WM_PING, which window
// managers use to find programs that hang. A toolkit answers it in the order of its events.
#ifndef PLATFORM_X11_PING_H
#define PLATFORM_X11_PING_H

#include "connection.h"

typedef struct X11Ping {
    xcb_atom_t protocols;
    xcb_atom_t ping;
    uint32_t count;
} X11Ping;

void x11_ping_init(X11Ping *ping, const X11Connection *x);

typedef enum X11PingResult {
    X11_PING_ANSWERED,
    X11_PING_UNKNOWN, // the program knows no pings
    X11_PING_SILENT,  // it has not answered in time: it is busy, or hangs
} X11PingResult;

// Asks the program of that window. Events that come meanwhile are dropped.
X11PingResult x11_ping(X11Ping *ping, const X11Connection *x, xcb_window_t focus, xcb_window_t top,
                       int timeout_ms);

#endif
