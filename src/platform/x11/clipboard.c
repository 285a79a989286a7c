// The clipboard: see clipboard.h. On X the owner of a selection is asked whenever somebody pastes,
// so a thread answers for as long as there is something of ours. It alone uses the connection; the
// owner's functions leave a command and wait until it is done.
#include "clipboard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/memory.h"
#include "selection.h"

enum { DEFAULT_GRACE_MS = 700, READ_MS = 2000, HAND_OVER_MS = 2000, TICK_MS = 500 };

typedef enum Command { COMMAND_NONE, COMMAND_PUT, COMMAND_RESTORE, COMMAND_QUIT } Command;

typedef struct X11Clipboard {
    // The thread's alone.
    Selection selection;
    Content offered;    // what is on the clipboard while we own it
    Content old;        // what comes back; empty also when nothing was there
    bool old_pending;   // offered is a text of ours, and old is to come back
    int64_t restore_ns; // when; 0: not yet known
    int grace_ms;
    pthread_t thread;
    int wake; // an eventfd
    // Shared, under the mutex.
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    Command command;
    const char *text; // borrowed while the command lasts
    size_t length;
    ClipboardKeep keep;
    bool command_ok;
    bool taken; // by the focused program, since the last put
    bool gone;  // the display is
} X11Clipboard;

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

static void restore_old(X11Clipboard *clipboard)
{
    clipboard->restore_ns = 0;
    if (!clipboard->old_pending)
        return;
    clipboard->old_pending = false;
    content_move(&clipboard->offered, &clipboard->old);
    if (clipboard->offered.count == 0)
        selection_disown(&clipboard->selection);
    else
        (void)selection_own(&clipboard->selection);
}

// What is there now is kept, unless it is a text of ours that hides something older.
static void keep_old(X11Clipboard *clipboard)
{
    if (clipboard->selection.since && clipboard->old_pending)
        return;
    if (clipboard->selection.since)
        content_move(&clipboard->old, &clipboard->offered);
    else
        selection_read(&clipboard->selection, &clipboard->old, CLIPBOARD_OLD_MAX_BYTES, READ_MS);
    clipboard->old_pending = true;
}

static bool put_text(X11Clipboard *clipboard, const char *text, size_t length, ClipboardKeep keep)
{
    Content made = {.count = 0};
    if (!selection_make_text(&clipboard->selection, text, length, &made))
        return false;
    if (keep == CLIPBOARD_UNTIL_TAKEN) {
        keep_old(clipboard);
    } else {
        content_clear(&clipboard->old);
        clipboard->old_pending = false;
    }
    clipboard->restore_ns = 0;
    content_move(&clipboard->offered, &made);
    return selection_own(&clipboard->selection);
}

static void note_taken(X11Clipboard *clipboard)
{
    if (clipboard->old_pending)
        clipboard->restore_ns = clock_monotonic_ns() + (int64_t)clipboard->grace_ms * 1000000;
    pthread_mutex_lock(&clipboard->mutex);
    clipboard->taken = true;
    pthread_cond_broadcast(&clipboard->condition);
    pthread_mutex_unlock(&clipboard->mutex);
}

// Somebody else put something on the clipboard: ours is history.
static void forget(X11Clipboard *clipboard, const xcb_selection_clear_event_t *event)
{
    // An owner that took over before we did last is told late.
    const bool older = (int32_t)(event->time - clipboard->selection.since) < 0;
    if (!clipboard->selection.since || older)
        return;
    clipboard->selection.since = 0;
    clipboard->old_pending = false;
    clipboard->restore_ns = 0;
    content_clear(&clipboard->offered);
    content_clear(&clipboard->old);
}

static void take_events(X11Clipboard *clipboard)
{
    for (;;) {
        REPLY xcb_generic_event_t *event = selection_next_event(&clipboard->selection);
        if (!event)
            return;
        const uint8_t type = event->response_type & 0x7f;
        if (type == XCB_SELECTION_REQUEST) {
            const xcb_selection_request_event_t *request = (const void *)event;
            if (selection_answer(&clipboard->selection, request, &clipboard->offered) &&
                selection_is_focused(&clipboard->selection, request->requestor))
                note_taken(clipboard);
        } else if (type == XCB_SELECTION_CLEAR) {
            forget(clipboard, (const void *)event);
        } else if (type == XCB_PROPERTY_NOTIFY) {
            selection_continue(&clipboard->selection, (const void *)event);
        }
    }
}

static void finish_command(X11Clipboard *clipboard, bool ok)
{
    pthread_mutex_lock(&clipboard->mutex);
    clipboard->command = COMMAND_NONE;
    clipboard->command_ok = ok;
    pthread_cond_broadcast(&clipboard->condition);
    pthread_mutex_unlock(&clipboard->mutex);
}

// False when it is time to end.
static bool take_command(X11Clipboard *clipboard)
{
    uint64_t count;
    (void)!read(clipboard->wake, &count, sizeof count);
    pthread_mutex_lock(&clipboard->mutex);
    const Command command = clipboard->command;
    if (command == COMMAND_PUT)
        clipboard->taken = false;
    pthread_mutex_unlock(&clipboard->mutex);
    if (command == COMMAND_PUT) {
        finish_command(clipboard,
                       put_text(clipboard, clipboard->text, clipboard->length, clipboard->keep));
    } else if (command == COMMAND_RESTORE) {
        restore_old(clipboard);
        finish_command(clipboard, true);
    }
    return command != COMMAND_QUIT;
}

static int next_timeout_ms(const X11Clipboard *clipboard)
{
    bool busy = false;
    for (int i = 0; i < TRANSFERS_MAX; i++)
        busy = busy || clipboard->selection.transfers[i].requestor;
    if (!clipboard->restore_ns)
        return busy ? TICK_MS : -1;
    const int64_t left_ms = (clipboard->restore_ns - clock_monotonic_ns() + 999999) / 1000000;
    return left_ms < 0 ? 0 : left_ms > TICK_MS ? TICK_MS : (int)left_ms;
}

static void *serve(void *context)
{
    X11Clipboard *clipboard = context;
    for (;;) {
        if (clipboard->restore_ns && clock_monotonic_ns() >= clipboard->restore_ns)
            restore_old(clipboard);
        take_events(clipboard); // last, as the others may have kept some
        selection_drop_stale(&clipboard->selection);
        xcb_flush(clipboard->selection.x.xcb);
        const bool broken = x11_is_broken(&clipboard->selection.x);
        if (broken) {
            pthread_mutex_lock(&clipboard->mutex);
            clipboard->gone = true;
            pthread_cond_broadcast(&clipboard->condition);
            pthread_mutex_unlock(&clipboard->mutex);
        }
        struct pollfd waits[] = {
            {.fd = clipboard->wake, .events = POLLIN},
            {.fd = broken ? -1 : xcb_get_file_descriptor(clipboard->selection.x.xcb),
             .events = POLLIN},
        };
        (void)poll(waits, BASE_COUNT(waits), next_timeout_ms(clipboard));
        if (waits[0].revents && !take_command(clipboard))
            break;
    }
    restore_old(clipboard);
    selection_hand_over(&clipboard->selection, &clipboard->offered, HAND_OVER_MS);
    return NULL;
}

static ScoutStatus run_command(X11Clipboard *clipboard, Command command, ScoutError *error)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&clipboard->mutex);
    clipboard->command = command;
    (void)!write(clipboard->wake, &one, sizeof one);
    while (clipboard->command == command && !clipboard->gone)
        condition_wait(&clipboard->condition, &clipboard->mutex, NULL);
    const bool ok = clipboard->command_ok && !clipboard->gone;
    // The thread may still be at it when the display went away, but then does not look at the text.
    const bool gone = clipboard->gone;
    pthread_mutex_unlock(&clipboard->mutex);
    if (gone)
        return x11_broken(error);
    if (!ok)
        return error_set(error, SCOUT_ERROR_IO, "the clipboard could not be taken");
    return SCOUT_OK;
}

static ScoutStatus put(void *self, const char *text, size_t length, ClipboardKeep keep,
                       ScoutError *error)
{
    X11Clipboard *clipboard = self;
    clipboard->text = text;
    clipboard->length = length;
    clipboard->keep = keep;
    return run_command(clipboard, COMMAND_PUT, error);
}

static ScoutStatus restore(void *self, ScoutError *error)
{
    return run_command(self, COMMAND_RESTORE, error);
}

static ScoutStatus wait_taken(void *self, int timeout_ms, ScoutError *error)
{
    X11Clipboard *clipboard = self;
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    const struct timespec end = {.tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000};
    pthread_mutex_lock(&clipboard->mutex);
    int waited = 0;
    while (!clipboard->taken && !clipboard->gone && waited == 0)
        waited =
            pthread_cond_clockwait(&clipboard->condition, &clipboard->mutex, CLOCK_MONOTONIC, &end);
    const bool taken = clipboard->taken;
    const bool gone = clipboard->gone;
    pthread_mutex_unlock(&clipboard->mutex);
    if (taken)
        return SCOUT_OK;
    if (gone)
        return x11_broken(error);
    return error_set(error, SCOUT_ERROR_TIMEOUT, "the program did not take the text");
}

static void free_clipboard(void *self)
{
    X11Clipboard *clipboard = self;
    if (!clipboard)
        return;
    const uint64_t one = 1;
    pthread_mutex_lock(&clipboard->mutex);
    clipboard->command = COMMAND_QUIT;
    (void)!write(clipboard->wake, &one, sizeof one);
    pthread_mutex_unlock(&clipboard->mutex);
    pthread_join(clipboard->thread, NULL);
    selection_close(&clipboard->selection);
    content_clear(&clipboard->offered);
    content_clear(&clipboard->old);
    pthread_cond_destroy(&clipboard->condition);
    pthread_mutex_destroy(&clipboard->mutex);
    (void)close(clipboard->wake);
    mem_free(clipboard);
}

static ScoutStatus start(X11Clipboard *clipboard, const char *display, ScoutError *error)
{
    clipboard->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (clipboard->wake < 0)
        return error_set_errno(error, errno, "no event can be made");
    const ScoutStatus status = selection_open(&clipboard->selection, display, error);
    if (status != SCOUT_OK) {
        (void)close(clipboard->wake);
        return status;
    }
    pthread_mutex_init(&clipboard->mutex, NULL);
    condition_init(&clipboard->condition);
    if (pthread_create(&clipboard->thread, NULL, serve, clipboard) == 0)
        return SCOUT_OK;
    pthread_cond_destroy(&clipboard->condition);
    pthread_mutex_destroy(&clipboard->mutex);
    selection_close(&clipboard->selection);
    (void)close(clipboard->wake);
    return error_set(error, SCOUT_ERROR_BUSY, "the system refuses another thread");
}

ScoutStatus x11_clipboard_new(const ClipboardOptions *options, void **self, ScoutError *error)
{
    X11Clipboard *clipboard = mem_array(1, sizeof *clipboard);
    if (!clipboard)
        return error_no_memory(error);
    clipboard->grace_ms = options->grace_ms ? options->grace_ms : DEFAULT_GRACE_MS;
    const ScoutStatus status = start(clipboard, options->display, error);
    if (status != SCOUT_OK) {
        mem_free(clipboard);
        return status;
    }
    *self = clipboard;
    return SCOUT_OK;
}

const ClipboardBackend x11_clipboard_backend = {
    .name = "x11",
    .put = put,
    .wait_taken = wait_taken,
    .restore = restore,
    .free = free_clipboard,
};
