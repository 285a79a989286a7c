// The keyboard as the X server's clients see it: which key, with or without Shift, gives which
// character, and which keys mean nothing and can be lent to characters that no key gives.
//
// A borrowed key keeps its character as long as there are others to borrow: clients look a key up
// when they get to its event, which may be much later, so a key that already means something else
// by then is a wrong letter. (This is how characters are lost where one key is used for all.)
#ifndef PLATFORM_X11_KEYBOARD_H
#define PLATFORM_X11_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

enum { X11_KEYS = 256, X11_GROUPS = 4, X11_LEAST_CODE = 0x20 };

// The locks that are off while typing: Shift, Caps Lock, Control, Alt.
enum { X11_CLEARED_LOCKS = 0x0f };

typedef struct X11Stroke {
    uint32_t code; // the character
    uint8_t keycode;
    bool shift;
} X11Stroke;

typedef struct X11Spare {
    uint8_t keycode;
    bool mine;        // its meaning is from this process
    uint32_t code;    // what it gives now; 0: nothing
    uint64_t used_at; // the writer's count when it was typed last
} X11Spare;

typedef struct X11Keyboard {
    int32_t device;    // of the core keyboard
    uint8_t least_key; // keycodes below it do not exist
    X11Stroke *strokes[X11_GROUPS];
    size_t stroke_counts[X11_GROUPS]; // sorted by code
    int groups;
    X11Spare spares[X11_KEYS];
    size_t spare_count;
    // 0 where there is none.
    uint8_t shift_key;
    uint8_t return_key;
    uint8_t tab_key;
    uint8_t backspace_key;
    uint8_t insert_key;
} X11Keyboard;

void x11_keyboard_init(X11Keyboard *keyboard);
void x11_keyboard_done(X11Keyboard *keyboard);

// Reads the keymap. What was borrowed before and is still as it was left stays borrowed.
ScoutStatus x11_keyboard_load(X11Keyboard *keyboard, const X11Connection *x, ScoutError *error);

// The key for a character in that group, borrowed ones included; false if there is none.
bool x11_keyboard_find(const X11Keyboard *keyboard, int group, uint32_t code, X11Stroke *stroke);

// A borrowed key's character was typed.
void x11_keyboard_touch(X11Keyboard *keyboard, uint32_t code, uint64_t now);

// Whether it is on a borrowed key that was not typed at this count.
bool x11_keyboard_would_touch(const X11Keyboard *keyboard, uint32_t code, uint64_t now);

// Lends keys to these characters, for the text that is typed at this count: those that mean nothing
// first, then those that were typed longest ago. There are enough: see the writer's plan.
void x11_keyboard_borrow(X11Keyboard *keyboard, const X11Connection *x, const uint32_t *codes,
                         size_t count, uint64_t now);

// How many keys mean nothing now.
size_t x11_keyboard_free_spares(const X11Keyboard *keyboard);

// Takes the meaning from what was borrowed.
void x11_keyboard_give_back(X11Keyboard *keyboard, const X11Connection *x);

#endif
