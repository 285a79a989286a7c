// Choosing a clipboard: see clipboard.h.
#include "platform/clipboard.h"

#include <stdlib.h>

#include "backend.h"
#include "base/memory.h"
#include "module.h"
#include "wayland_clipboard.h"

struct Clipboard {
    const ClipboardBackend *backend;
    void *self;
};

static ScoutStatus open_clipboard(const ClipboardOptions *options, Clipboard *clipboard,
                                  ScoutError *error)
{
    const char *wayland = getenv("WAYLAND_DISPLAY");
    if (wayland && wayland[0] && !options->display) {
        clipboard->backend = &wl_clipboard_backend;
        return wl_clipboard_new(options, &clipboard->self, error);
    }
    const X11Module *x11 = NULL;
    const ScoutStatus status = module_x11(&x11, error);
    if (status != SCOUT_OK)
        return status;
    clipboard->backend = x11->clipboard;
    return x11->clipboard_new(options, &clipboard->self, error);
}

ScoutStatus clipboard_new(const ClipboardOptions *options, Clipboard **clipboard, ScoutError *error)
{
    const ClipboardOptions defaults = {0};
    Clipboard *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    const ScoutStatus status = open_clipboard(options ? options : &defaults, made, error);
    if (status != SCOUT_OK) {
        mem_free(made);
        return status;
    }
    *clipboard = made;
    return SCOUT_OK;
}

void clipboard_free(Clipboard *clipboard)
{
    if (!clipboard)
        return;
    clipboard->backend->free(clipboard->self);
    mem_free(clipboard);
}

const char *clipboard_name(const Clipboard *clipboard)
{
    return clipboard->backend->name;
}

ScoutStatus clipboard_put(Clipboard *clipboard, const char *text, size_t length, ClipboardKeep keep,
                          ScoutError *error)
{
    if (length > CLIPBOARD_TEXT_MAX_BYTES)
        return error_set(error, SCOUT_ERROR_LIMIT, "the text is too long for the clipboard");
    return clipboard->backend->put(clipboard->self, text, length, keep, error);
}

ScoutStatus clipboard_wait_taken(Clipboard *clipboard, int timeout_ms, ScoutError *error)
{
    return clipboard->backend->wait_taken(clipboard->self, timeout_ms, error);
}

ScoutStatus clipboard_restore(Clipboard *clipboard, ScoutError *error)
{
    return clipboard->backend->restore(clipboard->self, error);
}
