// Keys and characters: see keyboard.h.
#include "keyboard.h"

#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon-x11.h>

#include "base/attributes.h"
#include "base/memory.h"

// Keysyms of keys that do something, keypad included: never characters.
enum { FUNCTION_KEYSYMS = 0xfd00, FUNCTION_KEYSYMS_END = 0xffff };

void x11_keyboard_init(X11Keyboard *keyboard)
{
    *keyboard = (X11Keyboard){0};
}

static void forget_strokes(X11Keyboard *keyboard)
{
    for (int i = 0; i < X11_GROUPS; i++) {
        mem_free(keyboard->strokes[i]);
        keyboard->strokes[i] = NULL;
        keyboard->stroke_counts[i] = 0;
    }
}

void x11_keyboard_done(X11Keyboard *keyboard)
{
    forget_strokes(keyboard);
}

static uint32_t character_of(xkb_keysym_t symbol)
{
    if (symbol >= FUNCTION_KEYSYMS && symbol <= FUNCTION_KEYSYMS_END)
        return 0;
    const uint32_t code = xkb_keysym_to_utf32(symbol);
    return code >= X11_LEAST_CODE ? code : 0;
}

static int by_code(const void *a, const void *b)
{
    const X11Stroke *left = a;
    const X11Stroke *right = b;
    if (left->code != right->code)
        return left->code < right->code ? -1 : 1;
    // Without Shift before with it, then the lower keycode: the main block before odd corners.
    if (left->shift != right->shift)
        return left->shift ? 1 : -1;
    return (int)left->keycode - (int)right->keycode;
}

// What a key without a meaning of its own gives: 0 for nothing, or the one character that is on all
// its levels, which is how keys are borrowed. False for a key that belongs to the layout.
static bool is_spare(struct xkb_keymap *keymap, xkb_keycode_t key, uint32_t *code)
{
    const xkb_layout_index_t layouts = xkb_keymap_num_layouts_for_key(keymap, key);
    xkb_keysym_t only = XKB_KEY_NoSymbol;
    for (xkb_layout_index_t layout = 0; layout < layouts; layout++) {
        const xkb_level_index_t levels = xkb_keymap_num_levels_for_key(keymap, key, layout);
        for (xkb_level_index_t level = 0; level < levels; level++) {
            const xkb_keysym_t *symbols = NULL;
            const int count =
                xkb_keymap_key_get_syms_by_level(keymap, key, layout, level, &symbols);
            if (count > 1)
                return false;
            const xkb_keysym_t symbol = count == 1 ? symbols[0] : XKB_KEY_NoSymbol;
            if (symbol == XKB_KEY_NoSymbol)
                continue;
            if (only != XKB_KEY_NoSymbol && symbol != only)
                return false;
            only = symbol;
        }
    }
    *code = only == XKB_KEY_NoSymbol ? 0 : character_of(only);
    // A layout's own key may have one symbol, too: but then ASCII, or something that is done.
    return only == XKB_KEY_NoSymbol || *code > 0x7f;
}

static void note_special(X11Keyboard *keyboard, xkb_keysym_t symbol, uint8_t key)
{
    const struct {
        xkb_keysym_t symbol;
        uint8_t *key;
    } specials[] = {
        {XKB_KEY_Shift_L, &keyboard->shift_key}, {XKB_KEY_Return, &keyboard->return_key},
        {XKB_KEY_Tab, &keyboard->tab_key},       {XKB_KEY_BackSpace, &keyboard->backspace_key},
        {XKB_KEY_Insert, &keyboard->insert_key},
    };
    for (size_t i = 0; i < BASE_COUNT(specials); i++) {
        if (specials[i].symbol == symbol && !*specials[i].key)
            *specials[i].key = key;
    }
}

typedef struct Reading {
    struct xkb_keymap *keymap;
    struct xkb_state *state;
    xkb_mod_mask_t locked; // while typing
    xkb_mod_mask_t shift;
} Reading;

// Both strokes of a key, with each group locked in turn, as clients will compute them.
static void read_key(X11Keyboard *keyboard, const Reading *reading, xkb_keycode_t key)
{
    for (int group = 0; group < keyboard->groups; group++) {
        for (int shift = 0; shift < 2; shift++) {
            xkb_state_update_mask(reading->state, shift ? reading->shift : 0, 0, reading->locked, 0,
                                  0, (xkb_layout_index_t)group);
            const xkb_keysym_t symbol = xkb_state_key_get_one_sym(reading->state, key);
            if (!shift && group == 0)
                note_special(keyboard, symbol, (uint8_t)key);
            const uint32_t code = character_of(symbol);
            if (!code)
                continue;
            keyboard->strokes[group][keyboard->stroke_counts[group]++] =
                (X11Stroke){.code = code, .keycode = (uint8_t)key, .shift = shift};
        }
    }
}

static const X11Spare *spare_before(const X11Spare *spares, size_t count, uint8_t keycode)
{
    for (size_t i = 0; i < count; i++) {
        if (spares[i].keycode == keycode)
            return &spares[i];
    }
    return NULL;
}

static ScoutStatus read_keys(X11Keyboard *keyboard, const Reading *reading, ScoutError *error)
{
    X11Spare before[X11_KEYS];
    const size_t before_count = keyboard->spare_count;
    memcpy(before, keyboard->spares, before_count * sizeof before[0]);
    keyboard->spare_count = 0;
    keyboard->shift_key = keyboard->return_key = keyboard->tab_key = 0;
    keyboard->backspace_key = keyboard->insert_key = 0;
    forget_strokes(keyboard);
    const int groups = (int)xkb_keymap_num_layouts(reading->keymap);
    keyboard->groups = BASE_MAX(1, BASE_MIN(groups, X11_GROUPS));
    for (int group = 0; group < keyboard->groups; group++) {
        keyboard->strokes[group] = mem_array(2 * X11_KEYS, sizeof(X11Stroke));
        if (!keyboard->strokes[group])
            return error_no_memory(error);
    }
    const xkb_keycode_t least = xkb_keymap_min_keycode(reading->keymap);
    const xkb_keycode_t last = BASE_MIN(xkb_keymap_max_keycode(reading->keymap), X11_KEYS - 1);
    for (xkb_keycode_t key = least; key <= last; key++) {
        uint32_t code = 0;
        if (!is_spare(reading->keymap, key, &code)) {
            read_key(keyboard, reading, key);
            continue;
        }
        const X11Spare *old = spare_before(before, before_count, (uint8_t)key);
        const bool same = old && old->code == code;
        keyboard->spares[keyboard->spare_count++] = (X11Spare){.keycode = (uint8_t)key,
                                                               .mine = same && old->mine,
                                                               .code = code,
                                                               .used_at = same ? old->used_at : 0};
    }
    for (int group = 0; group < keyboard->groups; group++)
        qsort(keyboard->strokes[group], keyboard->stroke_counts[group], sizeof(X11Stroke), by_code);
    return SCOUT_OK;
}

ScoutStatus x11_keyboard_load(X11Keyboard *keyboard, const X11Connection *x, ScoutError *error)
{
    keyboard->device = xkb_x11_get_core_keyboard_device_id(x->xcb);
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
    if (!context)
        return error_no_memory(error);
    Reading reading = {0};
    reading.keymap = xkb_x11_keymap_new_from_device(context, x->xcb, keyboard->device,
                                                    XKB_KEYMAP_COMPILE_NO_FLAGS);
    if (reading.keymap)
        reading.state = xkb_x11_state_new_from_device(reading.keymap, x->xcb, keyboard->device);
    ScoutStatus status = SCOUT_OK;
    if (!reading.state) {
        status = x11_is_broken(x)
                     ? x11_broken(error)
                     : error_set(error, SCOUT_ERROR_IO, "the X server's keyboard cannot be read");
    } else {
        // What else is locked (Num Lock, a level shift) stays so while typing.
        reading.locked =
            xkb_state_serialize_mods(reading.state, XKB_STATE_MODS_LOCKED) & ~X11_CLEARED_LOCKS;
        reading.shift = XCB_MOD_MASK_SHIFT;
        status = read_keys(keyboard, &reading, error);
    }
    xkb_state_unref(reading.state);
    xkb_keymap_unref(reading.keymap);
    xkb_context_unref(context);
    return status;
}

bool x11_keyboard_find(const X11Keyboard *keyboard, int group, uint32_t code, X11Stroke *stroke)
{
    const X11Stroke *strokes = keyboard->strokes[group];
    size_t low = 0;
    size_t high = keyboard->stroke_counts[group];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strokes[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < keyboard->stroke_counts[group] && strokes[low].code == code) {
        *stroke = strokes[low];
        return true;
    }
    for (size_t i = 0; i < keyboard->spare_count; i++) {
        if (keyboard->spares[i].code == code) {
            *stroke = (X11Stroke){.code = code, .keycode = keyboard->spares[i].keycode};
            return true;
        }
    }
    return false;
}

void x11_keyboard_touch(X11Keyboard *keyboard, uint32_t code, uint64_t now)
{
    for (size_t i = 0; i < keyboard->spare_count; i++) {
        if (keyboard->spares[i].code == code)
            keyboard->spares[i].used_at = now;
    }
}

bool x11_keyboard_would_touch(const X11Keyboard *keyboard, uint32_t code, uint64_t now)
{
    for (size_t i = 0; i < keyboard->spare_count; i++) {
        if (keyboard->spares[i].code == code)
            return keyboard->spares[i].used_at != now;
    }
    return false;
}

size_t x11_keyboard_free_spares(const X11Keyboard *keyboard)
{
    size_t count = 0;
    for (size_t i = 0; i < keyboard->spare_count; i++)
        count += keyboard->spares[i].code == 0;
    return count;
}

// The same symbol twice: a single one would be taken for a letter with two cases.
static void assign(const X11Connection *x, X11Spare *spare, uint32_t code)
{
    const xcb_keysym_t symbol = code ? xkb_utf32_to_keysym(code) : XCB_NO_SYMBOL;
    const xcb_keysym_t symbols[2] = {symbol, symbol};
    xcb_change_keyboard_mapping(x->xcb, 1, spare->keycode, 2, symbols);
    spare->code = code;
    spare->mine = code != 0;
}

static X11Spare *next_spare(X11Keyboard *keyboard, uint64_t now)
{
    X11Spare *oldest = NULL;
    for (size_t i = 0; i < keyboard->spare_count; i++) {
        X11Spare *spare = &keyboard->spares[i];
        if (!spare->code)
            return spare;
        if (spare->used_at != now && (!oldest || spare->used_at < oldest->used_at))
            oldest = spare;
    }
    return oldest;
}

void x11_keyboard_borrow(X11Keyboard *keyboard, const X11Connection *x, const uint32_t *codes,
                         size_t count, uint64_t now)
{
    for (size_t i = 0; i < count; i++) {
        X11Spare *spare = next_spare(keyboard, now);
        if (!spare)
            return;
        assign(x, spare, codes[i]);
        spare->used_at = now;
    }
}

void x11_keyboard_give_back(X11Keyboard *keyboard, const X11Connection *x)
{
    for (size_t i = 0; i < keyboard->spare_count; i++) {
        if (keyboard->spares[i].mine)
            assign(x, &keyboard->spares[i], 0);
    }
}
