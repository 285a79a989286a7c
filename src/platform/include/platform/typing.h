// Types text into the program that has the keyboard focus, and takes it back.
//
// A Typing belongs to one thread, and its calls block until the keys are sent: about a millisecond
// a character. On X11 every character of Unicode arrives, whatever the keyboard layout, because
// what the layout lacks is put on keys that have no meaning; Caps Lock, a second layout and held
// modifier keys do not change what arrives.
#ifndef PLATFORM_TYPING_H
#define PLATFORM_TYPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum TypingMethod {
    TYPING_AUTOMATIC, // the first of the others that works here
    TYPING_X11,
    TYPING_PORTAL,  // Wayland: the desktop's RemoteDesktop portal, which asks the user once
    TYPING_WTYPE,   // Wayland: the program wtype (wlroots' compositors)
    TYPING_YDOTOOL, // the program ydotool and its daemon; ASCII on a US layout only
} TypingMethod;

typedef struct TypingOptions {
    TypingMethod method;
    const char *display;    // X11: NULL is $DISPLAY
    int key_pause_us;       // between characters; 0: 1000
    int modifier_wait_ms;   // how long to wait for held modifiers to come up; 0: 300
    const char *state_path; // where the portal's permission is kept; NULL: nowhere
} TypingOptions;

typedef struct Typing Typing;

// The window that has the focus. known is false where the desktop does not tell (Wayland).
typedef struct TypingFocus {
    bool known;
    uint64_t window;
} TypingFocus;

// "x11", "portal", "wtype", "ydotool", "auto". False for another name.
bool typing_method_named(const char *name, TypingMethod *method);

// options NULL: all defaults. UNSUPPORTED when nothing here can type (the message says what to
// install or switch on), INVALID_ARGUMENT, OUT_OF_MEMORY.
ScoutStatus typing_new(const TypingOptions *options, Typing **typing, ScoutError *error);

// Gives back the keys that were borrowed.
void typing_free(Typing *typing);

const char *typing_name(const Typing *typing); // of the method in use, as above

ScoutStatus typing_focus(Typing *typing, TypingFocus *focus, ScoutError *error);
bool typing_focus_same(const TypingFocus *a, const TypingFocus *b); // two unknown ones are the same

// Types UTF-8. "\n" (and "\r\n") is Return, "\t" is Tab; other control characters and malformed
// bytes are left out. *typed_bytes is how much of the text was sent, on failure too, and never ends
// inside a character; it may be NULL. When expected is not NULL, the text goes to that window or
// nowhere. Errors: STATE when the focus is elsewhere or moved away meanwhile, NOT_FOUND when no
// window has it, PERMISSION when the desktop refuses, UNSUPPORTED for a text that this method would
// not type right (then nothing was typed), IO when the display is gone.
ScoutStatus typing_write(Typing *typing, const char *text, size_t length,
                         const TypingFocus *expected, size_t *typed_bytes, ScoutError *error);

// Presses Backspace that often. Errors as typing_write.
ScoutStatus typing_erase(Typing *typing, size_t count, const TypingFocus *expected,
                         ScoutError *error);

// Presses Shift+Insert: nearly every program pastes then, terminals too.
ScoutStatus typing_press_paste(Typing *typing, const TypingFocus *expected, ScoutError *error);

// How many times Backspace takes the text back: one for each character as people count them (a
// letter with its marks, an emoji of several parts).
size_t typing_count(const char *text, size_t length);

#endif
