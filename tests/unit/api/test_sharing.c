// What streams of one engine share: models that come and go by use, and steps in which streams of
// several threads are decoded together, each of which gets the text that it gets alone.
#include "engine.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/tiny_whisper.h"

enum { MODELS = 3, STREAMS = 5, ROUNDS = 30, HANG_S = 100, SAMPLES = 40 * SCOUT_SAMPLE_RATE };

static char folder[32];
static char paths[MODELS][64];
static float samples[STREAMS][SAMPLES];

static int make_models(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/scout-sharing-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    for (size_t i = 0; i < MODELS; i++) {
        const TinyWhisper shape = {.n_vocab = TINY_VOCAB,
                                   .n_mels = 80,
                                   .n_state = 32 + 32 * i,
                                   .n_heads = 2,
                                   .n_encoder_layers = 1,
                                   .n_decoder_layers = 1,
                                   .n_audio_ctx = 1500,
                                   .n_text_ctx = 448};
        snprintf(paths[i], sizeof paths[i], "%s/%zu.scout", folder, i);
        tiny_whisper_write(&shape, PACKED_PANEL_S8, paths[i]);
    }
    for (size_t s = 0; s < STREAMS; s++)
        for (size_t i = 0; i < SAMPLES; i++)
            samples[s][i] = 0.3F * sinf((float)i * (0.1F + 0.03F * (float)s)) *
                            sinf((float)i * 0.0005F * (float)(s + 1));
    return 0;
}

static int remove_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        (void)unlink(paths[i]);
    return rmdir(folder);
}

static ScoutEngine *engine_made(int models_max)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = folder;
    options.models_max = models_max;
    options.threads = 2;
    ScoutEngine *engine = NULL;
    assert_int_equal(scout_engine_new(&options, &engine, NULL), SCOUT_OK);
    alarm(HANG_S);
    return engine;
}

static void engine_ended(ScoutEngine *engine)
{
    scout_engine_free(engine);
    alarm(0);
}

// ------------------------------------------------------------------------------------------ models

// A bit for each model in memory.
static unsigned loaded(const ScoutEngine *engine)
{
    unsigned bits = 0;
    for (const EngineModel *model = engine->models; model; model = model->next)
        for (unsigned i = 0; i < MODELS; i++)
            bits |= (unsigned)(strcmp(model->path, paths[i]) == 0) << i;
    return bits;
}

static void load(ScoutEngine *engine, size_t model)
{
    assert_int_equal(scout_engine_load(engine, paths[model], NULL), SCOUT_OK);
}

static void the_model_unused_for_longest_goes(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_made(2);
    load(engine, 0);
    load(engine, 1);
    assert_int_equal(loaded(engine), 3);
    load(engine, 0); // used again: 1 is the older one now
    load(engine, 2);
    assert_int_equal(loaded(engine), 5);
    load(engine, 1);
    assert_int_equal(loaded(engine), 6);
    engine_ended(engine);
}

static void users_keep_their_models(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_made(1);
    EngineModel *used[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(engine_whisper(engine, paths[i], &used[i], NULL), SCOUT_OK);
    assert_int_equal(loaded(engine), 3);
    load(engine, 2);
    assert_int_equal(loaded(engine), 7);
    assert_int_equal(scout_engine_trim(engine, 0), 1);
    assert_int_equal(loaded(engine), 3);
    assert_int_equal(scout_engine_trim(engine, 0), 0);
    for (size_t i = 0; i < 2; i++)
        engine_release(engine, used[i]);
    assert_int_equal(scout_engine_trim(engine, 3600), 0); // used a moment ago
    load(engine, 2);                                      // all that are too many go
    assert_int_equal(loaded(engine), 4);
    assert_int_equal(scout_engine_trim(NULL, 0), 0);
    assert_int_equal(scout_engine_trim(engine, -1), 1);
    assert_int_equal(loaded(engine), 0);
    engine_ended(engine);
}

typedef struct Loader {
    ScoutEngine *engine;
    size_t number;
    size_t failures;
    pthread_t thread;
} Loader;

static void *load_and_release(void *context)
{
    Loader *loader = context;
    for (size_t i = 0; i < ROUNDS; i++) {
        EngineModel *model = NULL;
        const char *path = paths[(i + loader->number) % MODELS];
        loader->failures += engine_whisper(loader->engine, path, &model, NULL) != SCOUT_OK;
        loader->failures += !model || strcmp(model->path, path) != 0 || !model->batch;
        if (i % 5 == loader->number)
            (void)scout_engine_trim(loader->engine, 0);
        engine_release(loader->engine, model);
    }
    return NULL;
}

static void models_go_while_others_come(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_made(1);
    Loader loaders[STREAMS];
    for (size_t i = 0; i < STREAMS; i++) {
        loaders[i] = (Loader){.engine = engine, .number = i};
        assert_int_equal(pthread_create(&loaders[i].thread, NULL, load_and_release, &loaders[i]),
                         0);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        pthread_join(loaders[i].thread, NULL);
        assert_int_equal(loaders[i].failures, 0);
    }
    (void)scout_engine_trim(engine, 0);
    assert_null(engine->models);
    engine_ended(engine);
}

// ----------------------------------------------------------------------------------------- streams

typedef struct Listener {
    ScoutEngine *engine;
    size_t number, rounds;
    char *text;
    size_t failures;
    pthread_t thread;
} Listener;

static char *text_of(ScoutEngine *engine, size_t number)
{
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.model = paths[number % 2];
    options.vad = 0; // its model is not here
    options.temperature_count = 2;
    options.beam_size = 1 + (int)number % 3;
    options.best_of = 2;
    options.batch_size = 1 + (int)number % 4;
    options.priority = (ScoutPriority)(number % 3);
    options.words = number == 1;
    ScoutTranscript *transcript = NULL;
    // Shorter for some, so that they come and go.
    const size_t count = SAMPLES - number * 5 * SCOUT_SAMPLE_RATE;
    ScoutStatus status = scout_transcribe_samples(engine, samples[number], count, &options, NULL,
                                                  NULL, NULL, &transcript, NULL);
    const char *text = status == SCOUT_OK ? scout_transcript_text(transcript) : NULL;
    char *copy = text ? strdup(text) : NULL;
    scout_transcript_free(transcript);
    return copy;
}

static void *listen_often(void *context)
{
    Listener *listener = context;
    for (size_t i = 0; i < listener->rounds; i++) {
        char *text = text_of(listener->engine, listener->number);
        listener->failures += !text || strcmp(text, listener->text) != 0;
        free(text);
    }
    return NULL;
}

static void streams_of_many_threads_get_what_each_gets_alone(void **state)
{
    (void)state;
    Listener listeners[STREAMS];
    size_t length = 0;
    for (size_t i = 0; i < STREAMS; i++) {
        ScoutEngine *alone = engine_made(0);
        listeners[i] = (Listener){.number = i, .rounds = 2, .text = text_of(alone, i)};
        assert_non_null(listeners[i].text);
        length += strlen(listeners[i].text);
        engine_ended(alone);
    }
    assert_true(length > 0);
    ScoutEngine *engine = engine_made(1);
    for (size_t i = 0; i < STREAMS; i++) {
        listeners[i].engine = engine;
        assert_int_equal(pthread_create(&listeners[i].thread, NULL, listen_often, &listeners[i]),
                         0);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        pthread_join(listeners[i].thread, NULL);
        assert_int_equal(listeners[i].failures, 0);
        free(listeners[i].text);
    }
    // Nobody uses a model any more.
    for (const EngineModel *model = engine->models; model; model = model->next)
        assert_int_equal(model->users, 0);
    engine_ended(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_unused_for_longest_goes),
        cmocka_unit_test(users_keep_their_models),
        cmocka_unit_test(models_go_while_others_come),
        cmocka_unit_test(streams_of_many_threads_get_what_each_gets_alone),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
