// A connection to the X server and the few questions everybody asks. XCB and not Xlib: Xlib ends
// the process when the server goes away, and the words that were not yet typed with it.
#ifndef PLATFORM_X11_CONNECTION_H
#define PLATFORM_X11_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <xcb/xcb.h>

#include "base/status.h"

typedef struct X11Connection {
    xcb_connection_t *xcb;
    xcb_screen_t *screen; // borrowed from xcb
    xcb_window_t root;
    uint8_t xkb_first_event;
    uint8_t xinput_opcode;
} X11Connection;

// Connects and makes sure of XKB, XTEST and XInput 2. UNSUPPORTED with the reason; on failure there
// is nothing to close.
ScoutStatus x11_connect(X11Connection *x, const char *display, ScoutError *error);
void x11_disconnect(X11Connection *x);

bool x11_is_broken(const X11Connection *x);
ScoutStatus x11_broken(ScoutError *error); // the sentence for it

// Waits until the server has done all that was asked of it. False when it is gone.
bool x11_sync(const X11Connection *x);

// The window that has the keyboard focus, 0 if none; and the top-level window it is in.
bool x11_focus(const X11Connection *x, xcb_window_t *focus, xcb_window_t *top);

xcb_atom_t x11_atom(const X11Connection *x, const char *name);

#endif
