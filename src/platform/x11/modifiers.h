// Held and locked modifiers put aside while keys are typed, so that somebody who holds the hotkey
// gets letters and not Ctrl+letters, and Caps Lock does not shout.
#ifndef PLATFORM_X11_MODIFIERS_H
#define PLATFORM_X11_MODIFIERS_H

#include "connection.h"
#include "keyboard.h"

enum { X11_MODIFIER_KEYS = 128 };

typedef struct X11Modifiers {
    uint8_t released[X11_MODIFIER_KEYS]; // keys that were down and are to be down again
    int released_count;
    uint8_t pressed[X11_MODIFIER_KEYS]; // keys that were pressed again for somebody who held them
    int pressed_count;
    uint8_t locks; // that were on
    uint8_t group; // that was locked
    bool aside;
} X11Modifiers;

// Waits up to wait_ms for held modifiers to come up by themselves, then lifts them, and locks the
// keyboard's group.
ScoutStatus x11_modifiers_put_aside(X11Modifiers *modifiers, const X11Connection *x, int wait_ms,
                                    int group, ScoutError *error);

// The locks and the group as they were; of the keys, those that somebody still holds: pressing one
// that was let go meanwhile would leave it stuck.
void x11_modifiers_bring_back(X11Modifiers *modifiers, const X11Connection *x);

// The group that is in effect now.
bool x11_modifiers_group(const X11Connection *x, int *group);

#endif
