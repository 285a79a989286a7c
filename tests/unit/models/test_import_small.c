// Imports of Silero VAD and MiniLM: names, shapes and the order of values.
#include "models/import.h"

#include "base/attributes.h"
#include "base/file.h"
#include "kernels/pack.h"
#include "support/write_source.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const WriteTensor silero[] = {
    {"stft_conv.weight", 3, {258, 1, 256}},
    {"conv1.weight", 3, {128, 129, 3}},
    {"conv1.bias", 1, {128}},
    {"conv2.weight", 3, {64, 128, 3}},
    {"conv2.bias", 1, {64}},
    {"conv3.weight", 3, {64, 64, 3}},
    {"conv3.bias", 1, {64}},
    {"conv4.weight", 3, {128, 64, 3}},
    {"conv4.bias", 1, {128}},
    {"lstm_cell.weight_ih", 2, {512, 128}},
    {"lstm_cell.weight_hh", 2, {512, 128}},
    {"lstm_cell.bias_ih", 1, {512}},
    {"lstm_cell.bias_hh", 1, {512}},
    {"final_conv.weight", 3, {1, 128, 1}},
    {"final_conv.bias", 1, {1}},
};

static PackedFile *import_file(const char *source, ImportWeights weights)
{
    ImportOptions options = {.weights = weights, .replace = true};
    ScoutError error = {.message = ""};
    PackedFile *file = NULL;
    if (import_model(source, "model.scout", &options, &error) != SCOUT_OK ||
        packed_open("model.scout", &file, &error) != SCOUT_OK ||
        packed_verify(file, NULL, NULL, NULL, &error) != SCOUT_OK)
        fail_msg("%s", error.message);
    return file;
}

// A convolution is stored with its taps outermost: column tap * channels + channel.
static void check_conv(const PackedFile *file, const char *name, size_t index)
{
    const PackedTensor *tensor = packed_find(file, name, PACKED_PANEL_F32);
    const size_t *dims = silero[index].dims; // out, channels, taps
    float row[1024];
    assert_non_null(tensor);
    assert_int_equal(tensor->dims[0], dims[0]);
    assert_int_equal(tensor->dims[1], dims[1] * dims[2]);
    for (size_t out = 0; out < dims[0]; out++) {
        unpack_row_f32(tensor->dims[1], out, tensor->data, row);
        for (size_t channel = 0; channel < dims[1]; channel++)
            for (size_t tap = 0; tap < dims[2]; tap++)
                assert_true(row[tap * dims[1] + channel] ==
                            write_value(index, (out * dims[1] + channel) * dims[2] + tap));
    }
}

static void check_plain(const PackedFile *file, const char *name, size_t index, size_t count)
{
    const PackedTensor *tensor = packed_find(file, name, PACKED_PLAIN_F32);
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 1);
    assert_int_equal(tensor->dims[0], count);
    for (size_t i = 0; i < count; i++)
        assert_true(((const float *)tensor->data)[i] == write_value(index, i));
}

// Whatever is asked for, the small model stays exact.
static void test_silero_stays_f32(void **state)
{
    (void)state;
    write_safetensors("silero.safetensors", silero, BASE_COUNT(silero));
    for (ImportWeights weights = IMPORT_SOURCE; weights <= IMPORT_INT4; weights++) {
        PackedFile *file = import_file("silero.safetensors", weights);
        assert_int_equal(packed_kind(file), PACKED_SILERO);
        assert_int_equal(packed_tensor_count(file), 15);
        assert_int_equal(packed_vocab_count(file), 0);
        check_conv(file, "stft.weight", 0);
        check_conv(file, "conv1.weight", 1);
        check_plain(file, "conv1.bias", 2, 128);
        check_conv(file, "conv2.weight", 3);
        check_conv(file, "conv3.weight", 5);
        check_conv(file, "conv4.weight", 7);
        check_plain(file, "lstm.input.bias", 11, 512);
        check_plain(file, "lstm.hidden.bias", 12, 512);
        check_conv(file, "out.weight", 13);
        check_plain(file, "out.bias", 14, 1);
        const PackedTensor *hidden = packed_find(file, "lstm.hidden.weight", PACKED_PANEL_F32);
        float row[128];
        unpack_row_f32(128, 511, hidden->data, row);
        assert_true(row[127] == write_value(10, 512 * 128 - 1));
        packed_close(file);
    }
}

static void expect_failure(const char *source, ScoutStatus expected, const char *words)
{
    ImportOptions options = {.replace = true};
    ScoutError error = {.message = ""};
    ScoutStatus status = import_model(source, "model.scout", &options, &error);
    if (status != expected || !strstr(error.message, words))
        fail_msg("expected %d and '%s', got %d: %s", (int)expected, words, (int)status,
                 error.message);
}

static void test_another_silero_is_refused(void **state)
{
    (void)state;
    WriteTensor other[BASE_COUNT(silero)];
    memcpy(other, silero, sizeof other);
    other[0].dims[2] = 128; // the 8 kHz model
    write_safetensors("8k.safetensors", other, BASE_COUNT(other));
    expect_failure("8k.safetensors", SCOUT_ERROR_CORRUPT, "[258, 1, 128], expected [258, 1, 256]");
    write_safetensors("less.safetensors", silero, BASE_COUNT(silero) - 1);
    expect_failure("less.safetensors", SCOUT_ERROR_CORRUPT, "final_conv.bias is missing");
}

static void test_other_models_are_named(void **state)
{
    (void)state;
    const WriteTensor other[] = {{"wte.weight", 2, {4, 4}}};
    write_safetensors("gpt.safetensors", other, 1);
    expect_failure("gpt.safetensors", SCOUT_ERROR_FORMAT, "wte.weight");
}

// ---- MiniLM
// --------------------------------------------------------------------------------------

enum { MINILM_VOCAB = 40, MINILM_STATE = 384, MINILM_MLP = 64, MINILM_TENSORS = 5 + 16 };

// One layer, with a prefix before every name ("" or "bert.").
static void minilm_tensors(const char *prefix, char names[MINILM_TENSORS][128],
                           WriteTensor tensors[MINILM_TENSORS])
{
    enum { D = MINILM_STATE, L = 5 };
    static const WriteTensor plain[MINILM_TENSORS] = {
        {"embeddings.word_embeddings.weight", 2, {MINILM_VOCAB, D}},
        {"embeddings.position_embeddings.weight", 2, {16, D}},
        {"embeddings.token_type_embeddings.weight", 2, {2, D}},
        {"embeddings.LayerNorm.weight", 1, {D}},
        {"embeddings.LayerNorm.bias", 1, {D}},
        {"attention.self.query.weight", 2, {D, D}},
        {"attention.self.query.bias", 1, {D}},
        {"attention.self.key.weight", 2, {D, D}},
        {"attention.self.key.bias", 1, {D}},
        {"attention.self.value.weight", 2, {D, D}},
        {"attention.self.value.bias", 1, {D}},
        {"attention.output.dense.weight", 2, {D, D}},
        {"attention.output.dense.bias", 1, {D}},
        {"attention.output.LayerNorm.weight", 1, {D}},
        {"attention.output.LayerNorm.bias", 1, {D}},
        {"intermediate.dense.weight", 2, {MINILM_MLP, D}},
        {"intermediate.dense.bias", 1, {MINILM_MLP}},
        {"output.dense.weight", 2, {D, MINILM_MLP}},
        {"output.dense.bias", 1, {D}},
        {"output.LayerNorm.weight", 1, {D}},
        {"output.LayerNorm.bias", 1, {D}},
    };
    for (size_t i = 0; i < MINILM_TENSORS; i++) {
        snprintf(names[i], 128, "%s%s%s", prefix, i < L ? "" : "encoder.layer.0.", plain[i].name);
        tensors[i] = plain[i];
        tensors[i].name = names[i];
    }
}

static void write_minilm(const char *prefix)
{
    char names[MINILM_TENSORS][128];
    WriteTensor tensors[MINILM_TENSORS];
    minilm_tensors(prefix, names, tensors);
    write_safetensors("model.safetensors", tensors, MINILM_TENSORS);
}

static void write_words(size_t count)
{
    Buffer text;
    buffer_init(&text, 4096);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&text, i == 1 ? "[CLS]\n" : "##w%zu\n", i);
    assert_int_equal(file_write("vocab.txt", text.data, text.length, true, NULL), SCOUT_OK);
    buffer_done(&text);
}

static void check_minilm(const PackedFile *file)
{
    float row[MINILM_STATE];
    int64_t number;
    const char *bytes;
    size_t length;
    assert_int_equal(packed_kind(file), PACKED_MINILM);
    assert_true(packed_meta_int(file, "n_layers", &number));
    assert_int_equal(number, 1);
    assert_true(packed_meta_int(file, "n_mlp", &number));
    assert_int_equal(number, MINILM_MLP);
    const PackedTensor *qkv = packed_find(file, "layers.0.attn.qkv.weight", PACKED_PANEL_F32);
    assert_int_equal(qkv->dims[0], 3 * MINILM_STATE);
    unpack_row_f32(MINILM_STATE, MINILM_STATE + 2, qkv->data, row); // the key's third row
    assert_true(row[5] == write_value(7, 2 * MINILM_STATE + 5));
    const float *bias = packed_find(file, "layers.0.attn.qkv.bias", PACKED_PLAIN_F32)->data;
    assert_true(bias[2 * MINILM_STATE + 1] == write_value(10, 1));
    assert_non_null(packed_find(file, "layers.0.mlp.fc1.weight", PACKED_PANEL_S8));
    assert_non_null(packed_find(file, "words", PACKED_PANEL_F32));
    assert_null(packed_find(file, "words", PACKED_PANEL_S8));
    assert_int_equal(packed_vocab_count(file), MINILM_VOCAB);
    assert_true(packed_vocab_token(file, 1, &bytes, &length));
    assert_memory_equal(bytes, "[CLS]", length);
    assert_true(packed_vocab_token(file, 39, &bytes, &length));
    assert_int_equal(length, 5);
    assert_memory_equal(bytes, "##w39", length);
}

static void test_minilm_is_read_with_and_without_prefix(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"", "bert."};
    write_words(MINILM_VOCAB);
    for (size_t i = 0; i < BASE_COUNT(prefixes); i++) {
        write_minilm(prefixes[i]);
        PackedFile *file = import_file(".", IMPORT_SOURCE);
        check_minilm(file);
        packed_close(file);
    }
}

static void test_minilm_needs_its_words(void **state)
{
    (void)state;
    write_minilm("");
    expect_failure(".", SCOUT_ERROR_NOT_FOUND, "no vocab.txt");
    write_words(MINILM_VOCAB - 1);
    expect_failure(".", SCOUT_ERROR_CORRUPT, "token 39 is missing");
}

static void test_another_bert_is_refused(void **state)
{
    (void)state;
    char names[MINILM_TENSORS][128];
    WriteTensor tensors[MINILM_TENSORS];
    minilm_tensors("", names, tensors);
    for (size_t i = 0; i < MINILM_TENSORS; i++)
        for (size_t j = 0; j < tensors[i].rank; j++)
            tensors[i].dims[j] = tensors[i].dims[j] == MINILM_STATE ? 768 : tensors[i].dims[j];
    write_safetensors("model.safetensors", tensors, MINILM_TENSORS);
    expect_failure(".", SCOUT_ERROR_UNSUPPORTED, "768 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_silero_stays_f32),
        IN_FOLDER(test_another_silero_is_refused),
        IN_FOLDER(test_other_models_are_named),
        IN_FOLDER(test_minilm_is_read_with_and_without_prefix),
        IN_FOLDER(test_minilm_needs_its_words),
        IN_FOLDER(test_another_bert_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
