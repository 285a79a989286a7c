// Moves keys by their number, on the XTEST keyboard or on the "real" one, for the tests.
//     key_tool [real] (+KEYCODE | -KEYCODE | =MILLISECONDS)...     down, up, wait
// Also: key_tool grab KEYCODE MODIFIERS    grabs a key as most programs do, until standard input
// ends
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xcb/xinput.h>
#include <xcb/xtest.h>

#include "base/clock.h"
#include "base/str.h"

static uint8_t real_keyboard(xcb_connection_t *xcb)
{
    xcb_input_xi_query_device_reply_t *devices = xcb_input_xi_query_device_reply(
        xcb, xcb_input_xi_query_device(xcb, XCB_INPUT_DEVICE_ALL), NULL);
    uint8_t found = 0;
    xcb_input_xi_device_info_iterator_t each = xcb_input_xi_query_device_infos_iterator(devices);
    for (; each.rem > 0; xcb_input_xi_device_info_next(&each)) {
        const char *name = xcb_input_xi_device_info_name(each.data);
        const size_t length = (size_t)xcb_input_xi_device_info_name_length(each.data);
        if (each.data->type == XCB_INPUT_DEVICE_TYPE_SLAVE_KEYBOARD &&
            !memmem(name, length, "XTEST", 5))
            found = (uint8_t)each.data->deviceid;
    }
    free(devices);
    return found;
}

static int grab(xcb_connection_t *xcb, char **words)
{
    const xcb_window_t root = xcb_setup_roots_iterator(xcb_get_setup(xcb)).data->root;
    int64_t key = 0;
    int64_t modifiers = 0;
    (void)str_to_int(words[0], 8, 255, &key);
    (void)str_to_int(words[1], 0, 0x8000, &modifiers);
    xcb_generic_error_t *problem =
        xcb_request_check(xcb, xcb_grab_key_checked(xcb, 0, root, (uint16_t)modifiers, (uint8_t)key,
                                                    XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC));
    if (problem) {
        free(problem);
        return 1;
    }
    char byte;
    (void)puts("grabbed");
    (void)fflush(stdout);
    (void)!read(STDIN_FILENO, &byte, 1);
    return 0;
}

int main(int argc, char **argv)
{
    xcb_connection_t *xcb = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(xcb) || argc < 2)
        return 2;
    if (str_equal(argv[1], "grab") && argc == 4) {
        const int status = grab(xcb, argv + 2);
        xcb_disconnect(xcb);
        return status;
    }
    const bool real = str_equal(argv[1], "real");
    const uint8_t first = xcb_get_extension_data(xcb, &xcb_input_id)->first_event;
    const uint8_t device = real ? real_keyboard(xcb) : 0;
    for (int i = real ? 2 : 1; i < argc; i++) {
        int64_t number = 0;
        if (!str_to_int(argv[i] + 1, 0, 100000, &number))
            return 2;
        if (argv[i][0] == '=') {
            clock_sleep_ms(number);
            continue;
        }
        const bool down = argv[i][0] == '+';
        const uint8_t type = real ? (uint8_t)(first + (down ? XCB_INPUT_DEVICE_KEY_PRESS
                                                            : XCB_INPUT_DEVICE_KEY_RELEASE))
                                  : (down ? XCB_KEY_PRESS : XCB_KEY_RELEASE);
        xcb_test_fake_input(xcb, type, (uint8_t)number, 0, XCB_NONE, 0, 0, device);
        free(xcb_get_input_focus_reply(xcb, xcb_get_input_focus(xcb), NULL));
    }
    xcb_disconnect(xcb);
    return 0;
}
