// WordPiece on a vocabulary small enough to see through. Exact ids of a real one are
// tests/reference/test_tokenizer.c.
#include "models/tokenizer.h"

#include "base/attributes.h"
#include "fault.h"
#include "wordpiece_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { UNK, CLS, SEP, UN, AFF, ABLE, ABLE_2, A, A_2, HASH, DASH, E, IDEOGRAPH, JAMO, JAMO_2 };

static const char *const vocabulary[] = {
    "[UNK]", "[CLS]", "[SEP]", "un", "##aff",  "##able", "able",           "a",
    "##a",   "#",     "-",     "e",  "\u4F60", "\u1112", "##\u1161\u11AB",
};

static WordPiece *make(void)
{
    TokenSpan spans[BASE_COUNT(vocabulary)];
    for (size_t i = 0; i < BASE_COUNT(vocabulary); i++) {
        spans[i] = (TokenSpan){vocabulary[i], strlen(vocabulary[i])};
    }
    WordPiece *wordpiece = NULL;
    assert_int_equal(wordpiece_new_from_tokens(spans, BASE_COUNT(spans), &wordpiece, NULL),
                     SCOUT_OK);
    return wordpiece;
}

static void check(const char *text, const int32_t *expected, size_t expected_count)
{
    WordPiece *const wordpiece = make();
    int32_t ids[256];
    size_t count = 0;
    assert_int_equal(wordpiece_encode(wordpiece, text, strlen(text), ids, 256, &count, NULL),
                     SCOUT_OK);
    assert_int_equal(count, expected_count + 2);
    assert_int_equal(ids[0], CLS);
    assert_memory_equal(ids + 1, expected, expected_count * sizeof *ids);
    assert_int_equal(ids[count - 1], SEP);
    wordpiece_free(wordpiece);
}

#define CHECK(text, ...)                                                                           \
    do {                                                                                           \
        const int32_t expected[] = {__VA_ARGS__};                                                  \
        check(text, expected, BASE_COUNT(expected));                                               \
    } while (0)

static void test_words(void **state)
{
    (void)state;
    check("", NULL, 0);
    check(" \t\r\n ", NULL, 0);
    CHECK("unaffable", UN, AFF, ABLE);
    CHECK("  able  un ", ABLE_2, UN);
    CHECK("aaa", A, A_2, A_2);
    CHECK("unb", UNK); // the whole word, although it begins with a token
    CHECK("b un", UNK, UN);
    CHECK("un-able", UN, DASH, ABLE_2);
    CHECK("##able", HASH, HASH, ABLE_2); // text is never taken as the continuation of a word
    CHECK("[CLS]", UNK, UNK, UNK);       // nor as a special token
}

static void test_folding(void **state)
{
    (void)state;
    CHECK("UNAFFABLE", UN, AFF, ABLE);
    CHECK("\u00E9 \u00C9 e\u0301 \u1EC6", E, E, E, E); // accents go, composed or not
    CHECK("u\u00ADn\u200B", UN);                       // format characters go
    CHECK("un\xC2\xA0"
          "able",
          UN, ABLE_2); // a no-break space is a space
    CHECK("\u4F60\u4F60un", IDEOGRAPH, IDEOGRAPH, UN);
    CHECK("\uD55C", JAMO, JAMO_2); // a Hangul syllable in its parts
    CHECK("\xFFu\xC3n\x80", UN);   // malformed bytes go
    CHECK("un\uFFFD\x01", UN);
}

static void test_long_words(void **state)
{
    (void)state;
    char text[104];
    memset(text, 'a', sizeof text);
    WordPiece *const wordpiece = make();
    int32_t ids[256];
    size_t count;
    assert_int_equal(wordpiece_encode(wordpiece, text, 100, ids, 256, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 102);
    assert_int_equal(ids[1], A);
    assert_int_equal(ids[100], A_2);
    assert_int_equal(wordpiece_encode(wordpiece, text, 101, ids, 256, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ids[1], UNK);
    // Characters count, not bytes: 50 syllables of three parts and four bytes or less.
    char syllables[3 * 34];
    for (size_t i = 0; i < sizeof syllables; i += 3) {
        memcpy(syllables + i, "\uD55C", 3);
    }
    assert_int_equal(
        wordpiece_encode(wordpiece, syllables, sizeof syllables, ids, 256, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3); // 102 parts
    wordpiece_free(wordpiece);
}

static void test_capacity(void **state)
{
    (void)state;
    WordPiece *const wordpiece = make();
    int32_t ids[4] = {-5, -5, -5, -5};
    size_t count = 99;
    assert_int_equal(wordpiece_encode(wordpiece, "aaaa", 4, ids, 1, &count, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(count, 99);
    assert_int_equal(wordpiece_encode(wordpiece, "aaaa", 4, ids, 2, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 2);
    assert_int_equal(ids[1], SEP);
    assert_int_equal(wordpiece_encode(wordpiece, "aaaa", 4, ids, 3, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ids[1], A);
    assert_int_equal(ids[3], -5);
    // A word that turns out unknown behind the cut is unknown before it.
    assert_int_equal(wordpiece_encode(wordpiece, "aaab", 4, ids, 3, &count, NULL), SCOUT_OK);
    assert_int_equal(ids[1], UNK);
    wordpiece_free(wordpiece);
}

static void test_missing_tokens(void **state)
{
    (void)state;
    const TokenSpan spans[] = {{"[UNK]", 5}, {"[CLS]", 5}, {"sep", 3}};
    WordPiece *wordpiece = NULL;
    ScoutError error = {0};
    assert_int_equal(wordpiece_new_from_tokens(spans, 3, &wordpiece, &error), SCOUT_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "[SEP]"));
    assert_int_equal(wordpiece_new_from_tokens(NULL, 0, &wordpiece, NULL), SCOUT_ERROR_CORRUPT);
    assert_int_equal(
        wordpiece_new_from_tokens(spans, (size_t)TOKEN_COUNT_MAX + 1, &wordpiece, NULL),
        SCOUT_ERROR_LIMIT);
    assert_null(wordpiece);
    wordpiece_free(NULL);
}

static ScoutStatus make_one(void *context)
{
    (void)context;
    const TokenSpan spans[] = {{"[UNK]", 5}, {"[CLS]", 5}, {"[SEP]", 5}};
    WordPiece *wordpiece = NULL;
    const ScoutStatus status = wordpiece_new_from_tokens(spans, 3, &wordpiece, NULL);
    assert_int_equal(status == SCOUT_OK, wordpiece != NULL);
    wordpiece_free(wordpiece);
    return status;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    assert_int_equal(fault_run_all(make_one, NULL, 100), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),          cmocka_unit_test(test_folding),
        cmocka_unit_test(test_long_words),     cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_missing_tokens), cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests_name("models tokenizer wordpiece", tests, NULL, NULL);
}
