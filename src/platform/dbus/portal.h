// What both desktop portals share (xdg-desktop-portal): requests, which are answered by a signal
// once the user has decided, and sessions, which the desktop may close at any time.
#ifndef PLATFORM_DBUS_PORTAL_H
#define PLATFORM_DBUS_PORTAL_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/status.h"

#define PORTAL_NAME    "org.freedesktop.portal.Desktop"
#define PORTAL_PATH    "/org/freedesktop/portal/desktop"
#define PORTAL_SESSION "org.freedesktop.portal.Session"

enum { PORTAL_TEXT_SIZE = 512, PORTAL_CALL_MS = 5000, PORTAL_USER_MS = 120000 };

typedef struct Portal {
    sd_bus *bus;
    const char *interface; // of the portal in use
    unsigned requests;     // counts them, for their names
    char session[PORTAL_TEXT_SIZE];
    bool closed; // the desktop has closed the session, or is gone
    // The last request's answer.
    bool answered;
    uint32_t code; // 0: granted, 1: the user said no, 2: it ended otherwise
    char session_handle[PORTAL_TEXT_SIZE];
    char restore_token[PORTAL_TEXT_SIZE];
    char trigger[PORTAL_TEXT_SIZE]; // "trigger_description" of a shortcut
} Portal;

// Connects to the session bus. UNSUPPORTED when there is none, or no such portal.
ScoutStatus portal_open(Portal *portal, const char *interface, ScoutError *error);
void portal_close(Portal *portal);

// Appends the arguments of a call that come before its options.
typedef int (*PortalAppend)(sd_bus_message *message, void *context);

// Appends entries to the open array of options.
typedef int (*PortalOptions)(sd_bus_message *message, void *context);

// Calls a method that is a request and waits for its answer, which is then in the portal.
// UNSUPPORTED or IO when the call fails, PERMISSION when the user says no, TIMEOUT.
ScoutStatus portal_request(Portal *portal, const char *method, PortalAppend append,
                           PortalOptions options, void *context, int timeout_ms, ScoutError *error);

// Makes the session; from then on `closed` is kept.
ScoutStatus portal_create_session(Portal *portal, ScoutError *error);

// Takes what has come, without waiting. False when the bus is gone.
bool portal_process(Portal *portal);

#endif
