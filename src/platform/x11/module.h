// What scout-platform-x11.so offers: everything that needs the X libraries, which take longer to
// load than most of what people run scout for.
#ifndef PLATFORM_X11_MODULE_H
#define PLATFORM_X11_MODULE_H

#include "../backend.h"

enum { X11_MODULE_VERSION = 1 };

typedef struct X11Module {
    int version;
    const TypingBackend *typing;
    ScoutStatus (*typing_new)(const TypingOptions *options, void **self, ScoutError *error);
    const ClipboardBackend *clipboard;
    ScoutStatus (*clipboard_new)(const ClipboardOptions *options, void **self, ScoutError *error);
    const HotkeyBackend *hotkey;
    ScoutStatus (*hotkey_new)(const HotkeyOptions *options, void **self, ScoutError *error);
} X11Module;

// The module's one symbol.
#define X11_MODULE_SYMBOL "scout_platform_x11"
extern const X11Module scout_platform_x11;

#endif
