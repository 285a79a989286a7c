// The X server: see connection.h.
#include "connection.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xinput.h>
#include <xcb/xkb.h>
#include <xcb/xtest.h>

#include "base/attributes.h"

enum { TREE_DEPTH_MAX = 64 };

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

static bool has_extensions(X11Connection *x, const char **missing)
{
    const xcb_query_extension_reply_t *xkb = xcb_get_extension_data(x->xcb, &xcb_xkb_id);
    const xcb_query_extension_reply_t *test = xcb_get_extension_data(x->xcb, &xcb_test_id);
    const xcb_query_extension_reply_t *input = xcb_get_extension_data(x->xcb, &xcb_input_id);
    if (!xkb || !xkb->present) {
        *missing = "XKEYBOARD";
        return false;
    }
    if (!test || !test->present) {
        *missing = "XTEST";
        return false;
    }
    if (!input || !input->present) {
        *missing = "XInputExtension";
        return false;
    }
    x->xkb_first_event = xkb->first_event;
    x->xinput_opcode = input->major_opcode;
    REPLY xcb_xkb_use_extension_reply_t *use = xcb_xkb_use_extension_reply(
        x->xcb, xcb_xkb_use_extension(x->xcb, XCB_XKB_MAJOR_VERSION, XCB_XKB_MINOR_VERSION), NULL);
    *missing = "XKEYBOARD 1.0";
    if (!use || !use->supported)
        return false;
    REPLY xcb_input_xi_query_version_reply_t *version =
        xcb_input_xi_query_version_reply(x->xcb, xcb_input_xi_query_version(x->xcb, 2, 2), NULL);
    *missing = "XInput 2";
    return version && version->major_version >= 2;
}

ScoutStatus x11_connect(X11Connection *x, const char *display, ScoutError *error)
{
    // libXau, which finds the cookie, has one buffer for the name of its file.
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    int number = 0;
    pthread_mutex_lock(&one_at_a_time);
    *x = (X11Connection){.xcb = xcb_connect(display, &number)};
    pthread_mutex_unlock(&one_at_a_time);
    if (!x->xcb)
        return error_no_memory(error);
    if (xcb_connection_has_error(x->xcb)) {
        x11_disconnect(x);
        const char *name = display ? display : getenv("DISPLAY");
        if (!name || !name[0])
            return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                             "there is no X display: DISPLAY is not set");
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "the X display %s cannot be reached",
                         name);
    }
    xcb_screen_iterator_t screens = xcb_setup_roots_iterator(xcb_get_setup(x->xcb));
    for (; number > 0 && screens.rem > 1; number--)
        xcb_screen_next(&screens);
    x->screen = screens.data;
    x->root = x->screen->root;
    const char *missing = NULL;
    if (has_extensions(x, &missing))
        return SCOUT_OK;
    x11_disconnect(x);
    return error_set(error, SCOUT_ERROR_UNSUPPORTED, "the X server lacks %s", missing);
}

void x11_disconnect(X11Connection *x)
{
    if (x->xcb)
        xcb_disconnect(x->xcb);
    x->xcb = NULL;
}

bool x11_is_broken(const X11Connection *x)
{
    return xcb_connection_has_error(x->xcb) != 0;
}

ScoutStatus x11_broken(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_IO, "the X display is gone");
}

bool x11_sync(const X11Connection *x)
{
    REPLY xcb_get_input_focus_reply_t *reply =
        xcb_get_input_focus_reply(x->xcb, xcb_get_input_focus(x->xcb), NULL);
    return reply;
}

bool x11_focus(const X11Connection *x, xcb_window_t *focus, xcb_window_t *top)
{
    REPLY xcb_get_input_focus_reply_t *reply =
        xcb_get_input_focus_reply(x->xcb, xcb_get_input_focus(x->xcb), NULL);
    if (!reply)
        return false;
    *focus = reply->focus;
    *top = reply->focus;
    // 1 is PointerRoot: no window manager, the window under the pointer gets the keys.
    if (reply->focus <= XCB_INPUT_FOCUS_POINTER_ROOT)
        return !x11_is_broken(x);
    for (int depth = 0; depth < TREE_DEPTH_MAX; depth++) {
        REPLY xcb_query_tree_reply_t *tree =
            xcb_query_tree_reply(x->xcb, xcb_query_tree(x->xcb, *top), NULL);
        // A window that went away meanwhile had the focus a moment ago: it is its own top.
        if (!tree || tree->parent == tree->root || tree->parent == XCB_NONE)
            break;
        *top = tree->parent;
    }
    return !x11_is_broken(x);
}

xcb_atom_t x11_atom(const X11Connection *x, const char *name)
{
    REPLY xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(
        x->xcb, xcb_intern_atom(x->xcb, 0, (uint16_t)strlen(name), name), NULL);
    return reply ? reply->atom : XCB_ATOM_NONE;
}
