// Sums, best choices and draws of a logit row, against plain double arithmetic.
#include "logits.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"

enum { VOCAB = 5000 };

static void fill(float *logits, uint32_t seed)
{
    for (size_t i = 0; i < VOCAB; i++) {
        seed = seed * 1664525u + 1013904223u;
        logits[i] = (float)((double)seed / 4294967296.0 * 40.0 - 20.0);
    }
}

static const LogitRanges PARTS = {{{3, 700}, {1024, 1025}, {2000, VOCAB}}, 3};

static bool is_open(size_t i)
{
    return (i >= 3 && i < 700) || i == 1024 || i >= 2000;
}

static void sum_is_that_of_the_definition(void **state)
{
    (void)state;
    static float logits[VOCAB];
    fill(logits, 1);
    logits[2500] = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < VOCAB; i++)
        if (is_open(i))
            sum += exp((double)logits[i]);
    assert_true(fabs(logits_log_sum_exp(fake_kernels(), logits, &PARTS) - log(sum)) < 1e-6);
}

static void sum_of_extremes(void **state)
{
    (void)state;
    float logits[4] = {-INFINITY, -INFINITY, 1e4f, -1e4f};
    LogitRanges none = {0}, closed = {0}, all = {0};
    logit_ranges_add(&closed, 0, 2);
    logit_ranges_add(&all, 0, 4);
    logit_ranges_add(&all, 4, 4); // empty: not added
    assert_int_equal(all.count, 1);
    assert_true(isinf(logits_log_sum_exp(fake_kernels(), logits, &none)));
    assert_true(logits_log_sum_exp(fake_kernels(), logits, &closed) < 0 &&
                isinf(logits_log_sum_exp(fake_kernels(), logits, &closed)));
    assert_true(fabs(logits_log_sum_exp(fake_kernels(), logits, &all) - 1e4) < 1e-6);
    assert_true(logits_max(fake_kernels(), logits, &all) == 1e4f);
}

static void top_is_sorted_and_stable(void **state)
{
    (void)state;
    static float logits[VOCAB];
    fill(logits, 2);
    logits[10] = 30;
    logits[1024] = 31;
    logits[4999] = 30;
    logits[0] = 99; // not open
    LogitChoice top[4];
    assert_int_equal(logits_top(fake_kernels(), logits, &PARTS, 4, top), 4);
    assert_int_equal(top[0].token, 1024);
    assert_int_equal(top[1].token, 10);
    assert_int_equal(top[2].token, 4999);
    for (size_t i = 0; i < VOCAB; i++)
        if (is_open(i) && i != 10 && i != 1024 && i != 4999)
            assert_true(logits[i] <= top[3].logit);
    assert_int_equal(logits_top(fake_kernels(), logits, &PARTS, 0, top), 0);
}

// Few values, so that many are equal; more of them than a list of blocks holds.
static void top_of_equals_is_the_lower_token(void **state)
{
    (void)state;
    static float logits[VOCAB];
    fill(logits, 3);
    for (size_t i = 0; i < VOCAB; i++)
        logits[i] = floorf(logits[i] / 4);
    for (size_t count = 1; count <= LOGITS_TOP_MAX; count += 7) {
        LogitChoice top[LOGITS_TOP_MAX];
        assert_int_equal(logits_top(fake_kernels(), logits, &PARTS, count, top), count);
        size_t at = 0;
        for (float value = 5; at < count; value -= 1)
            for (size_t i = 0; i < VOCAB && at < count; i++)
                if (is_open(i) && logits[i] == value) {
                    assert_int_equal(top[at].token, i);
                    assert_true(top[at++].logit == value);
                }
    }
}

static void top_leaves_out_what_is_closed(void **state)
{
    (void)state;
    float logits[3] = {-INFINITY, 2, -INFINITY};
    LogitRanges all = {{{0, 3}}, 1};
    LogitChoice top[3];
    assert_int_equal(logits_top(fake_kernels(), logits, &all, 3, top), 1);
    assert_int_equal(top[0].token, 1);
}

static void draws_follow_the_probabilities(void **state)
{
    (void)state;
    float logits[6] = {9, logf(1), logf(2), -INFINITY, logf(5), 9};
    LogitRanges middle = {{{1, 5}}, 1};
    size_t counts[6] = {0};
    Chance chance = chance_start(42, 7);
    for (size_t i = 0; i < 80000; i++)
        counts[logits_sample(fake_kernels(), logits, &middle, 1.0, chance_next(&chance))]++;
    assert_int_equal(counts[0] + counts[3] + counts[5], 0);
    assert_true(abs((int)counts[1] - 10000) < 500);
    assert_true(abs((int)counts[2] - 20000) < 700);
    // Half the temperature squares the weights: 1, 4, 25.
    counts[4] = 0;
    for (size_t i = 0; i < 30000; i++)
        counts[4] += logits_sample(fake_kernels(), logits, &middle, 0.5, chance_next(&chance)) == 4;
    assert_true(abs((int)counts[4] - 25000) < 500);
}

static void draws_at_the_ends(void **state)
{
    (void)state;
    float logits[3] = {1, -INFINITY, 1};
    LogitRanges all = {{{0, 3}}, 1}, closed = {{{1, 2}}, 1};
    assert_int_equal(logits_sample(fake_kernels(), logits, &all, 1.0, 0.0), 0);
    assert_int_equal(logits_sample(fake_kernels(), logits, &all, 1.0, 0.999), 2);
    assert_true(logits_sample(fake_kernels(), logits, &all, 1.0, 1.0) >=
                0); // what rounding may give
    assert_int_equal(logits_sample(fake_kernels(), logits, &closed, 1.0, 0.5), -1);
}

static void chance_is_the_same_everywhere(void **state)
{
    (void)state;
    Chance a = chance_start(1, 2), b = chance_start(1, 2), c = chance_start(1, 3);
    double first = chance_next(&a);
    assert_true(first == chance_next(&b));
    assert_true(first != chance_next(&c));
    double sum = 0;
    for (size_t i = 0; i < 10000; i++) {
        double next = chance_next(&a);
        assert_true(next >= 0 && next < 1);
        sum += next;
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_is_that_of_the_definition),
        cmocka_unit_test(sum_of_extremes),
        cmocka_unit_test(top_is_sorted_and_stable),
        cmocka_unit_test(top_of_equals_is_the_lower_token),
        cmocka_unit_test(top_leaves_out_what_is_closed),
        cmocka_unit_test(draws_follow_the_probabilities),
        cmocka_unit_test(draws_at_the_ends),
        cmocka_unit_test(chance_is_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
