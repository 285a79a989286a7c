// Text: bounds of the parsers, malformed UTF-8, widths.
#include "base/str.h"

#include "base/attributes.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_comparisons(void **state)
{
    (void)state;
    assert_true(str_equal("a", "a"));
    assert_false(str_equal("a", "ab"));
    assert_true(str_equal_nocase("Größe", "größe"));
    assert_false(str_equal_nocase("ab", "abc"));
    assert_false(str_equal_nocase("abc", "ab"));
    assert_false(str_equal_nocase("[", "{")); // 32 apart, no letters
    assert_true(str_starts("model.bin", "model"));
    assert_true(str_starts("x", ""));
    assert_false(str_starts("mod", "model"));
    assert_true(str_ends("model.bin", ".bin"));
    assert_false(str_ends("bin", ".bin"));
}

static void test_copy_cuts_at_a_character(void **state)
{
    (void)state;
    char out[5];
    assert_true(str_copy(out, sizeof out, "abcd"));
    assert_string_equal(out, "abcd");
    assert_false(str_copy(out, sizeof out, "abcde"));
    assert_string_equal(out, "abcd");
    assert_false(str_copy(out, sizeof out, "ab\u20AC")); // 2 + 3 bytes
    assert_string_equal(out, "ab");
    assert_false(str_copy(out, sizeof out, "a\u20ACb"));
    assert_string_equal(out, "a\u20AC");
    assert_false(str_copy(out, 0, "a"));
    assert_false(str_copy(out, 1, "a"));
    assert_string_equal(out, "");
}

static void check_line(const char *text, const char *expected)
{
    char line[64];
    assert_true(str_copy(line, sizeof line, text));
    str_make_line(line);
    assert_string_equal(line, expected);
}

static void test_make_line(void **state)
{
    (void)state;
    check_line("plain \u00E9\u4E2D\U0001F600", "plain \u00E9\u4E2D\U0001F600");
    check_line("a\nb\tc\x1b[31md\x7f", "a b c [31md");
    check_line("a\xc2\x85"
               "b\u2028c",
               "a b c");
    check_line("a\xff"
               "b\xe2\x82",
               "a?b??");
    check_line("\uFFFD", "\uFFFD"); // a replacement character that was there is text
    check_line("\n \n", "");
}

static void check_int(const char *text, bool valid, int64_t expected)
{
    int64_t value = 77;
    assert_int_equal(str_to_int(text, INT64_MIN, INT64_MAX, &value), valid);
    assert_true(value == (valid ? expected : 77));
}

static void test_to_int(void **state)
{
    (void)state;
    check_int("0", true, 0);
    check_int("-0", true, 0);
    check_int("+12", true, 12);
    check_int("007", true, 7);
    check_int("9223372036854775807", true, INT64_MAX);
    check_int("-9223372036854775808", true, INT64_MIN);
    check_int("9223372036854775808", false, 0);
    check_int("-9223372036854775809", false, 0);
    check_int("99999999999999999999999", false, 0);
    const char *const invalid[] = {"", "-", "+", " 1", "1 ", "1x", "0x10", "--1", "1.0"};
    for (size_t i = 0; i < BASE_COUNT(invalid); i++)
        check_int(invalid[i], false, 0);
    int64_t value = 77;
    assert_false(str_to_int("11", 1, 10, &value));
    assert_false(str_to_int("0", 1, 10, &value));
    assert_true(value == 77);
    assert_true(str_to_int("10", 1, 10, &value));
    assert_true(value == 10);
}

static void check_double(const char *text, bool valid, double expected)
{
    double value = 77;
    assert_int_equal(str_to_double(text, -1e308, 1e308, &value), valid);
    assert_true(value == (valid ? expected : 77)); // exact, no tolerance
}

static void test_to_double(void **state)
{
    (void)state;
    check_double("0.1", true, 0.1);
    check_double("-2.5e-3", true, -2.5e-3);
    check_double("5.", true, 5);
    check_double(".5", true, 0.5);
    check_double("9007199254740993", true, 9007199254740992.0); // halfway: to even
    check_double("2.2250738585072011e-308", true, 2.2250738585072011e-308);
    check_double("1e-999", true, 0);
    const char *const invalid[] = {"",      ".",   "e5",  "1e",   "1e+",   "1,5", " 1",    "1 ",
                                   "0x1p3", "nan", "inf", "-inf", "1e999", "+-1", "1.2.3", "1f"};
    for (size_t i = 0; i < BASE_COUNT(invalid); i++)
        check_double(invalid[i], false, 0);
    double value = 77;
    assert_false(str_to_double("1.01", 0, 1, &value));
    assert_false(str_to_double("-0.01", 0, 1, &value));
    assert_true(str_to_double("1", 0, 1, &value));
    assert_true(value == 1);
}

static void test_to_double_ignores_the_locale(void **state)
{
    (void)state;
    const char *const comma_locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    for (size_t i = 0; i < BASE_COUNT(comma_locales); i++) {
        if (setlocale(LC_NUMERIC, comma_locales[i]))
            break;
    }
    check_double("1.5", true, 1.5);
    check_double("1,5", false, 0);
    (void)setlocale(LC_NUMERIC, "C");
}

static void check_seconds(const char *text, bool valid, double expected)
{
    double value = 77;
    assert_int_equal(str_to_seconds(text, &value), valid);
    assert_true(value == (valid ? expected : 77));
}

static void test_to_seconds(void **state)
{
    (void)state;
    check_seconds("0", true, 0);
    check_seconds("90", true, 90);
    check_seconds("90.5", true, 90.5);
    check_seconds("1:30", true, 90);
    check_seconds("90:00", true, 5400);
    check_seconds("1:01:30.250", true, 3690.25);
    check_seconds("00:00:59.999", true, 59.999);
    check_seconds("999999999", true, 999999999);
    const char *const invalid[] = {"",
                                   ":",
                                   "1:",
                                   ":30",
                                   "1:60",
                                   "1:60:00",
                                   "-5",
                                   "+5",
                                   "1:2:3:4",
                                   "1.5:00",
                                   "1e3",
                                   "1:1e1",
                                   "90.",
                                   "1:5.",
                                   "1.5e1",
                                   "1:30 ",
                                   "1234567890",
                                   "0x10",
                                   "1:59.9999999999999999999"};
    for (size_t i = 0; i < BASE_COUNT(invalid); i++)
        check_seconds(invalid[i], false, 0);
}

static void check_decode(const char *bytes, size_t length, size_t taken, uint32_t expected)
{
    uint32_t code = 1;
    assert_int_equal(utf8_decode(bytes, length, &code), taken);
    assert_int_equal(code, expected);
}

static void test_decode(void **state)
{
    (void)state;
    check_decode("", 0, 0, 1);
    check_decode("\0", 1, 1, 0);
    check_decode("\x7f", 1, 1, 0x7F);
    check_decode("\xc2\x80", 2, 2, 0x80);
    check_decode("\xed\x9f\xbf", 3, 3, 0xD7FF);
    check_decode("\xee\x80\x80", 3, 3, 0xE000);
    check_decode("\xf4\x8f\xbf\xbf", 4, 4, 0x10FFFF);
    const char *const malformed[] = {
        "\x80",             // a continuation alone
        "\xc0\x80",         // overlong
        "\xc1\xbf",         // overlong
        "\xe0\x9f\xbf",     // overlong
        "\xf0\x8f\xbf\xbf", // overlong
        "\xed\xa0\x80",     // surrogate
        "\xf4\x90\x80\x80", // past the last code
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "\xf0\x9f\x98",
        "\xc3z",
    };
    for (size_t i = 0; i < BASE_COUNT(malformed); i++) {
        check_decode(malformed[i], strlen(malformed[i]), 1, 0xFFFD);
        assert_false(utf8_valid(malformed[i], strlen(malformed[i])));
    }
    assert_true(utf8_valid("a\u00E9\u20AC\U0001F600\uFFFD", 13));
    assert_true(utf8_valid("", 0));
}

static void test_every_scalar_value_survives(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[4];
        size_t length = utf8_encode(code, bytes);
        bool scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if (!scalar) {
            assert_int_equal(length, 0);
            continue;
        }
        uint32_t decoded = 0;
        if (utf8_decode(bytes, length, &decoded) != length || decoded != code)
            fail_msg("U+%04X does not survive", (unsigned)code);
        for (size_t cut = 1; cut < length; cut++)
            assert_int_equal(utf8_complete_prefix(bytes, cut), 0);
        assert_int_equal(utf8_complete_prefix(bytes, length), length);
    }
}

static void test_complete_prefix(void **state)
{
    (void)state;
    assert_int_equal(utf8_complete_prefix("", 0), 0);
    assert_int_equal(utf8_complete_prefix("abc", 3), 3);
    assert_int_equal(utf8_complete_prefix("a\xe2\x82", 3), 1);
    assert_int_equal(utf8_complete_prefix("a\xe2\x82\xac", 4), 4);
    assert_int_equal(utf8_complete_prefix("a\xf0\x9f\x98", 4), 1);
    // Nothing that follows could make these good: they are shown as they are.
    assert_int_equal(utf8_complete_prefix("a\xe0\x80", 3), 3);
    assert_int_equal(utf8_complete_prefix("a\xed\xa0", 3), 3);
    assert_int_equal(utf8_complete_prefix("a\xff", 2), 2);
    assert_int_equal(utf8_complete_prefix("\x80\x80\x80\x80", 4), 4);
}

static void check_columns(const char *text, size_t columns)
{
    assert_int_equal(utf8_columns(text, strlen(text)), columns);
}

static void test_columns(void **state)
{
    (void)state;
    check_columns("", 0);
    check_columns("scout", 5);
    check_columns("Gr\u00F6\u00DFe", 5);
    check_columns("e\u0301", 1);            // combining acute
    check_columns("\u65E5\u672C\u8A9E", 6); // ideographs
    check_columns("\uFF21", 2);             // fullwidth A
    check_columns("\u1100\u1161\u11A8", 2); // conjoining Hangul, one syllable
    check_columns("\U0001F600", 2);         // emoji
    check_columns("a\u200Bb\u200D", 2);     // zero-width space and joiner
    check_columns("co\u00ADop", 5);         // a soft hyphen is shown
    check_columns("a\tb\x1b", 2);           // controls take nothing
    check_columns("\xff", 1);               // shown as a replacement character
    check_columns("\U0003FFFD", 2);         // the last wide range
    check_columns("\U0010FFFD", 1);
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("sitting", "kitten"), 3);
    assert_int_equal(str_distance("model", "modle"), 2);
    assert_int_equal(str_distance("caf\u00E9", "cafe"), 1);
    char long_a[200];
    char long_b[200];
    memset(long_a, 'a', sizeof long_a - 1);
    memset(long_b, 'b', sizeof long_b - 1);
    long_a[199] = long_b[199] = '\0';
    assert_int_equal(str_distance(long_a, long_b), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_copy_cuts_at_a_character),
        cmocka_unit_test(test_make_line),
        cmocka_unit_test(test_to_int),
        cmocka_unit_test(test_to_double),
        cmocka_unit_test(test_to_double_ignores_the_locale),
        cmocka_unit_test(test_to_seconds),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_every_scalar_value_survives),
        cmocka_unit_test(test_complete_prefix),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
