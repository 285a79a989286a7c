// wtype and ydotool: see wayland_typing.h.
#include "wayland_typing.h"

#include <string.h>

#include "base/attributes.h"
#include "base/str.h"
#include "program.h"

enum {
    PROBE_MS = 3000,
    CALL_MS = 10000,
    // wtype makes a keymap of the text's characters, and a keymap has 248 keys.
    PART_CHARACTERS = 160,
};

static ScoutStatus call(const char *const *words, const char *text, size_t length, int timeout_ms,
                        ScoutError *error)
{
    char problem[200] = "";
    int exit_code = 0;
    const Program program = {.words = words,
                             .input = text,
                             .input_length = length,
                             .timeout_ms = timeout_ms,
                             .utf8 = true};
    const ScoutStatus status = program_run(&program, &exit_code, problem, sizeof problem, error);
    if (status == SCOUT_ERROR_NOT_FOUND)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s is not installed", words[0]);
    if (status != SCOUT_OK || exit_code == 0)
        return status;
    return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s cannot type here: %s", words[0],
                     problem[0] ? problem : "it does not say why");
}

// No Wayland client learns which window has the focus.
static ScoutStatus focus(void *self, TypingFocus *out, ScoutError *error)
{
    (void)self;
    (void)error;
    *out = (TypingFocus){0};
    return SCOUT_OK;
}

static void free_nothing(void *self)
{
    (void)self;
}

// The next part of the text, as it is to be typed: without control characters that nobody means.
static size_t take_part(const char *text, size_t length, char *out, size_t *out_length)
{
    size_t at = 0;
    size_t used = 0;
    for (int count = 0; at < length && count < PART_CHARACTERS; count++) {
        uint32_t code = 0;
        const size_t bytes = utf8_decode(text + at, length - at, &code);
        const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        const bool malformed = code == 0xfffd && bytes == 1;
        if (!malformed && (!control || code == '\n' || code == '\t')) {
            memcpy(out + used, text + at, bytes);
            used += bytes;
        }
        at += bytes;
    }
    *out_length = used;
    return at;
}

static ScoutStatus write_parts(const char *const *words, const char *text, size_t length,
                               size_t *typed_bytes, ScoutError *error)
{
    for (size_t at = 0; at < length;) {
        char part[4 * PART_CHARACTERS];
        size_t part_length = 0;
        const size_t taken = take_part(text + at, length - at, part, &part_length);
        if (part_length > 0) {
            const ScoutStatus status = call(words, part, part_length, CALL_MS, error);
            if (status != SCOUT_OK)
                return status;
        }
        at += taken;
        *typed_bytes = at;
    }
    return SCOUT_OK;
}

static ScoutStatus wtype_write(void *self, const char *text, size_t length,
                               const TypingFocus *expected, size_t *typed_bytes, ScoutError *error)
{
    static const char *const words[] = {"wtype", "-d", "2", "-", NULL};
    (void)self;
    (void)expected;
    return write_parts(words, text, length, typed_bytes, error);
}

static ScoutStatus wtype_erase(void *self, size_t count, const TypingFocus *expected,
                               ScoutError *error)
{
    enum { AT_ONCE = 64 };
    (void)self;
    (void)expected;
    while (count > 0) {
        const char *words[2 + 2 * AT_ONCE] = {"wtype"};
        size_t used = 1;
        for (; count > 0 && used < 2 * AT_ONCE; count--) {
            words[used++] = "-k";
            words[used++] = "BackSpace";
        }
        const ScoutStatus status = call(words, NULL, 0, CALL_MS, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus wtype_press_paste(void *self, const TypingFocus *expected, ScoutError *error)
{
    static const char *const words[] = {"wtype",  "-M", "shift", "-k",
                                        "Insert", "-m", "shift", NULL};
    (void)self;
    (void)expected;
    return call(words, NULL, 0, CALL_MS, error);
}

ScoutStatus wtype_new(void **self, ScoutError *error)
{
    // Types nothing, but connects and asks for what typing needs.
    static const char *const words[] = {"wtype", "", NULL};
    *self = NULL;
    return call(words, NULL, 0, PROBE_MS, error);
}

const TypingBackend wtype_backend = {
    .name = "wtype",
    .focus = focus,
    .write = wtype_write,
    .erase = wtype_erase,
    .press_paste = wtype_press_paste,
    .free = free_nothing,
};

// ydotool presses the keys on which a US keyboard has the characters, and drops all others.
static bool is_us_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n' && text[i] != '\t')
            return false;
    }
    return true;
}

static ScoutStatus ydotool_write(void *self, const char *text, size_t length,
                                 const TypingFocus *expected, size_t *typed_bytes,
                                 ScoutError *error)
{
    static const char *const words[] = {"ydotool", "type", "--file", "-", NULL};
    (void)self;
    (void)expected;
    if (!is_us_text(text, length))
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "ydotool types only what is on a US keyboard");
    return write_parts(words, text, length, typed_bytes, error);
}

static ScoutStatus ydotool_unable(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                     "ydotool's versions do not agree on the names of keys, so text is only typed");
}

static ScoutStatus ydotool_erase(void *self, size_t count, const TypingFocus *expected,
                                 ScoutError *error)
{
    (void)self;
    (void)count;
    (void)expected;
    return ydotool_unable(error);
}

static ScoutStatus ydotool_press_paste(void *self, const TypingFocus *expected, ScoutError *error)
{
    (void)self;
    (void)expected;
    return ydotool_unable(error);
}

ScoutStatus ydotool_new(void **self, ScoutError *error)
{
    static const char *const words[] = {"ydotool", "type", "", NULL};
    *self = NULL;
    return call(words, NULL, 0, PROBE_MS, error);
}

const TypingBackend ydotool_backend = {
    .name = "ydotool",
    .focus = focus,
    .write = ydotool_write,
    .erase = ydotool_erase,
    .press_paste = ydotool_press_paste,
    .free = free_nothing,
};
