// A grabbed key: see hotkey.h. XInput 2 and not the core protocol, because its events say when a
// key only repeats, and its grabs take all combinations of locks at once.
#include "hotkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xinput.h>
#include <xcb/xkb.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon-x11.h>

#include "../key_words.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "connection.h"
#include "stolen.h"

enum { KEYCODES_MAX = 8, LOCKS_MAX = 8, STALE_EVENT_MS = 5000, MODIFIERS = 8 };

typedef struct Grab {
    uint8_t keycodes[KEYCODES_MAX];
    int count;
    uint32_t modifiers[LOCKS_MAX]; // with every combination of locks
    int modifiers_count;
} Grab;

typedef struct X11Hotkey {
    X11Connection x;
    KeyWords words;
    xkb_keysym_t symbol;
    Grab grab;
    uint8_t down;         // the key that is held; 0: none
    uint16_t test_device; // the XTEST keyboard
    uint8_t shift[2];     // keycodes of Shift, which the writer presses, too
    bool counted;
    bool stale; // the keymap changed
    bool lost;
} X11Hotkey;

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

static bool gives(struct xkb_keymap *keymap, xkb_keycode_t key, xkb_keysym_t symbol, bool any_level)
{
    const xkb_layout_index_t layouts = xkb_keymap_num_layouts_for_key(keymap, key);
    for (xkb_layout_index_t layout = 0; layout < layouts; layout++) {
        const xkb_level_index_t levels =
            any_level ? xkb_keymap_num_levels_for_key(keymap, key, layout) : 1;
        for (xkb_level_index_t level = 0; level < levels; level++) {
            const xkb_keysym_t *symbols = NULL;
            if (xkb_keymap_key_get_syms_by_level(keymap, key, layout, level, &symbols) == 1 &&
                symbols[0] == symbol)
                return true;
        }
    }
    return false;
}

static void find_keycodes(struct xkb_keymap *keymap, xkb_keysym_t symbol, Grab *grab)
{
    const xkb_keycode_t last = BASE_MIN(xkb_keymap_max_keycode(keymap), 255);
    for (int any_level = 0; any_level < 2 && grab->count == 0; any_level++) {
        for (xkb_keycode_t key = xkb_keymap_min_keycode(keymap);
             key <= last && grab->count < KEYCODES_MAX; key++) {
            if (gives(keymap, key, symbol, any_level))
                grab->keycodes[grab->count++] = (uint8_t)key;
        }
    }
}

// Which of the eight modifiers a key is on, by what its keys mean.
static uint32_t mask_of(struct xkb_keymap *keymap, const xcb_get_modifier_mapping_reply_t *mapping,
                        const xkb_keysym_t symbols[2])
{
    const xcb_keycode_t *codes = xcb_get_modifier_mapping_keycodes(mapping);
    const int each = mapping->keycodes_per_modifier;
    for (int modifier = 0; modifier < MODIFIERS; modifier++) {
        for (int i = 0; i < each; i++) {
            const xcb_keycode_t key = codes[modifier * each + i];
            if (key &&
                (gives(keymap, key, symbols[0], true) || gives(keymap, key, symbols[1], true)))
                return 1u << modifier;
        }
    }
    return 0;
}

static bool find_modifiers(const X11Hotkey *hotkey, struct xkb_keymap *keymap, Grab *grab)
{
    static const xkb_keysym_t alt[2] = {XKB_KEY_Alt_L, XKB_KEY_Alt_R};
    static const xkb_keysym_t super[2] = {XKB_KEY_Super_L, XKB_KEY_Super_R};
    static const xkb_keysym_t num[2] = {XKB_KEY_Num_Lock, XKB_KEY_Num_Lock};
    static const xkb_keysym_t scroll[2] = {XKB_KEY_Scroll_Lock, XKB_KEY_Scroll_Lock};
    REPLY xcb_get_modifier_mapping_reply_t *mapping = xcb_get_modifier_mapping_reply(
        hotkey->x.xcb, xcb_get_modifier_mapping(hotkey->x.xcb), NULL);
    if (!mapping)
        return false;
    uint32_t wanted = 0;
    wanted |= hotkey->words.modifiers & KEY_CTRL ? XCB_MOD_MASK_CONTROL : 0;
    wanted |= hotkey->words.modifiers & KEY_SHIFT ? XCB_MOD_MASK_SHIFT : 0;
    wanted |= hotkey->words.modifiers & KEY_ALT ? mask_of(keymap, mapping, alt) : 0;
    wanted |= hotkey->words.modifiers & KEY_SUPER ? mask_of(keymap, mapping, super) : 0;
    const uint32_t locks[] = {XCB_MOD_MASK_LOCK, mask_of(keymap, mapping, num),
                              mask_of(keymap, mapping, scroll)};
    for (unsigned choice = 0; choice < LOCKS_MAX; choice++) {
        uint32_t mask = wanted;
        bool twice = false; // a lock that the keyboard lacks changes nothing
        for (size_t i = 0; i < BASE_COUNT(locks); i++) {
            if (!(choice & (1u << i)))
                continue;
            twice = twice || !locks[i] || (mask & locks[i]);
            mask |= locks[i];
        }
        if (!twice)
            grab->modifiers[grab->modifiers_count++] = mask;
    }
    return true;
}

static void find_shift(X11Hotkey *hotkey, struct xkb_keymap *keymap)
{
    static const xkb_keysym_t symbols[2] = {XKB_KEY_Shift_L, XKB_KEY_Shift_R};
    for (int i = 0; i < 2; i++) {
        Grab found = {0};
        find_keycodes(keymap, symbols[i], &found);
        hotkey->shift[i] = found.count ? found.keycodes[0] : 0;
    }
}

static ScoutStatus find_grab(X11Hotkey *hotkey, Grab *grab, ScoutError *error)
{
    *grab = (Grab){0};
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
    if (!context)
        return error_no_memory(error);
    const int32_t device = xkb_x11_get_core_keyboard_device_id(hotkey->x.xcb);
    struct xkb_keymap *keymap =
        xkb_x11_keymap_new_from_device(context, hotkey->x.xcb, device, XKB_KEYMAP_COMPILE_NO_FLAGS);
    ScoutStatus status = SCOUT_OK;
    if (!keymap) {
        status = error_set(error, SCOUT_ERROR_IO, "the X server's keyboard cannot be read");
    } else {
        find_keycodes(keymap, hotkey->symbol, grab);
        find_shift(hotkey, keymap);
        if (!find_modifiers(hotkey, keymap, grab))
            status = x11_broken(error);
        else if (grab->count == 0)
            status = error_set(error, SCOUT_ERROR_NOT_FOUND, "this keyboard has no key '%s'",
                               hotkey->words.key);
    }
    xkb_keymap_unref(keymap);
    xkb_context_unref(context);
    return status;
}

static void release_grab(const X11Hotkey *hotkey, const Grab *grab)
{
    for (int i = 0; i < grab->count; i++)
        xcb_input_xi_passive_ungrab_device(
            hotkey->x.xcb, hotkey->x.root, grab->keycodes[i], XCB_INPUT_DEVICE_ALL_MASTER,
            (uint16_t)grab->modifiers_count, XCB_INPUT_GRAB_TYPE_KEYCODE, grab->modifiers);
}

// XInput 2's grabs and those of the core protocol, which most programs use, do not see each other.
// One of the latter, given back at once, tells whether somebody has the key.
static bool is_taken(const X11Hotkey *hotkey, const Grab *grab, uint8_t keycode)
{
    bool taken = false;
    for (int i = 0; i < grab->modifiers_count; i++) {
        const uint16_t mask = (uint16_t)grab->modifiers[i];
        REPLY xcb_generic_error_t *problem = xcb_request_check(
            hotkey->x.xcb, xcb_grab_key_checked(hotkey->x.xcb, 0, hotkey->x.root, mask, keycode,
                                                XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC));
        if (problem)
            taken = true;
        else
            xcb_ungrab_key(hotkey->x.xcb, keycode, hotkey->x.root, mask);
    }
    return taken;
}

static bool take_key(const X11Hotkey *hotkey, const Grab *grab, uint8_t keycode)
{
    const uint32_t events = XCB_INPUT_XI_EVENT_MASK_KEY_PRESS | XCB_INPUT_XI_EVENT_MASK_KEY_RELEASE;
    REPLY xcb_input_xi_passive_grab_device_reply_t *reply = xcb_input_xi_passive_grab_device_reply(
        hotkey->x.xcb,
        xcb_input_xi_passive_grab_device(
            hotkey->x.xcb, XCB_CURRENT_TIME, hotkey->x.root, XCB_NONE, keycode,
            XCB_INPUT_DEVICE_ALL_MASTER, (uint16_t)grab->modifiers_count, 1,
            XCB_INPUT_GRAB_TYPE_KEYCODE, XCB_INPUT_GRAB_MODE_22_ASYNC, XCB_INPUT_GRAB_MODE_22_ASYNC,
            XCB_INPUT_GRAB_OWNER_NO_OWNER, &events, grab->modifiers),
        NULL);
    // The reply lists the combinations that could not be had.
    return reply && xcb_input_xi_passive_grab_device_modifiers_length(reply) == 0;
}

static ScoutStatus take_grab(const X11Hotkey *hotkey, const Grab *grab, ScoutError *error)
{
    for (int i = 0; i < grab->count; i++) {
        if (!is_taken(hotkey, grab, grab->keycodes[i]) && take_key(hotkey, grab, grab->keycodes[i]))
            continue;
        release_grab(hotkey, grab);
        xcb_flush(hotkey->x.xcb);
        if (x11_is_broken(&hotkey->x))
            return x11_broken(error);
        char name[128];
        key_words_for_people(&hotkey->words, name, sizeof name);
        return error_set(error, SCOUT_ERROR_BUSY,
                         "another program has the key %s already: choose another one", name);
    }
    return SCOUT_OK;
}

static bool same_grab(const Grab *a, const Grab *b)
{
    return a->count == b->count && a->modifiers_count == b->modifiers_count &&
           memcmp(a->keycodes, b->keycodes, (size_t)a->count) == 0 &&
           memcmp(a->modifiers, b->modifiers,
                  (size_t)a->modifiers_count * sizeof a->modifiers[0]) == 0;
}

// After a change of the keymap the key may be elsewhere.
static ScoutStatus follow_keymap(X11Hotkey *hotkey, ScoutError *error)
{
    Grab grab;
    hotkey->stale = false;
    ScoutStatus status = find_grab(hotkey, &grab, error);
    if (status != SCOUT_OK || same_grab(&grab, &hotkey->grab))
        return status;
    release_grab(hotkey, &hotkey->grab);
    hotkey->grab = (Grab){0};
    status = take_grab(hotkey, &grab, error);
    if (status == SCOUT_OK)
        hotkey->grab = grab;
    return status;
}

static void set_down(X11Hotkey *hotkey, uint8_t key)
{
    if (!hotkey->down != !key)
        atomic_fetch_add(&x11_hotkeys_held, key ? 1 : -1);
    hotkey->down = key;
}

static void lose(X11Hotkey *hotkey, const char *why, HotkeyEvent *event)
{
    hotkey->lost = true;
    set_down(hotkey, 0);
    *event = (HotkeyEvent){.kind = HOTKEY_LOST, .time_ns = clock_monotonic_ns()};
    (void)str_copy(event->detail, sizeof event->detail, why);
}

// The server's time is the same clock in milliseconds, cut to 32 bits, where it runs on this
// machine: then an event that was read late still tells when the key moved.
static int64_t event_time_ns(uint32_t server_ms)
{
    const int64_t now_ns = clock_monotonic_ns();
    const uint32_t late_ms = (uint32_t)(now_ns / 1000000) - server_ms;
    return late_ms < STALE_EVENT_MS ? now_ns - (int64_t)late_ms * 1000000 : now_ns;
}

static bool is_ours(const X11Hotkey *hotkey, uint32_t keycode)
{
    for (int i = 0; i < hotkey->grab.count; i++) {
        if (hotkey->grab.keycodes[i] == keycode)
            return true;
    }
    return false;
}

static void count_stolen(const X11Hotkey *hotkey, const xcb_input_key_press_event_t *key)
{
    const bool shift = key->detail == hotkey->shift[0] || key->detail == hotkey->shift[1];
    if (hotkey->down && key->sourceid == hotkey->test_device && !shift)
        atomic_fetch_add(&x11_keys_stolen, 1);
}

// True when it is something to tell.
static bool take_key_event(X11Hotkey *hotkey, const xcb_input_key_press_event_t *key,
                           HotkeyEvent *event)
{
    *event = (HotkeyEvent){.time_ns = event_time_ns(key->time)};
    if (key->event_type == XCB_INPUT_KEY_PRESS) {
        const bool repeated = key->flags & XCB_INPUT_KEY_EVENT_FLAGS_KEY_REPEAT;
        if (hotkey->down && key->detail != hotkey->down)
            count_stolen(hotkey, key);
        if (repeated || hotkey->down || !is_ours(hotkey, key->detail))
            return false;
        set_down(hotkey, (uint8_t)key->detail);
        event->kind = HOTKEY_PRESSED;
        return true;
    }
    if (key->event_type != XCB_INPUT_KEY_RELEASE || key->detail != hotkey->down || !hotkey->down)
        return false;
    set_down(hotkey, 0);
    event->kind = HOTKEY_RELEASED;
    return true;
}

static bool take_event(X11Hotkey *hotkey, const xcb_generic_event_t *generic, HotkeyEvent *event)
{
    const uint8_t type = generic->response_type & 0x7f;
    const xcb_input_key_press_event_t *key = (const void *)generic;
    if (type == XCB_GE_GENERIC && key->extension == hotkey->x.xinput_opcode)
        return take_key_event(hotkey, key, event);
    if (type == XCB_MAPPING_NOTIFY || type == hotkey->x.xkb_first_event)
        hotkey->stale = true;
    return false;
}

static ScoutStatus next(void *self, HotkeyEvent *event, bool *there, ScoutError *error)
{
    X11Hotkey *hotkey = self;
    (void)error;
    *there = false;
    if (hotkey->lost)
        return SCOUT_OK;
    for (;;) {
        REPLY xcb_generic_event_t *generic = xcb_poll_for_event(hotkey->x.xcb);
        if (generic) {
            *there = take_event(hotkey, generic, event);
            if (*there)
                return SCOUT_OK;
            continue;
        }
        if (x11_is_broken(&hotkey->x)) {
            lose(hotkey, "the X display is gone", event);
            *there = true;
            return SCOUT_OK;
        }
        if (!hotkey->stale)
            return SCOUT_OK;
        // Its questions to the server may bring more events into the queue.
        ScoutError problem = {0};
        if (follow_keymap(hotkey, &problem) != SCOUT_OK) {
            lose(hotkey, problem.message, event);
            *there = true;
            return SCOUT_OK;
        }
    }
}

static int descriptor(const void *self)
{
    const X11Hotkey *hotkey = self;
    return xcb_get_file_descriptor(hotkey->x.xcb);
}

static void describe(const void *self, char *out, size_t size)
{
    const X11Hotkey *hotkey = self;
    key_words_for_people(&hotkey->words, out, size);
}

static void free_hotkey(void *self)
{
    X11Hotkey *hotkey = self;
    if (!hotkey)
        return;
    set_down(hotkey, 0);
    if (hotkey->counted)
        atomic_fetch_sub(&x11_hotkeys, 1);
    if (hotkey->x.xcb && !x11_is_broken(&hotkey->x)) {
        release_grab(hotkey, &hotkey->grab);
        (void)x11_sync(&hotkey->x);
    }
    x11_disconnect(&hotkey->x);
    mem_free(hotkey);
}

static void find_test_device(X11Hotkey *hotkey)
{
    REPLY xcb_input_xi_query_device_reply_t *devices = xcb_input_xi_query_device_reply(
        hotkey->x.xcb, xcb_input_xi_query_device(hotkey->x.xcb, XCB_INPUT_DEVICE_ALL), NULL);
    if (!devices)
        return;
    xcb_input_xi_device_info_iterator_t each = xcb_input_xi_query_device_infos_iterator(devices);
    for (; each.rem > 0; xcb_input_xi_device_info_next(&each)) {
        const char *name = xcb_input_xi_device_info_name(each.data);
        const size_t length = (size_t)xcb_input_xi_device_info_name_length(each.data);
        if (each.data->type == XCB_INPUT_DEVICE_TYPE_SLAVE_KEYBOARD &&
            memmem(name, length, "XTEST", strlen("XTEST")))
            hotkey->test_device = each.data->deviceid;
    }
}

static ScoutStatus open_hotkey(X11Hotkey *hotkey, const HotkeyOptions *options, ScoutError *error)
{
    ScoutStatus status = key_words_parse(options->key, &hotkey->words, error);
    if (status != SCOUT_OK)
        return status;
    hotkey->symbol = xkb_keysym_from_name(hotkey->words.key, XKB_KEYSYM_CASE_INSENSITIVE);
    if (hotkey->symbol == XKB_KEY_NoSymbol)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "there is no key named '%s'",
                         hotkey->words.key);
    status = x11_connect(&hotkey->x, options->display, error);
    if (status != SCOUT_OK)
        return status;
    const uint16_t events = XCB_XKB_EVENT_TYPE_NEW_KEYBOARD_NOTIFY | XCB_XKB_EVENT_TYPE_MAP_NOTIFY;
    xcb_xkb_select_events(hotkey->x.xcb, XCB_XKB_ID_USE_CORE_KBD, events, 0, events, 0xffff, 0xffff,
                          NULL);
    find_test_device(hotkey);
    status = follow_keymap(hotkey, error);
    hotkey->counted = status == SCOUT_OK;
    if (hotkey->counted)
        atomic_fetch_add(&x11_hotkeys, 1);
    return status;
}

ScoutStatus x11_hotkey_new(const HotkeyOptions *options, void **self, ScoutError *error)
{
    X11Hotkey *hotkey = mem_array(1, sizeof *hotkey);
    if (!hotkey)
        return error_no_memory(error);
    const ScoutStatus status = open_hotkey(hotkey, options, error);
    if (status != SCOUT_OK) {
        free_hotkey(hotkey);
        return status;
    }
    *self = hotkey;
    return SCOUT_OK;
}

const HotkeyBackend x11_hotkey_backend = {
    .name = "x11",
    .descriptor = descriptor,
    .next = next,
    .describe = describe,
    .free = free_hotkey,
};
