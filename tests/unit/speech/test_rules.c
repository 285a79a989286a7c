// The open tokens against those of the reference (tests/reference/make_rules.py).
#include "rules.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"
#include "support/npy.h"

// The logits that make_rules.py makes for a case.
static void make_logits(size_t number, float raised, float *logits)
{
    uint32_t state = (uint32_t)number + 1;
    for (size_t i = 0; i < FAKE_VOCAB; i++) {
        state = state * 1664525u + 1013904223u;
        logits[i] = (float)((double)(state >> 8) / 16777216.0 * 8.0 - 4.0);
        if (i >= FAKE_TIMESTAMP)
            logits[i] += raised;
    }
}

static void check_case(const Rules *rules, size_t number, const Npy *open)
{
    static float logits[FAKE_VOCAB];
    static bool found[FAKE_VOCAB];
    Npy written = npy_load("reference/rules/written.npy");
    Npy counts = npy_load("reference/rules/written_counts.npy");
    Npy raised = npy_load("reference/rules/raised.npy");
    make_logits(number, raised.f32[number], logits);
    LogitRanges ranges;
    rules_apply(rules, written.i32 + number * written.dims[1], (size_t)counts.i32[number], logits,
                &ranges);
    memset(found, 0, sizeof found);
    for (size_t r = 0; r < ranges.count; r++)
        for (size_t i = ranges.range[r].first; i < ranges.range[r].end; i++)
            found[i] = logits[i] > -INFINITY;
    for (size_t i = 0; i < FAKE_VOCAB; i++) {
        uint32_t word = (uint32_t)open->i32[number * open->dims[1] + i / 32];
        if (found[i] != ((word >> (i % 32) & 1) != 0))
            fail_msg("case %zu: token %zu is %s", number, i, found[i] ? "open" : "closed");
    }
    npy_free(&written);
    npy_free(&counts);
    npy_free(&raised);
}

static void masks_are_those_of_the_reference(void **state)
{
    (void)state;
    Npy open = npy_load("reference/rules/open.npy");
    Rules rules;
    rules_init(&rules, fake_kernels(), fake_bpe(), true, true);
    assert_true(open.dims[0] >= 19);
    for (size_t i = 0; i < open.dims[0]; i++)
        check_case(&rules, i, &open);
    npy_free(&open);
}

static void masks_without_timestamps(void **state)
{
    (void)state;
    Npy open = npy_load("reference/rules/open_without_timestamps.npy");
    Rules rules;
    rules_init(&rules, fake_kernels(), fake_bpe(), false, true);
    for (size_t i = 0; i < open.dims[0]; i++)
        check_case(&rules, i, &open);
    npy_free(&open);
}

static void marks_stay_closed_when_symbols_are_allowed(void **state)
{
    (void)state;
    Rules rules;
    rules_init(&rules, fake_kernels(), fake_bpe(), false, false);
    static float logits[FAKE_VOCAB];
    const int32_t written[] = {FAKE_WORD};
    LogitRanges open;
    rules_apply(&rules, written, 1, logits, &open);
    assert_true(logits[FAKE_BRACKET] == 0.0f && logits[FAKE_END] == 0.0f);
    const int32_t marks[] = {FAKE_START,       FAKE_TRANSLATE,     FAKE_TRANSCRIBE,
                             FAKE_START_OF_LM, FAKE_START_OF_PREV, FAKE_NO_SPEECH};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        assert_true(isinf(logits[marks[i]]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_those_of_the_reference),
        cmocka_unit_test(masks_without_timestamps),
        cmocka_unit_test(marks_stay_closed_when_symbols_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
