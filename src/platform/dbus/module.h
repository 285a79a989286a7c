// What scout-platform-dbus.so offers: the desktop portals.
#ifndef PLATFORM_DBUS_MODULE_H
#define PLATFORM_DBUS_MODULE_H

#include "../backend.h"

enum { DBUS_MODULE_VERSION = 1 };

typedef struct DbusModule {
    int version;
    const TypingBackend *typing;
    ScoutStatus (*typing_new)(const TypingOptions *options, void **self, ScoutError *error);
    const HotkeyBackend *hotkey;
    ScoutStatus (*hotkey_new)(const HotkeyOptions *options, void **self, ScoutError *error);
} DbusModule;

// The module's one symbol.
#define DBUS_MODULE_SYMBOL "scout_platform_dbus"
extern const DbusModule scout_platform_dbus;

#endif
