// Puts text on the clipboard without destroying what was there: the old content (text, HTML,
// pictures and other kinds, 32 MiB at most) comes back when the text has been taken.
//
// A Clipboard answers other programs on a thread of its own; its functions belong to one owner
// thread. What it holds is gone when it is freed, unless a clipboard manager runs, so keep it as
// long as the program runs.
#ifndef PLATFORM_CLIPBOARD_H
#define PLATFORM_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef enum ClipboardKeep {
    CLIPBOARD_UNTIL_TAKEN, // the old content comes back a moment after the focused program took it
    CLIPBOARD_FOR_GOOD,    // the old content is forgotten
} ClipboardKeep;

enum { CLIPBOARD_TEXT_MAX_BYTES = 16 << 20, CLIPBOARD_OLD_MAX_BYTES = 32 << 20 };

typedef struct Clipboard Clipboard;

typedef struct ClipboardOptions {
    const char *display; // X11: NULL is $DISPLAY
    int grace_ms;        // between taken and the old content's return; 0: 700
} ClipboardOptions;

// options NULL: all defaults. UNSUPPORTED when there is neither X11 nor, on Wayland, wl-copy.
ScoutStatus clipboard_new(const ClipboardOptions *options, Clipboard **clipboard,
                          ScoutError *error);

// Waits until a clipboard manager, if one runs, has taken over what is on it.
void clipboard_free(Clipboard *clipboard);

const char *clipboard_name(const Clipboard *clipboard); // "x11" or "wl-copy"

// The text is on the clipboard when this returns. A second put before the first was taken still
// keeps the content from before the first.
ScoutStatus clipboard_put(Clipboard *clipboard, const char *text, size_t length, ClipboardKeep keep,
                          ScoutError *error);

// Waits until the focused program has taken the text that was put last: only then was it pasted.
// TIMEOUT when it has not, UNSUPPORTED where nobody can know.
ScoutStatus clipboard_wait_taken(Clipboard *clipboard, int timeout_ms, ScoutError *error);

// Brings the old content back now, if it is still to come back and nobody else has put something.
ScoutStatus clipboard_restore(Clipboard *clipboard, ScoutError *error);

#endif
