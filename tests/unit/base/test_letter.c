// Characters: what words are made of, other cases, scripts without spaces.
#include "base/letter.h"

#include <stddef.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void words_are_letters_marks_and_numbers(void **state)
{
    (void)state;
    const uint32_t inside[] = {'a', 'Z', '0', '_', 0xDF, 0x301, 0x416, 0x4E16, 0xE01, 0xAC00, 0xB2};
    const uint32_t outside[] = {0,    ' ',    '-',    '\'',    '.',      0xA0,
                                0xD7, 0x2019, 0x3002, 0x1F642, 0x10FFFF, 0x110000};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        assert_true(letter_in_word(inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        assert_false(letter_in_word(outside[i]));
}

static void case_is_one_character_to_one(void **state)
{
    (void)state;
    const uint32_t pairs[][2] = {{'a', 'A'},        {'z', 'Z'},     {0xE9, 0xC9},
                                 {0xFF, 0x178},     {0x3C9, 0x3A9}, {0x436, 0x416},
                                 {0x101, 0x100},    {0x17E, 0x17D}, {0x1E9E - 1, 0x1E9E - 1},
                                 {0x10437, 0x1040F}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_int_equal(letter_upper(pairs[i][0]), pairs[i][1]);
        assert_int_equal(letter_lower(pairs[i][1]), pairs[i][0]);
        assert_int_equal(letter_fold(pairs[i][0]), letter_fold(pairs[i][1]));
    }
    assert_int_equal(letter_upper(0xDF), 0xDF); // its capital would be two letters
    assert_int_equal(letter_fold(0x3C2), 0x3C3);
    assert_true(letter_is_upper('A') && !letter_is_upper('a') && !letter_is_upper('1'));
    assert_true(letter_is_lower('a') && !letter_is_lower('A') && !letter_is_lower(0x4E16));
}

// No table has a character that is changed into another of the same case.
static void cases_are_consistent(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        const uint32_t lower = letter_lower(code), upper = letter_upper(code);
        assert_int_equal(letter_lower(lower), lower);
        assert_int_equal(letter_upper(upper), upper);
        if (lower != code || upper != code)
            assert_true(letter_in_word(code) || (code >= 0x24B6 && code <= 0x24E9));
    }
}

static void some_scripts_have_no_spaces(void **state)
{
    (void)state;
    assert_true(letter_has_no_spaces(0x4E16) && letter_has_no_spaces(0x3042) &&
                letter_has_no_spaces(0xE01) && letter_has_no_spaces(0x3002) &&
                letter_has_no_spaces(0xFF0C));
    assert_false(letter_has_no_spaces('a') || letter_has_no_spaces(0xAC00) ||
                 letter_has_no_spaces(0x416) || letter_has_no_spaces(0x1F642));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_letters_marks_and_numbers),
        cmocka_unit_test(case_is_one_character_to_one),
        cmocka_unit_test(cases_are_consistent),
        cmocka_unit_test(some_scripts_have_no_spaces),
    };
    return cmocka_run_group_tests_name("letter", tests, NULL, NULL);
}
