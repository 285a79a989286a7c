// Modifiers put aside: see modifiers.h.
#include "modifiers.h"

#include <stdlib.h>
#include <string.h>
#include <xcb/xinput.h>
#include <xcb/xkb.h>
#include <xcb/xtest.h>

#include "base/attributes.h"
#include "base/clock.h"

enum { POLL_MS = 10, KEYMAP_BYTES = 32 };

static void free_reply(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
}
#define REPLY BASE_CLEANUP(free_reply)

static bool is_down(const uint8_t *keys, uint8_t key)
{
    return keys[key / 8] & (1u << (key % 8));
}

// The modifier keys that are down now, in whatever way they were pressed.
static bool held_keys(const X11Connection *x, uint8_t *held, int *count)
{
    const xcb_get_modifier_mapping_cookie_t mapping_cookie = xcb_get_modifier_mapping(x->xcb);
    const xcb_query_keymap_cookie_t keys_cookie = xcb_query_keymap(x->xcb);
    REPLY xcb_get_modifier_mapping_reply_t *mapping =
        xcb_get_modifier_mapping_reply(x->xcb, mapping_cookie, NULL);
    REPLY xcb_query_keymap_reply_t *keys = xcb_query_keymap_reply(x->xcb, keys_cookie, NULL);
    if (!mapping || !keys)
        return false;
    const xcb_keycode_t *codes = xcb_get_modifier_mapping_keycodes(mapping);
    const int codes_count = xcb_get_modifier_mapping_keycodes_length(mapping);
    uint8_t seen[KEYMAP_BYTES] = {0}; // a key may stand for several modifiers
    *count = 0;
    for (int i = 0; i < codes_count && *count < X11_MODIFIER_KEYS; i++) {
        const uint8_t key = codes[i];
        if (!key || !is_down(keys->keys, key) || is_down(seen, key))
            continue;
        seen[key / 8] |= (uint8_t)(1u << (key % 8));
        held[(*count)++] = key;
    }
    return true;
}

// Adds the keys that are down on one device.
static void add_down(const X11Connection *x, uint16_t device, uint8_t *keys)
{
    REPLY xcb_input_query_device_state_reply_t *state = xcb_input_query_device_state_reply(
        x->xcb, xcb_input_query_device_state(x->xcb, (uint8_t)device), NULL);
    if (!state)
        return;
    xcb_input_input_state_iterator_t classes = xcb_input_query_device_state_classes_iterator(state);
    for (; classes.rem > 0; xcb_input_input_state_next(&classes)) {
        if (classes.data->class_id != XCB_INPUT_INPUT_CLASS_KEY)
            continue;
        // Behind the class's header: the number of keys, a byte of padding, 32 bytes of bits.
        const xcb_input_key_state_t *key_state = (const void *)classes.data;
        for (int i = 0; i < KEYMAP_BYTES; i++)
            keys[i] |= key_state->keys[i];
    }
}

static bool is_test_device(const xcb_input_xi_device_info_t *device)
{
    const char *name = xcb_input_xi_device_info_name(device);
    const size_t length = (size_t)xcb_input_xi_device_info_name_length(device);
    return memmem(name, length, "XTEST", strlen("XTEST"));
}

// The keys that are down on real keyboards: what this process pressed is on the XTEST device.
static void really_down(const X11Connection *x, uint8_t *keys)
{
    memset(keys, 0, KEYMAP_BYTES);
    REPLY xcb_input_xi_query_device_reply_t *devices = xcb_input_xi_query_device_reply(
        x->xcb, xcb_input_xi_query_device(x->xcb, XCB_INPUT_DEVICE_ALL), NULL);
    if (!devices)
        return;
    xcb_input_xi_device_info_iterator_t each = xcb_input_xi_query_device_infos_iterator(devices);
    for (; each.rem > 0; xcb_input_xi_device_info_next(&each)) {
        if (each.data->type == XCB_INPUT_DEVICE_TYPE_SLAVE_KEYBOARD && !is_test_device(each.data))
            add_down(x, each.data->deviceid, keys);
    }
}

static void send_key(const X11Connection *x, uint8_t type, uint8_t key)
{
    xcb_test_fake_input(x->xcb, type, key, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
}

static void lock_state(const X11Connection *x, uint8_t affected, uint8_t locks, int group)
{
    xcb_xkb_latch_lock_state(x->xcb, XCB_XKB_ID_USE_CORE_KBD, affected, locks, 1, (uint8_t)group,
                             affected, 0, 0);
}

// Lets go of what was pressed for somebody who has let go since.
static void release_pressed(X11Modifiers *modifiers, const X11Connection *x)
{
    for (int i = 0; i < modifiers->pressed_count; i++)
        send_key(x, XCB_KEY_RELEASE, modifiers->pressed[i]);
    modifiers->pressed_count = 0;
}

bool x11_modifiers_group(const X11Connection *x, int *group)
{
    REPLY xcb_xkb_get_state_reply_t *state =
        xcb_xkb_get_state_reply(x->xcb, xcb_xkb_get_state(x->xcb, XCB_XKB_ID_USE_CORE_KBD), NULL);
    if (!state)
        return false;
    *group = state->group;
    return true;
}

ScoutStatus x11_modifiers_put_aside(X11Modifiers *modifiers, const X11Connection *x, int wait_ms,
                                    int group, ScoutError *error)
{
    const int64_t start_ns = clock_monotonic_ns();
    for (;;) {
        if (!held_keys(x, modifiers->released, &modifiers->released_count))
            return x11_broken(error);
        if (modifiers->released_count == 0 ||
            clock_monotonic_ns() - start_ns >= (int64_t)wait_ms * 1000000)
            break;
        clock_sleep_ms(POLL_MS);
    }
    REPLY xcb_xkb_get_state_reply_t *state =
        xcb_xkb_get_state_reply(x->xcb, xcb_xkb_get_state(x->xcb, XCB_XKB_ID_USE_CORE_KBD), NULL);
    if (!state)
        return x11_broken(error);
    modifiers->locks = state->lockedMods & X11_CLEARED_LOCKS;
    modifiers->group = state->lockedGroup;
    modifiers->aside = true;
    for (int i = 0; i < modifiers->released_count; i++)
        send_key(x, XCB_KEY_RELEASE, modifiers->released[i]);
    modifiers->pressed_count = 0; // among them, if they were still down
    lock_state(x, X11_CLEARED_LOCKS, 0, group);
    return SCOUT_OK;
}

void x11_modifiers_bring_back(X11Modifiers *modifiers, const X11Connection *x)
{
    if (!modifiers->aside)
        return;
    modifiers->aside = false;
    lock_state(x, X11_CLEARED_LOCKS, modifiers->locks, modifiers->group);
    if (modifiers->released_count == 0)
        return;
    uint8_t down[KEYMAP_BYTES];
    really_down(x, down);
    release_pressed(modifiers, x);
    for (int i = 0; i < modifiers->released_count; i++) {
        const uint8_t key = modifiers->released[i];
        if (!is_down(down, key))
            continue;
        send_key(x, XCB_KEY_PRESS, key);
        modifiers->pressed[modifiers->pressed_count++] = key;
    }
    modifiers->released_count = 0;
}
