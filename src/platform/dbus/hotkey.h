// A key from the desktop's GlobalShortcuts portal.
#ifndef PLATFORM_DBUS_HOTKEY_H
#define PLATFORM_DBUS_HOTKEY_H

#include "../backend.h"

ScoutStatus portal_hotkey_new(const HotkeyOptions *options, void **self, ScoutError *error);
extern const HotkeyBackend portal_hotkey_backend;

#endif
