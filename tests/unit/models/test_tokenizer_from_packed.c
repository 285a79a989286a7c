// Tokenizers from packed files.
#include "models/tokenizer.h"

#include "base/file.h"
#include "base/memory.h"
#include "models/packed_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/scout-tokenizer-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL) ? -1 : 0;
}

static PackedWriter *begin(const char *name, PackedKind kind)
{
    char *const path = path_join(folder, name);
    PackedWriter *writer;
    assert_int_equal(packed_writer_new(path, kind, &writer, NULL), SCOUT_OK);
    mem_free(path);
    return writer;
}

static void token(PackedWriter *writer, const char *bytes, size_t length)
{
    assert_int_equal(packed_writer_token(writer, bytes, length, NULL), SCOUT_OK);
}

static PackedFile *finish(PackedWriter *writer, const char *name)
{
    const size_t dims[] = {1};
    const float one = 1.0F;
    size_t index;
    assert_int_equal(packed_writer_declare(writer, "x", PACKED_PLAIN_F32, 1, dims, &index, NULL),
                     SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_rows(writer, index, 0, 1, &one, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_OK);
    packed_writer_free(writer);
    char *const path = path_join(folder, name);
    PackedFile *file;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    mem_free(path);
    return file;
}

// A whole English-only vocabulary without names: the bytes, and stand-ins for the other tokens.
static void test_bpe(void **state)
{
    (void)state;
    PackedWriter *const writer = begin("bpe", PACKED_WHISPER);
    for (int i = 0; i < 50256; i++) {
        const char byte = (char)i;
        char text[24];
        const int length = snprintf(text, sizeof text, "token%d", i);
        token(writer, i < 256 ? &byte : text, i < 256 ? 1 : (size_t)length);
    }
    PackedFile *const file = finish(writer, "bpe");
    Bpe *bpe = NULL;
    assert_int_equal(bpe_new(file, 51864, &bpe, NULL), SCOUT_OK);
    Bpe *refused = NULL;
    ScoutError error = {0};
    assert_int_equal(bpe_new(file, 51867, &refused, &error), SCOUT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, folder)); // which file it was
    assert_int_equal(bpe_new(file, 51865, &refused, &error), SCOUT_ERROR_CORRUPT);
    assert_null(refused);
    packed_close(file); // the tokens were copied
    const char *bytes;
    size_t length;
    bpe_token_bytes(bpe, 50255, &bytes, &length);
    assert_int_equal(length, 10);
    assert_memory_equal(bytes, "token50255", 10);
    bpe_token_bytes(bpe, 0, &bytes, &length);
    assert_int_equal(length, 1);
    bpe_free(bpe);
}

static void test_wordpiece(void **state)
{
    (void)state;
    PackedWriter *const writer = begin("wordpiece", PACKED_MINILM);
    token(writer, "[CLS]", 5);
    token(writer, "[SEP]", 5);
    token(writer, NULL, 0); // an id without bytes
    token(writer, "[UNK]", 5);
    token(writer, "hello", 5);
    PackedFile *const file = finish(writer, "wordpiece");
    WordPiece *wordpiece = NULL;
    assert_int_equal(wordpiece_new(file, &wordpiece, NULL), SCOUT_OK);
    packed_close(file);
    int32_t ids[8];
    size_t count;
    assert_int_equal(wordpiece_encode(wordpiece, "Hello you", 9, ids, 8, &count, NULL), SCOUT_OK);
    const int32_t expected[] = {0, 4, 3, 1};
    assert_int_equal(count, 4);
    assert_memory_equal(ids, expected, sizeof expected);
    wordpiece_free(wordpiece);
}

static void test_no_vocabulary(void **state)
{
    (void)state;
    PackedFile *const file = finish(begin("none", PACKED_WHISPER), "none");
    Bpe *bpe = NULL;
    WordPiece *wordpiece = NULL;
    ScoutError error = {0};
    assert_int_equal(bpe_new(file, 51865, &bpe, &error), SCOUT_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "no vocabulary"));
    assert_int_equal(wordpiece_new(file, &wordpiece, NULL), SCOUT_ERROR_FORMAT);
    assert_null(bpe);
    assert_null(wordpiece);
    packed_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bpe),
        cmocka_unit_test(test_wordpiece),
        cmocka_unit_test(test_no_vocabulary),
    };
    return cmocka_run_group_tests_name("models tokenizer from packed", tests, make_folder,
                                       remove_folder);
}
