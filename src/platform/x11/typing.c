// Typing through XTEST. The text is cut into batches whose characters all have a key at the same
// time; the focus is looked at every few characters.
#include "typing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xcb/xkb.h>
#include <xcb/xtest.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "connection.h"
#include "keyboard.h"
#include "modifiers.h"
#include "ping.h"
#include "stolen.h"

enum {
    DEFAULT_PAUSE_US = 1000,
    DEFAULT_MODIFIER_WAIT_MS = 300,
    CHUNK = 8,          // characters between two looks at the focus
    SETTLE_MS = 150,    // for a program that knows no pings to have read its keys
    BUSY_MAX_MS = 5000, // for one that does
    BORROW_AT_ONCE = X11_KEYS,
    STROKES_KEPT = 128, // how far back what was stolen is typed again
    HELD_POLL_MS = 4,
    HELD_MAX_MS = 120000,
};

typedef struct X11Typing {
    X11Connection x;
    X11Keyboard keyboard;
    X11Modifiers modifiers;
    X11Ping ping;
    bool stale;     // the keymap is not known, or has changed
    uint64_t batch; // counts the batches
    int pause_us;
    int modifier_wait_ms;
    // Of the text that is typed: where the characters of the last strokes begin.
    size_t strokes[STROKES_KEPT];
    size_t stroke_count;
    unsigned stolen; // of x11_keys_stolen, what was seen
} X11Typing;

typedef struct Target {
    xcb_window_t focus;
    xcb_window_t top;
} Target;

static ScoutStatus find_target(X11Typing *typing, const TypingFocus *expected, Target *target,
                               ScoutError *error)
{
    if (!x11_focus(&typing->x, &target->focus, &target->top))
        return x11_broken(error);
    if (target->focus == XCB_INPUT_FOCUS_NONE)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no window has the keyboard: click where the text is to go");
    if (expected && expected->known && expected->window != target->top)
        return error_set(error, SCOUT_ERROR_STATE, "another window has the keyboard now");
    return SCOUT_OK;
}

static ScoutStatus still_there(X11Typing *typing, const Target *target, ScoutError *error)
{
    Target now;
    if (!x11_focus(&typing->x, &now.focus, &now.top))
        return x11_broken(error);
    if (now.top != target->top)
        return error_set(error, SCOUT_ERROR_STATE,
                         "the keyboard moved to another window while text was typed");
    return SCOUT_OK;
}

static ScoutStatus focus(void *self, TypingFocus *out, ScoutError *error)
{
    X11Typing *typing = self;
    Target target;
    const ScoutStatus status = find_target(typing, NULL, &target, error);
    if (status != SCOUT_OK)
        return status;
    *out = (TypingFocus){.known = true, .window = target.top};
    return SCOUT_OK;
}

// Our own changes of the keymap come back as events, too; reading it again then is cheap.
static void take_events(X11Typing *typing)
{
    xcb_generic_event_t *event;
    while ((event = xcb_poll_for_event(typing->x.xcb))) {
        const uint8_t type = event->response_type & 0x7f;
        if (type == XCB_MAPPING_NOTIFY || type == typing->x.xkb_first_event)
            typing->stale = true;
        free(event);
    }
}

static ScoutStatus prepare(X11Typing *typing, ScoutError *error)
{
    if (!x11_sync(&typing->x))
        return x11_broken(error);
    take_events(typing);
    if (!typing->stale)
        return SCOUT_OK;
    const ScoutStatus status = x11_keyboard_load(&typing->keyboard, &typing->x, error);
    typing->stale = status != SCOUT_OK;
    return status;
}

static void press(X11Typing *typing, uint8_t key)
{
    xcb_test_fake_input(typing->x.xcb, XCB_KEY_PRESS, key, 0, XCB_NONE, 0, 0, 0);
}

static void release(X11Typing *typing, uint8_t key)
{
    xcb_test_fake_input(typing->x.xcb, XCB_KEY_RELEASE, key, 0, XCB_NONE, 0, 0, 0);
}

static void stroke_key(X11Typing *typing, uint8_t key, bool shift)
{
    if (shift)
        press(typing, typing->keyboard.shift_key);
    press(typing, key);
    release(typing, key);
    if (shift)
        release(typing, typing->keyboard.shift_key);
    xcb_flush(typing->x.xcb);
    if (typing->pause_us > 0)
        (void)usleep((useconds_t)typing->pause_us);
}

// The next character that is typed: left out are control characters, malformed bytes and the CR of
// CR LF. 0 at the end.
static uint32_t next_character(const char *text, size_t length, size_t *at)
{
    while (*at < length) {
        uint32_t code = 0;
        const size_t bytes = utf8_decode(text + *at, length - *at, &code);
        const bool malformed = code == 0xfffd && bytes == 1;
        *at += bytes;
        const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (!malformed && (!control || code == '\n' || code == '\t'))
            return code;
    }
    return 0;
}

static uint8_t control_key(const X11Keyboard *keyboard, uint32_t code)
{
    return code == '\n' ? keyboard->return_key : code == '\t' ? keyboard->tab_key : 0;
}

static bool find_stroke(const X11Keyboard *keyboard, int group, uint32_t code, X11Stroke *stroke)
{
    const uint8_t key = control_key(keyboard, code);
    if (key) {
        *stroke = (X11Stroke){.code = code, .keycode = key};
        return true;
    }
    return x11_keyboard_find(keyboard, group, code, stroke) &&
           (!stroke->shift || keyboard->shift_key);
}

// The group that has most of the text's characters: the one in effect when it is no worse.
static int choose_group(const X11Keyboard *keyboard, int current, const char *text, size_t length)
{
    int best = BASE_MIN(current, keyboard->groups - 1);
    size_t most = 0;
    for (int i = 0; i < keyboard->groups; i++) {
        const int group = (best + i) % keyboard->groups;
        size_t found = 0;
        X11Stroke stroke;
        for (size_t at = 0; at < length;) {
            const uint32_t code = next_character(text, length, &at);
            found += code && find_stroke(keyboard, group, code, &stroke);
        }
        if (i == 0 || found > most) {
            most = found;
            current = group;
        }
    }
    return current;
}

typedef struct Wanted {
    uint32_t codes[BORROW_AT_ONCE];
    size_t count;
} Wanted;

static bool is_wanted(const Wanted *wanted, uint32_t code)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (wanted->codes[i] == code)
            return true;
    }
    return false;
}

static size_t spares_beside(const X11Keyboard *keyboard, uint64_t batch)
{
    size_t count = 0;
    for (size_t i = 0; i < keyboard->spare_count; i++)
        count += keyboard->spares[i].used_at != batch;
    return count;
}

// How far the text goes with the keys there are, and which characters need one for that.
static size_t plan_batch(X11Typing *typing, int group, const char *text, size_t length, size_t at,
                         Wanted *wanted)
{
    wanted->count = 0;
    for (;;) {
        size_t next = at;
        const uint32_t code = next_character(text, length, &next);
        if (!code)
            return length;
        const size_t free = spares_beside(&typing->keyboard, typing->batch);
        X11Stroke stroke;
        if (find_stroke(&typing->keyboard, group, code, &stroke)) {
            // Its key may be one of those that were counted on.
            if (x11_keyboard_would_touch(&typing->keyboard, code, typing->batch) &&
                free <= wanted->count)
                return at;
            x11_keyboard_touch(&typing->keyboard, code, typing->batch);
        } else if (!is_wanted(wanted, code)) {
            if (free <= wanted->count)
                return at;
            wanted->codes[wanted->count++] = code;
        }
        at = next;
    }
}

// A program that reads its keys late would find the new meaning of a reused key.
static ScoutStatus wait_until_read(X11Typing *typing, const Target *target, ScoutError *error)
{
    const X11PingResult result =
        x11_ping(&typing->ping, &typing->x, target->focus, target->top, BUSY_MAX_MS);
    typing->stale = true; // the keymap's events may have been among those that were dropped
    if (x11_is_broken(&typing->x))
        return x11_broken(error);
    if (result == X11_PING_SILENT)
        return error_set(error, SCOUT_ERROR_TIMEOUT,
                         "the program that the text is for does not answer");
    if (result == X11_PING_UNKNOWN)
        clock_sleep_ms(SETTLE_MS);
    return SCOUT_OK;
}

static ScoutStatus lend_keys(X11Typing *typing, const Target *target, const Wanted *wanted,
                             ScoutError *error)
{
    if (wanted->count == 0)
        return SCOUT_OK;
    if (wanted->count > x11_keyboard_free_spares(&typing->keyboard)) {
        const ScoutStatus status = wait_until_read(typing, target, error);
        if (status != SCOUT_OK)
            return status;
    }
    x11_keyboard_borrow(&typing->keyboard, &typing->x, wanted->codes, wanted->count, typing->batch);
    return x11_sync(&typing->x) ? SCOUT_OK : x11_broken(error);
}

// Waits while a hotkey of ours is held. *again is how many of the last strokes have to be repeated.
// A key may be taken an instant before its hotkey knows that it is held, so the last look of a text
// waits a moment.
static ScoutStatus wait_for_hotkey(X11Typing *typing, bool last, size_t *again, ScoutError *error)
{
    *again = 0;
    if (atomic_load(&x11_hotkeys) == 0)
        return SCOUT_OK;
    if (last) {
        if (!x11_sync(&typing->x))
            return x11_broken(error);
        clock_sleep_ms(2 * HELD_POLL_MS);
    }
    for (int waited_ms = 0; atomic_load(&x11_hotkeys_held) > 0; waited_ms += HELD_POLL_MS) {
        if (waited_ms >= HELD_MAX_MS)
            return error_set(error, SCOUT_ERROR_BUSY, "the hotkey is held down all the time");
        clock_sleep_ms(HELD_POLL_MS);
    }
    const unsigned stolen = atomic_load(&x11_keys_stolen);
    *again = BASE_MIN(stolen - typing->stolen, typing->stroke_count);
    typing->stolen = stolen;
    return SCOUT_OK;
}

static void note_stroke(X11Typing *typing, size_t at)
{
    if (typing->stroke_count == STROKES_KEPT)
        memmove(typing->strokes, typing->strokes + 1,
                --typing->stroke_count * sizeof typing->strokes[0]);
    typing->strokes[typing->stroke_count++] = at;
}

// Goes back to what was stolen. True when there was something.
static bool go_back(X11Typing *typing, size_t again, size_t *at)
{
    if (again == 0)
        return false;
    typing->stroke_count -= again;
    *at = typing->strokes[typing->stroke_count];
    return true;
}

static ScoutStatus type_batch(X11Typing *typing, int group, const Target *target, const char *text,
                              size_t end, size_t *at, ScoutError *error)
{
    for (int count = 0; *at < end; count++) {
        if (count % CHUNK == 0) {
            const ScoutStatus status = still_there(typing, target, error);
            if (status != SCOUT_OK)
                return status;
        }
        size_t again = 0;
        const ScoutStatus status = wait_for_hotkey(typing, false, &again, error);
        if (status != SCOUT_OK || go_back(typing, again, at))
            return status; // what is typed again may need keys that were lent since
        size_t next = *at;
        const uint32_t code = next_character(text, end, &next);
        X11Stroke stroke;
        if (code && find_stroke(&typing->keyboard, group, code, &stroke)) {
            note_stroke(typing, *at);
            stroke_key(typing, stroke.keycode, stroke.shift);
        }
        *at = next;
    }
    size_t again = 0;
    const ScoutStatus status = wait_for_hotkey(typing, true, &again, error);
    if (status == SCOUT_OK)
        (void)go_back(typing, again, at);
    return x11_sync(&typing->x) ? status : x11_broken(error);
}

static ScoutStatus type_all(X11Typing *typing, int group, const Target *target, const char *text,
                            size_t length, size_t *at, ScoutError *error)
{
    typing->stroke_count = 0;
    typing->stolen = atomic_load(&x11_keys_stolen);
    while (*at < length) {
        Wanted wanted;
        typing->batch++;
        const size_t end = plan_batch(typing, group, text, length, *at, &wanted);
        if (end == *at)
            return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                             "the keyboard has no key to spare for a character that it lacks");
        ScoutStatus status = lend_keys(typing, target, &wanted, error);
        if (status == SCOUT_OK)
            status = type_batch(typing, group, target, text, end, at, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus write_text(void *self, const char *text, size_t length,
                              const TypingFocus *expected, size_t *typed_bytes, ScoutError *error)
{
    X11Typing *typing = self;
    size_t at = 0;
    Target target;
    int group = 0;
    ScoutStatus status = prepare(typing, error);
    if (status == SCOUT_OK)
        status = find_target(typing, expected, &target, error);
    if (status == SCOUT_OK && !x11_modifiers_group(&typing->x, &group))
        status = x11_broken(error);
    if (status == SCOUT_OK) {
        group = choose_group(&typing->keyboard, group, text, length);
        status = x11_modifiers_put_aside(&typing->modifiers, &typing->x, typing->modifier_wait_ms,
                                         group, error);
    }
    if (status == SCOUT_OK) {
        status = type_all(typing, group, &target, text, length, &at, error);
        x11_modifiers_bring_back(&typing->modifiers, &typing->x);
        (void)x11_sync(&typing->x);
    }
    if (typed_bytes)
        *typed_bytes = at;
    return status;
}

static ScoutStatus press_key(X11Typing *typing, uint8_t key, bool shift, size_t count,
                             const TypingFocus *expected, ScoutError *error)
{
    Target target;
    int group = 0;
    ScoutStatus status = find_target(typing, expected, &target, error);
    if (status == SCOUT_OK && !x11_modifiers_group(&typing->x, &group))
        status = x11_broken(error);
    if (status == SCOUT_OK)
        status = x11_modifiers_put_aside(&typing->modifiers, &typing->x, typing->modifier_wait_ms,
                                         group, error);
    if (status != SCOUT_OK)
        return status;
    typing->stroke_count = 0;
    typing->stolen = atomic_load(&x11_keys_stolen);
    for (size_t i = 0; status == SCOUT_OK && i < count;) {
        size_t again = 0;
        if (i % CHUNK == 0)
            status = still_there(typing, &target, error);
        if (status == SCOUT_OK)
            status = wait_for_hotkey(typing, false, &again, error);
        if (status != SCOUT_OK || go_back(typing, again, &i))
            continue;
        note_stroke(typing, i++);
        stroke_key(typing, key, shift);
        if (i == count) {
            status = wait_for_hotkey(typing, true, &again, error);
            (void)go_back(typing, again, &i);
        }
    }
    x11_modifiers_bring_back(&typing->modifiers, &typing->x);
    return x11_sync(&typing->x) ? status : x11_broken(error);
}

static ScoutStatus erase(void *self, size_t count, const TypingFocus *expected, ScoutError *error)
{
    X11Typing *typing = self;
    const ScoutStatus status = prepare(typing, error);
    if (status != SCOUT_OK)
        return status;
    if (!typing->keyboard.backspace_key)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "the keyboard has no Backspace");
    return press_key(typing, typing->keyboard.backspace_key, false, count, expected, error);
}

static ScoutStatus press_paste(void *self, const TypingFocus *expected, ScoutError *error)
{
    X11Typing *typing = self;
    const ScoutStatus status = prepare(typing, error);
    if (status != SCOUT_OK)
        return status;
    if (!typing->keyboard.insert_key || !typing->keyboard.shift_key)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "the keyboard has no Shift+Insert");
    return press_key(typing, typing->keyboard.insert_key, true, 1, expected, error);
}

static void free_typing(void *self)
{
    X11Typing *typing = self;
    if (!typing)
        return;
    if (typing->x.xcb && !x11_is_broken(&typing->x)) {
        Target target;
        if (find_target(typing, NULL, &target, NULL) == SCOUT_OK)
            (void)wait_until_read(typing, &target, NULL);
        x11_keyboard_give_back(&typing->keyboard, &typing->x);
        (void)x11_sync(&typing->x);
    }
    x11_keyboard_done(&typing->keyboard);
    x11_disconnect(&typing->x);
    mem_free(typing);
}

ScoutStatus x11_typing_new(const TypingOptions *options, void **self, ScoutError *error)
{
    X11Typing *typing = mem_array(1, sizeof *typing);
    if (!typing)
        return error_no_memory(error);
    x11_keyboard_init(&typing->keyboard);
    typing->pause_us = options->key_pause_us ? options->key_pause_us : DEFAULT_PAUSE_US;
    typing->modifier_wait_ms =
        options->modifier_wait_ms ? options->modifier_wait_ms : DEFAULT_MODIFIER_WAIT_MS;
    typing->stale = true;
    ScoutStatus status = x11_connect(&typing->x, options->display, error);
    if (status == SCOUT_OK) {
        x11_ping_init(&typing->ping, &typing->x);
        const uint16_t events =
            XCB_XKB_EVENT_TYPE_NEW_KEYBOARD_NOTIFY | XCB_XKB_EVENT_TYPE_MAP_NOTIFY;
        xcb_xkb_select_events(typing->x.xcb, XCB_XKB_ID_USE_CORE_KBD, events, 0, events, 0xffff,
                              0xffff, NULL);
        status = prepare(typing, error);
    }
    if (status != SCOUT_OK) {
        free_typing(typing);
        return status;
    }
    *self = typing;
    return SCOUT_OK;
}

const TypingBackend x11_typing_backend = {
    .name = "x11",
    .focus = focus,
    .write = write_text,
    .erase = erase,
    .press_paste = press_paste,
    .free = free_typing,
};
