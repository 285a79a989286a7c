// Imports of Whisper: the same weights from every format become the same tensors, the choice of
// weights is kept, and whatever is wrong with a source is said and leaves nothing behind. The
// models are random ones (tools/make-tiny-model.py).
#include "models/import.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "kernels/pack.h"
#include "unit/base/in_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TINY(name) TINY_MODELS "/tiny_whisper/" name

static PackedFile *import_as(const char *source, ImportWeights weights)
{
    ImportOptions options = {.weights = weights, .replace = true};
    ScoutError error = {.message = ""};
    PackedFile *file = NULL;
    if (import_model(source, "model.scout", &options, &error) != SCOUT_OK ||
        packed_open("model.scout", &file, &error) != SCOUT_OK ||
        packed_verify(file, NULL, NULL, NULL, &error) != SCOUT_OK)
        fail_msg("%s: %s", source, error.message);
    return file;
}

static ScoutStatus import_status(const char *source, ScoutError *error)
{
    ImportOptions options = {.weights = IMPORT_SOURCE};
    *error = (ScoutError){.message = ""};
    ScoutStatus status = import_model(source, "model.scout", &options, error);
    assert_int_equal(file_exists("model.scout"), status == SCOUT_OK);
    if (status != SCOUT_OK) {
        assert_int_equal(error->status, status);
        assert_null(strchr(error->message, '\n'));
    }
    return status;
}

static void expect_failure(const char *source, ScoutStatus expected, const char *words)
{
    ScoutError error;
    ScoutStatus status = import_status(source, &error);
    if (status != expected || !strstr(error.message, words))
        fail_msg("expected %d and '%s', got %d: %s", (int)expected, words, (int)status,
                 error.message);
}

static int64_t meta_int(const PackedFile *file, const char *name)
{
    int64_t value = -1;
    assert_true(packed_meta_int(file, name, &value));
    return value;
}

static const char *meta_text(const PackedFile *file, const char *name)
{
    const char *text = NULL;
    assert_true(packed_meta_text(file, name, &text));
    return text;
}

static void compare_tensors(const PackedFile *a, const PackedFile *b)
{
    assert_int_equal(packed_tensor_count(a), packed_tensor_count(b));
    for (size_t i = 0; i < packed_tensor_count(a); i++) {
        const PackedTensor *tensor = packed_tensor_at(a, i);
        const PackedTensor *other = packed_find(b, tensor->name, tensor->encoding);
        if (!other || tensor->bytes != other->bytes || tensor->rank != other->rank ||
            memcmp(tensor->dims, other->dims, sizeof tensor->dims) != 0 ||
            memcmp(tensor->data, other->data, tensor->bytes) != 0)
            fail_msg("%s differs", tensor->name);
    }
}

static void compare_vocabularies(const PackedFile *a, const PackedFile *b)
{
    assert_int_equal(packed_vocab_count(a), packed_vocab_count(b));
    for (size_t id = 0; id < packed_vocab_count(a); id++) {
        const char *first;
        const char *second;
        size_t length;
        size_t other;
        assert_true(packed_vocab_token(a, id, &first, &length));
        assert_true(packed_vocab_token(b, id, &second, &other));
        if (length != other || memcmp(first, second, length) != 0)
            fail_msg("token %zu differs", id);
    }
}

// Copies are independent of the target that the next import replaces: the map keeps the old file.
static void test_all_formats_give_the_same_model(void **state)
{
    (void)state;
    static const char *const sets[][3] = {
        {TINY("ct2-f32"), TINY("safetensors"), TINY("ggml-f32.bin")},
        {TINY("ct2-f16"), TINY("safetensors-f16"), TINY("ggml-f16.bin")},
    };
    for (size_t i = 0; i < BASE_COUNT(sets); i++) {
        PackedFile *first = import_as(sets[i][0], IMPORT_SOURCE);
        for (size_t j = 1; j < 3; j++) {
            PackedFile *other = import_as(sets[i][j], IMPORT_SOURCE);
            compare_tensors(first, other);
            compare_vocabularies(first, other);
            packed_close(other);
        }
        packed_close(first);
    }
}

// The made-up weights are exact in f16: both kinds of source mean the same numbers.
static void test_f16_and_f32_sources_agree(void **state)
{
    (void)state;
    PackedFile *a = import_as(TINY("ct2-f32"), IMPORT_F32);
    PackedFile *b = import_as(TINY("ggml-f16.bin"), IMPORT_F32);
    compare_tensors(a, b);
    packed_close(b);
    b = import_as(TINY("safetensors-f16"), IMPORT_INT8);
    PackedFile *c = import_as(TINY("ct2-f32"), IMPORT_INT8);
    compare_tensors(b, c);
    packed_close(a);
    packed_close(b);
    packed_close(c);
}

static void test_shards_are_joined(void **state)
{
    (void)state;
    PackedFile *whole = import_as(TINY("safetensors"), IMPORT_SOURCE);
    PackedFile *shards = import_as(TINY_MODELS "/tiny_whisper_shards/safetensors", IMPORT_SOURCE);
    compare_tensors(whole, shards);
    compare_vocabularies(whole, shards);
    assert_true(strlen(meta_text(shards, "source_sha256")) == 3 * 64 + 2);
    packed_close(shards);
    shards = import_as(TINY_MODELS "/tiny_whisper_shards/safetensors/model.safetensors.index.json",
                       IMPORT_SOURCE);
    compare_tensors(whole, shards);
    packed_close(shards);
    packed_close(whole);
}

static void test_files_may_be_named_instead_of_folders(void **state)
{
    (void)state;
    PackedFile *folder = import_as(TINY("ct2-f16"), IMPORT_F16);
    PackedFile *file = import_as(TINY("ct2-f16/model.bin"), IMPORT_F16);
    compare_tensors(folder, file);
    compare_vocabularies(folder, file);
    packed_close(folder);
    packed_close(file);
}

static void test_sizes_are_taken_from_the_model(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int64_t vocab, mels, state, heads, encoder, decoder, audio, text;
    } models[] = {
        {TINY("ct2-int8"), 51865, 80, 32, 2, 2, 2, 1500, 448},
        {TINY("safetensors"), 51865, 80, 32, 2, 2, 2, 1500, 448},
        {TINY_MODELS "/tiny_whisper_english/ct2-f16", 51864, 80, 64, 1, 1, 1, 1500, 448},
        {TINY_MODELS "/tiny_whisper_english/ggml-f16.bin", 51864, 80, 64, 1, 1, 1, 1500, 448},
        {TINY_MODELS "/tiny_whisper_english/safetensors", 51864, 80, 64, 1, 1, 1, 1500, 448},
        {TINY_MODELS "/tiny_whisper_v3/ggml-q5_0.bin", 51866, 128, 32, 1, 3, 1, 100, 32},
        {TINY_MODELS "/tiny_whisper_v3/ct2-f16", 51866, 128, 32, 1, 3, 1, 100, 32},
    };
    for (size_t i = 0; i < BASE_COUNT(models); i++) {
        PackedFile *file = import_as(models[i].source, IMPORT_INT8);
        assert_int_equal(packed_kind(file), PACKED_WHISPER);
        assert_int_equal(meta_int(file, "n_vocab"), models[i].vocab);
        assert_int_equal(meta_int(file, "n_mels"), models[i].mels);
        assert_int_equal(meta_int(file, "n_state"), models[i].state);
        assert_int_equal(meta_int(file, "n_heads"), models[i].heads);
        assert_int_equal(meta_int(file, "n_encoder_layers"), models[i].encoder);
        assert_int_equal(meta_int(file, "n_decoder_layers"), models[i].decoder);
        assert_int_equal(meta_int(file, "n_audio_ctx"), models[i].audio);
        assert_int_equal(meta_int(file, "n_text_ctx"), models[i].text);
        assert_int_equal(packed_vocab_count(file), models[i].vocab);
        packed_close(file);
    }
}

static void check_token(const PackedFile *file, size_t id, const char *expected)
{
    const char *bytes;
    size_t length;
    assert_true(packed_vocab_token(file, id, &bytes, &length));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(bytes, expected, length);
}

static void test_text_tokens_are_bytes_and_special_ones_empty(void **state)
{
    (void)state;
    static const char *const sources[] = {TINY("ct2-f16"), TINY("safetensors"),
                                          TINY("ggml-q4_0.bin")};
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        PackedFile *file = import_as(sources[i], IMPORT_INT8);
        check_token(file, 0, "!");
        check_token(file, 187, "\xff");
        check_token(file, 220, " ");
        check_token(file, 198, "\n");
        check_token(file, 256, "  ");
        check_token(file, 50256, "");
        check_token(file, 50257, "");
        check_token(file, 51864, "");
        packed_close(file);
    }
    PackedFile *file = import_as(TINY_MODELS "/tiny_whisper_english/ct2-f16", IMPORT_INT8);
    const char *bytes;
    size_t length;
    assert_true(packed_vocab_token(file, 50255, &bytes, &length));
    assert_true(length > 0);
    check_token(file, 50256, "");
    packed_close(file);
}

static void test_metadata_says_where_it_came_from(void **state)
{
    (void)state;
    ImportOptions options = {
        .weights = IMPORT_SOURCE, .name = "tiny", .origin = "made up", .licence = "MIT"};
    const int32_t *ints;
    size_t count;
    PackedFile *file;
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL), SCOUT_OK);
    assert_int_equal(packed_open("m", &file, NULL), SCOUT_OK);
    assert_string_equal(meta_text(file, "name"), "tiny");
    assert_string_equal(meta_text(file, "origin"), "made up");
    assert_string_equal(meta_text(file, "licence"), "MIT");
    assert_string_equal(meta_text(file, "kind"), "whisper");
    assert_string_equal(meta_text(file, "source_format"), "CTranslate2");
    assert_string_equal(meta_text(file, "weights"), "source");
    assert_true(str_starts(meta_text(file, "created_by"), "scout "));
    assert_int_equal(strlen(meta_text(file, "source_sha256")), 64);
    assert_true(packed_meta_ints(file, "alignment_heads", &ints, &count));
    assert_int_equal(count, 4);
    assert_memory_equal(ints, ((const int32_t[]){1, 0, 1, 1}), 4 * sizeof *ints);
    assert_true(packed_meta_ints(file, "suppress_ids", &ints, &count));
    assert_int_equal(count, 3);
    assert_true(packed_meta_ints(file, "suppress_ids_begin", &ints, &count));
    assert_int_equal(ints[0], 220);
    packed_close(file);
}

static void test_heads_are_guessed_where_no_file_says_them(void **state)
{
    (void)state;
    const int32_t *ints;
    size_t count;
    PackedFile *file = import_as(TINY("ggml-f16.bin"), IMPORT_INT8);
    assert_true(packed_meta_ints(file, "alignment_heads", &ints, &count));
    assert_int_equal(count, 4); // both heads of the second of two layers
    assert_memory_equal(ints, ((const int32_t[]){1, 0, 1, 1}), 4 * sizeof *ints);
    assert_false(packed_meta_ints(file, "suppress_ids", &ints, &count));
    packed_close(file);
}

static bool has(const PackedFile *file, const char *name, PackedEncoding encoding)
{
    return packed_find(file, name, encoding) != NULL;
}

static void test_weights_are_stored_as_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        ImportWeights weights;
        PackedEncoding matrix, conv, embedding;
        bool also_s8;
    } choices[] = {
        {TINY("ct2-f32"), IMPORT_SOURCE, PACKED_PANEL_F32, PACKED_PANEL_F32, PACKED_PANEL_F32,
         true},
        {TINY("ct2-f16"), IMPORT_SOURCE, PACKED_PANEL_F16, PACKED_PANEL_F16, PACKED_PANEL_F16,
         true},
        {TINY("ct2-int8"), IMPORT_SOURCE, PACKED_PANEL_S8, PACKED_PANEL_F32, PACKED_PANEL_S8, true},
        {TINY("ggml-q4_0.bin"), IMPORT_SOURCE, PACKED_PANEL_S8, PACKED_PANEL_F16, PACKED_PANEL_S8,
         true},
        {TINY("ct2-f16"), IMPORT_F32, PACKED_PANEL_F32, PACKED_PANEL_F32, PACKED_PANEL_F32, false},
        {TINY("ct2-f32"), IMPORT_F16, PACKED_PANEL_F16, PACKED_PANEL_F16, PACKED_PANEL_F16, false},
        {TINY("ct2-f32"), IMPORT_INT8, PACKED_PANEL_S8, PACKED_PANEL_F16, PACKED_PANEL_S8, true},
        {TINY("ct2-f32"), IMPORT_INT4, PACKED_PANEL_S4, PACKED_PANEL_F16, PACKED_PANEL_S8, false},
    };
    for (size_t i = 0; i < BASE_COUNT(choices); i++) {
        PackedFile *file = import_as(choices[i].source, choices[i].weights);
        size_t encodings = 0;
        for (PackedEncoding e = PACKED_PLAIN_F32; e <= PACKED_PANEL_S4; e++)
            encodings += has(file, "decoder.layers.1.cross.kv.weight", e);
        bool both = choices[i].also_s8 && choices[i].matrix != PACKED_PANEL_S8;
        assert_int_equal(encodings, both ? 2 : 1);
        assert_true(has(file, "decoder.layers.1.cross.kv.weight", choices[i].matrix));
        assert_int_equal(has(file, "encoder.layers.0.mlp.fc1.weight", PACKED_PANEL_S8),
                         choices[i].also_s8);
        assert_true(has(file, "encoder.conv1.weight", choices[i].conv));
        assert_false(has(file, "encoder.conv1.weight", PACKED_PANEL_S8));
        assert_true(has(file, "decoder.embedding", choices[i].embedding));
        assert_true(has(file, "encoder.layers.0.attn_norm.gamma", PACKED_PLAIN_F32));
        assert_true(has(file, "decoder.positions", PACKED_PLAIN_F32));
        packed_close(file);
    }
}

static void read_row(const PackedTensor *tensor, size_t row, float *out)
{
    if (tensor->encoding == PACKED_PANEL_F32)
        unpack_row_f32(tensor->dims[1], row, tensor->data, out);
    else
        unpack_row_s8(tensor->dims[1], row, tensor->data, tensor->scale, out);
}

// The root of the mean squared difference of two matrices, relative to the first's.
static double difference(const PackedTensor *a, const PackedTensor *b)
{
    double error = 0;
    double power = 0;
    float first[128];
    float second[128];
    assert_true(a && b && a->dims[1] <= 128 && a->dims[0] == b->dims[0]);
    for (size_t row = 0; row < a->dims[0]; row++) {
        read_row(a, row, first);
        read_row(b, row, second);
        for (size_t i = 0; i < a->dims[1]; i++) {
            error += pow((double)first[i] - (double)second[i], 2);
            power += pow((double)first[i], 2);
        }
    }
    return sqrt(error / power);
}

// Steps of a normal distribution cut into 2^bits levels; a misread block is off by 0.5 and more.
static void test_quantised_sources_are_close_to_the_weights(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        double low, high;
    } sources[] = {
        {TINY("ggml-q4_0.bin"), 0.05, 0.11},   {TINY("ggml-q4_1.bin"), 0.05, 0.10},
        {TINY("ggml-q5_0.bin"), 0.02, 0.055},  {TINY("ggml-q5_1.bin"), 0.02, 0.05},
        {TINY("ggml-q8_0.bin"), 0.001, 0.008}, {TINY("ct2-int8"), 0.001, 0.009},
    };
    static const char *const names[] = {"decoder.embedding", "encoder.layers.1.attn.qkv.weight",
                                        "decoder.layers.0.mlp.fc2.weight"};
    PackedFile *exact = import_as(TINY("ct2-f32"), IMPORT_F32);
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        PackedFile *file = import_as(sources[i].source, IMPORT_F32);
        for (size_t j = 0; j < BASE_COUNT(names); j++) {
            double off = difference(packed_find(exact, names[j], PACKED_PANEL_F32),
                                    packed_find(file, names[j], PACKED_PANEL_F32));
            if (!(off >= sources[i].low && off <= sources[i].high))
                fail_msg("%s, %s: off by %g", sources[i].source, names[j], off);
        }
        packed_close(file);
    }
    packed_close(exact);
}

// What CTranslate2 has rounded once is not rounded again.
static void test_int8_sources_are_kept_as_they_are(void **state)
{
    (void)state;
    PackedFile *exact = import_as(TINY("ct2-int8"), IMPORT_F32);
    PackedFile *int8 = import_as(TINY("ct2-int8"), IMPORT_SOURCE);
    static const char *const names[] = {"decoder.embedding", "decoder.layers.1.attn.qkv.weight",
                                        "decoder.layers.1.cross.kv.weight"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        assert_true(difference(packed_find(exact, names[i], PACKED_PANEL_F32),
                               packed_find(int8, names[i], PACKED_PANEL_S8)) == 0);
    packed_close(exact);
    packed_close(int8);
}

static void test_keys_have_a_bias_of_zero(void **state)
{
    (void)state;
    PackedFile *file = import_as(TINY("safetensors"), IMPORT_F32);
    const float *qkv = packed_find(file, "encoder.layers.0.attn.qkv.bias", PACKED_PLAIN_F32)->data;
    const float *kv = packed_find(file, "decoder.layers.0.cross.kv.bias", PACKED_PLAIN_F32)->data;
    for (size_t i = 0; i < 32; i++) {
        assert_true(qkv[i] != 0 && qkv[64 + i] != 0 && kv[32 + i] != 0);
        assert_true(qkv[32 + i] == 0 && kv[i] == 0);
    }
    packed_close(file);
}

// The same source gives the same bytes: models can be compared and cached.
static void test_imports_are_reproducible(void **state)
{
    (void)state;
    PackedFile *a = import_as(TINY("ct2-f16"), IMPORT_SOURCE);
    PackedFile *b = import_as(TINY("ct2-f16"), IMPORT_SOURCE);
    const char *first;
    const char *second;
    size_t length;
    size_t other;
    packed_meta_json(a, &first, &length);
    packed_meta_json(b, &second, &other);
    assert_int_equal(length, other);
    assert_memory_equal(first, second, length);
    compare_tensors(a, b);
    packed_close(a);
    packed_close(b);
}

typedef struct Watch {
    Cancel cancel;
    double last, cancel_at;
} Watch;

static void watch(void *context, double fraction)
{
    Watch *seen = context;
    assert_true(fraction >= seen->last && fraction <= 1.0000001);
    seen->last = fraction;
    if (fraction >= seen->cancel_at)
        cancel_raise(&seen->cancel);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir(".");
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void test_progress_reaches_the_end(void **state)
{
    (void)state;
    Watch seen = {.cancel_at = 2};
    cancel_init(&seen.cancel);
    ImportOptions options = {.cancel = &seen.cancel, .progress = watch, .context = &seen};
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL), SCOUT_OK);
    assert_true(seen.last > 0.9999);
}

static void test_cancelling_leaves_nothing(void **state)
{
    (void)state;
    Watch seen = {.cancel_at = 0.5};
    cancel_init(&seen.cancel);
    ImportOptions options = {.cancel = &seen.cancel, .progress = watch, .context = &seen};
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL), SCOUT_ERROR_CANCELLED);
    assert_true(seen.last >= 0.5 && seen.last < 1);
    assert_int_equal(count_files(), 0);
}

static void test_an_existing_target_is_kept(void **state)
{
    (void)state;
    ImportOptions options = {.weights = IMPORT_INT8};
    assert_int_equal(file_write("m", "old", 3, true, NULL), SCOUT_OK);
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL), SCOUT_ERROR_EXISTS);
    options.replace = true;
    assert_int_equal(import_model("absent", "m", &options, NULL), SCOUT_ERROR_NOT_FOUND);
    Buffer content;
    buffer_init(&content, 16);
    assert_int_equal(file_read("m", 16, &content, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&content), "old");
    buffer_done(&content);
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL), SCOUT_OK);
    assert_int_equal(count_files(), 1);
}

static void test_an_unknown_choice_of_weights_is_refused(void **state)
{
    (void)state;
    ImportOptions options = {.weights = (ImportWeights)5};
    assert_int_equal(import_model(TINY("ct2-f16"), "m", &options, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
}

// ---- sources that are not what they should be
// ----------------------------------------------------

static void test_strangers_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } strangers[] = {
        {"PK\x03\x04zip", 7, "PyTorch"},
        {"\x80\x02}q", 4, "PyTorch"},
        {"GGUF\x03\0\0\0", 8, "GGUF"},
        {"\x08\x08\x12\x07pytorch", 10, "ONNX"},
        {"\x89HDF\r\n\x1a\n", 8, "HDF5"},
        {"\x93SCOUT\r\n", 8, "Scout model already"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS"},
        {"<!DOCTYPE html>", 15, "web page"},
        {"anything else", 13, "not a model file"},
        {"x", 1, "not a model file"},
    };
    for (size_t i = 0; i < BASE_COUNT(strangers); i++) {
        assert_int_equal(file_write("x", strangers[i].bytes, strangers[i].length, true, NULL),
                         SCOUT_OK);
        expect_failure("x", SCOUT_ERROR_FORMAT, strangers[i].words);
        expect_failure("x", SCOUT_ERROR_FORMAT, "CTranslate2 folders");
    }
}

static void test_folders_without_a_model_are_refused(void **state)
{
    (void)state;
    assert_int_equal(file_make_folders("f", NULL), SCOUT_OK);
    expect_failure("f", SCOUT_ERROR_FORMAT, "no model.bin");
    assert_int_equal(file_write("f/a.bin", "PK\x03\x04", 4, true, NULL), SCOUT_OK);
    expect_failure("f", SCOUT_ERROR_FORMAT, "PyTorch"); // the only .bin there
    assert_int_equal(file_write("f/b.bin", "PK\x03\x04", 4, true, NULL), SCOUT_OK);
    expect_failure("f", SCOUT_ERROR_FORMAT, "no model.bin");
    expect_failure("absent", SCOUT_ERROR_NOT_FOUND, "absent");
}

static Buffer read_all(const char *path)
{
    Buffer bytes;
    buffer_init(&bytes, 1 << 26);
    assert_int_equal(file_read(path, 1 << 26, &bytes, NULL), SCOUT_OK);
    return bytes;
}

static void copy_file(const char *from, const char *to)
{
    Buffer bytes = read_all(from);
    assert_int_equal(file_write(to, bytes.data, bytes.length, true, NULL), SCOUT_OK);
    buffer_done(&bytes);
}

// Writes a copy of from in which every `text` is replaced by `other`, of the same length.
static void copy_with(const char *from, const char *to, const char *text, const char *other)
{
    Buffer bytes = read_all(from);
    size_t length = strlen(text);
    size_t found = 0;
    assert_int_equal(length, strlen(other));
    for (char *at = bytes.data;;) {
        at = memmem(at, bytes.length - (size_t)(at - bytes.data), text, length);
        if (!at)
            break;
        memcpy(at, other, length);
        at += length;
        found++;
    }
    assert_true(found > 0);
    assert_int_equal(file_write(to, bytes.data, bytes.length, true, NULL), SCOUT_OK);
    buffer_done(&bytes);
}

static void test_missing_tensors_are_named(void **state)
{
    (void)state;
    copy_with(TINY("ct2-f16/model.bin"), "model.bin", "decoder/layer_1/ffn/linear_0/bias",
              "decoder/layer_1/ffn/linear_0/bies");
    expect_failure(".", SCOUT_ERROR_CORRUPT, "decoder/layer_1/ffn/linear_0/bias is missing");
    copy_with(TINY("ggml-q5_1.bin"), "ggml.bin", "encoder.ln_post.weight",
              "encoder.ln_post.w_ight");
    expect_failure("ggml.bin", SCOUT_ERROR_CORRUPT, "encoder.ln_post.weight is missing");
    copy_with(TINY("safetensors/model.safetensors"), "m.safetensors",
              "model.decoder.embed_positions.weight", "model.decoder.embed_Positions.weight");
    expect_failure("m.safetensors", SCOUT_ERROR_CORRUPT,
                   "model.decoder.embed_positions.weight is missing");
    copy_with(TINY("ct2-int8/model.bin"), "model.bin", "layer_0/ffn/linear_0/weight_scale",
              "layer_0/ffn/linear_0/weight_skale");
    copy_file(TINY("ct2-int8/vocabulary.json"), "vocabulary.json");
    expect_failure("model.bin", SCOUT_ERROR_CORRUPT, "scales of tensor");
}

static void test_wrong_shapes_are_shown(void **state)
{
    (void)state;
    copy_file(TINY("safetensors/config.json"), "config.json");
    copy_with(TINY("safetensors/model.safetensors"), "m.safetensors",
              "{\"dtype\": \"F32\", \"shape\": [128, 32]",
              "{\"dtype\": \"F32\", \"shape\": [32, 128]");
    expect_failure("m.safetensors", SCOUT_ERROR_CORRUPT, "[32, 128], expected [128, 32]");
    copy_with(TINY("safetensors/model.safetensors"), "m.safetensors", "\"shape\": [51865, 32]",
              "\"shape\": [82984, 20]");
    expect_failure("m.safetensors", SCOUT_ERROR_UNSUPPORTED, "82984 tokens is none of Whisper's");
    copy_with(TINY("safetensors/model.safetensors"), "m.safetensors", "\"shape\": [51865, 32]",
              "\"shape\": [51865, 33]");
    expect_failure("m.safetensors", SCOUT_ERROR_CORRUPT, "do not fit its shape");
}

static void test_other_types_are_refused(void **state)
{
    (void)state;
    copy_with(TINY("safetensors/model.safetensors"), "m.safetensors",
              "embed_tokens.weight\": {\"dtype\": \"F32\"",
              "embed_tokens.weight\": {\"dtype\": \"I32\"");
    expect_failure("m.safetensors", SCOUT_ERROR_CORRUPT, "embed_tokens.weight is missing");
}

static void test_the_header_of_ggml_must_agree(void **state)
{
    (void)state;
    Buffer bytes = read_all(TINY("ggml-q8_0.bin"));
    bytes.data[4 + 4 * 4]++; // encoder layers
    assert_int_equal(file_write("m.bin", bytes.data, bytes.length, true, NULL), SCOUT_OK);
    expect_failure("m.bin", SCOUT_ERROR_CORRUPT, "sizes that its header gives");
    buffer_done(&bytes);
}

static void test_values_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        Buffer bytes = read_all(TINY("ggml-f32.bin"));
        memcpy(bytes.data + bytes.length - sizeof bad[i], &bad[i], sizeof bad[i]);
        assert_int_equal(file_write("m.bin", bytes.data, bytes.length, true, NULL), SCOUT_OK);
        buffer_done(&bytes);
        expect_failure("m.bin", SCOUT_ERROR_CORRUPT, "decoder.norm.beta holds a value");
        assert_int_equal(count_files(), 1);
    }
}

static void test_a_vocabulary_is_needed(void **state)
{
    (void)state;
    copy_file(TINY("ct2-f16/model.bin"), "model.bin");
    expect_failure(".", SCOUT_ERROR_NOT_FOUND, "no vocabulary.json");
    assert_int_equal(file_write("vocabulary.json", "[\"a\"]", 5, true, NULL), SCOUT_OK);
    expect_failure(".", SCOUT_ERROR_CORRUPT, "token 1 is missing");
    assert_int_equal(file_write("vocabulary.json", "[\"a\"", 4, true, NULL), SCOUT_OK);
    expect_failure(".", SCOUT_ERROR_CORRUPT, "vocabulary.json: line 1 is not valid JSON");
    copy_file(TINY("ct2-f16/vocabulary.json"), "vocabulary.json");
    ScoutError error;
    assert_int_equal(import_status(".", &error), SCOUT_OK); // config.json may be missing
}

static void test_a_broken_configuration_is_refused(void **state)
{
    (void)state;
    copy_file(TINY("ct2-f16/model.bin"), "model.bin");
    copy_file(TINY("ct2-f16/vocabulary.json"), "vocabulary.json");
    assert_int_equal(file_write("config.json", "{", 1, true, NULL), SCOUT_OK);
    expect_failure(".", SCOUT_ERROR_CORRUPT, "config.json");
    // Heads that the model lacks, ids that its vocabulary lacks: passed over.
    static const char config[] =
        "{\"alignment_heads\": [[9, 0]], \"suppress_ids\": [-1, 99999, 5]}";
    assert_int_equal(file_write("config.json", config, strlen(config), true, NULL), SCOUT_OK);
    PackedFile *file = import_as(".", IMPORT_INT8);
    const int32_t *ints;
    size_t count;
    assert_true(packed_meta_ints(file, "alignment_heads", &ints, &count));
    assert_int_equal(count, 4);
    assert_true(packed_meta_ints(file, "suppress_ids", &ints, &count));
    assert_int_equal(count, 1);
    assert_int_equal(ints[0], 5);
    packed_close(file);
}

static void test_shards_must_be_plain_files_that_exist(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
        ScoutStatus status;
    } indices[] = {
        {"{\"weight_map\": {\"a\": \"../x.safetensors\"}}", "cannot be one of its shards",
         SCOUT_ERROR_CORRUPT},
        {"{\"weight_map\": {\"a\": 5}}", "cannot be one of its shards", SCOUT_ERROR_CORRUPT},
        {"{\"weight_map\": {}}", "names no shards", SCOUT_ERROR_CORRUPT},
        {"{}", "names no shards", SCOUT_ERROR_CORRUPT},
        {"[]", "not a JSON object", SCOUT_ERROR_CORRUPT},
        {"{\"weight_map\": {\"a\": \"absent.safetensors\"}}", "absent.safetensors",
         SCOUT_ERROR_NOT_FOUND},
    };
    for (size_t i = 0; i < BASE_COUNT(indices); i++) {
        assert_int_equal(file_write("model.safetensors.index.json", indices[i].json,
                                    strlen(indices[i].json), true, NULL),
                         SCOUT_OK);
        expect_failure(".", indices[i].status, indices[i].words);
    }
}

// Every length of the head, and many of the rest: an error, never more than the file.
static void test_cut_files_are_refused(void **state)
{
    (void)state;
    static const char *const sources[] = {TINY("ct2-f16/model.bin"), TINY("ggml-q4_1.bin"),
                                          TINY("safetensors-f16/model.safetensors")};
    copy_file(TINY("ct2-f16/vocabulary.json"), "vocabulary.json");
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        copy_file(sources[i], "m.bin");
        int fd = open("m.bin", O_RDWR);
        off_t length = lseek(fd, 0, SEEK_END);
        assert_true(fd >= 0 && length > 0);
        off_t step = length / 97 + 1;
        for (off_t cut = length - 1; cut > 0; cut -= cut > 600 ? step : 1) {
            ScoutError error;
            assert_int_equal(ftruncate(fd, cut), 0);
            ScoutStatus status = import_status("m.bin", &error);
            if (status != SCOUT_ERROR_CORRUPT && status != SCOUT_ERROR_FORMAT)
                fail_msg("%s, %lld bytes: status %d", sources[i], (long long)cut, (int)status);
        }
        close(fd);
    }
}

// Changed bytes anywhere give an error or a model, and nothing else.
static void test_changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const sources[] = {TINY("ct2-int8/model.bin"), TINY("ggml-q5_0.bin"),
                                          TINY("safetensors-f16/model.safetensors")};
    enum { CHANGES = 50, HEAD = 4096 };
    uint32_t random = 1;
    copy_file(TINY("ct2-f16/vocabulary.json"), "vocabulary.json");
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        copy_file(sources[i], "m.bin");
        int fd = open("m.bin", O_RDWR);
        uint32_t length = (uint32_t)lseek(fd, 0, SEEK_END);
        for (int change = 0; change < CHANGES; change++) {
            random = random * 1664525 + 1013904223;
            off_t at = random % (change % 2 ? length : HEAD);
            const char changed = (char)(random >> 24);
            char before;
            assert_int_equal(pread(fd, &before, 1, at), 1);
            assert_int_equal(pwrite(fd, &changed, 1, at), 1);
            ImportOptions options = {.weights = IMPORT_SOURCE, .replace = true};
            (void)import_model("m.bin", "model.scout", &options, NULL);
            assert_int_equal(pwrite(fd, &before, 1, at), 1);
        }
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_all_formats_give_the_same_model),
        IN_FOLDER(test_f16_and_f32_sources_agree),
        IN_FOLDER(test_shards_are_joined),
        IN_FOLDER(test_files_may_be_named_instead_of_folders),
        IN_FOLDER(test_sizes_are_taken_from_the_model),
        IN_FOLDER(test_text_tokens_are_bytes_and_special_ones_empty),
        IN_FOLDER(test_metadata_says_where_it_came_from),
        IN_FOLDER(test_heads_are_guessed_where_no_file_says_them),
        IN_FOLDER(test_weights_are_stored_as_chosen),
        IN_FOLDER(test_quantised_sources_are_close_to_the_weights),
        IN_FOLDER(test_int8_sources_are_kept_as_they_are),
        IN_FOLDER(test_keys_have_a_bias_of_zero),
        IN_FOLDER(test_imports_are_reproducible),
        IN_FOLDER(test_progress_reaches_the_end),
        IN_FOLDER(test_cancelling_leaves_nothing),
        IN_FOLDER(test_an_existing_target_is_kept),
        IN_FOLDER(test_an_unknown_choice_of_weights_is_refused),
        IN_FOLDER(test_strangers_are_recognised),
        IN_FOLDER(test_folders_without_a_model_are_refused),
        IN_FOLDER(test_missing_tensors_are_named),
        IN_FOLDER(test_wrong_shapes_are_shown),
        IN_FOLDER(test_other_types_are_refused),
        IN_FOLDER(test_the_header_of_ggml_must_agree),
        IN_FOLDER(test_values_that_are_no_numbers_are_refused),
        IN_FOLDER(test_a_vocabulary_is_needed),
        IN_FOLDER(test_a_broken_configuration_is_refused),
        IN_FOLDER(test_shards_must_be_plain_files_that_exist),
        IN_FOLDER(test_cut_files_are_refused),
        IN_FOLDER(test_changed_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
