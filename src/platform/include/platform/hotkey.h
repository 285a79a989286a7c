// Keys that work whatever program has the focus: pressed and released, so that holding one can mean
// something. From the X server (a key grab) or from the desktop's GlobalShortcuts portal.
//
// Nothing runs in the background: the owner waits for the descriptor together with whatever else it
// waits for, and then takes the events. One owner thread.
#ifndef PLATFORM_HOTKEY_H
#define PLATFORM_HOTKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum HotkeySource { HOTKEY_AUTOMATIC, HOTKEY_X11, HOTKEY_PORTAL } HotkeySource;

typedef struct HotkeyOptions {
    HotkeySource source;
    const char *key;         // "ctrl+alt+space", "F9", "super+d", "Control_R", "XF86AudioMicMute"
    const char *description; // what it does, for the desktop's settings; NULL: "Dictate"
    const char *display;     // X11: NULL is $DISPLAY
} HotkeyOptions;

typedef enum HotkeyEventKind {
    HOTKEY_PRESSED,
    HOTKEY_RELEASED,
    HOTKEY_LOST, // the key does nothing any more; detail says why. Make a new one later
} HotkeyEventKind;

typedef struct HotkeyEvent {
    HotkeyEventKind kind;
    int64_t time_ns; // of clock_monotonic_ns, when the key moved
    char detail[256];
} HotkeyEvent;

typedef struct Hotkey Hotkey;

// "x11", "portal", "auto". False for another name.
bool hotkey_source_named(const char *name, HotkeySource *source);

// INVALID_ARGUMENT for a key that is not known, BUSY when another program has it, NOT_FOUND when
// the keyboard has no such key, UNSUPPORTED when nothing here gives hotkeys, PERMISSION when the
// user said no to the portal's question.
ScoutStatus hotkey_new(const HotkeyOptions *options, Hotkey **hotkey, ScoutError *error);
void hotkey_free(Hotkey *hotkey);

const char *hotkey_name(const Hotkey *hotkey); // of the source in use

// What the user has to press, as far as it is known; for the portal, the desktop's own words.
void hotkey_describe(const Hotkey *hotkey, char *out, size_t size);

// Readable when there may be an event. Take all there are before waiting for it again: some may
// have been read together with others.
int hotkey_descriptor(const Hotkey *hotkey);

// The next event; *there is false when there is none for now. A key that repeats while it is held
// is pressed once. After HOTKEY_LOST there is none.
ScoutStatus hotkey_next(Hotkey *hotkey, HotkeyEvent *event, bool *there, ScoutError *error);

#endif
