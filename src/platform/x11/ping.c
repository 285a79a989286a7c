// Pings: see ping.h.
#include "ping.h"

#include <poll.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/clock.h"

enum { PROTOCOLS_MAX = 64 };

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

void x11_ping_init(X11Ping *ping, const X11Connection *x)
{
    *ping =
        (X11Ping){.protocols = x11_atom(x, "WM_PROTOCOLS"), .ping = x11_atom(x, "_NET_WM_PING")};
}

static bool answers_pings(const X11Ping *ping, const X11Connection *x, xcb_window_t window)
{
    if (window <= XCB_INPUT_FOCUS_POINTER_ROOT)
        return false;
    REPLY xcb_get_property_reply_t *reply = xcb_get_property_reply(
        x->xcb,
        xcb_get_property(x->xcb, 0, window, ping->protocols, XCB_ATOM_ATOM, 0, PROTOCOLS_MAX),
        NULL);
    if (!reply || reply->format != 32)
        return false;
    const xcb_atom_t *atoms = xcb_get_property_value(reply);
    const int count = xcb_get_property_value_length(reply) / (int)sizeof *atoms;
    for (int i = 0; i < count; i++) {
        if (atoms[i] == ping->ping)
            return true;
    }
    return false;
}

// The window on the way from the one with the focus up to the top that answers, or none: a window
// manager's frame does not, the program's window in it does.
static xcb_window_t find_window(const X11Ping *ping, const X11Connection *x, xcb_window_t focus,
                                xcb_window_t top)
{
    for (xcb_window_t window = focus; window > XCB_INPUT_FOCUS_POINTER_ROOT;) {
        if (answers_pings(ping, x, window))
            return window;
        if (window == top)
            break;
        REPLY xcb_query_tree_reply_t *tree =
            xcb_query_tree_reply(x->xcb, xcb_query_tree(x->xcb, window), NULL);
        window = tree ? tree->parent : XCB_NONE;
    }
    return XCB_NONE;
}

static void listen_to_root(const X11Connection *x, bool on)
{
    const uint32_t mask = on ? XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY : 0;
    xcb_change_window_attributes(x->xcb, x->root, XCB_CW_EVENT_MASK, &mask);
    xcb_flush(x->xcb);
}

static bool is_answer(const X11Ping *ping, const xcb_generic_event_t *event)
{
    const xcb_client_message_event_t *message = (const void *)event;
    return (event->response_type & 0x7f) == XCB_CLIENT_MESSAGE &&
           message->type == ping->protocols && message->data.data32[0] == ping->ping &&
           message->data.data32[1] == ping->count;
}

static bool wait_for_answer(const X11Ping *ping, const X11Connection *x, int timeout_ms)
{
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        xcb_generic_event_t *event;
        while ((event = xcb_poll_for_event(x->xcb))) {
            const bool answered = is_answer(ping, event);
            free(event);
            if (answered)
                return true;
        }
        const int64_t left_ms = (end_ns - clock_monotonic_ns()) / 1000000;
        if (left_ms <= 0 || x11_is_broken(x))
            return false;
        struct pollfd wait = {.fd = xcb_get_file_descriptor(x->xcb), .events = POLLIN};
        (void)poll(&wait, 1, (int)left_ms);
    }
}

X11PingResult x11_ping(X11Ping *ping, const X11Connection *x, xcb_window_t focus, xcb_window_t top,
                       int timeout_ms)
{
    const xcb_window_t window = find_window(ping, x, focus, top);
    if (!window)
        return X11_PING_UNKNOWN;
    // The third field stands for a time; programs send all of it back as it came.
    ping->count++;
    xcb_client_message_event_t message = {
        .response_type = XCB_CLIENT_MESSAGE,
        .format = 32,
        .window = window,
        .type = ping->protocols,
        .data.data32 = {ping->ping, ping->count, window, 0, 0},
    };
    listen_to_root(x, true);
    xcb_send_event(x->xcb, 0, window, XCB_EVENT_MASK_NO_EVENT, (const char *)&message);
    xcb_flush(x->xcb);
    const bool answered = wait_for_answer(ping, x, timeout_ms);
    listen_to_root(x, false);
    return answered ? X11_PING_ANSWERED : X11_PING_SILENT;
}
