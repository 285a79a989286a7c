// How an engine loads models: beside running streams, once, and with nothing left when it fails.
#include "engine.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/tiny_whisper.h"

enum { THREADS = 4, HANG_S = 30 };

static const TinyWhisper shape = {
    .n_vocab = TINY_VOCAB,
    .n_mels = 80,
    .n_state = 64,
    .n_heads = 2,
    .n_encoder_layers = 2,
    .n_decoder_layers = 2,
    .n_audio_ctx = 100,
    .n_text_ctx = 24,
};

typedef struct Fixture {
    char folder[32];
    char path[64];
    ScoutEngine *engine;
} Fixture;

static void begin(Fixture *fixture)
{
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/scout-engine-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/model.scout", fixture->folder);
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = fixture->folder;
    options.threads = 2;
    assert_int_equal(scout_engine_new(&options, &fixture->engine, NULL), SCOUT_OK);
}

static void end(Fixture *fixture)
{
    scout_engine_free(fixture->engine);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(rmdir(fixture->folder), 0);
}

// Somebody computes all the while; the weights have to be converted, which takes work.
static void a_model_loads_without_the_turn(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    fixture.engine->compute = WHISPER_F32;
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    assert_int_equal(schedule_enter(fixture.engine->schedule, &client, NULL, NULL), SCHEDULE_HELD);
    alarm(HANG_S); // there is nobody who would pass the turn on
    assert_int_equal(scout_engine_load(fixture.engine, fixture.path, NULL), SCOUT_OK);
    alarm(0);
    schedule_leave(fixture.engine->schedule, &client);
    end(&fixture);
}

typedef struct Asking {
    Fixture *fixture;
    pthread_t thread;
    ScoutStatus status;
    EngineModel *model;
} Asking;

static void *ask(void *context)
{
    Asking *asking = context;
    asking->status =
        engine_whisper(asking->fixture->engine, asking->fixture->path, &asking->model, NULL);
    return NULL;
}

static void ask_at_once(Fixture *fixture, Asking asking[THREADS])
{
    for (size_t i = 0; i < THREADS; i++) {
        asking[i] = (Asking){.fixture = fixture};
        assert_int_equal(pthread_create(&asking[i].thread, NULL, ask, &asking[i]), 0);
    }
    alarm(HANG_S);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(asking[i].thread, NULL), 0);
    alarm(0);
}

static void threads_that_ask_at_once_get_one_model(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture);
    tiny_whisper_write(&shape, PACKED_PANEL_F16, fixture.path);
    fixture.engine->compute = WHISPER_INT8;
    Asking asking[THREADS];
    ask_at_once(&fixture, asking);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(asking[i].status, SCOUT_OK);
        assert_ptr_equal(asking[i].model, fixture.engine->models);
    }
    assert_int_equal(fixture.engine->models->users, THREADS);
    assert_int_equal(scout_engine_trim(fixture.engine, 0), 0);
    for (size_t i = 0; i < THREADS; i++)
        engine_release(fixture.engine, asking[i].model);
    assert_null(fixture.engine->models->next);
    assert_int_equal(scout_engine_trim(fixture.engine, 3600), 0);
    assert_int_equal(scout_engine_trim(fixture.engine, 0), 1);
    assert_null(fixture.engine->models);
    end(&fixture);
}

static void every_thread_is_told_why_a_model_cannot_be_loaded(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture);
    TinyWhisper broken = shape;
    broken.without = "decoder.norm.gamma";
    tiny_whisper_write(&broken, PACKED_PANEL_S8, fixture.path);
    Asking asking[THREADS];
    ask_at_once(&fixture, asking);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(asking[i].status, SCOUT_ERROR_FORMAT);
        assert_null(asking[i].model);
    }
    assert_null(fixture.engine->models);
    end(&fixture);
}

// The engine as it is while another thread loads a model: those who want it wait, others do not.
static void a_model_that_loads_holds_nobody_up(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    char other[] = "/another/model.scout";
    EngineModel loading = {.path = other};
    fixture.engine->models = &loading;
    alarm(HANG_S);
    assert_int_equal(scout_engine_load(fixture.engine, fixture.path, NULL), SCOUT_OK);
    alarm(0);
    EngineModel *loaded = fixture.engine->models;
    assert_ptr_equal(loaded->next, &loading);
    loaded->next = NULL;
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_loads_without_the_turn),
        cmocka_unit_test(threads_that_ask_at_once_get_one_model),
        cmocka_unit_test(every_thread_is_told_why_a_model_cannot_be_loaded),
        cmocka_unit_test(a_model_that_loads_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
