// Text is always valid UTF-8; repetition is measured as the reference does.
#include "text.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/str.h"
#include "fake_models.h"

static void check_valid(const char *bytes, size_t length, const char *expected)
{
    Buffer out;
    buffer_init(&out, 1000);
    assert_true(text_append_valid(&out, bytes, length));
    assert_string_equal(buffer_text(&out), expected);
    assert_true(utf8_valid(out.data, out.length));
    buffer_done(&out);
}

static void malformed_bytes_are_replaced(void **state)
{
    (void)state;
    check_valid("a\xC3\xA9", 3, "a\xC3\xA9");
    check_valid("a\xE4\xB8", 3, "a\xEF\xBF\xBD"); // cut off: one character, one sign
    check_valid("\xADz", 2, "\xEF\xBF\xBDz");
    check_valid("\xE4\xB8z\xFF\xFFy", 6, "\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBDy");
    check_valid("\xEF\xBF\xBD!", 4, "\xEF\xBF\xBD!"); // one that was written stays
}

static void a_character_may_lie_in_two_tokens(void **state)
{
    (void)state;
    Buffer out, scratch;
    buffer_init(&out, 1000);
    buffer_init(&scratch, 1000);
    const int32_t whole[] = {FAKE_TIMESTAMP, FAKE_HALF_CHARACTER, FAKE_REST_CHARACTER, FAKE_WORD};
    assert_true(text_append_tokens(&out, fake_bpe(), whole, 4, &scratch));
    assert_string_equal(buffer_text(&out), "\xE4\xB8\xAD a");
    buffer_clear(&out);
    assert_true(text_append_tokens(&out, fake_bpe(), whole, 2, &scratch));
    assert_string_equal(buffer_text(&out), "\xEF\xBF\xBD");
    buffer_done(&out);
    buffer_done(&scratch);
}

static float ratio_of(const char *text)
{
    float ratio = -1;
    assert_int_equal(text_compression_ratio(text, strlen(text), &ratio, NULL), SCOUT_OK);
    return ratio;
}

// The values are those of len(text) / len(zlib.compress(text)) in Python.
static void repetition_compresses(void **state)
{
    (void)state;
    assert_true(ratio_of("") == 0.0f);
    assert_true(ratio_of(" \n ") == 0.0f);
    const char *sentence = "And so my fellow Americans, ask not what your country can do for you";
    assert_true(fabsf(ratio_of(sentence) - 68.0f / 69.0f) < 0.001f);
    assert_true(ratio_of("  And so my fellow Americans, ask not what your country can do for you "
                         "\n") == ratio_of(sentence));
    char loop[401] = "";
    for (size_t i = 0; i < 40; i++)
        memcpy(loop + i * 10, "thank you ", 11);
    assert_true(ratio_of(loop) > 10.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_bytes_are_replaced),
        cmocka_unit_test(a_character_may_lie_in_two_tokens),
        cmocka_unit_test(repetition_compresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
