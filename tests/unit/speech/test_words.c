// Words from tokens, their times, and what keeps the times sane.
#include "words.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"

#define W(letter) (FAKE_WORD + ((letter) - 'a'))
#define P(letter) (FAKE_PIECE + ((letter) - 'a'))

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void check_range(const Word *word, size_t first, size_t end)
{
    assert_int_equal(word->first, first);
    assert_int_equal(word->end, end);
}

static void words_begin_at_spaces_and_punctuation(void **state)
{
    (void)state;
    const int32_t tokens[] = {P('a'), P('b'), W('c'), P('d'), FAKE_COMMA, W('e'), FAKE_STOP};
    Word words[WORDS_MAX];
    assert_int_equal(words_split(fake_bpe(), tokens, 7, true, words), 5);
    check_range(&words[0], 0, 2);
    check_range(&words[1], 2, 4);
    check_range(&words[2], 4, 5);
    check_range(&words[4], 6, 7);
}

static void without_spaces_each_character_is_a_word(void **state)
{
    (void)state;
    const int32_t tokens[] = {FAKE_HALF_CHARACTER, FAKE_REST_CHARACTER, P('b'),
                              FAKE_HALF_CHARACTER};
    Word words[WORDS_MAX];
    assert_int_equal(words_split(fake_bpe(), tokens, 4, false, words), 3);
    check_range(&words[0], 0, 2);
    check_range(&words[2], 3, 4); // cut off, but not lost
    assert_int_equal(words_split(fake_bpe(), tokens, 0, false, words), 0);
    assert_true(words_language_has_spaces("en"));
    assert_false(words_language_has_spaces("ja"));
    assert_false(words_language_has_spaces("yue"));
}

static void punctuation_joins_its_word(void **state)
{
    (void)state;
    // a [ b , c .   : " [" opens and goes to b, the comma to b, the stop to c
    const int32_t tokens[] = {W('a'), FAKE_BRACKET, W('b'), FAKE_COMMA, W('c'), FAKE_STOP};
    Word words[WORDS_MAX];
    size_t count = words_split(fake_bpe(), tokens, 6, true, words);
    assert_int_equal(count, 6);
    words_join_punctuation(fake_bpe(), tokens, words, count);
    const bool joined[] = {false, true, false, true, false, true};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(words[i].joined, joined[i]);
    check_range(&words[0], 0, 1);
    check_range(&words[2], 1, 4);
    check_range(&words[4], 4, 6);
}

static void places_and_the_median(void **state)
{
    (void)state;
    Word words[3] = {{.first = 0, .end = 2}, {.first = 2, .end = 3}, {.first = 3, .end = 4}};
    const size_t starts[] = {10, 20, 30, 35, 35};
    const float probabilities[] = {0.5f, 1, 0.25f, 1};
    words_place(words, 3, starts, probabilities);
    assert_true(near(words[0].start_s, 0.2) && near(words[0].end_s, 0.6));
    assert_true(near((double)words[0].probability, 0.75));
    assert_true(near(words[1].end_s, 0.7) && near(words[2].end_s, 0.7));
    assert_true(near(words_median_s(words, 3), 0.25)); // of 0.4 and 0.1: an empty word is left out
    words[0].end_s = words[1].end_s = words[2].end_s = 9;
    assert_true(near(words_median_s(words, 3), 0.7));
    assert_true(words_median_s(words, 0) == 0);
}

static void long_words_at_sentence_ends_are_cut(void **state)
{
    (void)state;
    const int32_t tokens[] = {W('a'), FAKE_STOP, W('b'), W('c')};
    Word words[4] = {{.first = 0, .end = 1, .start_s = 0, .end_s = 0.3},
                     {.first = 1, .end = 2, .start_s = 0.3, .end_s = 2.0},
                     {.first = 2, .end = 3, .start_s = 2.0, .end_s = 5.0},
                     {.first = 3, .end = 4, .start_s = 5.0, .end_s = 8.0}};
    words_cut_pauses(fake_bpe(), tokens, words, 4, 0.3);
    assert_true(near(words[1].end_s, 0.9));
    assert_true(near(words[2].start_s, 4.4));
    assert_true(near(words[3].start_s, 5.0)); // not at a sentence's edge
}

static void a_first_word_does_not_swallow_a_pause(void **state)
{
    (void)state;
    Word words[2] = {{.start_s = 1.0, .end_s = 9.0}, {.start_s = 9.0, .end_s = 9.3}};
    double start = 8.5, end = 9.5;
    words_fit_piece(words, 2, 0.3, 0.0, &start, &end);
    assert_true(near(words[0].start_s, 8.4)); // twice the typical length
    assert_true(near(start, 8.4) && near(end, 9.3));

    // The model's own time wins where a word begins long before it.
    Word early[1] = {{.start_s = 1.0, .end_s = 3.0}};
    start = 2.5;
    end = 3.0;
    words_fit_piece(early, 1, 0.7, 1.0, &start, &end);
    assert_true(near(early[0].start_s, 2.3) && near(start, 2.5));

    // And at the end.
    Word late[1] = {{.start_s = 1.0, .end_s = 6.0}};
    start = 1.0;
    end = 2.0;
    words_fit_piece(late, 1, 0.5, 5.0, &start, &end);
    assert_true(near(late[0].end_s, 2.0) && near(end, 2.0));
}

static void check_order(const Word *words, size_t count, double low_s, double high_s)
{
    double at = low_s;
    for (size_t i = 0; i < count; i++) {
        assert_true(words[i].start_s >= at - 1e-9);
        assert_true(words[i].end_s > words[i].start_s);
        at = words[i].end_s;
    }
    assert_true(at <= high_s + 1e-9);
}

static void words_lie_in_speech(void **state)
{
    (void)state;
    const SpeechSpan spans[] = {{1.0, 2.0}, {4.0, 5.0}};
    Word words[4] = {{.start_s = 0.2, .end_s = 1.3},
                     {.start_s = 1.3, .end_s = 4.2},
                     {.start_s = 4.2, .end_s = 5.5},
                     {.start_s = 6.0, .end_s = 6.5}};
    words_hold_inside(words, 4, spans, 2, 0, 8);
    assert_true(near(words[0].start_s, 1.0) && near(words[0].end_s, 1.3));
    assert_true(near(words[1].start_s, 1.3) && near(words[1].end_s, 4.2));
    assert_true(near(words[2].end_s, 5.0));
    assert_true(near(words[3].start_s, 5.0)); // to the nearest edge
    check_order(words, 4, 0, 8);
}

static void words_are_strictly_ordered(void **state)
{
    (void)state;
    Word words[5] = {{.start_s = 1, .end_s = 1},
                     {.start_s = 1, .end_s = 1},
                     {.start_s = 0.5, .end_s = 0.9},
                     {.start_s = 3, .end_s = 2},
                     {.start_s = 9, .end_s = 9.9}};
    words_hold_inside(words, 5, NULL, 0, 0.5, 3.0);
    check_order(words, 5, 0.5, 3.0);

    Word crowd[10] = {{0}}; // more words than 0.02 s each have room for
    words_hold_inside(crowd, 10, NULL, 0, 1.0, 1.1);
    check_order(crowd, 10, 1.0, 1.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_begin_at_spaces_and_punctuation),
        cmocka_unit_test(without_spaces_each_character_is_a_word),
        cmocka_unit_test(punctuation_joins_its_word),
        cmocka_unit_test(places_and_the_median),
        cmocka_unit_test(long_words_at_sentence_ends_are_cut),
        cmocka_unit_test(a_first_word_does_not_swallow_a_pause),
        cmocka_unit_test(words_lie_in_speech),
        cmocka_unit_test(words_are_strictly_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
