// Opening a whisper model, and making a run on it, with every allocation failing in turn; and that
// encoding, decoding and aligning make none once their memory is taken.
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/whisper.h"
#include "support/tiny_whisper.h"

enum { TRIALS_MAX = 5000, FRAMES = 40, MELS = 80, COUNT = 5 };

static const TinyWhisper shape = {
    .n_vocab = TINY_VOCAB,
    .n_mels = MELS,
    .n_state = 32,
    .n_heads = 2,
    .n_encoder_layers = 1,
    .n_decoder_layers = 1,
    .n_audio_ctx = FRAMES / 2,
    .n_text_ctx = 8,
};

typedef struct Opening {
    const char *path;
    WhisperCompute compute;
    Kernels kernels;
} Opening;

static ScoutStatus open_and_close(void *context)
{
    const Opening *opening = context;
    PackedFile *file = NULL;
    WhisperModel *model = NULL;
    ScoutStatus status = packed_open(opening->path, &file, NULL);
    if (status)
        return status;
    status = whisper_open(file, opening->compute, &opening->kernels, NULL, &model, NULL);
    whisper_close(model);
    return status;
}

static void test_open(void **state)
{
    (void)state;
    char path[] = "/tmp/scout-fault-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    tiny_whisper_write(&shape, PACKED_PANEL_F16, path);
    Opening opening = {.path = path, .compute = WHISPER_INT8}; // converts every matrix
    kernels_init(&opening.kernels, 0);
    assert_true(fault_run_all(open_and_close, &opening, TRIALS_MAX) > 20);
    opening.compute = WHISPER_F32;
    assert_true(fault_run_all(open_and_close, &opening, TRIALS_MAX) > 5);
    assert_int_equal(unlink(path), 0);
}

static ScoutStatus make_run(void *context)
{
    const WhisperModel *model = context;
    const WhisperRunLimits limits = {.audios = 2, .sequences = 3, .rows = 1};
    WhisperRun *run = NULL;
    const ScoutStatus status = whisper_run_new(model, NULL, &limits, &run, NULL);
    whisper_run_free(run);
    return status;
}

static WhisperModel *open_model(const Kernels *kernels)
{
    WhisperModel *model = NULL;
    assert_int_equal(whisper_open(tiny_whisper_open(&shape, PACKED_PANEL_S8), WHISPER_AUTO, kernels,
                                  NULL, &model, NULL),
                     SCOUT_OK);
    return model;
}

static void test_run(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = open_model(&kernels);
    assert_true(fault_run_all(make_run, model, TRIALS_MAX) > 20);
    whisper_close(model);
}

typedef struct Work {
    WhisperRun *run;
    const float *mel;
    float *logits;
} Work;

static ScoutStatus transcribe(void *context)
{
    const Work *work = context;
    static const int32_t tokens[COUNT] = {257, 258, 3, 4, 256};
    static float weights[2 * COUNT * FRAMES / 2];
    static float probabilities[COUNT];
    assert_int_equal(whisper_encode(work->run, 0, work->mel, FRAMES, NULL), SCOUT_OK);
    whisper_sequence_start(work->run, 0, 0);
    for (size_t i = 0; i < COUNT; i++) {
        const WhisperRow row = {.sequence = 0, .token = tokens[i], .want_logits = true};
        assert_int_equal(whisper_decode(work->run, &row, 1, work->logits, NULL), SCOUT_OK);
    }
    whisper_sequence_copy(work->run, 1, 0);
    const size_t swapped[2] = {1, 0};
    whisper_sequences_reorder(work->run, 0, 2, swapped);
    return whisper_align(work->run, 0, 1, tokens, COUNT, weights, probabilities, NULL);
}

static void test_work_again_allocates_nothing(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = open_model(&kernels);
    ThreadPool *pool = NULL;
    assert_int_equal(thread_pool_new(2, &pool, NULL), SCOUT_OK);
    Work work = {.logits = malloc(TINY_VOCAB * sizeof(float))};
    float *mel = malloc((size_t)FRAMES * MELS * sizeof(*mel));
    assert_non_null(work.logits);
    assert_non_null(mel);
    tiny_whisper_values("mel", (size_t)FRAMES * MELS, 1.0F, mel);
    work.mel = mel;
    const WhisperRunLimits limits = {.audios = 1, .sequences = 2, .rows = 1};
    assert_int_equal(whisper_run_new(model, pool, &limits, &work.run, NULL), SCOUT_OK);
    assert_int_equal(transcribe(&work), SCOUT_OK); // takes memory for keys and values
    assert_int_equal(fault_run_all(transcribe, &work, TRIALS_MAX), 0);
    free(mel);
    free(work.logits);
    whisper_run_free(work.run);
    thread_pool_free(pool);
    whisper_close(model);
}

// Memory of an audio and of a page of slots, as they are first needed. What is refused changes
// nothing.
static ScoutStatus decode_first(void *context)
{
    const WhisperModel *model = context;
    const WhisperRunLimits limits = {.audios = 1, .sequences = 2, .rows = 1};
    static const float mel[FRAMES * MELS];
    static const WhisperRow rows[3] = {{.sequence = 0}, {.sequence = 1}, {.sequence = 0}};
    WhisperRun *run = NULL;
    ScoutStatus status = whisper_run_new(model, NULL, &limits, &run, NULL);
    if (status)
        return status;
    status = whisper_encode(run, 0, mel, FRAMES, NULL);
    if (!status)
        status = whisper_decode(run, rows, 3, NULL, NULL);
    assert_int_equal(whisper_sequence_length(run, 0), status ? 0 : 2);
    assert_int_equal(whisper_sequence_length(run, 1), status ? 0 : 1);
    whisper_run_free(run);
    return status;
}

static void test_keys_and_values(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = open_model(&kernels);
    assert_true(fault_run_all(decode_first, model, TRIALS_MAX) >
                fault_run_all(make_run, model, TRIALS_MAX));
    whisper_close(model);
}

// Two encodings at once: the second one's memory may be refused, and the first does not notice.
static ScoutStatus overlap(void *context)
{
    const WhisperModel *model = context;
    const WhisperRunLimits limits = {.audios = 2, .sequences = 1, .rows = 1};
    static const float mel[FRAMES * MELS];
    WhisperRun *run = NULL;
    WhisperEncoding *first = NULL;
    WhisperEncoding *second = NULL;
    ScoutStatus status = whisper_run_new(model, NULL, &limits, &run, NULL);
    if (status)
        return status;
    status = whisper_encoding_new(run, 0, mel, FRAMES, &first, NULL);
    if (status) {
        whisper_run_free(run);
        return status;
    }
    assert_true(whisper_encoding_step(first));
    status = whisper_encoding_new(run, 1, mel, FRAMES, &second, NULL);
    while (whisper_encoding_step(first))
        if (second)
            whisper_encoding_step(second);
    whisper_encoding_free(first);
    whisper_encoding_free(second);
    whisper_run_free(run);
    return status;
}

static void test_overlapping_encodings(void **state)
{
    (void)state;
    Kernels kernels;
    kernels_init(&kernels, 0);
    WhisperModel *model = open_model(&kernels);
    assert_true(fault_run_all(overlap, model, TRIALS_MAX) > 20);
    whisper_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_work_again_allocates_nothing),
        cmocka_unit_test(test_keys_and_values),
        cmocka_unit_test(test_overlapping_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
