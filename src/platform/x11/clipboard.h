// The clipboard of an X server.
#ifndef PLATFORM_X11_CLIPBOARD_H
#define PLATFORM_X11_CLIPBOARD_H

#include "../backend.h"

ScoutStatus x11_clipboard_new(const ClipboardOptions *options, void **self, ScoutError *error);
extern const ClipboardBackend x11_clipboard_backend;

#endif
