// What needs no display: names, how often Backspace takes a text back, honest refusals. Real typing
// is in tests/integration/platform.
#include "platform/typing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"

static void test_backspaces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"é€漢", 3},
        {"e\xcc\x81x", 2}, // e and a combining accent
        {"😀", 1},
        {"👩‍👩‍👧", 1}, // a family, joined
        {"👍🏽!", 2},          // a skin tone
        {"🇩🇪🇫🇷", 2},               // two flags
        {"❤️", 1},             // a selector
        {"a\nb\tc", 5},
        {"a\r\nb", 3},         // CR is not typed
        {"a\x01\xff\x7fz", 2}, // nor are control characters and malformed bytes
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++)
        assert_int_equal(typing_count(cases[i].text, strlen(cases[i].text)), cases[i].count);
}

static void test_names(void **state)
{
    (void)state;
    TypingMethod method = TYPING_AUTOMATIC;
    assert_true(typing_method_named("wtype", &method));
    assert_int_equal(method, TYPING_WTYPE);
    assert_false(typing_method_named("telepathy", &method));
    assert_int_equal(method, TYPING_WTYPE);
}

static void test_nothing_to_type_with(void **state)
{
    (void)state;
    Typing *typing = NULL;
    ScoutError error = {0};
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    assert_int_equal(unsetenv("WAYLAND_DISPLAY"), 0);
    assert_int_equal(setenv("SCOUT_MODULES", "/nonexistent", 1), 0);
    for (TypingMethod method = TYPING_AUTOMATIC; method <= TYPING_YDOTOOL; method++) {
        const TypingOptions options = {.method = method};
        error = (ScoutError){0};
        assert_int_equal(typing_new(&options, &typing, &error), SCOUT_ERROR_UNSUPPORTED);
        assert_true(error.message[0]);
        assert_null(typing);
    }
    typing_free(NULL);
}

static void test_focus(void **state)
{
    (void)state;
    const TypingFocus unknown = {0};
    const TypingFocus one = {.known = true, .window = 1};
    const TypingFocus two = {.known = true, .window = 2};
    assert_true(typing_focus_same(&unknown, &unknown));
    assert_true(typing_focus_same(&one, &one));
    assert_false(typing_focus_same(&one, &two));
    assert_false(typing_focus_same(&one, &unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backspaces),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nothing_to_type_with),
        cmocka_unit_test(test_focus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
