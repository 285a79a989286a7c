// Whisper's languages: what people call them. All names and aliases are compared with the
// reference's in tests/reference/test_tokenizer.c.
#include "models/tokenizer.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t found(const char *code_or_name)
{
    size_t index = SIZE_MAX;
    return language_find(code_or_name, &index) ? index : SIZE_MAX;
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(language_count(), 100);
    assert_string_equal(language_code(0), "en");
    assert_string_equal(language_name(0), "english");
    assert_string_equal(language_code(98), "su");
    assert_string_equal(language_code(99), "yue"); // large-v3 has put it last
    assert_string_equal(language_name(99), "cantonese");
    assert_null(language_code(100));
    assert_null(language_name(100));
}

static void test_every_language_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < language_count(); i++) {
        assert_int_equal(found(language_code(i)), i);
        assert_int_equal(found(language_name(i)), i);
    }
}

static void test_aliases_and_case(void **state)
{
    (void)state;
    const char *const pairs[][2] = {
        {"burmese", "my"},
        {"Valencian", "ca"},
        {"flemish", "nl"},
        {"haitian", "ht"},
        {"letzeburgesch", "lb"},
        {"pushto", "ps"},
        {"panjabi", "pa"},
        {"moldavian", "ro"},
        {"moldovan", "ro"},
        {"sinhalese", "si"},
        {"CASTILIAN", "es"},
        {"mandarin", "zh"},
        {"jv", "jw"},
        {"EN", "en"},
        {"German", "de"},
        {"Haitian Creole", "ht"},
    };
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        assert_int_equal(found(pairs[i][0]), found(pairs[i][1]));
        assert_true(found(pairs[i][1]) < 100);
    }
    const char *const unknown[] = {"", "xx", "englis", "english ", "klingon", "e"};
    for (size_t i = 0; i < BASE_COUNT(unknown); i++) {
        assert_int_equal(found(unknown[i]), SIZE_MAX);
    }
    assert_int_equal(found(NULL), SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_every_language_is_found),
        cmocka_unit_test(test_aliases_and_case),
    };
    return cmocka_run_group_tests_name("models tokenizer languages", tests, NULL, NULL);
}
