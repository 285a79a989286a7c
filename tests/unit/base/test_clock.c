// Time: it goes forward, and sleeping takes as long as it says.
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void test_monotonic_and_sleep(void **state)
{
    (void)state;
    int64_t start_ns = clock_monotonic_ns();
    clock_sleep_ms(20);
    int64_t slept_ns = clock_monotonic_ns() - start_ns;
    assert_true(slept_ns >= 20 * INT64_C(1000000));
    double slept_s = clock_seconds_since(start_ns);
    assert_true(slept_s >= (double)slept_ns * 1e-9 && slept_s < (double)slept_ns * 1e-9 + 10);
    start_ns = clock_monotonic_ns();
    clock_sleep_ms(0);
    clock_sleep_ms(-5);
    clock_sleep_ms(INT64_MIN);
    assert_true(clock_monotonic_ns() - start_ns < INT64_C(10000000000));
}

static void test_wall(void **state)
{
    (void)state;
    int64_t seconds = (int64_t)time(NULL);
    int64_t wall_ms = clock_wall_ms();
    assert_in_range(wall_ms, (seconds - 1) * 1000, (seconds + 10) * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_and_sleep),
        cmocka_unit_test(test_wall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
