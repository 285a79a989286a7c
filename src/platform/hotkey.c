// Choosing a source of hotkeys: see hotkey.h.
#include "platform/hotkey.h"

#include <stdlib.h>

#include "backend.h"
#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"
#include "key_words.h"
#include "module.h"

struct Hotkey {
    const HotkeyBackend *backend;
    void *self;
};

static const struct {
    const char *name;
    HotkeySource source;
} names[] = {{"auto", HOTKEY_AUTOMATIC}, {"x11", HOTKEY_X11}, {"portal", HOTKEY_PORTAL}};

bool hotkey_source_named(const char *name, HotkeySource *source)
{
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (str_equal(names[i].name, name)) {
            *source = names[i].source;
            return true;
        }
    }
    return false;
}

// On Wayland a key grabbed from X works only while an X program has the focus: worse than none.
static HotkeySource choose(const HotkeyOptions *options)
{
    const char *wayland = getenv("WAYLAND_DISPLAY");
    if (options->source != HOTKEY_AUTOMATIC)
        return options->source;
    return wayland && wayland[0] && !options->display ? HOTKEY_PORTAL : HOTKEY_X11;
}

static ScoutStatus open_source(const HotkeyOptions *options, Hotkey *hotkey, ScoutError *error)
{
    const X11Module *x11 = NULL;
    const DbusModule *dbus = NULL;
    if (choose(options) == HOTKEY_X11) {
        const ScoutStatus status = module_x11(&x11, error);
        if (status != SCOUT_OK)
            return status;
        hotkey->backend = x11->hotkey;
        return x11->hotkey_new(options, &hotkey->self, error);
    }
    const ScoutStatus status = module_dbus(&dbus, error);
    if (status != SCOUT_OK)
        return status;
    hotkey->backend = dbus->hotkey;
    return dbus->hotkey_new(options, &hotkey->self, error);
}

ScoutStatus hotkey_new(const HotkeyOptions *options, Hotkey **hotkey, ScoutError *error)
{
    KeyWords words;
    if (!options || !options->key)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "no key is named");
    // Looked at before anything is loaded, so that a slip of the pen is told the same everywhere.
    ScoutStatus status = key_words_parse(options->key, &words, error);
    if (status != SCOUT_OK)
        return status;
    Hotkey *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    status = open_source(options, made, error);
    if (status != SCOUT_OK) {
        mem_free(made);
        return status;
    }
    *hotkey = made;
    return SCOUT_OK;
}

void hotkey_free(Hotkey *hotkey)
{
    if (!hotkey)
        return;
    hotkey->backend->free(hotkey->self);
    mem_free(hotkey);
}

const char *hotkey_name(const Hotkey *hotkey)
{
    return hotkey->backend->name;
}

void hotkey_describe(const Hotkey *hotkey, char *out, size_t size)
{
    hotkey->backend->describe(hotkey->self, out, size);
}

int hotkey_descriptor(const Hotkey *hotkey)
{
    return hotkey->backend->descriptor(hotkey->self);
}

ScoutStatus hotkey_next(Hotkey *hotkey, HotkeyEvent *event, bool *there, ScoutError *error)
{
    return hotkey->backend->next(hotkey->self, event, there, error);
}
