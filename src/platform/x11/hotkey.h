// A key grabbed from the X server.
#ifndef PLATFORM_X11_HOTKEY_H
#define PLATFORM_X11_HOTKEY_H

#include "../backend.h"

ScoutStatus x11_hotkey_new(const HotkeyOptions *options, void **self, ScoutError *error);
extern const HotkeyBackend x11_hotkey_backend;

#endif
