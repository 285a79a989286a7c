// The clipboard on Wayland, by the programs wl-copy and wl-paste.
#ifndef PLATFORM_WAYLAND_CLIPBOARD_H
#define PLATFORM_WAYLAND_CLIPBOARD_H

#include "backend.h"

// UNSUPPORTED when one of the programs is missing.
ScoutStatus wl_clipboard_new(const ClipboardOptions *options, void **self, ScoutError *error);
extern const ClipboardBackend wl_clipboard_backend;

#endif
