// Importing and opening models with every allocation of Scout's failing in turn: the error is "out
// of memory", nothing leaks and nothing is left in the folder.
#include "fault.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"
#include "models/import.h"
#include "models/registry.h"
#include "support/write_source.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS_MAX = 5000 };

static ScoutStatus import_to_target(void *context)
{
    const char *source = context;
    ImportOptions options = {.name = "n", .origin = "o", .licence = "l", .replace = true};
    ScoutError error = {.message = ""};
    (void)unlink("model.scout");
    ScoutStatus status = import_model(source, "model.scout", &options, &error);
    assert_int_equal(file_exists("model.scout"), status == SCOUT_OK);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static void write_silero(void)
{
    static const WriteTensor tensors[] = {
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
    write_safetensors("silero.safetensors", tensors, BASE_COUNT(tensors));
}

static void test_import_silero(void **state)
{
    (void)state;
    char source[] = "silero.safetensors";
    write_silero();
    assert_true(fault_run_all(import_to_target, source, TRIALS_MAX) > 10);
}

// An index, shards, configuration and words, up to the first error: the vocabulary has one word.
static ScoutStatus import_incomplete(void *context)
{
    ScoutError error = {.message = ""};
    ImportOptions options = {.replace = true};
    ScoutStatus status = import_model(context, "model.scout", &options, &error);
    return status == SCOUT_ERROR_CORRUPT && strstr(error.message, "token 1 is missing") ? SCOUT_OK
                                                                                        : status;
}

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write(path, text, strlen(text), true, NULL), SCOUT_OK);
}

static void test_import_shards(void **state)
{
    (void)state;
    enum { D = 32, V = 51865 };
    static const WriteTensor once[] = {
        {"model.encoder.conv1.weight", 3, {D, 80, 3}},
        {"model.encoder.conv1.bias", 1, {D}},
        {"model.encoder.conv2.weight", 3, {D, D, 3}},
        {"model.encoder.conv2.bias", 1, {D}},
        {"model.encoder.embed_positions.weight", 2, {4, D}},
        {"model.encoder.layer_norm.weight", 1, {D}},
        {"model.encoder.layer_norm.bias", 1, {D}},
        {"model.decoder.embed_positions.weight", 2, {4, D}},
        {"model.decoder.layer_norm.weight", 1, {D}},
        {"model.decoder.layer_norm.bias", 1, {D}},
        {"model.decoder.embed_tokens.weight", 2, {V, D}},
    };
    static const WriteTensor layers[] = {
        {"model.encoder.layers.0.self_attn_layer_norm.weight", 1, {D}},
        {"model.encoder.layers.0.self_attn_layer_norm.bias", 1, {D}},
        {"model.encoder.layers.0.self_attn.q_proj.weight", 2, {D, D}},
        {"model.encoder.layers.0.self_attn.q_proj.bias", 1, {D}},
        {"model.encoder.layers.0.self_attn.k_proj.weight", 2, {D, D}},
        {"model.encoder.layers.0.self_attn.v_proj.weight", 2, {D, D}},
        {"model.encoder.layers.0.self_attn.v_proj.bias", 1, {D}},
        {"model.encoder.layers.0.self_attn.out_proj.weight", 2, {D, D}},
        {"model.encoder.layers.0.self_attn.out_proj.bias", 1, {D}},
        {"model.encoder.layers.0.final_layer_norm.weight", 1, {D}},
        {"model.encoder.layers.0.final_layer_norm.bias", 1, {D}},
        {"model.encoder.layers.0.fc1.weight", 2, {4 * D, D}},
        {"model.encoder.layers.0.fc1.bias", 1, {4 * D}},
        {"model.encoder.layers.0.fc2.weight", 2, {D, 4 * D}},
        {"model.encoder.layers.0.fc2.bias", 1, {D}},
        {"model.decoder.layers.0.self_attn_layer_norm.weight", 1, {D}},
        {"model.decoder.layers.0.self_attn_layer_norm.bias", 1, {D}},
        {"model.decoder.layers.0.self_attn.q_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.self_attn.q_proj.bias", 1, {D}},
        {"model.decoder.layers.0.self_attn.k_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.self_attn.v_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.self_attn.v_proj.bias", 1, {D}},
        {"model.decoder.layers.0.self_attn.out_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.self_attn.out_proj.bias", 1, {D}},
        {"model.decoder.layers.0.encoder_attn_layer_norm.weight", 1, {D}},
        {"model.decoder.layers.0.encoder_attn_layer_norm.bias", 1, {D}},
        {"model.decoder.layers.0.encoder_attn.q_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.encoder_attn.q_proj.bias", 1, {D}},
        {"model.decoder.layers.0.encoder_attn.k_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.encoder_attn.v_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.encoder_attn.v_proj.bias", 1, {D}},
        {"model.decoder.layers.0.encoder_attn.out_proj.weight", 2, {D, D}},
        {"model.decoder.layers.0.encoder_attn.out_proj.bias", 1, {D}},
        {"model.decoder.layers.0.final_layer_norm.weight", 1, {D}},
        {"model.decoder.layers.0.final_layer_norm.bias", 1, {D}},
        {"model.decoder.layers.0.fc1.weight", 2, {4 * D, D}},
        {"model.decoder.layers.0.fc1.bias", 1, {4 * D}},
        {"model.decoder.layers.0.fc2.weight", 2, {D, 4 * D}},
        {"model.decoder.layers.0.fc2.bias", 1, {D}},
    };
    char folder[] = ".";
    write_safetensors("1.safetensors", once, BASE_COUNT(once));
    write_safetensors("2.safetensors", layers, BASE_COUNT(layers));
    write_text("model.safetensors.index.json",
               "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}");
    write_text("config.json", "{\"encoder_attention_heads\":2}");
    write_text("generation_config.json", "{\"alignment_heads\":[[0,1]],\"suppress_tokens\":[1,2]}");
    write_text("vocab.json", "{\"a\":0}");
    assert_true(fault_run_all(import_incomplete, folder, TRIALS_MAX) > 20);
}

static ScoutStatus open_model(void *context)
{
    PackedFile *file = NULL;
    ScoutStatus status = packed_open(context, &file, NULL);
    if (status != SCOUT_OK) {
        assert_null(file);
        return status;
    }
    const char *text;
    assert_true(packed_meta_text(file, "name", &text));
    assert_string_equal(text, "n");
    packed_close(file);
    return SCOUT_OK;
}

static void test_open(void **state)
{
    (void)state;
    char source[] = "silero.safetensors";
    char target[] = "model.scout";
    write_silero();
    assert_int_equal(import_to_target(source), SCOUT_OK);
    assert_true(fault_run_all(open_model, target, TRIALS_MAX) > 4);
}

static ScoutStatus use_registry(void *context)
{
    RegistryEntry *entries = NULL;
    size_t count = 0;
    char *path = NULL;
    ScoutStatus status = registry_list(context, &entries, &count, NULL);
    if (status != SCOUT_OK)
        return status;
    registry_list_free(entries, count);
    status = registry_find(context, "vad", &path, NULL);
    if (status != SCOUT_OK)
        return status;
    mem_free(path);
    status = registry_find(context, "absent", &path, NULL);
    return status == SCOUT_ERROR_NOT_FOUND ? SCOUT_OK : status;
}

static void test_registry(void **state)
{
    (void)state;
    char source[] = "silero.safetensors";
    char models[] = "models";
    write_silero();
    assert_int_equal(import_to_target(source), SCOUT_OK);
    assert_int_equal(file_make_folders("models/vad", NULL), SCOUT_OK);
    assert_int_equal(rename("model.scout", "models/vad/model.scout"), 0);
    assert_true(fault_run_all(use_registry, models, TRIALS_MAX) > 10);
}

static void test_import_ggml(void **state)
{
    (void)state;
    char source[] = TINY_MODELS "/tiny_whisper_v3/ggml-q5_0.bin";
    if (!file_exists(source))
        skip(); // made with NumPy, where there is one
    assert_true(fault_run_all(import_to_target, source, TRIALS_MAX) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_import_silero), IN_FOLDER(test_import_shards), IN_FOLDER(test_open),
        IN_FOLDER(test_registry),      IN_FOLDER(test_import_ggml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
