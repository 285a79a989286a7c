// Opening models: which files are refused, and with what words.
#include <stdio.h>
#include <string.h>

#include "whisper_fixture.h"

static void expect_refused(PackedFile *file, WhisperCompute compute, ScoutStatus expected,
                           const char *words)
{
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = NULL;
    ScoutError error = {.status = SCOUT_OK};
    assert_int_equal(whisper_open(file, compute, &kernels, NULL, &model, &error), expected);
    assert_null(model);
    if (!strstr(error.message, words))
        print_message("\"%s\" instead of \"%s\"\n", error.message, words);
    assert_non_null(strstr(error.message, words));
}

static void expect_shape_refused(TinyWhisper shape, ScoutStatus expected, const char *words)
{
    expect_refused(tiny_whisper_open(&shape, PACKED_PANEL_F32), WHISPER_F32, expected, words);
}

static void test_missing_tensors(void **state)
{
    (void)state;
    static const char *const names[] = {
        "encoder.conv2.bias",
        "encoder.positions",
        "encoder.layers.1.mlp.fc1.weight",
        "encoder.layers.0.attn.qkv.bias",
        "encoder.norm.beta",
        "decoder.embedding",
        "decoder.layers.2.cross.kv.weight",
        "decoder.layers.2.cross_norm.gamma",
        "decoder.norm.gamma",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TinyWhisper shape = fixture_shape;
        shape.without = names[i];
        expect_shape_refused(shape, SCOUT_ERROR_FORMAT, names[i]);
    }
}

static void test_tensors_of_another_size(void **state)
{
    (void)state;
    static const char *const names[] = {
        "encoder.conv1.weight",
        "encoder.positions",
        "encoder.layers.1.attn_norm.gamma",
        "decoder.layers.0.mlp.fc1.bias",
        "decoder.layers.0.attn.qkv.weight",
        "decoder.embedding",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TinyWhisper shape = fixture_shape;
        shape.shorter = names[i];
        expect_shape_refused(shape, SCOUT_ERROR_CORRUPT, names[i]);
    }
}

static void test_heads(void **state)
{
    (void)state;
    TinyWhisper shape = fixture_shape;
    shape.n_heads = 3;
    expect_shape_refused(shape, SCOUT_ERROR_UNSUPPORTED, "3 heads over a width of 64");
    shape.n_heads = 8; // of 8
    expect_shape_refused(shape, SCOUT_ERROR_UNSUPPORTED, "8 heads");
}

static void test_alignment_heads(void **state)
{
    (void)state;
    TinyWhisper shape = fixture_shape;
    shape.alignment[0] = 3;
    shape.alignment_count = 2;
    expect_shape_refused(shape, SCOUT_ERROR_CORRUPT, "layer 3");
    shape.alignment[0] = 0;
    shape.alignment_count = 1;
    expect_shape_refused(shape, SCOUT_ERROR_CORRUPT, "no pairs");
}

static void test_open(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = NULL;
    PackedFile *file = tiny_whisper_open(&fixture_shape, PACKED_PANEL_F32);
    assert_int_equal(whisper_open(file, WHISPER_AUTO, &kernels, NULL, &model, NULL), SCOUT_OK);
    assert_int_equal(whisper_compute(model), WHISPER_F32);
    assert_ptr_equal(whisper_file(model), file);
    assert_int_equal(bpe_size(whisper_bpe(model)), TINY_VOCAB);
    const WhisperDims *dims = whisper_dims(model);
    assert_int_equal(dims->n_vocab, TINY_VOCAB);
    assert_int_equal(dims->n_mels, MELS);
    assert_int_equal(dims->n_state, 64);
    assert_int_equal(dims->n_heads, 2);
    assert_int_equal(dims->n_encoder_layers, 2);
    assert_int_equal(dims->n_decoder_layers, 3);
    assert_int_equal(dims->n_audio_ctx, FRAMES_MAX / 2);
    assert_int_equal(dims->n_text_ctx, 24);
    whisper_close(model);
    whisper_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_tensors),
        cmocka_unit_test(test_tensors_of_another_size),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_alignment_heads),
        cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
