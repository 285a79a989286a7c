// Selections: see selection.h. What is read is in selection_read.c.
#include "selection.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "selection_wait.h"

enum { PIECE_MAX_BYTES = 256 * 1024, TRANSFER_MS = 10000, REQUEST_HEAD_BYTES = 64, PAIRS_MAX = 64 };

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

static const char *const atom_names[SELECTION_ATOMS] = {
    [ATOM_CLIPBOARD] = "CLIPBOARD",
    [ATOM_TARGETS] = "TARGETS",
    [ATOM_TIMESTAMP] = "TIMESTAMP",
    [ATOM_MULTIPLE] = "MULTIPLE",
    [ATOM_ATOM_PAIR] = "ATOM_PAIR",
    [ATOM_INCR] = "INCR",
    [ATOM_SAVE_TARGETS] = "SAVE_TARGETS",
    [ATOM_DELETE] = "DELETE",
    [ATOM_CLIPBOARD_MANAGER] = "CLIPBOARD_MANAGER",
    [ATOM_UTF8_STRING] = "UTF8_STRING",
    [ATOM_TEXT] = "TEXT",
    [ATOM_TEXT_PLAIN] = "text/plain",
    [ATOM_TEXT_PLAIN_UTF8] = "text/plain;charset=utf-8",
    [ATOM_PASSWORD_HINT] = "x-kde-passwordManagerHint",
    [ATOM_OURS] = "SCOUT_SELECTION",
};

ScoutStatus selection_open(Selection *selection, const char *display, ScoutError *error)
{
    *selection = (Selection){0};
    const ScoutStatus status = x11_connect(&selection->x, display, error);
    if (status != SCOUT_OK)
        return status;
    xcb_connection_t *xcb = selection->x.xcb;
    for (int i = 0; i < SELECTION_ATOMS; i++)
        selection->atoms[i] = x11_atom(&selection->x, atom_names[i]);
    const size_t request_bytes = (size_t)xcb_get_maximum_request_length(xcb) * 4;
    selection->piece_bytes = BASE_MIN(request_bytes - REQUEST_HEAD_BYTES, PIECE_MAX_BYTES);
    selection->window = xcb_generate_id(xcb);
    const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
    xcb_create_window(xcb, 0, selection->window, selection->x.root, -10, -10, 1, 1, 0,
                      XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK,
                      &events);
    if (x11_sync(&selection->x))
        return SCOUT_OK;
    selection_close(selection);
    return x11_broken(error);
}

static void end_transfer(Transfer *transfer)
{
    mem_free(transfer->bytes);
    *transfer = (Transfer){0};
}

void selection_close(Selection *selection)
{
    for (int i = 0; i < TRANSFERS_MAX; i++)
        end_transfer(&selection->transfers[i]);
    while (selection->kept_count > 0)
        free(selection_next_event(selection));
    x11_disconnect(&selection->x);
}

bool selection_has_owner(const Selection *selection)
{
    REPLY xcb_get_selection_owner_reply_t *owner = xcb_get_selection_owner_reply(
        selection->x.xcb,
        xcb_get_selection_owner(selection->x.xcb, selection->atoms[ATOM_CLIPBOARD]), NULL);
    return owner && owner->owner != XCB_NONE;
}

bool selection_own(Selection *selection)
{
    xcb_connection_t *xcb = selection->x.xcb;
    const xcb_timestamp_t now = selection_server_time(selection);
    if (!now)
        return false;
    xcb_set_selection_owner(xcb, selection->window, selection->atoms[ATOM_CLIPBOARD], now);
    REPLY xcb_get_selection_owner_reply_t *owner = xcb_get_selection_owner_reply(
        xcb, xcb_get_selection_owner(xcb, selection->atoms[ATOM_CLIPBOARD]), NULL);
    selection->since = owner && owner->owner == selection->window ? now : 0;
    return selection->since;
}

void selection_disown(Selection *selection)
{
    if (selection->since)
        xcb_set_selection_owner(selection->x.xcb, XCB_NONE, selection->atoms[ATOM_CLIPBOARD],
                                selection->since);
    selection->since = 0;
    xcb_flush(selection->x.xcb);
}

static bool add_copy(Content *content, xcb_atom_t target, xcb_atom_t type, const char *text,
                     size_t length)
{
    const ContentForm form = {.target = target,
                              .type = type,
                              .format = 8,
                              .bytes = mem_copy_text(text, length),
                              .length = length};
    return form.bytes && content_add(content, &form);
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] > 0x7f)
            return false;
    }
    return true;
}

bool selection_make_text(const Selection *selection, const char *text, size_t length,
                         Content *content)
{
    static const SelectionAtom targets[] = {ATOM_UTF8_STRING, ATOM_TEXT_PLAIN_UTF8,
                                            ATOM_TEXT_PLAIN};
    const xcb_atom_t *atoms = selection->atoms;
    content_clear(content);
    bool whole = true;
    for (size_t i = 0; i < BASE_COUNT(targets); i++)
        whole = whole && add_copy(content, atoms[targets[i]], atoms[targets[i]], text, length);
    whole = whole && add_copy(content, atoms[ATOM_TEXT], atoms[ATOM_UTF8_STRING], text, length);
    // The type STRING is Latin-1.
    if (is_ascii(text, length))
        whole = whole && add_copy(content, XCB_ATOM_STRING, XCB_ATOM_STRING, text, length);
    // Clipboard managers leave a text with this hint out of their histories.
    whole = whole && add_copy(content, atoms[ATOM_PASSWORD_HINT], atoms[ATOM_PASSWORD_HINT],
                              "secret", strlen("secret"));
    if (!whole)
        content_clear(content);
    return whole;
}

static bool give_targets(const Selection *selection, xcb_window_t requestor, xcb_atom_t property,
                         const Content *content)
{
    xcb_atom_t targets[CONTENT_FORMS_MAX + 4];
    uint32_t count = 0;
    targets[count++] = selection->atoms[ATOM_TARGETS];
    targets[count++] = selection->atoms[ATOM_TIMESTAMP];
    targets[count++] = selection->atoms[ATOM_MULTIPLE];
    targets[count++] = selection->atoms[ATOM_SAVE_TARGETS];
    for (size_t i = 0; i < content->count; i++)
        targets[count++] = content->forms[i].target;
    xcb_change_property(selection->x.xcb, XCB_PROP_MODE_REPLACE, requestor, property, XCB_ATOM_ATOM,
                        32, count, targets);
    return true;
}

static bool start_transfer(Selection *selection, xcb_window_t requestor, xcb_atom_t property,
                           const ContentForm *form)
{
    Transfer *transfer = NULL;
    for (int i = 0; i < TRANSFERS_MAX && !transfer; i++) {
        if (!selection->transfers[i].requestor)
            transfer = &selection->transfers[i];
    }
    char *bytes = transfer ? mem_copy_text(form->bytes, form->length) : NULL;
    if (!bytes)
        return false;
    *transfer = (Transfer){
        .requestor = requestor,
        .property = property,
        .type = form->type,
        .format = form->format,
        .bytes = bytes,
        .length = form->length,
        .end_ns = clock_monotonic_ns() + (int64_t)TRANSFER_MS * 1000000,
    };
    const uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
    const uint32_t size = (uint32_t)form->length;
    // Our own window already tells of its properties; its mask stays.
    if (requestor != selection->window)
        xcb_change_window_attributes(selection->x.xcb, requestor, XCB_CW_EVENT_MASK, &events);
    xcb_change_property(selection->x.xcb, XCB_PROP_MODE_REPLACE, requestor, property,
                        selection->atoms[ATOM_INCR], 32, 1, &size);
    return true;
}

// True when the target was given under that property.
static bool give(Selection *selection, xcb_window_t requestor, xcb_atom_t target,
                 xcb_atom_t property, const Content *content, bool *content_given)
{
    const xcb_atom_t *atoms = selection->atoms;
    if (target == atoms[ATOM_TARGETS])
        return give_targets(selection, requestor, property, content);
    if (target == atoms[ATOM_TIMESTAMP]) {
        xcb_change_property(selection->x.xcb, XCB_PROP_MODE_REPLACE, requestor, property,
                            XCB_ATOM_INTEGER, 32, 1, &selection->since);
        return true;
    }
    const ContentForm *form = content_find(content, target);
    if (!form)
        return false;
    *content_given = *content_given || target != atoms[ATOM_PASSWORD_HINT];
    if (form->length > selection->piece_bytes)
        return start_transfer(selection, requestor, property, form);
    xcb_change_property(selection->x.xcb, XCB_PROP_MODE_REPLACE, requestor, property, form->type,
                        form->format, (uint32_t)(form->length / (form->format / 8)), form->bytes);
    return true;
}

// The requestor lists pairs of targets and properties; those that cannot be had become None.
static bool give_multiple(Selection *selection, const xcb_selection_request_event_t *request,
                          const Content *content, bool *content_given)
{
    xcb_connection_t *xcb = selection->x.xcb;
    REPLY xcb_get_property_reply_t *reply =
        xcb_get_property_reply(xcb,
                               xcb_get_property(xcb, 0, request->requestor, request->property,
                                                XCB_GET_PROPERTY_TYPE_ANY, 0, 2 * PAIRS_MAX),
                               NULL);
    if (!reply || reply->format != 32)
        return false;
    xcb_atom_t *pairs = xcb_get_property_value(reply);
    const int count = xcb_get_property_value_length(reply) / (int)sizeof *pairs;
    for (int i = 0; i + 1 < count; i += 2) {
        if (pairs[i] == selection->atoms[ATOM_MULTIPLE] || pairs[i + 1] == XCB_NONE ||
            !give(selection, request->requestor, pairs[i], pairs[i + 1], content, content_given))
            pairs[i + 1] = XCB_NONE;
    }
    xcb_change_property(xcb, XCB_PROP_MODE_REPLACE, request->requestor, request->property,
                        selection->atoms[ATOM_ATOM_PAIR], 32, (uint32_t)count, pairs);
    return true;
}

bool selection_answer(Selection *selection, const xcb_selection_request_event_t *request,
                      const Content *content)
{
    bool content_given = false;
    bool given = false;
    // Programs from before 1989 leave the property out and expect the target's name.
    const xcb_atom_t property = request->property ? request->property : request->target;
    const bool ours = selection->since && request->selection == selection->atoms[ATOM_CLIPBOARD];
    if (ours && request->target == selection->atoms[ATOM_MULTIPLE])
        given = request->property && give_multiple(selection, request, content, &content_given);
    else if (ours)
        given =
            give(selection, request->requestor, request->target, property, content, &content_given);
    const xcb_selection_notify_event_t notify = {
        .response_type = XCB_SELECTION_NOTIFY,
        .time = request->time,
        .requestor = request->requestor,
        .selection = request->selection,
        .target = request->target,
        .property = given ? property : XCB_NONE,
    };
    // An event is 32 bytes on the wire, whatever its struct says.
    char event[32] = {0};
    memcpy(event, &notify, sizeof notify);
    xcb_send_event(selection->x.xcb, 0, request->requestor, XCB_EVENT_MASK_NO_EVENT, event);
    xcb_flush(selection->x.xcb);
    return given && content_given;
}

void selection_continue(Selection *selection, const xcb_property_notify_event_t *event)
{
    if (event->state != XCB_PROPERTY_DELETE)
        return;
    for (int i = 0; i < TRANSFERS_MAX; i++) {
        Transfer *transfer = &selection->transfers[i];
        if (!transfer->requestor || transfer->requestor != event->window ||
            transfer->property != event->atom)
            continue;
        if (transfer->ending) {
            end_transfer(transfer);
            return;
        }
        const size_t piece =
            BASE_MIN(transfer->length - transfer->sent, selection->piece_bytes) & ~(size_t)3;
        const size_t bytes =
            transfer->length - transfer->sent < 4 ? transfer->length - transfer->sent : piece;
        xcb_change_property(selection->x.xcb, XCB_PROP_MODE_REPLACE, transfer->requestor,
                            transfer->property, transfer->type, transfer->format,
                            (uint32_t)(bytes / (transfer->format / 8)),
                            transfer->bytes + transfer->sent);
        transfer->sent += bytes;
        transfer->ending = bytes == 0;
        transfer->end_ns = clock_monotonic_ns() + (int64_t)TRANSFER_MS * 1000000;
        xcb_flush(selection->x.xcb);
        return;
    }
}

void selection_drop_stale(Selection *selection)
{
    const int64_t now_ns = clock_monotonic_ns();
    for (int i = 0; i < TRANSFERS_MAX; i++) {
        Transfer *transfer = &selection->transfers[i];
        if (transfer->requestor && now_ns >= transfer->end_ns)
            end_transfer(transfer);
    }
}

// The upper bits of a window's number name the program that made it.
bool selection_is_focused(const Selection *selection, xcb_window_t window)
{
    xcb_window_t focus = XCB_NONE;
    xcb_window_t top = XCB_NONE;
    if (!x11_focus(&selection->x, &focus, &top))
        return false;
    if (focus == XCB_INPUT_FOCUS_POINTER_ROOT)
        return true;
    const uint32_t mask = ~xcb_get_setup(selection->x.xcb)->resource_id_mask;
    return focus != XCB_NONE && (focus & mask) == (window & mask);
}

void selection_hand_over(Selection *selection, const Content *content, int timeout_ms)
{
    xcb_connection_t *xcb = selection->x.xcb;
    const xcb_atom_t manager = selection->atoms[ATOM_CLIPBOARD_MANAGER];
    REPLY xcb_get_selection_owner_reply_t *owner =
        xcb_get_selection_owner_reply(xcb, xcb_get_selection_owner(xcb, manager), NULL);
    if (!selection->since || !owner || owner->owner == XCB_NONE)
        return;
    xcb_convert_selection(xcb, selection->window, manager, selection->atoms[ATOM_SAVE_TARGETS],
                          selection->atoms[ATOM_OURS], XCB_CURRENT_TIME);
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        REPLY xcb_generic_event_t *event = selection_wait_event(selection, end_ns);
        if (!event)
            return;
        const uint8_t type = event->response_type & 0x7f;
        const xcb_selection_notify_event_t *notify = (const void *)event;
        if (type == XCB_SELECTION_NOTIFY && notify->selection == manager)
            return;
        if (type == XCB_SELECTION_REQUEST)
            (void)selection_answer(selection, (const void *)event, content);
        if (type == XCB_PROPERTY_NOTIFY)
            selection_continue(selection, (const void *)event);
    }
}
