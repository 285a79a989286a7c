// What a way of typing, a clipboard and a source of hotkeys have to offer. Those that need a big
// library are in a module of their own, which is loaded when it is wanted.
#ifndef PLATFORM_BACKEND_H
#define PLATFORM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "platform/clipboard.h"
#include "platform/hotkey.h"
#include "platform/typing.h"

// All functions are called by the owner's thread with the object that the _new function gave.
typedef struct TypingBackend {
    const char *name;
    ScoutStatus (*focus)(void *self, TypingFocus *focus, ScoutError *error);
    ScoutStatus (*write)(void *self, const char *text, size_t length, const TypingFocus *expected,
                         size_t *typed_bytes, ScoutError *error);
    ScoutStatus (*erase)(void *self, size_t count, const TypingFocus *expected, ScoutError *error);
    ScoutStatus (*press_paste)(void *self, const TypingFocus *expected, ScoutError *error);
    void (*free)(void *self);
} TypingBackend;

typedef struct ClipboardBackend {
    const char *name;
    ScoutStatus (*put)(void *self, const char *text, size_t length, ClipboardKeep keep,
                       ScoutError *error);
    ScoutStatus (*wait_taken)(void *self, int timeout_ms, ScoutError *error);
    ScoutStatus (*restore)(void *self, ScoutError *error);
    void (*free)(void *self);
} ClipboardBackend;

typedef struct HotkeyBackend {
    const char *name;
    int (*descriptor)(const void *self);
    ScoutStatus (*next)(void *self, HotkeyEvent *event, bool *there, ScoutError *error);
    void (*describe)(const void *self, char *out, size_t size);
    void (*free)(void *self);
} HotkeyBackend;

#endif
