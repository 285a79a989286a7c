// Reading what another program offers: see selection.h and selection_wait.h.
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/str.h"
#include "selection.h"
#include "selection_wait.h"

enum { TARGETS_MAX = 256, TIME_MS = 2000, PIECE_WORDS = 256 * 1024 };

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

xcb_generic_event_t *selection_wait_event(const Selection *selection, int64_t end_ns)
{
    for (;;) {
        xcb_generic_event_t *event = xcb_poll_for_event(selection->x.xcb);
        if (event)
            return event;
        xcb_flush(selection->x.xcb);
        const int64_t left_ms = (end_ns - clock_monotonic_ns() + 999999) / 1000000;
        if (left_ms <= 0 || x11_is_broken(&selection->x))
            return NULL;
        struct pollfd wait = {.fd = xcb_get_file_descriptor(selection->x.xcb), .events = POLLIN};
        (void)poll(&wait, 1, (int)left_ms);
    }
}

void selection_keep_event(Selection *selection, xcb_generic_event_t *event)
{
    if (selection->kept_count == KEPT_EVENTS_MAX) {
        free(event);
        return;
    }
    const size_t at = (selection->kept_first + selection->kept_count++) % KEPT_EVENTS_MAX;
    selection->kept[at] = event;
}

xcb_generic_event_t *selection_next_event(Selection *selection)
{
    if (selection->kept_count == 0)
        return xcb_poll_for_event(selection->x.xcb);
    xcb_generic_event_t *event = selection->kept[selection->kept_first];
    selection->kept_first = (selection->kept_first + 1) % KEPT_EVENTS_MAX;
    selection->kept_count--;
    return event;
}

static bool is_property(const xcb_generic_event_t *event, const Selection *selection, uint8_t state)
{
    const xcb_property_notify_event_t *notify = (const void *)event;
    return (event->response_type & 0x7f) == XCB_PROPERTY_NOTIFY &&
           notify->window == selection->window && notify->atom == selection->atoms[ATOM_OURS] &&
           notify->state == state;
}

// A property of ours changes, and the event about it carries the time.
xcb_timestamp_t selection_server_time(Selection *selection)
{
    xcb_change_property(selection->x.xcb, XCB_PROP_MODE_APPEND, selection->window,
                        selection->atoms[ATOM_OURS], XCB_ATOM_STRING, 8, 0, "");
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)TIME_MS * 1000000;
    for (;;) {
        xcb_generic_event_t *event = selection_wait_event(selection, end_ns);
        if (!event)
            return 0;
        if (is_property(event, selection, XCB_PROPERTY_NEW_VALUE)) {
            const xcb_timestamp_t time = ((const xcb_property_notify_event_t *)(void *)event)->time;
            free(event);
            return time;
        }
        selection_keep_event(selection, event);
    }
}

// Appends what the property holds and deletes it, which tells the owner to go on.
static bool take_property(const Selection *selection, ContentForm *form, Buffer *bytes)
{
    uint32_t offset = 0;
    for (;;) {
        REPLY xcb_get_property_reply_t *reply = xcb_get_property_reply(
            selection->x.xcb,
            xcb_get_property(selection->x.xcb, 1, selection->window, selection->atoms[ATOM_OURS],
                             XCB_GET_PROPERTY_TYPE_ANY, offset, PIECE_WORDS),
            NULL);
        if (!reply || reply->type == XCB_NONE)
            return false;
        const size_t length = (size_t)xcb_get_property_value_length(reply);
        form->type = reply->type;
        form->format = reply->format ? reply->format : 8;
        if (!buffer_append(bytes, xcb_get_property_value(reply), length))
            return false;
        if (reply->bytes_after == 0)
            return true;
        offset += (uint32_t)(length / 4);
    }
}

static bool take_pieces(Selection *selection, ContentForm *form, Buffer *bytes, int64_t end_ns)
{
    buffer_clear(bytes); // the size that was announced
    for (;;) {
        xcb_generic_event_t *event = selection_wait_event(selection, end_ns);
        if (!event)
            return false;
        if (!is_property(event, selection, XCB_PROPERTY_NEW_VALUE)) {
            selection_keep_event(selection, event);
            continue;
        }
        free(event);
        const size_t before = bytes->length;
        if (!take_property(selection, form, bytes))
            return false;
        if (bytes->length == before)
            return true;
    }
}

static bool wait_for_answer(Selection *selection, xcb_atom_t target, int64_t end_ns)
{
    for (;;) {
        xcb_generic_event_t *event = selection_wait_event(selection, end_ns);
        if (!event)
            return false;
        const xcb_selection_notify_event_t *notify = (const void *)event;
        if ((event->response_type & 0x7f) == XCB_SELECTION_NOTIFY &&
            notify->requestor == selection->window && notify->target == target) {
            const bool given = notify->property != XCB_NONE;
            free(event);
            return given;
        }
        selection_keep_event(selection, event);
    }
}

// The content in one form; bytes holds it.
static bool read_form(Selection *selection, xcb_atom_t target, ContentForm *form, Buffer *bytes,
                      int64_t end_ns)
{
    xcb_delete_property(selection->x.xcb, selection->window, selection->atoms[ATOM_OURS]);
    xcb_convert_selection(selection->x.xcb, selection->window, selection->atoms[ATOM_CLIPBOARD],
                          target, selection->atoms[ATOM_OURS], XCB_CURRENT_TIME);
    *form = (ContentForm){.target = target};
    if (!wait_for_answer(selection, target, end_ns) || !take_property(selection, form, bytes))
        return false;
    return form->type != selection->atoms[ATOM_INCR] || take_pieces(selection, form, bytes, end_ns);
}

// Kinds in the order in which they are worth their time; the rest comes last, 0 is left out.
static int worth_of(const Selection *selection, xcb_atom_t target, bool *picture)
{
    const xcb_atom_t *atoms = selection->atoms;
    *picture = false;
    if (target == atoms[ATOM_TARGETS] || target == atoms[ATOM_TIMESTAMP] ||
        target == atoms[ATOM_MULTIPLE] || target == atoms[ATOM_SAVE_TARGETS] ||
        target == atoms[ATOM_DELETE])
        return 0;
    if (target == atoms[ATOM_UTF8_STRING] || target == XCB_ATOM_STRING ||
        target == atoms[ATOM_TEXT] || target == atoms[ATOM_PASSWORD_HINT])
        return 5;
    REPLY xcb_get_atom_name_reply_t *reply = xcb_get_atom_name_reply(
        selection->x.xcb, xcb_get_atom_name(selection->x.xcb, target), NULL);
    if (!reply)
        return 0;
    char name[64] = "";
    const size_t length = (size_t)xcb_get_atom_name_name_length(reply);
    if (length >= sizeof name)
        return 1;
    memcpy(name, xcb_get_atom_name_name(reply), length);
    *picture = str_starts(name, "image/");
    if (str_equal(name, "image/png"))
        return 3;
    // A program that has one picture offers it in every format that its library can write.
    if (*picture)
        return 2;
    return str_starts(name, "text/") || str_starts(name, "x-special/") ? 4 : 1;
}

enum { WORTHIEST = 5 };

typedef struct Target {
    xcb_atom_t atom;
    int worth;
    bool picture;
} Target;

static size_t list_targets(Selection *selection, Target *targets, int64_t end_ns)
{
    Buffer bytes;
    ContentForm form;
    buffer_init(&bytes, TARGETS_MAX * sizeof(xcb_atom_t));
    size_t count = 0;
    if (read_form(selection, selection->atoms[ATOM_TARGETS], &form, &bytes, end_ns) &&
        form.format == 32) {
        for (; count < bytes.length / sizeof(xcb_atom_t); count++) {
            Target *target = &targets[count];
            memcpy(&target->atom, bytes.data + count * sizeof(xcb_atom_t), sizeof target->atom);
            target->worth = worth_of(selection, target->atom, &target->picture);
        }
    }
    buffer_done(&bytes);
    return count;
}

void selection_read(Selection *selection, Content *content, size_t limit_bytes, int timeout_ms)
{
    Target targets[TARGETS_MAX];
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    content_clear(content);
    if (!selection_has_owner(selection))
        return;
    const size_t count = list_targets(selection, targets, end_ns);
    bool picture_there = false;
    size_t total = 0;
    for (int worth = WORTHIEST; worth > 0; worth--) {
        for (size_t i = 0; i < count && clock_monotonic_ns() < end_ns; i++) {
            if (targets[i].worth != worth || (targets[i].picture && picture_there))
                continue;
            Buffer bytes;
            ContentForm form;
            buffer_init(&bytes, limit_bytes - total);
            if (!read_form(selection, targets[i].atom, &form, &bytes, end_ns)) {
                buffer_done(&bytes);
                continue;
            }
            picture_there = picture_there || targets[i].picture;
            total += bytes.length;
            form.bytes = bytes.data; // moves there
            form.length = bytes.length;
            if (!content_add(content, &form))
                return;
        }
    }
}
