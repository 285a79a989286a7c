// What the tests of models/whisper share: a small made-up model, and a run on it.
#ifndef WHISPER_FIXTURE_H
#define WHISPER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "models/whisper.h"
#include "support/tiny_whisper.h"

enum { FRAMES_MAX = 240, MELS = 80, FIXTURE_AUDIOS = 3 };

static const TinyWhisper fixture_shape = {
    .n_vocab = TINY_VOCAB,
    .n_mels = MELS,
    .n_state = 64,
    .n_heads = 2,
    .n_encoder_layers = 2,
    .n_decoder_layers = 3,
    .n_audio_ctx = FRAMES_MAX / 2,
    .n_text_ctx = 24,
};

typedef struct Fixture {
    Kernels kernels;
    ThreadPool *pool;
    WhisperModel *model;
    WhisperRun *run;
    float mel[FRAMES_MAX * MELS];
} Fixture;

static inline Fixture *fixture_of(const TinyWhisper *shape, PackedEncoding encoding,
                                  WhisperCompute compute, size_t threads)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    uint32_t features = 0;
    assert_int_equal(cpu_limit(getenv("SCOUT_CPU"), cpu_detect(), &features, NULL), SCOUT_OK);
    kernels_init(&fixture->kernels, features);
    assert_int_equal(thread_pool_new(threads, &fixture->pool, NULL), SCOUT_OK);
    assert_int_equal(whisper_open(tiny_whisper_open(shape, encoding), compute, &fixture->kernels,
                                  fixture->pool, &fixture->model, NULL),
                     SCOUT_OK);
    const WhisperRunLimits limits = {.audios = FIXTURE_AUDIOS, .sequences = 6, .rows = 1};
    assert_int_equal(whisper_run_new(fixture->model, fixture->pool, &limits, &fixture->run, NULL),
                     SCOUT_OK);
    tiny_whisper_values("mel", sizeof(fixture->mel) / sizeof(fixture->mel[0]), 1.0F, fixture->mel);
    return fixture;
}

static inline Fixture *fixture_new(PackedEncoding encoding, WhisperCompute compute, size_t threads)
{
    return fixture_of(&fixture_shape, encoding, compute, threads);
}

static inline void fixture_free(Fixture *fixture)
{
    whisper_run_free(fixture->run);
    whisper_close(fixture->model);
    thread_pool_free(fixture->pool);
    free(fixture);
}

static inline void fixture_encode(Fixture *fixture, size_t audio, size_t frames)
{
    assert_int_equal(whisper_encode(fixture->run, audio, fixture->mel, frames, NULL), SCOUT_OK);
}

// Appends tokens to a sequence in one pass; logits[count][TINY_VOCAB].
static inline void fixture_append(Fixture *fixture, size_t sequence, const int32_t *tokens,
                                  size_t count, float *logits)
{
    WhisperRow rows[24];
    assert_true(count <= 24);
    for (size_t i = 0; i < count; i++)
        rows[i] = (WhisperRow){sequence, tokens[i], logits != NULL};
    assert_int_equal(whisper_decode(fixture->run, rows, count, logits, NULL), SCOUT_OK);
}

#endif
