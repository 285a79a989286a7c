// The words of a hotkey: see key_words.h.
#include "key_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

static const struct {
    const char *name;
    unsigned modifier;
} modifiers[] = {
    {"ctrl", KEY_CTRL},   {"control", KEY_CTRL}, {"alt", KEY_ALT},    {"shift", KEY_SHIFT},
    {"super", KEY_SUPER}, {"win", KEY_SUPER},    {"meta", KEY_SUPER},
};

// What people call keys that X has another name for.
static const struct {
    const char *name;
    const char *key;
} aliases[] = {
    {"enter", "Return"},
    {"esc", "Escape"},
    {"del", "Delete"},
    {"ins", "Insert"},
    {"pageup", "Prior"},
    {"pagedown", "Next"},
    {"scrolllock", "Scroll_Lock"},
    {"capslock", "Caps_Lock"},
    {"numlock", "Num_Lock"},
    {"printscreen", "Print"},
    {"rightctrl", "Control_R"},
    {"leftctrl", "Control_L"},
    {"rightalt", "Alt_R"},
    {"leftalt", "Alt_L"},
    {"rightshift", "Shift_R"},
    {"backspace", "BackSpace"},
    {",", "comma"},
    {".", "period"},
    {"-", "minus"},
    {"/", "slash"},
    {";", "semicolon"},
    {"`", "grave"},
};

static unsigned modifier_named(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(modifiers); i++) {
        if (str_equal_nocase(modifiers[i].name, name))
            return modifiers[i].modifier;
    }
    return 0;
}

static ScoutStatus malformed(const char *text, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                     "'%s' is no key: write one as ctrl+alt+space, super+d or F9", text);
}

ScoutStatus key_words_parse(const char *text, KeyWords *words, ScoutError *error)
{
    KeyWords parsed = {0};
    const char *rest = text;
    for (;;) {
        const size_t length = strcspn(rest, "+");
        char word[KEY_NAME_SIZE];
        if (length == 0 || length >= sizeof word)
            return malformed(text, error);
        memcpy(word, rest, length);
        word[length] = '\0';
        if (!rest[length]) {
            (void)str_copy(parsed.key, sizeof parsed.key, word);
            break;
        }
        const unsigned modifier = modifier_named(word);
        if (!modifier)
            return malformed(text, error);
        parsed.modifiers |= modifier;
        rest += length + 1;
    }
    if (modifier_named(parsed.key))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "'%s' lacks a key besides the modifiers (one alone is rightctrl, say)",
                         text);
    for (size_t i = 0; i < BASE_COUNT(aliases); i++) {
        if (str_equal_nocase(aliases[i].name, parsed.key))
            (void)str_copy(parsed.key, sizeof parsed.key, aliases[i].key);
    }
    for (const char *c = parsed.key; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return malformed(text, error);
    }
    *words = parsed;
    return SCOUT_OK;
}

void key_words_for_portal(const KeyWords *words, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s%s%s%s", words->modifiers & KEY_CTRL ? "CTRL+" : "",
                   words->modifiers & KEY_ALT ? "ALT+" : "",
                   words->modifiers & KEY_SHIFT ? "SHIFT+" : "",
                   words->modifiers & KEY_SUPER ? "LOGO+" : "", words->key);
}

void key_words_for_people(const KeyWords *words, char *out, size_t size)
{
    char key[KEY_NAME_SIZE];
    (void)str_copy(key, sizeof key, words->key);
    key[0] = (char)toupper((unsigned char)key[0]);
    (void)snprintf(out, size, "%s%s%s%s%s", words->modifiers & KEY_CTRL ? "Ctrl+" : "",
                   words->modifiers & KEY_ALT ? "Alt+" : "",
                   words->modifiers & KEY_SHIFT ? "Shift+" : "",
                   words->modifiers & KEY_SUPER ? "Super+" : "", key);
}
