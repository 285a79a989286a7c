// Token ids, special ids and suppressed ids against the reference tokenizers (make_tokenizer.py):
// whole vocabularies, a corpus in many languages and random text.
#include "models/tokenizer.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "bpe_private.h"
#include "wordpiece_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/models.h"
#include "support/npy.h"
#include "support/vocabulary.h"

enum { CASES_MAX = 1000, CASE_BYTES_MAX = 1 << 16, IDS_MAX = 1024 };

typedef struct Cases {
    Buffer text; // all of them, one after the other
    size_t starts[CASES_MAX + 1];
    size_t count;
} Cases;

// Writes what the escape at text (behind its backslash) stands for; returns the bytes it takes.
static size_t read_escape(const char *text, Buffer *out)
{
    char *end = NULL;
    char bytes[4];
    switch (text[0]) {
    case 'n': buffer_append_char(out, '\n'); return 1;
    case 'r': buffer_append_char(out, '\r'); return 1;
    case 't': buffer_append_char(out, '\t'); return 1;
    case '\\': buffer_append_char(out, '\\'); return 1;
    case 'x':
        memcpy(bytes, text + 1, 2);
        bytes[2] = '\0';
        buffer_append_char(out, (char)strtoul(bytes, &end, 16));
        assert_ptr_equal(end, bytes + 2);
        return 3;
    case 'u': {
        const uint32_t code = (uint32_t)strtoul(text + 2, &end, 16);
        assert_int_equal(*end, '}');
        buffer_append(out, bytes, utf8_encode(code, bytes));
        return (size_t)(end - text) + 1;
    }
    default: fail_msg("an unknown escape: %c", text[0]); return 1;
    }
}

static void read_case(Cases *cases, const char *line)
{
    assert_true(cases->count < CASES_MAX);
    for (size_t at = 0; line[at] != '\0';) {
        if (line[at] == '\\') {
            at += 1 + read_escape(line + at + 1, &cases->text);
        } else {
            buffer_append_char(&cases->text, line[at]);
            at++;
        }
    }
    assert_false(cases->text.failed);
    cases->count++;
    cases->starts[cases->count] = cases->text.length;
}

static void read_cases(Cases *cases, const char *path)
{
    Buffer content;
    buffer_init(&content, 1 << 20);
    assert_int_equal(file_read(path, 1 << 20, &content, NULL), SCOUT_OK);
    char *line = content.data;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (line[0] != '\0' && strncmp(line, "##", 2) != 0) {
            read_case(cases, line);
        }
    }
    buffer_done(&content);
}

static int load_cases(void **state)
{
    Cases *const cases = calloc(1, sizeof *cases);
    assert_non_null(cases);
    buffer_init(&cases->text, 1 << 20);
    read_cases(cases, TESTS_FOLDER "/reference/tokenizer/corpus.txt");
    read_cases(cases, TESTS_FOLDER "/reference/tokenizer/random.txt");
    assert_true(cases->count > 400);
    *state = cases;
    return 0;
}

static int free_cases(void **state)
{
    Cases *const cases = *state;
    buffer_done(&cases->text);
    free(cases);
    return 0;
}

static TokenSpan *spans_of(const Vocabulary *vocabulary)
{
    TokenSpan *const spans = calloc(vocabulary->count + 1, sizeof *spans);
    assert_non_null(spans);
    for (size_t id = 0; id < vocabulary->count; id++) {
        spans[id] = (TokenSpan){vocabulary->tokens[id], vocabulary->lengths[id]};
    }
    return spans;
}

// ggml files give just these tokens, without names of the special ones.
static Bpe *load_bpe(const char *name, size_t n_vocab)
{
    Vocabulary vocabulary;
    assert_true(vocabulary_load(name, &vocabulary));
    TokenSpan *const spans = spans_of(&vocabulary);
    Bpe *bpe = NULL;
    ScoutError error = {0};
    const size_t count = vocabulary.count + (n_vocab > 51864); // the empty token
    if (bpe_new_from_tokens(spans, count, n_vocab, &bpe, &error)) {
        fail_msg("%s", error.message);
    }
    free(spans);
    vocabulary_free(&vocabulary);
    return bpe;
}

static void check_ids(const char *what, size_t number, const int32_t *ids, size_t count,
                      const Npy *expected, size_t *at)
{
    assert_true(*at < expected->count);
    const size_t expected_count = (size_t)expected->i32[*at];
    const int32_t *const wanted = expected->i32 + *at + 1;
    *at += 1 + expected_count;
    assert_true(*at <= expected->count);
    if (count != expected_count || memcmp(ids, wanted, count * sizeof *ids) != 0) {
        fail_msg("%s, case %zu of corpus.txt and random.txt: other ids than the reference's", what,
                 number);
    }
}

// What comes back is the text, with a replacement character for each malformed byte.
static void check_round_trip(const Bpe *bpe, const char *text, size_t length, const int32_t *ids,
                             size_t count)
{
    Buffer expected;
    Buffer decoded;
    buffer_init(&expected, CASE_BYTES_MAX);
    buffer_init(&decoded, CASE_BYTES_MAX);
    for (size_t at = 0; at < length;) {
        uint32_t code;
        char bytes[4];
        at += utf8_decode(text + at, length - at, &code);
        assert_true(buffer_append(&expected, bytes, utf8_encode(code, bytes)));
    }
    assert_true(bpe_decode(bpe, ids, count, &decoded));
    assert_int_equal(decoded.length, expected.length);
    assert_memory_equal(buffer_text(&decoded), buffer_text(&expected), expected.length);
    buffer_done(&expected);
    buffer_done(&decoded);
}

static void check_corpus(const Cases *cases, const Bpe *bpe, const char *path)
{
    Npy expected = npy_load(path);
    size_t read = 0;
    for (size_t i = 0; i < cases->count; i++) {
        const char *const text = cases->text.data + cases->starts[i];
        const size_t length = cases->starts[i + 1] - cases->starts[i];
        int32_t ids[IDS_MAX];
        size_t count = 0;
        assert_int_equal(bpe_encode(bpe, text, length, ids, IDS_MAX, &count, NULL), SCOUT_OK);
        check_ids(path, i, ids, count, &expected, &read);
        check_round_trip(bpe, text, length, ids, count);
    }
    assert_int_equal(read, expected.count);
    npy_free(&expected);
}

// A row of special ids as make_tokenizer.py writes it, and the suppressed ones.
static void check_special(const Bpe *bpe, const char *path)
{
    Npy expected = npy_load(path);
    const BpeSpecial *const special = bpe_special(bpe);
    const int32_t row[] = {special->end,
                           special->start,
                           special->language_first,
                           special->language_count,
                           special->translate,
                           special->transcribe,
                           special->start_of_lm,
                           special->start_of_prev,
                           special->no_speech,
                           special->no_timestamps,
                           special->timestamp_first,
                           (int32_t)bpe_size(bpe)};
    size_t read = 0;
    check_ids(path, 0, row, BASE_COUNT(row), &expected, &read);
    const int32_t *suppressed;
    size_t count;
    bpe_suppressed(bpe, &suppressed, &count);
    check_ids(path, 1, suppressed, count, &expected, &read);
    npy_free(&expected);
}

static void test_english(void **state)
{
    Bpe *const bpe = load_bpe("english.merges.z", 51864);
    check_corpus(*state, bpe, "reference/tokenizer/english.npy");
    check_special(bpe, "reference/tokenizer/english_special.npy");
    assert_false(bpe_special(bpe)->multilingual);
    bpe_free(bpe);
}

static void test_multilingual(void **state)
{
    Bpe *const bpe = load_bpe("multilingual.merges.z", 51865);
    check_corpus(*state, bpe, "reference/tokenizer/multilingual.npy");
    check_special(bpe, "reference/tokenizer/multilingual_special.npy");
    assert_true(bpe_special(bpe)->multilingual);
    bpe_free(bpe);
}

static void test_large_v3(void **state)
{
    Bpe *const bpe = load_bpe("multilingual.merges.z", 51866);
    check_corpus(*state, bpe, "reference/tokenizer/multilingual.npy");
    check_special(bpe, "reference/tokenizer/large_v3_special.npy");
    bpe_free(bpe);
}

// languages.txt: a line "code name" for each language in order, then one for each alias.
static void test_languages(void **state)
{
    (void)state;
    Buffer content;
    buffer_init(&content, 1 << 16);
    assert_int_equal(
        file_read(TESTS_FOLDER "/reference/tokenizer/languages.txt", 1 << 16, &content, NULL),
        SCOUT_OK);
    size_t lines = 0;
    char *line = content.data;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *const name = strchr(line, ' ') + 1;
        name[-1] = '\0';
        *end = '\0';
        size_t by_code = SIZE_MAX;
        size_t by_name = SIZE_MAX - 1;
        assert_true(language_find(line, &by_code));
        assert_true(language_find(name, &by_name));
        assert_int_equal(by_code, by_name);
        if (lines < language_count()) {
            assert_int_equal(by_code, lines);
            assert_string_equal(language_code(lines), line);
            assert_string_equal(language_name(lines), name);
        }
        lines++;
    }
    assert_int_equal(lines, language_count() + 12);
    buffer_done(&content);
}

// True of the English-only vocabulary; the multilingual one has a few that the split cuts ("'RE").
static void test_every_token_encodes_to_itself(void **state)
{
    (void)state;
    Bpe *const bpe = load_bpe("english.merges.z", 51864);
    size_t whole = 0;
    for (int32_t id = 0; id < bpe_special(bpe)->end; id++) {
        const char *bytes;
        size_t length;
        bpe_token_bytes(bpe, id, &bytes, &length);
        int32_t ids[IDS_MAX];
        size_t count;
        if (length > 0 && utf8_valid(bytes, length)) {
            assert_int_equal(bpe_encode(bpe, bytes, length, ids, IDS_MAX, &count, NULL), SCOUT_OK);
            assert_int_equal(count, 1);
            assert_int_equal(ids[0], id);
            whole++;
        }
    }
    assert_int_equal(whole, 49912); // the others end inside a character
    bpe_free(bpe);
}

// One word of a million letters. An algorithm that looks at all of it for each merge never ends.
static void test_long_word(void **state)
{
    (void)state;
    Bpe *const bpe = load_bpe("english.merges.z", 51864);
    char *const text = malloc(BPE_TEXT_MAX_BYTES);
    assert_non_null(text);
    memset(text, 'a', BPE_TEXT_MAX_BYTES);
    size_t count = 0;
    int32_t first;
    assert_int_equal(bpe_encode(bpe, text, BPE_TEXT_MAX_BYTES, &first, 1, &count, NULL),
                     SCOUT_ERROR_LIMIT);
    int32_t *const ids = calloc(count, sizeof *ids);
    assert_non_null(ids);
    assert_int_equal(bpe_encode(bpe, text, BPE_TEXT_MAX_BYTES, ids, count, &count, NULL), SCOUT_OK);
    Buffer decoded;
    buffer_init(&decoded, BPE_TEXT_MAX_BYTES);
    assert_true(bpe_decode(bpe, ids, count, &decoded));
    assert_int_equal(decoded.length, BPE_TEXT_MAX_BYTES);
    assert_memory_equal(decoded.data, text, BPE_TEXT_MAX_BYTES);
    buffer_done(&decoded);
    free(ids);
    free(text);
    bpe_free(bpe);
}

static void check_wordpiece(const Cases *cases, const WordPiece *wordpiece)
{
    Npy expected = npy_load("reference/tokenizer/wordpiece.npy");
    size_t read = 0;
    for (size_t i = 0; i < cases->count; i++) {
        const char *const text = cases->text.data + cases->starts[i];
        const size_t length = cases->starts[i + 1] - cases->starts[i];
        int32_t ids[IDS_MAX];
        size_t count = 0;
        assert_int_equal(wordpiece_encode(wordpiece, text, length, ids, IDS_MAX, &count, NULL),
                         SCOUT_OK);
        check_ids("reference/tokenizer/wordpiece.npy", i, ids, count, &expected, &read);
        // A smaller capacity cuts the tokens off before the final [SEP].
        int32_t cut[IDS_MAX];
        const size_t capacity = 2 + i % count;
        size_t cut_count = 0;
        assert_int_equal(wordpiece_encode(wordpiece, text, length, cut, capacity, &cut_count, NULL),
                         SCOUT_OK);
        assert_int_equal(cut_count, BASE_MIN(count, capacity));
        assert_memory_equal(cut, ids, (cut_count - 1) * sizeof *ids);
        assert_int_equal(cut[cut_count - 1], ids[count - 1]);
    }
    assert_int_equal(read, expected.count);
    npy_free(&expected);
}

static void test_wordpiece(void **state)
{
    Vocabulary vocabulary;
    assert_true(vocabulary_load("wordpiece.vocab.z", &vocabulary));
    assert_int_equal(vocabulary.count, 30522);
    TokenSpan *const spans = spans_of(&vocabulary);
    WordPiece *wordpiece = NULL;
    assert_int_equal(wordpiece_new_from_tokens(spans, vocabulary.count, &wordpiece, NULL),
                     SCOUT_OK);
    free(spans);
    vocabulary_free(&vocabulary);
    check_wordpiece(*state, wordpiece);
    wordpiece_free(wordpiece);
}

// Vocabularies on the way that users' models take: through the importer and the packed file.
static void test_installed_whisper(void **state)
{
    char path[512];
    if (!test_model_path("base", path, sizeof path)) {
        print_message("no model `base` in $SCOUT_TEST_MODELS: skipped\n");
        skip();
    }
    PackedFile *file;
    Bpe *bpe = NULL;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    assert_int_equal(bpe_new(file, 51865, &bpe, NULL), SCOUT_OK);
    packed_close(file);
    check_corpus(*state, bpe, "reference/tokenizer/multilingual.npy");
    check_special(bpe, "reference/tokenizer/multilingual_special.npy");
    bpe_free(bpe);
}

static void test_installed_minilm(void **state)
{
    char path[512];
    if (!test_model_path("all-minilm-l6-v2", path, sizeof path)) {
        print_message("no model `all-minilm-l6-v2` in $SCOUT_TEST_MODELS: skipped\n");
        skip();
    }
    PackedFile *file;
    WordPiece *wordpiece = NULL;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    assert_int_equal(wordpiece_new(file, &wordpiece, NULL), SCOUT_OK);
    packed_close(file);
    check_wordpiece(*state, wordpiece);
    wordpiece_free(wordpiece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),
        cmocka_unit_test(test_multilingual),
        cmocka_unit_test(test_large_v3),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_every_token_encodes_to_itself),
        cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_wordpiece),
        cmocka_unit_test(test_installed_whisper),
        cmocka_unit_test(test_installed_minilm),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, load_cases, free_cases);
}
