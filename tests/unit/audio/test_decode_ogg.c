// The end mark of Ogg files.
#include "ogg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TAIL = 300 };

static void put_page(uint8_t *tail, size_t at, uint8_t flags)
{
    memcpy(tail + at, "OggS", 5);
    tail[at + 5] = flags;
}

static void test_last_page_decides(void **state)
{
    (void)state;
    uint8_t tail[TAIL] = {0};
    put_page(tail, 0, 0);
    put_page(tail, 100, 4);
    assert_true(ogg_is_ended(tail, TAIL));
    put_page(tail, 200, 0);
    assert_false(ogg_is_ended(tail, TAIL));
    put_page(tail, 200, 5); // continued, and the end
    assert_true(ogg_is_ended(tail, TAIL));
}

static void test_page_at_the_very_end(void **state)
{
    (void)state;
    uint8_t tail[TAIL] = {0};
    put_page(tail, TAIL - 27, 4);
    assert_true(ogg_is_ended(tail, TAIL));
    assert_false(ogg_is_ended(tail, TAIL - 1)); // its header is cut
}

static void test_no_page(void **state)
{
    (void)state;
    uint8_t tail[TAIL] = {0};
    assert_false(ogg_is_ended(tail, TAIL));
    assert_false(ogg_is_ended(tail, 0));
    put_page(tail, 50, 4);
    tail[54] = 1; // no version 0
    assert_false(ogg_is_ended(tail, TAIL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_page_decides),
        cmocka_unit_test(test_page_at_the_very_end),
        cmocka_unit_test(test_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
