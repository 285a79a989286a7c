// The GlobalShortcuts portal: see hotkey.h. The user may give the shortcut another key in the
// desktop's settings, so the key that was asked for is a proposal.
#include "hotkey.h"

#include <stdlib.h>
#include <string.h>

#include "../key_words.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "portal.h"

#define SHORTCUT "dictate"

enum { EVENTS_MAX = 16, STALE_MS = 5000 };

typedef struct PortalHotkey {
    Portal portal;
    KeyWords words;
    char description[PORTAL_TEXT_SIZE];
    HotkeyEvent events[EVENTS_MAX]; // that have come and were not taken
    size_t first, count;
    bool down;
    bool lost;
} PortalHotkey;

static void add_event(PortalHotkey *hotkey, HotkeyEventKind kind, int64_t time_ns)
{
    if (hotkey->count == EVENTS_MAX)
        return;
    hotkey->events[(hotkey->first + hotkey->count++) % EVENTS_MAX] =
        (HotkeyEvent){.kind = kind, .time_ns = time_ns};
}

// Milliseconds of a clock that the portal does not name; the usual one where that makes sense.
static int64_t event_time_ns(uint64_t timestamp_ms)
{
    const int64_t now_ns = clock_monotonic_ns();
    const int64_t late_ms = now_ns / 1000000 - (int64_t)timestamp_ms;
    return late_ms >= 0 && late_ms < STALE_MS ? now_ns - late_ms * 1000000 : now_ns;
}

static bool read_event(sd_bus_message *message, const PortalHotkey *hotkey, int64_t *time_ns)
{
    const char *session = NULL;
    const char *shortcut = NULL;
    uint64_t timestamp_ms = 0;
    if (sd_bus_message_read(message, "ost", &session, &shortcut, &timestamp_ms) < 0 ||
        !str_equal(session, hotkey->portal.session) || !str_equal(shortcut, SHORTCUT))
        return false;
    *time_ns = event_time_ns(timestamp_ms);
    return true;
}

static int on_activated(sd_bus_message *message, void *context, sd_bus_error *problem)
{
    PortalHotkey *hotkey = context;
    int64_t time_ns = 0;
    (void)problem;
    if (!read_event(message, hotkey, &time_ns) || hotkey->down)
        return 0;
    hotkey->down = true;
    add_event(hotkey, HOTKEY_PRESSED, time_ns);
    return 0;
}

static int on_deactivated(sd_bus_message *message, void *context, sd_bus_error *problem)
{
    PortalHotkey *hotkey = context;
    int64_t time_ns = 0;
    (void)problem;
    if (!read_event(message, hotkey, &time_ns) || !hotkey->down)
        return 0;
    hotkey->down = false;
    add_event(hotkey, HOTKEY_RELEASED, time_ns);
    return 0;
}

typedef struct Binding {
    const char *session;
    const char *description;
    char trigger[128];
} Binding;

static int append_shortcut(sd_bus_message *message, void *context)
{
    const Binding *binding = context;
    int result = sd_bus_message_append(message, "o", binding->session);
    if (result >= 0)
        result =
            sd_bus_message_append(message, "a(sa{sv})", 1, SHORTCUT, 2, "description", "s",
                                  binding->description, "preferred_trigger", "s", binding->trigger);
    return result < 0 ? result : sd_bus_message_append(message, "s", "");
}

static ScoutStatus bind_shortcut(PortalHotkey *hotkey, const HotkeyOptions *options,
                                 ScoutError *error)
{
    Portal *portal = &hotkey->portal;
    Binding binding = {.session = portal->session,
                       .description = options->description ? options->description : "Dictate"};
    key_words_for_portal(&hotkey->words, binding.trigger, sizeof binding.trigger);
    (void)sd_bus_match_signal(portal->bus, NULL, PORTAL_NAME, PORTAL_PATH, portal->interface,
                              "Activated", on_activated, hotkey);
    (void)sd_bus_match_signal(portal->bus, NULL, PORTAL_NAME, PORTAL_PATH, portal->interface,
                              "Deactivated", on_deactivated, hotkey);
    const ScoutStatus status = portal_request(portal, "BindShortcuts", append_shortcut, NULL,
                                              &binding, PORTAL_USER_MS, error);
    if (status != SCOUT_OK)
        return status;
    if (portal->trigger[0])
        (void)str_copy(hotkey->description, sizeof hotkey->description, portal->trigger);
    else
        key_words_for_people(&hotkey->words, hotkey->description, sizeof hotkey->description);
    return SCOUT_OK;
}

static int descriptor(const void *self)
{
    const PortalHotkey *hotkey = self;
    return sd_bus_get_fd(hotkey->portal.bus);
}

static ScoutStatus next(void *self, HotkeyEvent *event, bool *there, ScoutError *error)
{
    PortalHotkey *hotkey = self;
    (void)error;
    (void)portal_process(&hotkey->portal);
    *there = hotkey->count > 0;
    if (*there) {
        *event = hotkey->events[hotkey->first];
        hotkey->first = (hotkey->first + 1) % EVENTS_MAX;
        hotkey->count--;
    } else if (hotkey->portal.closed && !hotkey->lost) {
        hotkey->lost = true;
        *there = true;
        *event = (HotkeyEvent){.kind = HOTKEY_LOST, .time_ns = clock_monotonic_ns()};
        (void)str_copy(event->detail, sizeof event->detail, "the desktop took the shortcut back");
    }
    return SCOUT_OK;
}

static void describe(const void *self, char *out, size_t size)
{
    const PortalHotkey *hotkey = self;
    (void)str_copy(out, size, hotkey->description);
}

static void free_hotkey(void *self)
{
    PortalHotkey *hotkey = self;
    if (!hotkey)
        return;
    portal_close(&hotkey->portal);
    mem_free(hotkey);
}

ScoutStatus portal_hotkey_new(const HotkeyOptions *options, void **self, ScoutError *error)
{
    PortalHotkey *hotkey = mem_array(1, sizeof *hotkey);
    if (!hotkey)
        return error_no_memory(error);
    ScoutStatus status = key_words_parse(options->key, &hotkey->words, error);
    if (status == SCOUT_OK)
        status = portal_open(&hotkey->portal, "org.freedesktop.portal.GlobalShortcuts", error);
    if (status == SCOUT_OK)
        status = portal_create_session(&hotkey->portal, error);
    if (status == SCOUT_OK)
        status = bind_shortcut(hotkey, options, error);
    if (status != SCOUT_OK) {
        free_hotkey(hotkey);
        return status;
    }
    *self = hotkey;
    return SCOUT_OK;
}

const HotkeyBackend portal_hotkey_backend = {
    .name = "portal",
    .descriptor = descriptor,
    .next = next,
    .describe = describe,
    .free = free_hotkey,
};
