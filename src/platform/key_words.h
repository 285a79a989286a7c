// The words of a hotkey: "ctrl+alt+space" is modifiers and the name of a key.
#ifndef PLATFORM_KEY_WORDS_H
#define PLATFORM_KEY_WORDS_H

#include <stddef.h>

#include "base/status.h"

enum { KEY_NAME_SIZE = 64 };

enum {
    KEY_CTRL = 1 << 0,
    KEY_ALT = 1 << 1,
    KEY_SHIFT = 1 << 2,
    KEY_SUPER = 1 << 3,
};

typedef struct KeyWords {
    unsigned modifiers;
    char key[KEY_NAME_SIZE]; // an X keysym's name, as far as it is known to be one
} KeyWords;

// INVALID_ARGUMENT with a sentence that says how it is written.
ScoutStatus key_words_parse(const char *text, KeyWords *words, ScoutError *error);

// As the shortcuts of portals are written: "CTRL+ALT+space".
void key_words_for_portal(const KeyWords *words, char *out, size_t size);

// As it is printed on keys: "Ctrl+Alt+Space".
void key_words_for_people(const KeyWords *words, char *out, size_t size);

#endif
