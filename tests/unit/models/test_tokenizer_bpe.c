// Byte-level BPE on vocabularies small enough to see through: the split, merging against the plain
// algorithm, special ids and what is refused. Exact ids are tests/reference/test_tokenizer.c.
#include "models/tokenizer.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "bpe_private.h"
#include "bpe_split.h"
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TOKENS_MAX = 2048, SPECIAL_COUNT = 1 + 1 + 6 + 1501 };

// Tokens by id. The first 256 are the bytes in their natural order.
typedef struct Tokens {
    TokenSpan spans[TOKENS_MAX];
    size_t count;
    char bytes[256];
    char names[256][24];
    size_t name_count;
} Tokens;

static void add(Tokens *tokens, const char *text)
{
    assert_true(tokens->count < TOKENS_MAX);
    tokens->spans[tokens->count++] = (TokenSpan){text, strlen(text)};
}

static void add_name(Tokens *tokens, const char *name)
{
    char *const own = tokens->names[tokens->name_count++];
    (void)snprintf(own, sizeof tokens->names[0], "<|%s|>", name);
    add(tokens, own);
}

// The bytes, the given tokens, and the names of the special tokens with so many languages.
static void make_tokens(Tokens *tokens, const char *const *texts, size_t count, size_t languages)
{
    memset(tokens, 0, sizeof *tokens);
    for (size_t i = 0; i < 256; i++) {
        tokens->bytes[i] = (char)i;
        tokens->spans[i] = (TokenSpan){&tokens->bytes[i], 1};
    }
    tokens->count = 256;
    for (size_t i = 0; i < count; i++) {
        add(tokens, texts[i]);
    }
    add_name(tokens, "endoftext");
    add_name(tokens, "startoftranscript");
    for (size_t i = 0; i < languages; i++) {
        add_name(tokens, language_code(i));
    }
    static const char *const tasks[] = {"translate",   "transcribe", "startoflm",
                                        "startofprev", "nospeech",   "notimestamps"};
    for (size_t i = 0; i < BASE_COUNT(tasks); i++) {
        add_name(tokens, tasks[i]);
    }
}

static Bpe *make_bpe(const char *const *texts, size_t count)
{
    Tokens *const tokens = malloc(sizeof *tokens);
    assert_non_null(tokens);
    make_tokens(tokens, texts, count, 3);
    Bpe *bpe = NULL;
    ScoutError error = {0};
    if (bpe_new_from_tokens(tokens->spans, tokens->count, tokens->count + BPE_TIMESTAMPS, &bpe,
                            &error)) {
        fail_msg("%s", error.message);
    }
    free(tokens);
    return bpe;
}

static void check_pieces(const char *text, const char *const *pieces, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t length = bpe_split_next(text + at, strlen(text) - at);
        assert_int_equal(length, strlen(pieces[i]));
        assert_memory_equal(text + at, pieces[i], length);
        at += length;
    }
    assert_int_equal(at, strlen(text));
}

#define CHECK_PIECES(text, ...)                                                                    \
    do {                                                                                           \
        const char *const pieces[] = {__VA_ARGS__};                                                \
        check_pieces(text, pieces, BASE_COUNT(pieces));                                            \
    } while (0)

static void test_split(void **state)
{
    (void)state;
    assert_int_equal(bpe_split_next("", 0), 0);
    CHECK_PIECES("Hello, world 42!", "Hello", ",", " world", " 42", "!");
    CHECK_PIECES("ab12cd", "ab", "12", "cd");
    // Contractions: lower case, at the front of a piece only.
    CHECK_PIECES("I'm we'll you're", "I", "'m", " we", "'ll", " you", "'re");
    CHECK_PIECES("'sound 'tis", "'s", "ound", " '", "tis");
    CHECK_PIECES("I'M ''s", "I", "'", "M", " ''", "s");
    CHECK_PIECES("x'l", "x", "'", "l");
    CHECK_PIECES("'", "'");
    // White space: the last one belongs to the next word if it is a plain space, else to itself.
    CHECK_PIECES("a  b", "a", " ", " b");
    CHECK_PIECES("a   b ", "a", "  ", " b", " ");
    CHECK_PIECES("a\n\nb", "a", "\n", "\n", "b");
    CHECK_PIECES("a \n", "a", " \n");
    CHECK_PIECES("  ", "  ");
    CHECK_PIECES("\t\t 1", "\t\t", " 1");
    CHECK_PIECES("\u3000\u3000x", "\u3000", "\u3000", "x");
    // Letters, numbers and marks of other scripts; marks are neither letters nor numbers.
    CHECK_PIECES("Grüße 你好１２", "Grüße", " 你好", "１２");
    CHECK_PIECES("कि", "क", "ि");
    CHECK_PIECES("½x²", "½", "x", "²");
    CHECK_PIECES("\xFFx", "\xFF", "x");
}

// The plain algorithm: look for the lowest rank, merge it, begin again.
static size_t merge_plainly(const TokenTable *table, const char *text, size_t length, int32_t *ids)
{
    size_t ends[64];
    size_t count = length;
    for (size_t i = 0; i < length; i++) {
        ends[i] = i + 1;
    }
    for (;;) {
        int32_t best = INT32_MAX;
        size_t best_at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            const size_t start = i == 0 ? 0 : ends[i - 1];
            const int32_t rank = token_table_find(table, text + start, ends[i + 1] - start);
            if (rank >= 0 && rank < best) {
                best = rank;
                best_at = i;
            }
        }
        if (best == INT32_MAX) {
            break;
        }
        memmove(ends + best_at, ends + best_at + 1, (count - best_at - 1) * sizeof *ends);
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t start = i == 0 ? 0 : ends[i - 1];
        ids[i] = token_table_find(table, text + start, ends[i] - start);
    }
    return count;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

// Random vocabularies over three letters, in which merging one pair may make a lower rank possible.
static void test_merging_equals_the_plain_algorithm(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t round = 0; round < 60; round++) {
        char words[40][6];
        const char *texts[40];
        for (size_t i = 0; i < BASE_COUNT(words); i++) {
            const size_t length = 2 + next_random(&seed) % 4;
            for (size_t k = 0; k < length; k++) {
                words[i][k] = (char)('a' + next_random(&seed) % 3);
            }
            words[i][length] = '\0';
            texts[i] = words[i];
        }
        Tokens *const tokens = malloc(sizeof *tokens);
        assert_non_null(tokens);
        make_tokens(tokens, texts, BASE_COUNT(texts), 1);
        TokenTable table;
        assert_int_equal(token_table_init(&table, tokens->spans, 256 + BASE_COUNT(texts), NULL),
                         SCOUT_OK);
        free(tokens);
        Bpe *const bpe = make_bpe(texts, BASE_COUNT(texts));
        for (size_t trial = 0; trial < 200; trial++) {
            char text[64];
            const size_t length = 1 + next_random(&seed) % 60;
            for (size_t k = 0; k < length; k++) {
                text[k] = (char)('a' + next_random(&seed) % 3);
            }
            int32_t expected[64];
            int32_t ids[64];
            size_t count = 0;
            size_t wanted = 1;
            expected[0] = token_table_find(&table, text, length); // a word that is a token
            if (expected[0] < 0) {
                wanted = merge_plainly(&table, text, length, expected);
            }
            assert_int_equal(bpe_encode(bpe, text, length, ids, 64, &count, NULL), SCOUT_OK);
            assert_int_equal(count, wanted);
            assert_memory_equal(ids, expected, count * sizeof *ids);
        }
        bpe_free(bpe);
        token_table_done(&table);
    }
}

static void test_order_of_merges(void **state)
{
    (void)state;
    const char *const texts[] = {"bc", "ab", "cd", "aa"}; // ids 256..259
    Bpe *const bpe = make_bpe(texts, BASE_COUNT(texts));
    int32_t ids[8];
    size_t count;
    // "bc" has the lowest rank, although "ab" comes first in the text.
    assert_int_equal(bpe_encode(bpe, "abcd", 4, ids, 8, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ids[0], 'a');
    assert_int_equal(ids[1], 256);
    assert_int_equal(ids[2], 'd');
    // Equal ranks merge from the left.
    assert_int_equal(bpe_encode(bpe, "aaa", 3, ids, 8, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 2);
    assert_int_equal(ids[0], 259);
    assert_int_equal(ids[1], 'a');
    bpe_free(bpe);
}

static void test_capacity(void **state)
{
    (void)state;
    Bpe *const bpe = make_bpe(NULL, 0);
    int32_t ids[3] = {-5, -5, -5};
    size_t count = 99;
    assert_int_equal(bpe_encode(bpe, NULL, 0, NULL, 0, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 0);
    ScoutError error = {0};
    assert_int_equal(bpe_encode(bpe, "abcd", 4, ids, 2, &count, &error), SCOUT_ERROR_LIMIT);
    assert_int_equal(count, 4);
    assert_int_equal(ids[1], 'b');
    assert_int_equal(ids[2], -5);
    assert_non_null(strstr(error.message, "4 tokens"));
    assert_int_equal(bpe_encode(bpe, "abc", 3, ids, 3, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3);
    assert_int_equal(bpe_encode(bpe, "", (size_t)BPE_TEXT_MAX_BYTES + 1, ids, 3, &count, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    bpe_free(bpe);
}

static void test_malformed_text(void **state)
{
    (void)state;
    const char *const texts[] = {"\xEF\xBF", "\xEF\xBF\xBD"}; // U+FFFD is 257
    Bpe *const bpe = make_bpe(texts, BASE_COUNT(texts));
    int32_t ids[8];
    size_t count;
    assert_int_equal(bpe_encode(bpe, "a\xE2\x82z", 4, ids, 8, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 4);
    assert_int_equal(ids[0], 'a');
    assert_int_equal(ids[1], 257);
    assert_int_equal(ids[2], 257);
    assert_int_equal(ids[3], 'z');
    bpe_free(bpe);
}

static void test_special_ids_and_bytes(void **state)
{
    (void)state;
    const char *const texts[] = {"th", "the"}; // end is 258
    Bpe *const bpe = make_bpe(texts, BASE_COUNT(texts));
    const BpeSpecial *const special = bpe_special(bpe);
    assert_int_equal(special->end, 258);
    assert_int_equal(special->start, 259);
    assert_int_equal(special->language_first, 260);
    assert_int_equal(special->language_count, 3);
    assert_int_equal(special->translate, 263);
    assert_int_equal(special->no_timestamps, 268);
    assert_int_equal(special->timestamp_first, 269);
    assert_int_equal(bpe_size(bpe), 269 + BPE_TIMESTAMPS);

    assert_false(bpe_is_timestamp(bpe, 268));
    assert_true(bpe_is_timestamp(bpe, 269));
    assert_true(bpe_is_timestamp(bpe, 269 + 1500));
    assert_false(bpe_is_timestamp(bpe, 269 + 1501));
    assert_true(bpe_timestamp_seconds(bpe, 269 + 1500) == 30.0);
    assert_true(bpe_timestamp_seconds(bpe, 269 + 7) == 0.14);

    const char *bytes;
    size_t length;
    bpe_token_bytes(bpe, 257, &bytes, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(bytes, "the", 3);
    for (size_t i = 0; i < 4; i++) {
        const int32_t textless[] = {258, 300, -1, INT32_MAX};
        bpe_token_bytes(bpe, textless[i], &bytes, &length);
        assert_int_equal(length, 0);
        assert_non_null(bytes);
    }

    const int32_t ids[] = {259, 257, 269, ' ', 256, 258, -7};
    Buffer out;
    buffer_init(&out, 6);
    assert_true(bpe_decode(bpe, ids, BASE_COUNT(ids), &out));
    assert_string_equal(buffer_text(&out), "the th");
    assert_false(bpe_decode(bpe, ids, BASE_COUNT(ids), &out)); // full
    buffer_done(&out);

    // The names of special tokens are no special tokens in a text.
    int32_t encoded[32];
    size_t count;
    assert_int_equal(bpe_encode(bpe, "<|endoftext|>", 13, encoded, 32, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 13);
    bpe_free(bpe);
}

static void test_languages_of_a_vocabulary(void **state)
{
    (void)state;
    Bpe *const bpe = make_bpe(NULL, 0); // en, zh, de from 258
    assert_int_equal(bpe_language_token(bpe, 0), 258);
    assert_int_equal(bpe_language_token(bpe, 2), 260);
    assert_int_equal(bpe_language_token(bpe, 3), -1);
    assert_int_equal(bpe_language_token(bpe, SIZE_MAX), -1);
    size_t index = 99;
    assert_true(bpe_language_of(bpe, 260, &index));
    assert_int_equal(index, 2);
    assert_false(bpe_language_of(bpe, 261, &index));
    assert_false(bpe_language_of(bpe, 257, &index));
    assert_false(bpe_language_of(bpe, -1, &index));
    bpe_free(bpe);
}

// Of single bytes only: each one-character symbol, no longer ones, the first byte of the others.
static void test_suppressed(void **state)
{
    (void)state;
    const char *const texts[] = {" [", ">>"}; // 256, 257; special from 258
    Bpe *const bpe = make_bpe(texts, BASE_COUNT(texts));
    const int32_t *ids;
    size_t count;
    bpe_suppressed(bpe, &ids, &count);
    bool has[300] = {false};
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || ids[i - 1] < ids[i]);
        has[ids[i]] = true;
    }
    assert_true(has[' '] && has['['] && has['~'] && has[256] && has[257]);
    assert_true(has[0xE2]); // notes begin with it
    assert_false(has['a'] || has['.'] || has['-'] || has['\''] || has[0xE3]);
    const BpeSpecial *const special = bpe_special(bpe);
    assert_true(has[special->start] && has[special->translate] && has[special->transcribe]);
    assert_true(has[special->start_of_lm] && has[special->start_of_prev] &&
                has[special->no_speech]);
    assert_false(has[special->end] || has[special->no_timestamps] || has[special->language_first]);
    bpe_free(bpe);
}

static void check_layout(size_t n_vocab, int32_t end, int32_t languages)
{
    BpeSpecial special;
    assert_int_equal(bpe_layout(NULL, 0, n_vocab, &special, NULL), SCOUT_OK);
    assert_int_equal(special.end, end);
    assert_int_equal(special.language_count, languages);
    assert_int_equal(special.timestamp_first + BPE_TIMESTAMPS, n_vocab);
    assert_int_equal(special.multilingual, end == 50257);
}

static void test_layouts_by_size(void **state)
{
    (void)state;
    check_layout(51864, 50256, 99);
    check_layout(51865, 50257, 99);
    check_layout(51866, 50257, 100);
    const size_t others[] = {0, 1, 51863, 51867, 51968, SIZE_MAX};
    for (size_t i = 0; i < BASE_COUNT(others); i++) {
        BpeSpecial special;
        ScoutError error = {0};
        assert_int_equal(bpe_layout(NULL, 0, others[i], &special, &error), SCOUT_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "51866"));
    }
}

static void test_layouts_by_name(void **state)
{
    (void)state;
    Tokens *const tokens = malloc(sizeof *tokens);
    assert_non_null(tokens);
    make_tokens(tokens, NULL, 0, 100);
    BpeSpecial special;
    const size_t n_vocab = tokens->count + BPE_TIMESTAMPS;
    assert_int_equal(bpe_layout(tokens->spans, tokens->count, n_vocab, &special, NULL), SCOUT_OK);
    assert_int_equal(special.language_count, 100);
    assert_true(special.multilingual);

    // An older name of <|nospeech|>.
    const size_t no_speech = (size_t)special.no_speech;
    tokens->spans[no_speech] = (TokenSpan){"<|nocaptions|>", 14};
    assert_int_equal(bpe_layout(tokens->spans, tokens->count, n_vocab, &special, NULL), SCOUT_OK);

    // A model with a token of its own behind the timestamps.
    ScoutError error = {0};
    assert_int_equal(bpe_layout(tokens->spans, tokens->count, n_vocab + 1, &special, &error),
                     SCOUT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "added"));
    // Even where the sum is that of another layout.
    assert_int_equal(bpe_layout(tokens->spans, tokens->count, 51866, &special, NULL),
                     SCOUT_ERROR_UNSUPPORTED);

    // Names that are missing, in another order, or cut off.
    const size_t broken[] = {(size_t)special.end, (size_t)special.language_first,
                             (size_t)special.language_first + 50, (size_t)special.translate,
                             no_speech};
    for (size_t i = 0; i < BASE_COUNT(broken); i++) {
        const TokenSpan kept = tokens->spans[broken[i]];
        tokens->spans[broken[i]] = (TokenSpan){"<|x|>", 5};
        assert_int_equal(bpe_layout(tokens->spans, tokens->count, n_vocab, &special, NULL),
                         SCOUT_ERROR_UNSUPPORTED);
        tokens->spans[broken[i]] = kept;
    }
    assert_int_equal(bpe_layout(tokens->spans, tokens->count - 1, n_vocab, &special, NULL),
                     SCOUT_ERROR_UNSUPPORTED);
    const TokenSpan start[] = {{"<|startoftranscript|>", 21}};
    assert_int_equal(bpe_layout(start, 1, n_vocab, &special, NULL), SCOUT_ERROR_UNSUPPORTED);
    free(tokens);
}

static void check_refused(Tokens *tokens, size_t id, TokenSpan bad, ScoutStatus status,
                          const char *message)
{
    const TokenSpan kept = tokens->spans[id];
    tokens->spans[id] = bad;
    Bpe *bpe = NULL;
    ScoutError error = {0};
    assert_int_equal(bpe_new_from_tokens(tokens->spans, tokens->count,
                                         tokens->count + BPE_TIMESTAMPS, &bpe, &error),
                     status);
    assert_null(bpe);
    assert_non_null(strstr(error.message, message));
    tokens->spans[id] = kept;
}

static void test_damaged_vocabularies(void **state)
{
    (void)state;
    Tokens *const tokens = malloc(sizeof *tokens);
    assert_non_null(tokens);
    const char *const texts[] = {"th", "the"};
    make_tokens(tokens, texts, 2, 99);
    static const char long_token[TOKEN_BYTES_MAX + 1];
    check_refused(tokens, 65, (TokenSpan){0}, SCOUT_ERROR_CORRUPT, "token 65");
    check_refused(tokens, 65, (TokenSpan){"B", 1}, SCOUT_ERROR_CORRUPT, "0x41");
    check_refused(tokens, 256, (TokenSpan){long_token, sizeof long_token}, SCOUT_ERROR_LIMIT,
                  "token 256");
    Bpe *bpe = NULL;
    ScoutError error = {0};
    assert_int_equal(bpe_new_from_tokens(tokens->spans, 258, 51865, &bpe, &error),
                     SCOUT_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "50257"));
    assert_null(bpe);
    // The last text token may be empty, as the multilingual vocabulary's is.
    tokens->spans[257] = (TokenSpan){0};
    assert_int_equal(bpe_new_from_tokens(tokens->spans, tokens->count,
                                         tokens->count + BPE_TIMESTAMPS, &bpe, NULL),
                     SCOUT_OK);
    bpe_free(bpe);
    bpe_free(NULL);
    free(tokens);
}

static ScoutStatus use_bpe(void *context)
{
    const Tokens *const tokens = context;
    Bpe *bpe = NULL;
    ScoutStatus status = bpe_new_from_tokens(tokens->spans, tokens->count,
                                             tokens->count + BPE_TIMESTAMPS, &bpe, NULL);
    if (status) {
        assert_null(bpe);
        return status;
    }
    int32_t ids[64];
    size_t count = 77;
    status = bpe_encode(bpe, "the \xFF then", 9, ids, BASE_COUNT(ids), &count, NULL);
    if (status) {
        assert_int_equal(count, 77);
    }
    bpe_free(bpe);
    return status;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    Tokens *const tokens = malloc(sizeof *tokens);
    assert_non_null(tokens);
    const char *const texts[] = {"th", "the"};
    make_tokens(tokens, texts, 2, 99);
    assert_true(fault_run_all(use_bpe, tokens, 2000) > 8);
    free(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_merging_equals_the_plain_algorithm),
        cmocka_unit_test(test_order_of_merges),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_malformed_text),
        cmocka_unit_test(test_special_ids_and_bytes),
        cmocka_unit_test(test_languages_of_a_vocabulary),
        cmocka_unit_test(test_suppressed),
        cmocka_unit_test(test_layouts_by_size),
        cmocka_unit_test(test_layouts_by_name),
        cmocka_unit_test(test_damaged_vocabularies),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests_name("models tokenizer bpe", tests, NULL, NULL);
}
