// The trie of favoured phrases: continuing, breaking off, phrases inside phrases, what is raised.
#include "hotwords.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"

#define W(letter) (FAKE_WORD + ((letter) - 'a'))
#define P(letter) (FAKE_PIECE + ((letter) - 'a'))

static Hotwords *make(const char *const *phrases, size_t count)
{
    Hotwords *hotwords;
    assert_int_equal(hotwords_new(fake_bpe(), phrases, count, 2.0f, &hotwords, NULL), SCOUT_OK);
    return hotwords;
}

static HotwordState run(const Hotwords *hotwords, const int32_t *tokens, size_t count)
{
    HotwordState state = 0;
    for (size_t i = 0; i < count; i++)
        state = hotwords_next(hotwords, state, tokens[i]);
    return state;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static void pending_grows_and_is_kept_when_complete(void **state)
{
    (void)state;
    const char *phrases[] = {"abc"}; // " a" "b" "c"
    Hotwords *hotwords = make(phrases, 1);
    const int32_t tokens[] = {W('a'), P('b'), P('c')};
    assert_true(near(hotwords_pending(hotwords, run(hotwords, tokens, 1)), 2));
    assert_true(near(hotwords_pending(hotwords, run(hotwords, tokens, 2)), 4));
    assert_true(near(hotwords_pending(hotwords, run(hotwords, tokens, 3)), 0));
    const int32_t broken[] = {W('a'), P('b'), P('d')};
    assert_int_equal(run(hotwords, broken, 3), 0);
    hotwords_free(hotwords);
}

static void a_phrase_may_begin_inside_another(void **state)
{
    (void)state;
    const char *phrases[] = {"a b c d", "c e", "b"};
    Hotwords *hotwords = make(phrases, 3);
    const int32_t tokens[] = {W('a'), W('b'), W('c')};
    HotwordState inside = run(hotwords, tokens, 3);
    assert_true(near(hotwords_pending(hotwords, inside), 6));
    HotwordState other = hotwords_next(hotwords, inside, W('e'));
    assert_int_not_equal(other, 0);
    assert_true(near(hotwords_pending(hotwords, other), 0)); // "c e" is complete
    assert_int_equal(hotwords_next(hotwords, inside, W('z')), 0);
    hotwords_free(hotwords);
}

static void a_longer_phrase_counts_from_the_shorter(void **state)
{
    (void)state;
    const char *phrases[] = {"a b", "a b c d"};
    Hotwords *hotwords = make(phrases, 2);
    const int32_t tokens[] = {W('a'), W('b'), W('c')};
    assert_true(near(hotwords_pending(hotwords, run(hotwords, tokens, 2)), 0));
    assert_true(near(hotwords_pending(hotwords, run(hotwords, tokens, 3)), 2));
    hotwords_free(hotwords);
}

static void candidates_are_open_near_and_sorted(void **state)
{
    (void)state;
    const char *phrases[] = {"ab", "c", "d", "e", " f "};
    Hotwords *hotwords = make(phrases, 5);
    float logits[FAKE_TEXT];
    for (size_t i = 0; i < FAKE_TEXT; i++)
        logits[i] = -30;
    logits[W('z')] = 10; // the best
    logits[W('c')] = 5;
    logits[W('d')] = 9;
    logits[W('e')] = 1; // too far from the best
    logits[W('f')] = 6;
    logits[P('b')] = 4;
    LogitRanges open = {{{0, (size_t)W('f')}, {(size_t)W('f') + 1, FAKE_TEXT}}, 2};
    HotwordCandidate list[HOTWORDS_CANDIDATES_MAX];
    assert_int_equal(hotwords_candidates(hotwords, 0, true, fake_kernels(), logits, &open, list),
                     2);
    assert_int_equal(list[0].token, W('d'));
    assert_int_equal(list[1].token, W('c'));
    assert_true(near((double)list[1].logit, 5) && near((double)list[1].gain, 2));

    const int32_t a = W('a');
    HotwordState state_a = run(hotwords, &a, 1);
    size_t count =
        hotwords_candidates(hotwords, state_a, true, fake_kernels(), logits, &open, list);
    assert_int_equal(count, 3); // b goes on, c and d begin
    assert_int_equal(list[1].token, P('b'));
    assert_true(near((double)list[1].gain, 4)); // its own 2 and those that others would lose
    count = hotwords_candidates(hotwords, state_a, false, fake_kernels(), logits, &open, list);
    assert_int_equal(count, 3);
    assert_int_equal(list[2].token, P('b'));
    assert_true(near((double)list[2].gain, 2));
    hotwords_free(hotwords);
}

static void bad_phrases_are_refused(void **state)
{
    (void)state;
    Hotwords *hotwords = NULL;
    ScoutError error;
    const char *empty[] = {"a", "  "};
    assert_int_equal(hotwords_new(fake_bpe(), empty, 2, 2, &hotwords, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    char text[HOTWORDS_TOKENS_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *too_long[] = {text};
    assert_int_equal(hotwords_new(fake_bpe(), too_long, 1, 2, &hotwords, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "64 tokens"));
    assert_null(hotwords);
    hotwords_free(NULL);
}

static void no_phrases_raise_nothing(void **state)
{
    (void)state;
    Hotwords *hotwords = make(NULL, 0);
    float logits[FAKE_TEXT] = {0};
    LogitRanges open = {{{0, FAKE_TEXT}}, 1};
    HotwordCandidate list[HOTWORDS_CANDIDATES_MAX];
    assert_int_equal(hotwords_candidates(hotwords, 0, true, fake_kernels(), logits, &open, list),
                     0);
    hotwords_free(hotwords);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_grows_and_is_kept_when_complete),
        cmocka_unit_test(a_phrase_may_begin_inside_another),
        cmocka_unit_test(a_longer_phrase_counts_from_the_shorter),
        cmocka_unit_test(candidates_are_open_near_and_sorted),
        cmocka_unit_test(bad_phrases_are_refused),
        cmocka_unit_test(no_phrases_raise_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
