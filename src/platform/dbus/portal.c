// Portals: see portal.h.
#include "portal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static ScoutStatus failed(int result, const sd_bus_error *problem, const char *what,
                          ScoutError *error)
{
    const char *message = problem && problem->message ? problem->message : strerror(-result);
    const bool missing =
        problem && (sd_bus_error_has_name(problem, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                    sd_bus_error_has_name(problem, SD_BUS_ERROR_UNKNOWN_METHOD) ||
                    sd_bus_error_has_name(problem, SD_BUS_ERROR_UNKNOWN_INTERFACE) ||
                    sd_bus_error_has_name(problem, SD_BUS_ERROR_NAME_HAS_NO_OWNER));
    if (missing)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "this desktop has no %s portal", what);
    return error_set(error, SCOUT_ERROR_IO, "the desktop's %s portal failed: %s", what, message);
}

// "org.freedesktop.portal.GlobalShortcuts" without what all have in front.
static const char *short_name(const Portal *portal)
{
    const char *dot = strrchr(portal->interface, '.');
    return dot ? dot + 1 : portal->interface;
}

static int on_closed(sd_bus_message *message, void *context, sd_bus_error *problem)
{
    Portal *portal = context;
    (void)problem;
    const char *path = sd_bus_message_get_path(message);
    if (path && str_equal(path, portal->session))
        portal->closed = true;
    return 0;
}

// The portal's process ended: its sessions with it.
static int on_owner_changed(sd_bus_message *message, void *context, sd_bus_error *problem)
{
    Portal *portal = context;
    const char *name = NULL;
    const char *before = NULL;
    const char *now = NULL;
    (void)problem;
    if (sd_bus_message_read(message, "sss", &name, &before, &now) >= 0 && portal->session[0] &&
        str_equal(name, PORTAL_NAME) && !now[0])
        portal->closed = true;
    return 0;
}

ScoutStatus portal_open(Portal *portal, const char *interface, ScoutError *error)
{
    *portal = (Portal){.interface = interface};
    int result = sd_bus_open_user(&portal->bus);
    if (result < 0)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "there is no session bus (D-Bus), so no desktop to ask: %s",
                         strerror(-result));
    sd_bus_error problem = SD_BUS_ERROR_NULL;
    uint32_t version = 0;
    result = sd_bus_get_property_trivial(portal->bus, PORTAL_NAME, PORTAL_PATH, interface,
                                         "version", &problem, 'u', &version);
    ScoutStatus status = SCOUT_OK;
    if (result < 0) {
        // Without the interface, the property's call is refused in one of many ways.
        status = error_set(error, SCOUT_ERROR_UNSUPPORTED, "this desktop has no %s portal (%s)",
                           short_name(portal), problem.message ? problem.message : "no answer");
    } else {
        (void)sd_bus_match_signal(portal->bus, NULL, PORTAL_NAME, NULL, PORTAL_SESSION, "Closed",
                                  on_closed, portal);
        (void)sd_bus_match_signal(portal->bus, NULL, "org.freedesktop.DBus",
                                  "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                  "NameOwnerChanged", on_owner_changed, portal);
    }
    sd_bus_error_free(&problem);
    if (status != SCOUT_OK)
        portal_close(portal);
    return status;
}

void portal_close(Portal *portal)
{
    if (portal->bus && portal->session[0] && !portal->closed)
        (void)sd_bus_call_method(portal->bus, PORTAL_NAME, portal->session, PORTAL_SESSION, "Close",
                                 NULL, NULL, "");
    portal->bus = sd_bus_flush_close_unref(portal->bus);
}

// The answer to BindShortcuts: a(sa{sv}).
static int read_shortcuts(sd_bus_message *message, Portal *portal)
{
    int result = sd_bus_message_enter_container(message, 'a', "(sa{sv})");
    while (result > 0 && (result = sd_bus_message_enter_container(message, 'r', "sa{sv}")) > 0) {
        result = sd_bus_message_skip(message, "s");
        if (result >= 0)
            result = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (result > 0 && (result = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
            const char *key = NULL;
            const char *text = NULL;
            result = sd_bus_message_read(message, "s", &key);
            if (result >= 0 && str_equal(key, "trigger_description") &&
                sd_bus_message_read(message, "v", "s", &text) >= 0)
                (void)str_copy(portal->trigger, sizeof portal->trigger, text);
            else if (result >= 0)
                result = sd_bus_message_skip(message, "v");
            if (result >= 0)
                result = sd_bus_message_exit_container(message);
        }
        if (result >= 0)
            result = sd_bus_message_exit_container(message);
        if (result >= 0)
            result = sd_bus_message_exit_container(message);
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

static int read_result(sd_bus_message *message, Portal *portal)
{
    const char *key = NULL;
    const char *text = NULL;
    int result = sd_bus_message_read(message, "s", &key);
    if (result < 0)
        return result;
    if (str_equal(key, "session_handle")) {
        // By the book a text, though some portals give an object's path.
        if (sd_bus_message_read(message, "v", "s", &text) < 0 &&
            sd_bus_message_read(message, "v", "o", &text) < 0)
            return -EBADMSG;
        (void)str_copy(portal->session_handle, sizeof portal->session_handle, text);
        return 0;
    }
    if (str_equal(key, "restore_token")) {
        result = sd_bus_message_read(message, "v", "s", &text);
        if (result >= 0)
            (void)str_copy(portal->restore_token, sizeof portal->restore_token, text);
        return result;
    }
    if (!str_equal(key, "shortcuts"))
        return sd_bus_message_skip(message, "v");
    result = sd_bus_message_enter_container(message, 'v', "a(sa{sv})");
    if (result > 0)
        result = read_shortcuts(message, portal);
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

static int on_response(sd_bus_message *message, void *context, sd_bus_error *problem)
{
    Portal *portal = context;
    (void)problem;
    portal->answered = true;
    if (sd_bus_message_read(message, "u", &portal->code) < 0) {
        portal->code = 2;
        return 0;
    }
    int result = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (result > 0 && sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        result = read_result(message, portal);
        if (result >= 0)
            result = sd_bus_message_exit_container(message);
    }
    return 0;
}

bool portal_process(Portal *portal)
{
    for (;;) {
        const int result = sd_bus_process(portal->bus, NULL);
        if (result < 0) {
            portal->closed = true;
            return false;
        }
        if (result == 0)
            return true;
    }
}

static ScoutStatus wait_for_answer(Portal *portal, int timeout_ms, ScoutError *error)
{
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    while (portal_process(portal) && !portal->answered) {
        const int64_t left_us = (end_ns - clock_monotonic_ns()) / 1000;
        if (left_us <= 0)
            return error_set(error, SCOUT_ERROR_TIMEOUT,
                             "the desktop's question (%s) was not answered", short_name(portal));
        (void)sd_bus_wait(portal->bus, (uint64_t)left_us);
    }
    if (!portal->answered)
        return error_set(error, SCOUT_ERROR_IO, "the session bus is gone");
    if (portal->code == 1)
        return error_set(error, SCOUT_ERROR_PERMISSION,
                         "the desktop's question (%s) was answered with no", short_name(portal));
    if (portal->code != 0)
        return error_set(error, SCOUT_ERROR_IO, "the desktop gave the %s portal up",
                         short_name(portal));
    return SCOUT_OK;
}

// A request's object has the caller's bus name in its path: ":1.42" is 1_42.
static void request_path(const Portal *portal, const char *token, char *out, size_t size)
{
    const char *unique = NULL;
    char sender[128] = "";
    if (sd_bus_get_unique_name(portal->bus, &unique) >= 0 && unique[0] == ':')
        (void)str_copy(sender, sizeof sender, unique + 1);
    for (char *c = sender; *c; c++) {
        if (*c == '.')
            *c = '_';
    }
    (void)snprintf(out, size, PORTAL_PATH "/request/%s/%s", sender, token);
}

static int append_options(sd_bus_message *message, const char *token, PortalOptions options,
                          void *context)
{
    int result = sd_bus_message_open_container(message, 'a', "{sv}");
    if (result >= 0)
        result = sd_bus_message_append(message, "{sv}", "handle_token", "s", token);
    if (result >= 0 && options)
        result = options(message, context);
    return result < 0 ? result : sd_bus_message_close_container(message);
}

ScoutStatus portal_request(Portal *portal, const char *method, PortalAppend append,
                           PortalOptions options, void *context, int timeout_ms, ScoutError *error)
{
    char token[64];
    char path[PORTAL_TEXT_SIZE];
    sd_bus_slot *match = NULL;
    sd_bus_message *message = NULL;
    sd_bus_error problem = SD_BUS_ERROR_NULL;
    (void)snprintf(token, sizeof token, "scout%d_%u", (int)getpid(), ++portal->requests);
    request_path(portal, token, path, sizeof path);
    portal->answered = false;
    // Listened to before it is asked: the answer may come at once.
    int result =
        sd_bus_match_signal(portal->bus, &match, PORTAL_NAME, path,
                            "org.freedesktop.portal.Request", "Response", on_response, portal);
    if (result >= 0)
        result = sd_bus_message_new_method_call(portal->bus, &message, PORTAL_NAME, PORTAL_PATH,
                                                portal->interface, method);
    if (result >= 0 && append)
        result = append(message, context);
    if (result >= 0)
        result = append_options(message, token, options, context);
    if (result >= 0)
        result = sd_bus_call(portal->bus, message, (uint64_t)PORTAL_CALL_MS * 1000, &problem, NULL);
    const ScoutStatus status = result < 0 ? failed(result, &problem, short_name(portal), error)
                                          : wait_for_answer(portal, timeout_ms, error);
    sd_bus_error_free(&problem);
    sd_bus_message_unref(message);
    sd_bus_slot_unref(match);
    return status;
}

static int session_options(sd_bus_message *message, void *context)
{
    const char *token = context;
    return sd_bus_message_append(message, "{sv}", "session_handle_token", "s", token);
}

ScoutStatus portal_create_session(Portal *portal, ScoutError *error)
{
    char token[64];
    (void)snprintf(token, sizeof token, "scout%d", (int)getpid());
    const ScoutStatus status = portal_request(portal, "CreateSession", NULL, session_options, token,
                                              PORTAL_CALL_MS, error);
    if (status != SCOUT_OK)
        return status;
    if (!portal->session_handle[0])
        return error_set(error, SCOUT_ERROR_IO, "the desktop's %s portal made no session",
                         short_name(portal));
    (void)str_copy(portal->session, sizeof portal->session, portal->session_handle);
    return SCOUT_OK;
}
