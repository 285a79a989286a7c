// The RemoteDesktop portal: see typing.h. It takes keysyms, and desktops drop in silence those that
// the layout lacks, so only ASCII is typed; for other texts the caller has the clipboard and
// press_paste. The user is asked once; the permission is kept as a token that the desktop gives.
#include "typing.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "portal.h"

enum {
    KEYBOARD = 1,
    KEEP_UNTIL_REVOKED = 2,
    KEYSYM_BACKSPACE = 0xff08,
    KEYSYM_TAB = 0xff09,
    KEYSYM_RETURN = 0xff0d,
    KEYSYM_INSERT = 0xff63,
    KEYSYM_SHIFT = 0xffe1,
    DEFAULT_PAUSE_US = 1000,
};

typedef struct PortalTyping {
    Portal portal;
    char *state_path; // NULL: the token is not kept
    int pause_us;
} PortalTyping;

static ScoutStatus focus(void *self, TypingFocus *out, ScoutError *error)
{
    (void)self;
    (void)error;
    *out = (TypingFocus){0};
    return SCOUT_OK;
}

static ScoutStatus send_key(PortalTyping *typing, int32_t keysym, uint32_t down, ScoutError *error)
{
    Portal *portal = &typing->portal;
    sd_bus_error problem = SD_BUS_ERROR_NULL;
    (void)portal_process(portal);
    if (portal->closed)
        return error_set(error, SCOUT_ERROR_PERMISSION,
                         "the desktop does not let scout type any more");
    const int result = sd_bus_call_method(portal->bus, PORTAL_NAME, PORTAL_PATH, portal->interface,
                                          "NotifyKeyboardKeysym", &problem, NULL, "oa{sv}iu",
                                          portal->session, 0, keysym, down);
    const ScoutStatus status =
        result < 0 ? error_set(error, SCOUT_ERROR_IO, "the desktop does not take keys: %s",
                               problem.message ? problem.message : strerror(-result))
                   : SCOUT_OK;
    sd_bus_error_free(&problem);
    return status;
}

static ScoutStatus press(PortalTyping *typing, int32_t keysym, ScoutError *error)
{
    ScoutStatus status = send_key(typing, keysym, 1, error);
    if (status == SCOUT_OK)
        status = send_key(typing, keysym, 0, error);
    if (typing->pause_us > 0)
        (void)usleep((useconds_t)typing->pause_us);
    return status;
}

static ScoutStatus check_text(const char *text, size_t length, ScoutError *error)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] > 0x7e)
            return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                             "the desktop's portal types only ASCII; the rest has to be pasted");
    }
    return SCOUT_OK;
}

static ScoutStatus write_text(void *self, const char *text, size_t length,
                              const TypingFocus *expected, size_t *typed_bytes, ScoutError *error)
{
    PortalTyping *typing = self;
    (void)expected;
    ScoutStatus status = check_text(text, length, error);
    for (size_t i = 0; status == SCOUT_OK && i < length; i++) {
        const char c = text[i];
        if (c == '\n')
            status = press(typing, KEYSYM_RETURN, error);
        else if (c == '\t')
            status = press(typing, KEYSYM_TAB, error);
        else if (c >= ' ')
            status = press(typing, c, error);
        if (status == SCOUT_OK)
            *typed_bytes = i + 1;
    }
    return status;
}

static ScoutStatus erase(void *self, size_t count, const TypingFocus *expected, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    (void)expected;
    for (size_t i = 0; status == SCOUT_OK && i < count; i++)
        status = press(self, KEYSYM_BACKSPACE, error);
    return status;
}

static ScoutStatus press_paste(void *self, const TypingFocus *expected, ScoutError *error)
{
    (void)expected;
    ScoutStatus status = send_key(self, KEYSYM_SHIFT, 1, error);
    if (status != SCOUT_OK)
        return status;
    status = press(self, KEYSYM_INSERT, error);
    const ScoutStatus up = send_key(self, KEYSYM_SHIFT, 0, status ? NULL : error);
    return status ? status : up;
}

static void free_typing(void *self)
{
    PortalTyping *typing = self;
    if (!typing)
        return;
    portal_close(&typing->portal);
    mem_free(typing->state_path);
    mem_free(typing);
}

static int append_session(sd_bus_message *message, void *context)
{
    const PortalTyping *typing = context;
    return sd_bus_message_append(message, "o", typing->portal.session);
}

static int append_session_and_window(sd_bus_message *message, void *context)
{
    const PortalTyping *typing = context;
    return sd_bus_message_append(message, "os", typing->portal.session, "");
}

static int device_options(sd_bus_message *message, void *context)
{
    const PortalTyping *typing = context;
    int result = sd_bus_message_append(message, "{sv}", "types", "u", (uint32_t)KEYBOARD);
    if (result >= 0)
        result = sd_bus_message_append(message, "{sv}", "persist_mode", "u",
                                       (uint32_t)KEEP_UNTIL_REVOKED);
    if (result < 0 || !typing->state_path)
        return result;
    Buffer token;
    buffer_init(&token, PORTAL_TEXT_SIZE);
    if (file_read(typing->state_path, PORTAL_TEXT_SIZE, &token, NULL) == SCOUT_OK &&
        token.length > 0 && utf8_valid(token.data, token.length))
        result = sd_bus_message_append(message, "{sv}", "restore_token", "s", buffer_text(&token));
    buffer_done(&token);
    return result;
}

// It stands for the user's yes: for their eyes only. Not kept, they are asked again.
static void keep_token(const PortalTyping *typing)
{
    const char *token = typing->portal.restore_token;
    if (!typing->state_path || !token[0])
        return;
    const mode_t before = umask(077);
    (void)file_write(typing->state_path, token, strlen(token), true, NULL);
    (void)umask(before);
}

ScoutStatus portal_typing_new(const TypingOptions *options, void **self, ScoutError *error)
{
    PortalTyping *typing = mem_array(1, sizeof *typing);
    if (!typing)
        return error_no_memory(error);
    typing->pause_us = options->key_pause_us ? options->key_pause_us : DEFAULT_PAUSE_US;
    if (options->state_path)
        typing->state_path = mem_copy_text(options->state_path, strlen(options->state_path));
    ScoutStatus status =
        portal_open(&typing->portal, "org.freedesktop.portal.RemoteDesktop", error);
    if (status == SCOUT_OK)
        status = portal_create_session(&typing->portal, error);
    if (status == SCOUT_OK)
        status = portal_request(&typing->portal, "SelectDevices", append_session, device_options,
                                typing, PORTAL_CALL_MS, error);
    if (status == SCOUT_OK)
        status = portal_request(&typing->portal, "Start", append_session_and_window, NULL, typing,
                                PORTAL_USER_MS, error);
    if (status != SCOUT_OK) {
        free_typing(typing);
        return status;
    }
    keep_token(typing);
    *self = typing;
    return SCOUT_OK;
}

const TypingBackend portal_typing_backend = {
    .name = "portal",
    .focus = focus,
    .write = write_text,
    .erase = erase,
    .press_paste = press_paste,
    .free = free_typing,
};
