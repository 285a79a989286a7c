// Vocabularies in all the forms they come in: the same bytes for the same ids.
#include "vocabulary.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/str.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write(path, text, strlen(text), true, NULL), SCOUT_OK);
}

// Reads the vocabulary of the working folder into a packed file of one tensor.
static ScoutStatus read_vocabulary(bool wordpiece, size_t n_vocab, size_t text_count,
                                   PackedFile **file, ScoutError *error)
{
    PackedWriter *writer;
    size_t index;
    const float value = 1;
    const Source source = {.format = SOURCE_CT2, .folder = ".", .path = "model.bin"};
    assert_int_equal(packed_writer_new("m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    ScoutStatus status =
        wordpiece ? vocabulary_write_wordpiece(&source, writer, n_vocab, error)
                  : vocabulary_write_whisper(&source, writer, n_vocab, text_count, error);
    if (status == SCOUT_OK) {
        assert_int_equal(
            packed_writer_declare(writer, "x", PACKED_PLAIN_F32, 1, &(size_t){1}, &index, NULL),
            SCOUT_OK);
        assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
        assert_int_equal(packed_writer_rows(writer, index, 0, 1, &value, NULL), SCOUT_OK);
        assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
        assert_int_equal(packed_open("m", file, NULL), SCOUT_OK);
    }
    packed_writer_free(writer);
    return status;
}

static void check_token(const PackedFile *file, size_t id, const char *expected, size_t length)
{
    const char *bytes;
    size_t found;
    assert_true(packed_vocab_token(file, id, &bytes, &found));
    assert_int_equal(found, length);
    assert_memory_equal(bytes, expected, length);
}

// GPT-2's table is a permutation: every byte has one character, and no other character has a byte.
static void test_every_byte_has_one_character(void **state)
{
    (void)state;
    bool seen[256] = {false};
    size_t count = 0;
    for (uint32_t code = 0; code < 0x400; code++) {
        char text[4];
        char byte[4];
        size_t length;
        size_t size = utf8_encode(code, text);
        if (!vocabulary_decode_bytes(text, size, byte, &length))
            continue;
        assert_int_equal(length, 1);
        assert_false(seen[(uint8_t)byte[0]]);
        seen[(uint8_t)byte[0]] = true;
        count++;
    }
    assert_int_equal(count, 256);
}

static void check_bytes(const char *text, const char *expected)
{
    char out[32];
    size_t length;
    assert_true(vocabulary_decode_bytes(text, strlen(text), out, &length));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
}

static void test_known_characters(void **state)
{
    (void)state;
    char out[32];
    size_t length;
    check_bytes("\xc4\xa0the", " the");          // U+0120
    check_bytes("\xc4\x8a", "\n");               // U+010A
    check_bytes("\xc3\x83\xc2\xa9", "\xc3\xa9"); // e with an acute accent
    check_bytes("\xc5\x83", "\xad");             // U+0143, the last one
    check_bytes("", "");
    assert_false(vocabulary_decode_bytes(" ", 1, out, &length)); // never in this form
    assert_false(vocabulary_decode_bytes("\xc5\x84", 2, out, &length));
    assert_false(vocabulary_decode_bytes("\xff", 1, out, &length));
}

static void test_lists_maps_and_lines_mean_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } files[] = {
        {"vocabulary.json", "[\"a\",\"\xc4\xa0"
                            "b\",\"\",\"<|end|>\"]"},
        {"vocabulary.txt", "a\n\xc4\xa0"
                           "b\n\n<|end|>\n"},
        {"vocabulary.txt", "a\r\n\xc4\xa0"
                           "b\r\n\r\n<|end|>"},
        {"vocab.json", "{\"<|end|>\":3,\"\":2,\"\xc4\xa0"
                       "b\":1,\"a\":0}"},
        {"tokenizer.json", "{\"model\":{\"vocab\":{\"\":2,\"\xc4\xa0"
                           "b\":1,\"a\":0}}}"},
    };
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        PackedFile *file = NULL;
        ScoutError error = {.message = ""};
        write_text(files[i].name, files[i].text);
        if (read_vocabulary(false, 5, 3, &file, &error) != SCOUT_OK)
            fail_msg("%s: %s", files[i].text, error.message);
        assert_int_equal(packed_vocab_count(file), 5);
        check_token(file, 0, "a", 1);
        check_token(file, 1, " b", 2);
        check_token(file, 2, "", 0);
        check_token(file, 3, "", 0); // special ones have no bytes
        check_token(file, 4, "", 0);
        packed_close(file);
        assert_int_equal(file_remove_tree(files[i].name, NULL), SCOUT_OK);
    }
}

static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *words;
    } files[] = {
        {"vocabulary.json", "[\"a\",\"b\"]", "token 2 is missing"},
        {"vocabulary.json", "[\"a\",1,\"c\"]", "token 1 is no text"},
        {"vocabulary.json", "[\"a\",\"b c\",\"d\"]", "token 1 is not in the byte form"},
        {"vocabulary.json", "{\"model\":{\"vocab\":5}}", "holds no vocabulary"},
        {"vocab.json", "{\"a\":0,\"b\":0,\"c\":2}", "token 0 is there twice"},
        {"vocab.json", "{\"a\":0,\"b\":-1}", "has no id"},
        {"vocab.json", "{\"a\":0,\"b\":\"x\"}", "has no id"},
        {"vocab.json", "{\"a\":0,\"a\":1}", "not valid JSON"},
        {"vocab.json", "", "not valid JSON"},
    };
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        PackedFile *file = NULL;
        ScoutError error = {.message = ""};
        write_text(files[i].name, files[i].text);
        assert_int_equal(read_vocabulary(false, 5, 3, &file, &error), SCOUT_ERROR_CORRUPT);
        if (!strstr(error.message, files[i].words) || !strstr(error.message, files[i].name))
            fail_msg("expected '%s', got: %s", files[i].words, error.message);
        assert_int_equal(file_remove_tree(files[i].name, NULL), SCOUT_OK);
    }
}

static void test_words_are_kept_as_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } files[] = {
        {"vocab.txt", "[PAD]\n##s\n\xe2\x82\xac\n"},
        {"tokenizer.json",
         "{\"model\":{\"vocab\":{\"[PAD]\":0,\"##s\":1,\"\xe2\x82\xac\":2}},\"added_tokens\":[]}"},
    };
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        PackedFile *file = NULL;
        write_text(files[i].name, files[i].text);
        assert_int_equal(read_vocabulary(true, 3, 3, &file, NULL), SCOUT_OK);
        check_token(file, 0, "[PAD]", 5);
        check_token(file, 1, "##s", 3);
        check_token(file, 2, "\xe2\x82\xac", 3);
        packed_close(file);
        assert_int_equal(file_remove_tree(files[i].name, NULL), SCOUT_OK);
    }
    assert_int_equal(read_vocabulary(true, 3, 3, &(PackedFile *){NULL}, NULL),
                     SCOUT_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_has_one_character),
        cmocka_unit_test(test_known_characters),
        IN_FOLDER(test_lists_maps_and_lines_mean_the_same),
        IN_FOLDER(test_what_is_wrong_is_said),
        IN_FOLDER(test_words_are_kept_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
