// The X protocol of selections (ICCCM section 2): reading what another program offers, and
// answering those that ask for ours, large contents in pieces (INCR) both ways.
#ifndef PLATFORM_X11_SELECTION_H
#define PLATFORM_X11_SELECTION_H

#include "connection.h"
#include "content.h"

typedef enum SelectionAtom {
    ATOM_CLIPBOARD,
    ATOM_TARGETS,
    ATOM_TIMESTAMP,
    ATOM_MULTIPLE,
    ATOM_ATOM_PAIR,
    ATOM_INCR,
    ATOM_SAVE_TARGETS,
    ATOM_DELETE,
    ATOM_CLIPBOARD_MANAGER,
    ATOM_UTF8_STRING,
    ATOM_TEXT,
    ATOM_TEXT_PLAIN,
    ATOM_TEXT_PLAIN_UTF8,
    ATOM_PASSWORD_HINT,
    ATOM_OURS, // the property by which we receive
    SELECTION_ATOMS,
} SelectionAtom;

enum { TRANSFERS_MAX = 16, KEPT_EVENTS_MAX = 256 };

// A large content on its way to somebody.
typedef struct Transfer {
    xcb_window_t requestor; // 0: none
    xcb_atom_t property;
    xcb_atom_t type;
    uint8_t format;
    char *bytes; // a copy: what is on the clipboard may change meanwhile
    size_t length;
    size_t sent;
    bool ending; // the empty piece that ends it was sent
    int64_t end_ns;
} Transfer;

typedef struct Selection {
    X11Connection x;
    xcb_window_t window;
    xcb_atom_t atoms[SELECTION_ATOMS];
    xcb_timestamp_t since; // when we became the owner; 0: we are not
    size_t piece_bytes;    // larger contents go in pieces
    Transfer transfers[TRANSFERS_MAX];
    // Events that came while another one was waited for.
    xcb_generic_event_t *kept[KEPT_EVENTS_MAX];
    size_t kept_first, kept_count;
} Selection;

ScoutStatus selection_open(Selection *selection, const char *display, ScoutError *error);
void selection_close(Selection *selection);

// Becomes the owner of the clipboard, or leaves it to nobody. False when the display is gone.
bool selection_own(Selection *selection);
void selection_disown(Selection *selection);

// Whether anybody owns it.
bool selection_has_owner(const Selection *selection);

// Reads what the owner offers, at most limit_bytes in timeout_ms: text first, then the other kinds.
// An owner that does not answer has nothing. Not while we are the owner.
void selection_read(Selection *selection, Content *content, size_t limit_bytes, int timeout_ms);

// The forms of a text.
bool selection_make_text(const Selection *selection, const char *text, size_t length,
                         Content *content);

// Answers a request with the content. True when the content itself was given, not only its kinds.
bool selection_answer(Selection *selection, const xcb_selection_request_event_t *request,
                      const Content *content);

// The next event, to be freed with free; NULL when there is none now.
xcb_generic_event_t *selection_next_event(Selection *selection);

// Goes on with transfers: a property was deleted; or now and then, to drop those that stopped.
void selection_continue(Selection *selection, const xcb_property_notify_event_t *event);
void selection_drop_stale(Selection *selection);

// Whether the window is of the program that has the keyboard focus.
bool selection_is_focused(const Selection *selection, xcb_window_t window);

// Asks the clipboard manager to take the content over, answering it meanwhile.
void selection_hand_over(Selection *selection, const Content *content, int timeout_ms);

#endif
