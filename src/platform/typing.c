// Choosing a way of typing, and what all ways share: see typing.h.
#include "platform/typing.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"
#include "module.h"
#include "wayland_typing.h"

struct Typing {
    const TypingBackend *backend;
    void *self;
};

static const struct {
    const char *name;
    TypingMethod method;
} names[] = {
    {"auto", TYPING_AUTOMATIC}, {"x11", TYPING_X11},         {"portal", TYPING_PORTAL},
    {"wtype", TYPING_WTYPE},    {"ydotool", TYPING_YDOTOOL},
};

bool typing_method_named(const char *name, TypingMethod *method)
{
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (str_equal(names[i].name, name)) {
            *method = names[i].method;
            return true;
        }
    }
    return false;
}

static ScoutStatus open_method(const TypingOptions *options, TypingMethod method, Typing *typing,
                               ScoutError *error)
{
    const X11Module *x11 = NULL;
    const DbusModule *dbus = NULL;
    ScoutStatus status = SCOUT_OK;
    switch (method) {
    case TYPING_X11:
        status = module_x11(&x11, error);
        if (status != SCOUT_OK)
            return status;
        typing->backend = x11->typing;
        return x11->typing_new(options, &typing->self, error);
    case TYPING_PORTAL:
        status = module_dbus(&dbus, error);
        if (status != SCOUT_OK)
            return status;
        typing->backend = dbus->typing;
        return dbus->typing_new(options, &typing->self, error);
    case TYPING_WTYPE: typing->backend = &wtype_backend; return wtype_new(&typing->self, error);
    case TYPING_YDOTOOL:
        typing->backend = &ydotool_backend;
        return ydotool_new(&typing->self, error);
    case TYPING_AUTOMATIC: break;
    }
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "no such way of typing");
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

// On Wayland, X11 reaches only the programs that still use it, and says nothing about the others.
// ydotool is taken only when it is named: on any but a US layout it types other letters.
static ScoutStatus open_automatic(const TypingOptions *options, Typing *typing, ScoutError *error)
{
    static const TypingMethod wayland[] = {TYPING_WTYPE, TYPING_PORTAL};
    if (!is_set("WAYLAND_DISPLAY") || options->display)
        return open_method(options, TYPING_X11, typing, error);
    for (size_t i = 0; i < BASE_COUNT(wayland); i++) {
        const ScoutStatus status = open_method(options, wayland[i], typing, error);
        if (status == SCOUT_OK || status == SCOUT_ERROR_PERMISSION)
            return status;
    }
    return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                     "nothing can type into programs on this Wayland desktop: it has no "
                     "RemoteDesktop portal, and wtype does not work on it");
}

ScoutStatus typing_new(const TypingOptions *options, Typing **typing, ScoutError *error)
{
    const TypingOptions defaults = {0};
    options = options ? options : &defaults;
    Typing *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    const ScoutStatus status = options->method == TYPING_AUTOMATIC
                                   ? open_automatic(options, made, error)
                                   : open_method(options, options->method, made, error);
    if (status != SCOUT_OK) {
        mem_free(made);
        return status;
    }
    *typing = made;
    return SCOUT_OK;
}

void typing_free(Typing *typing)
{
    if (!typing)
        return;
    typing->backend->free(typing->self);
    mem_free(typing);
}

const char *typing_name(const Typing *typing)
{
    return typing->backend->name;
}

ScoutStatus typing_focus(Typing *typing, TypingFocus *focus, ScoutError *error)
{
    return typing->backend->focus(typing->self, focus, error);
}

bool typing_focus_same(const TypingFocus *a, const TypingFocus *b)
{
    return a->known == b->known && (!a->known || a->window == b->window);
}

ScoutStatus typing_write(Typing *typing, const char *text, size_t length,
                         const TypingFocus *expected, size_t *typed_bytes, ScoutError *error)
{
    size_t typed = 0;
    const ScoutStatus status =
        typing->backend->write(typing->self, text, length, expected, &typed, error);
    if (typed_bytes)
        *typed_bytes = typed;
    return status;
}

ScoutStatus typing_erase(Typing *typing, size_t count, const TypingFocus *expected,
                         ScoutError *error)
{
    return count == 0 ? SCOUT_OK : typing->backend->erase(typing->self, count, expected, error);
}

ScoutStatus typing_press_paste(Typing *typing, const TypingFocus *expected, ScoutError *error)
{
    return typing->backend->press_paste(typing->self, expected, error);
}

enum { ZERO_WIDTH_JOINER = 0x200d, REGIONAL_FIRST = 0x1f1e6, REGIONAL_LAST = 0x1f1ff };
enum { SKIN_FIRST = 0x1f3fb, SKIN_LAST = 0x1f3ff, TAG_FIRST = 0xe0020, TAG_LAST = 0xe007f };

static bool is_regional(uint32_t code)
{
    return code >= REGIONAL_FIRST && code <= REGIONAL_LAST;
}

// Whether a character belongs to the one before it: marks, joiners, selectors, skin tones, tags.
static bool continues(const char *text, size_t bytes, uint32_t code)
{
    return code == ZERO_WIDTH_JOINER || (code >= SKIN_FIRST && code <= SKIN_LAST) ||
           (code >= TAG_FIRST && code <= TAG_LAST) ||
           (code >= 0x300 && utf8_columns(text, bytes) == 0);
}

size_t typing_count(const char *text, size_t length)
{
    size_t count = 0;
    bool joined = false;      // the last one was a joiner
    bool half_a_flag = false; // the last one was the first of two regional letters
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        const size_t bytes = utf8_decode(text + at, length - at, &code);
        const bool malformed = code == 0xfffd && bytes == 1;
        const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        const char *character = text + at;
        at += bytes;
        if (malformed || (control && code != '\n' && code != '\t'))
            continue; // never typed
        const bool second_half = half_a_flag && is_regional(code);
        if (!joined && !second_half && (count == 0 || !continues(character, bytes, code)))
            count++;
        joined = code == ZERO_WIDTH_JOINER;
        half_a_flag = is_regional(code) && !second_half;
    }
    return count;
}
