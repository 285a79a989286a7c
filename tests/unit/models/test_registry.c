// The models of a folder: names, finding, listing, removing; and the table of sources.
#include "models/registry.h"

#include "alignment.h"
#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"
#include "models/packed_writer.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void write_model(const char *path, PackedKind kind)
{
    PackedWriter *writer;
    size_t index;
    const float value = 1;
    assert_int_equal(packed_writer_new(path, kind, &writer, NULL), SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "x", PACKED_PLAIN_F32, 1, &(size_t){1}, &index, NULL),
        SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_rows(writer, index, 0, 1, &value, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
    packed_writer_free(writer);
}

static void make_folder(const char *path)
{
    assert_int_equal(file_make_folders(path, NULL), SCOUT_OK);
}

// models/: two models, a damaged one, a folder without a model, a file, a hidden folder.
static void make_models(void)
{
    make_folder("models/tiny");
    make_folder("models/Base.en");
    make_folder("models/broken");
    make_folder("models/empty");
    make_folder("models/.hidden");
    write_model("models/tiny/model.scout", PACKED_WHISPER);
    write_model("models/Base.en/model.scout", PACKED_SILERO);
    write_model("models/.hidden/model.scout", PACKED_SILERO);
    assert_int_equal(file_write("models/broken/model.scout", "?", 1, true, NULL), SCOUT_OK);
    assert_int_equal(file_write("models/file", "?", 1, true, NULL), SCOUT_OK);
}

static void test_names(void **state)
{
    (void)state;
    char name[66];
    memset(name, 'a', 65);
    name[63] = '\0';
    assert_true(registry_name_valid(name));
    name[63] = 'a';
    name[64] = '\0';
    assert_false(registry_name_valid(name));
    assert_true(registry_name_valid("large-v3_turbo.q8"));
    assert_true(registry_name_valid("0"));
    static const char *const bad[] = {"", ".", "..", ".a", "a/b", "a b", "a\n", "\xc3\xa9", "a:b"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_false(registry_name_valid(bad[i]));
}

static void test_the_folder_comes_from_the_environment(void **state)
{
    (void)state;
    setenv("SCOUT_MODELS_DIR", "/m", 1);
    char *folder = registry_folder();
    assert_string_equal(folder, "/m");
    mem_free(folder);
    unsetenv("SCOUT_MODELS_DIR");
    setenv("XDG_DATA_HOME", "/data", 1);
    folder = registry_folder();
    assert_string_equal(folder, "/data/scout/models");
    mem_free(folder);
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    assert_null(registry_folder());
}

static void test_models_are_listed_by_name(void **state)
{
    (void)state;
    RegistryEntry *entries = NULL;
    size_t count = 0;
    make_models();
    assert_int_equal(registry_list("models", &entries, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 3);
    assert_string_equal(entries[0].name, "Base.en");
    assert_int_equal(entries[0].kind, PACKED_SILERO);
    assert_string_equal(entries[0].path, "models/Base.en/model.scout");
    assert_string_equal(entries[0].problem, "");
    assert_true(entries[0].bytes > 4096);
    assert_string_equal(entries[1].name, "broken");
    assert_int_equal(entries[1].kind, 0);
    assert_non_null(strstr(entries[1].problem, "not a Scout model"));
    assert_string_equal(entries[2].name, "tiny");
    assert_int_equal(entries[2].kind, PACKED_WHISPER);
    registry_list_free(entries, count);
    registry_list_free(NULL, 0);
}

static void test_a_missing_folder_has_no_models(void **state)
{
    (void)state;
    RegistryEntry *entries = NULL;
    size_t count = 9;
    assert_int_equal(registry_list("absent", &entries, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 0);
    registry_list_free(entries, count);
    assert_int_equal(file_write("file", "?", 1, true, NULL), SCOUT_OK);
    assert_int_not_equal(registry_list("file", &entries, &count, NULL), SCOUT_OK);
}

static void expect_path(const char *name, const char *expected)
{
    char *path = NULL;
    assert_int_equal(registry_find("models", name, &path, NULL), SCOUT_OK);
    assert_string_equal(path, expected);
    mem_free(path);
}

static void test_models_are_found_by_name_and_path(void **state)
{
    (void)state;
    make_models();
    expect_path("tiny", "models/tiny/model.scout");
    expect_path("models/tiny", "models/tiny/model.scout");
    expect_path("./models/tiny/model.scout", "./models/tiny/model.scout");
}

static void expect_absent(const char *name, ScoutStatus expected, const char *words)
{
    ScoutError error = {.message = ""};
    char *path = NULL;
    assert_int_equal(registry_find("models", name, &path, &error), expected);
    assert_null(path);
    if (!strstr(error.message, words))
        fail_msg("expected '%s', got: %s", words, error.message);
}

static void test_what_is_absent_is_explained(void **state)
{
    (void)state;
    make_models();
    expect_absent("small", SCOUT_ERROR_NOT_FOUND, "there are: Base.en, broken, tiny");
    expect_absent("base", SCOUT_ERROR_NOT_FOUND, "scout models pull base");
    expect_absent("empty", SCOUT_ERROR_NOT_FOUND, "no model named 'empty'");
    expect_absent("./small", SCOUT_ERROR_NOT_FOUND, "./small");
    expect_absent("models/empty", SCOUT_ERROR_NOT_FOUND, "models/empty/model.scout");
    expect_absent("a b", SCOUT_ERROR_INVALID_ARGUMENT, "cannot name a model");
    expect_absent("..", SCOUT_ERROR_INVALID_ARGUMENT, "cannot name a model");
}

static void test_removing_takes_the_whole_folder(void **state)
{
    (void)state;
    make_models();
    assert_int_equal(registry_remove("models", "tiny", NULL), SCOUT_OK);
    assert_false(file_exists("models/tiny"));
    assert_true(file_exists("models/Base.en/model.scout"));
    assert_int_equal(registry_remove("models", "tiny", NULL), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(registry_remove("models", "..", NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(registry_remove("models", "../models", NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_true(file_exists("models"));
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

// What the table promises its readers.
static void test_sources_are_complete(void **state)
{
    (void)state;
    assert_true(registry_source_count() >= 3);
    for (size_t i = 0; i < registry_source_count(); i++) {
        const RegistrySource *source = registry_source_at(i);
        assert_true(registry_name_valid(source->name));
        assert_ptr_equal(registry_source_find(source->name), source);
        assert_true(source->summary[0] && source->licence[0]);
        assert_true(source->kind >= PACKED_WHISPER && source->kind <= PACKED_SPEAKER);
        assert_non_null(source->packages[0].name);
        for (size_t j = 0; j < REGISTRY_PACKAGES_MAX && source->packages[j].name; j++)
            assert_true(source->packages[j].version && is_hash(source->packages[j].sha256));
        assert_null(source->packages[REGISTRY_PACKAGES_MAX - 1].name); // the end is marked
        assert_null(source->parts[REGISTRY_PACKAGES_MAX - 1]);
        assert_non_null(source->parts[0]);
        assert_true(is_hash(source->sha256));
        assert_true(strcmp(source->assembled, "model.bin") == 0 ||
                    strcmp(source->assembled, "model.safetensors") == 0);
        assert_true(!source->requires || registry_source_find(source->requires));
    }
    assert_string_equal(registry_source_find("base")->requires, "silero-vad");
    assert_null(registry_source_find("absent"));
    assert_null(registry_source_at(registry_source_count()));
}

static void expect_heads(size_t n_state, size_t n_vocab, size_t layers, size_t heads, size_t pairs)
{
    int32_t *out = mem_array((size_t)2 * ALIGNMENT_PAIRS_MAX, sizeof *out);
    assert_non_null(out);
    assert_int_equal(alignment_default_heads(n_state, n_vocab, layers, heads, out), 2 * pairs);
    for (size_t i = 0; i < pairs; i++) {
        assert_true(out[2 * i] >= 0 && (size_t)out[2 * i] < layers);
        assert_true(out[2 * i + 1] >= 0 && (size_t)out[2 * i + 1] < heads);
    }
    mem_free(out);
}

static void test_alignment_heads_fit_their_models(void **state)
{
    (void)state;
    expect_heads(384, 51864, 4, 6, 8);
    expect_heads(384, 51865, 4, 6, 6);
    expect_heads(512, 51864, 6, 8, 5);
    expect_heads(512, 51865, 6, 8, 8);
    expect_heads(768, 51864, 12, 12, 19);
    expect_heads(768, 51865, 12, 12, 10);
    expect_heads(1024, 51864, 24, 16, 18);
    expect_heads(1024, 51865, 24, 16, 6);
    expect_heads(1280, 51865, 32, 20, 23);
    expect_heads(1280, 51866, 32, 20, 10);
    expect_heads(1280, 51866, 4, 20, 6);
    expect_heads(1280, 51866, 2, 20, 20);     // distilled: all of the upper half
    expect_heads(64, 51865, 1, 1, 1);         // the upper half of one layer
    expect_heads(8192, 51865, 128, 64, 2048); // never more than there is room for
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_folder_comes_from_the_environment),
        IN_FOLDER(test_models_are_listed_by_name),
        IN_FOLDER(test_a_missing_folder_has_no_models),
        IN_FOLDER(test_models_are_found_by_name_and_path),
        IN_FOLDER(test_what_is_absent_is_explained),
        IN_FOLDER(test_removing_takes_the_whole_folder),
        cmocka_unit_test(test_sources_are_complete),
        cmocka_unit_test(test_alignment_heads_fit_their_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
