// Whisper's encoder layers, logits, alignment and token probabilities against transformers
// (make_whisper.py): made-up models of three vocabularies, and whisper-base where it is installed.
#include "models/whisper.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "support/compare.h"
#include "support/npy.h"
#include "support/tiny_whisper.h"
#include "whisper_internal.h"

enum { STRIDE = 197, TOKENS_STEP = 4 }; // as in make_whisper.py
static const double tolerance = 1e-3;

typedef struct Case {
    const char *name;
    Kernels kernels;
    ThreadPool *pool;
    WhisperModel *model;
    WhisperRun *run;
    Npy projected, positions; // of the encoder's layers
    double worst;
} Case;

static Npy load(const Case *test, const char *what)
{
    char path[128];
    snprintf(path, sizeof(path), "reference/whisper/%s_%s.npy", test->name, what);
    return npy_load(path);
}

// Outputs of the deep layers of trained models have a few values of several hundred, where 1e-3 is
// beyond single precision: there the tolerance is relative, 1e-5.
static double difference(double a, double expected)
{
    return fabs(a - expected) / fmax(1.0, fabs(expected) / 100);
}

static void note(Case *test, double a, double expected)
{
    const double found = difference(a, expected);
    test->worst = found <= test->worst ? test->worst : found;
    assert_true(found < tolerance);
}

static void check_layer(void *context, size_t layer, const float *x, size_t positions)
{
    Case *test = context;
    const size_t d = whisper_dims(test->model)->n_state;
    assert_true(layer < test->projected.dims[0]);
    assert_int_equal(positions, test->projected.dims[1]);
    float *direction = malloc(d * sizeof(*direction));
    assert_non_null(direction);
    tiny_whisper_values("direction", d, 1.0F, direction);
    for (size_t t = 0; t < positions; t++) {
        double sum = 0;
        for (size_t i = 0; i < d; i++)
            sum += direction[i] < 0 ? -(double)x[t * d + i] : (double)x[t * d + i];
        note(test, sum / sqrt((double)d), (double)test->projected.f32[layer * positions + t]);
    }
    free(direction);
    const size_t kept[3] = {0, positions / 2, positions - 1};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < d; j++)
            note(test, (double)x[kept[i] * d + j],
                 (double)test->positions.f32[(layer * 3 + i) * d + j]);
}

static void check_encoder(Case *test, const float *mel, size_t frames)
{
    test->projected = load(test, "projected");
    test->positions = load(test, "positions");
    test->run->probe = check_layer;
    test->run->probe_context = test;
    assert_int_equal(whisper_encode(test->run, 0, mel, frames, NULL), SCOUT_OK);
    test->run->probe = NULL;
    size_t positions = 0;
    const float *encoded = whisper_encoded(test->run, 0, &positions);
    check_layer(test, whisper_dims(test->model)->n_encoder_layers, encoded, positions);
    print_message("%s: layers within %.1e", test->name, test->worst);
    npy_free(&test->projected);
    npy_free(&test->positions);
}

// The logits after each token of the sequence; free() them.
static float *decode_all(const Case *test, const Npy *tokens)
{
    const size_t n_vocab = whisper_dims(test->model)->n_vocab;
    WhisperRow *rows = calloc(tokens->count, sizeof(*rows));
    float *logits = malloc(tokens->count * n_vocab * sizeof(*logits));
    assert_non_null(rows);
    assert_non_null(logits);
    for (size_t i = 0; i < tokens->count; i++)
        rows[i] = (WhisperRow){.sequence = 0, .token = tokens->i32[i], .want_logits = true};
    whisper_sequence_start(test->run, 0, 0);
    assert_int_equal(whisper_decode(test->run, rows, tokens->count, logits, NULL), SCOUT_OK);
    free(rows);
    return logits;
}

static size_t best_token(const float *logits, size_t n_vocab)
{
    size_t best = 0;
    for (size_t i = 0; i < n_vocab; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static void check_logits(Case *test, const Npy *tokens)
{
    const size_t n_vocab = whisper_dims(test->model)->n_vocab;
    Npy expected = load(test, "logits");
    Npy best = load(test, "best");
    const size_t kept = expected.dims[1];
    assert_int_equal(kept, (n_vocab + STRIDE - 1) / STRIDE);
    float *logits = decode_all(test, tokens);
    test->worst = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const float *row = logits + i * n_vocab;
        assert_int_equal(best_token(row, n_vocab), best.i32[i]);
        for (size_t j = 0; j < kept; j++)
            note(test, (double)row[j * STRIDE], (double)expected.f32[i * kept + j]);
    }
    print_message(", logits %.1e", test->worst);
    free(logits);
    npy_free(&best);
    npy_free(&expected);
}

static void check_alignment(Case *test, const Npy *tokens)
{
    Npy attention = load(test, "attention");
    Npy chances = load(test, "probabilities");
    const size_t heads = whisper_alignment_heads(test->model);
    const size_t positions = attention.dims[2];
    const size_t count = tokens->count;
    assert_int_equal(chances.count, count - 1);
    float *weights = malloc(heads * count * positions * sizeof(*weights));
    float *probabilities = malloc(count * sizeof(*probabilities));
    assert_int_equal(
        whisper_align(test->run, 0, 1, tokens->i32, count, weights, probabilities, NULL), SCOUT_OK);
    test->worst = 0;
    const size_t kept = attention.dims[1];
    assert_true(attention.dims[0] <= heads);
    for (size_t i = 0; i < attention.dims[0] * kept; i++) {
        const size_t row = i / kept * count + i % kept * TOKENS_STEP;
        for (size_t t = 0; t < positions; t++)
            note(test, (double)weights[row * positions + t],
                 (double)attention.f32[i * positions + t]);
    }
    print_message(", attention %.1e", test->worst);
    test->worst = 0;
    for (size_t i = 0; i + 1 < count; i++) { // relative: made-up models find everything improbable
        if (chances.f32[i] == 0)
            assert_true(probabilities[i] == 0);
        else
            note(test, (double)probabilities[i] / (double)chances.f32[i], 1.0);
    }
    print_message(", probabilities %.1e\n", test->worst);
    free(probabilities);
    free(weights);
    npy_free(&chances);
    npy_free(&attention);
}

static void open_case(Case *test, PackedFile *file, WhisperCompute compute)
{
    uint32_t features = 0;
    assert_int_equal(cpu_limit(getenv("SCOUT_CPU"), cpu_detect(), &features, NULL), SCOUT_OK);
    kernels_init(&test->kernels, features);
    assert_int_equal(thread_pool_new(2, &test->pool, NULL), SCOUT_OK);
    assert_int_equal(whisper_open(file, compute, &test->kernels, test->pool, &test->model, NULL),
                     SCOUT_OK);
    const WhisperRunLimits limits = {.audios = 1, .sequences = 2, .rows = 1};
    assert_int_equal(whisper_run_new(test->model, test->pool, &limits, &test->run, NULL), SCOUT_OK);
}

static void close_case(Case *test)
{
    whisper_run_free(test->run);
    whisper_close(test->model);
    thread_pool_free(test->pool);
}

static void check_model(const char *name, PackedFile *file, const float *mel, size_t frames)
{
    Case test = {.name = name};
    open_case(&test, file, WHISPER_F32);
    check_encoder(&test, mel, frames);
    Npy tokens = load(&test, "tokens");
    check_logits(&test, &tokens);
    check_alignment(&test, &tokens);
    npy_free(&tokens);
    close_case(&test);
}

static void test_english(void **state)
{
    (void)state;
    const TinyWhisper shape = {
        .n_vocab = 51864,
        .n_mels = 80,
        .n_state = 384,
        .n_heads = 6,
        .n_encoder_layers = 4,
        .n_decoder_layers = 4,
        .n_audio_ctx = 1500,
        .n_text_ctx = 448,
        .alignment = {2, 0, 3, 5},
        .alignment_count = 4,
    };
    Npy mel = npy_load("reference/mel/speech_80.npy");
    check_model("english", tiny_whisper_open(&shape, PACKED_PANEL_F32), mel.f32, mel.dims[0]);
    npy_free(&mel);
}

// A window of 30 s.
static void test_multilingual(void **state)
{
    (void)state;
    const TinyWhisper shape = {
        .n_vocab = 51865,
        .n_mels = 80,
        .n_state = 128,
        .n_heads = 2,
        .n_encoder_layers = 2,
        .n_decoder_layers = 2,
        .n_audio_ctx = 1500,
        .n_text_ctx = 448,
        .alignment = {1, 0, 1, 1},
        .alignment_count = 4,
    };
    enum { FRAMES = 3000 };
    float *mel = malloc((size_t)FRAMES * 80 * sizeof(*mel));
    tiny_whisper_values("mel", (size_t)FRAMES * 80, 1.0F, mel);
    check_model("multilingual", tiny_whisper_open(&shape, PACKED_PANEL_F32), mel, FRAMES);
    free(mel);
}

static void test_large(void **state)
{
    (void)state;
    const TinyWhisper shape = {
        .n_vocab = 51866,
        .n_mels = 128,
        .n_state = 192,
        .n_heads = 3,
        .n_encoder_layers = 3,
        .n_decoder_layers = 3,
        .n_audio_ctx = 1500,
        .n_text_ctx = 448,
        .alignment = {1, 0, 2, 2},
        .alignment_count = 4,
    };
    Npy mel = npy_load("reference/mel/speech_128.npy");
    check_model("large", tiny_whisper_open(&shape, PACKED_PANEL_F32), mel.f32, mel.dims[0]);
    npy_free(&mel);
}

// whisper-base where it is installed, or NULL.
static PackedFile *open_base(void)
{
    char path[1024];
    const char *folder = getenv("SCOUT_TEST_MODELS");
    snprintf(path, sizeof(path), "%s/base/model.scout", folder ? folder : "");
    PackedFile *file = NULL;
    return folder && packed_open(path, &file, NULL) == SCOUT_OK ? file : NULL;
}

static void test_base(void **state)
{
    (void)state;
    PackedFile *file = open_base();
    if (!file)
        skip();
    Npy mel = npy_load("reference/mel/speech_80.npy");
    check_model("base", file, mel.f32, mel.dims[0]);
    npy_free(&mel);
}

// What fewer bits cost on a trained model: the reference's best tokens stay the best, but where two
// are about as likely.
static void check_best_tokens(WhisperCompute compute, const char *name, size_t allowed)
{
    Case test = {.name = "base"};
    PackedFile *file = open_base();
    if (!file)
        skip();
    open_case(&test, file, compute);
    Npy mel = npy_load("reference/mel/speech_80.npy");
    Npy tokens = load(&test, "tokens");
    Npy best = load(&test, "best");
    assert_int_equal(whisper_encode(test.run, 0, mel.f32, mel.dims[0], NULL), SCOUT_OK);
    float *logits = decode_all(&test, &tokens);
    const size_t n_vocab = whisper_dims(test.model)->n_vocab;
    size_t agreeing = 0;
    for (size_t i = 0; i < tokens.count; i++)
        agreeing += best_token(logits + i * n_vocab, n_vocab) == (size_t)best.i32[i];
    print_message("base in %s: %zu of %zu best tokens\n", name, agreeing, tokens.count);
    assert_true(agreeing + allowed >= tokens.count);
    free(logits);
    npy_free(&best);
    npy_free(&tokens);
    npy_free(&mel);
    close_case(&test);
}

static void test_base_in_int8(void **state)
{
    (void)state;
    check_best_tokens(WHISPER_INT8, "int8", 2);
}

static void test_base_in_bf16(void **state)
{
    (void)state;
    check_best_tokens(WHISPER_BF16, "bf16", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),      cmocka_unit_test(test_multilingual),
        cmocka_unit_test(test_large),        cmocka_unit_test(test_base),
        cmocka_unit_test(test_base_in_int8), cmocka_unit_test(test_base_in_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
