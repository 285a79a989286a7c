// How hotkeys are written.
#include "key_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attributes.h"

static void test_written_many_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned modifiers;
        const char *key;
    } cases[] = {
        {"F9", 0, "F9"},
        {"ctrl+alt+space", KEY_CTRL | KEY_ALT, "space"},
        {"Control+Shift+d", KEY_CTRL | KEY_SHIFT, "d"},
        {"SUPER+enter", KEY_SUPER, "Return"},
        {"rightctrl", 0, "Control_R"},
        {"win+.", KEY_SUPER, "period"},
        {"XF86AudioMicMute", 0, "XF86AudioMicMute"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        KeyWords words;
        assert_int_equal(key_words_parse(cases[i].text, &words, NULL), SCOUT_OK);
        assert_int_equal(words.modifiers, cases[i].modifiers);
        assert_string_equal(words.key, cases[i].key);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "+",
        "ctrl+",
        "+a",
        "ctrl++a",
        "crtl+a",
        "ctrl+alt",
        "shift",
        "a b",
        "ctrl+a'b",
        "F9\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        KeyWords words = {.modifiers = 77};
        ScoutError error = {0};
        assert_int_equal(key_words_parse(wrong[i], &words, &error), SCOUT_ERROR_INVALID_ARGUMENT);
        assert_int_equal(words.modifiers, 77);
        assert_true(error.message[0]);
    }
}

static void test_written_for_others(void **state)
{
    (void)state;
    KeyWords words;
    char text[128];
    assert_int_equal(key_words_parse("ctrl+alt+shift+super+space", &words, NULL), SCOUT_OK);
    key_words_for_portal(&words, text, sizeof text);
    assert_string_equal(text, "CTRL+ALT+SHIFT+LOGO+space");
    key_words_for_people(&words, text, sizeof text);
    assert_string_equal(text, "Ctrl+Alt+Shift+Super+Space");
    key_words_for_people(&words, text, 8);
    assert_string_equal(text, "Ctrl+Al");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_many_ways),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_written_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
