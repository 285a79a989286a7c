// Measuring: every stage has a time, limits make sense, and it stops and refuses as measure.h says.
#include <scout/measure.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <scout/models.h>

#include "base/attributes.h"
#include "support/tiny_silero.h"
#include "support/tiny_whisper.h"

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
    ScoutMeasureOptions options;
} Fixture;

static void begin(Fixture *fixture, ScoutCompute compute)
{
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/scout-measure-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/model.scout", fixture->folder);
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = fixture->folder;
    options.threads = 2;
    options.compute = compute;
    assert_int_equal(scout_engine_new(&options, &fixture->engine, NULL), SCOUT_OK);
    scout_measure_options_init(&fixture->options);
    fixture->options.model = fixture->path;
    fixture->options.runs = 3;
    fixture->options.stage_s = 1.0; // even on a machine that is very busy
}

static void end(Fixture *fixture)
{
    scout_engine_free(fixture->engine);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(rmdir(fixture->folder), 0);
}

static void assert_measured(ScoutDuration duration, int runs)
{
    assert_in_range(duration.runs, 1, runs);
    assert_true(duration.min_ms > 0);
    assert_true(duration.min_ms <= duration.median_ms);
}

static void assert_positive(double value)
{
    assert_true(isfinite(value) && value > 0);
}

typedef struct Told {
    int count, stop_at; // 0: never
    double fraction;
    bool decoder;
} Told;

static int on_progress(void *context, const char *stage, double fraction)
{
    Told *told = context;
    assert_true(fraction >= told->fraction && fraction <= 1);
    told->fraction = fraction;
    told->decoder = told->decoder || strcmp(stage, "decoder") == 0;
    return ++told->count == told->stop_at;
}

static void every_stage_is_measured(void **state)
{
    (void)state;
    static const ScoutCompute computes[] = {SCOUT_COMPUTE_INT8, SCOUT_COMPUTE_F32};
    for (size_t i = 0; i < BASE_COUNT(computes); i++) {
        Fixture fixture;
        begin(&fixture, computes[i]);
        tiny_whisper_write(&shape, i ? PACKED_PANEL_F16 : PACKED_PANEL_S8, fixture.path);
        Told told = {.count = 0};
        ScoutMeasurements *m = NULL;
        assert_int_equal(
            scout_engine_measure(fixture.engine, &fixture.options, on_progress, &told, &m, NULL),
            SCOUT_OK);
        assert_true(told.decoder);
        assert_int_equal(m->compute, computes[i]);
        assert_true(m->window_s == 2.0);
        const ScoutDuration durations[] = {m->load,  m->mel,       m->encoder,   m->prompt,
                                           m->token, m->beam_step, m->batch_step};
        for (size_t j = 0; j < BASE_COUNT(durations); j++)
            assert_measured(durations[j], fixture.options.runs);
        const double figures[] = {
            m->f32_peak_gops,      m->int8_peak_gops, m->weights_read_gbs,
            m->memory_read_gbs,    m->encoder_gops,   m->encoder_limit_ms,
            m->encoder_peak_share, m->token_limit_ms, m->token_bandwidth_share};
        for (size_t j = 0; j < BASE_COUNT(figures); j++)
            assert_positive(figures[j]);
        assert_true(m->peak_memory_bytes > 1000000);
        scout_free(m);
        end(&fixture);
    }
}

static void runs_are_counted(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, SCOUT_COMPUTE_AUTO);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    fixture.options.runs = 3;
    fixture.options.stage_s = 30;
    fixture.options.beam = 2;
    fixture.options.windows = 1;
    ScoutMeasurements *m = NULL;
    assert_int_equal(scout_engine_measure(fixture.engine, &fixture.options, NULL, NULL, &m, NULL),
                     SCOUT_OK);
    assert_int_equal(m->encoder.runs, 3);
    assert_int_equal(m->batch_step.runs, 3);
    assert_int_equal(m->beam, 2);
    assert_int_equal(m->windows, 1);
    scout_free(m);
    end(&fixture);
}

static void only_what_is_asked_for_is_measured(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, SCOUT_COMPUTE_AUTO);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    for (int i = 0; i < 8; i++) {
        fixture.options.stages = 1 << i;
        ScoutMeasurements *m = NULL;
        assert_int_equal(
            scout_engine_measure(fixture.engine, &fixture.options, NULL, NULL, &m, NULL), SCOUT_OK);
        const ScoutDuration durations[] = {m->load,  m->mel,       m->encoder,   m->prompt,
                                           m->token, m->beam_step, m->batch_step};
        for (int j = 0; j < 7; j++)
            assert_int_equal(durations[j].runs > 0, i == j);
        assert_int_equal(m->memory_read_gbs > 0, i == 7);
        assert_true(m->encoder_peak_share == 0 && m->token_bandwidth_share == 0);
        scout_free(m);
    }
    end(&fixture);
}

static void it_stops_when_asked(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, SCOUT_COMPUTE_AUTO);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    fixture.options.runs = 2;
    fixture.options.stage_s = 30;
    Told all = {.count = 0};
    ScoutMeasurements *m = NULL;
    assert_int_equal(
        scout_engine_measure(fixture.engine, &fixture.options, on_progress, &all, &m, NULL),
        SCOUT_OK);
    scout_free(m);
    // At each stage once, and in the middle of some.
    for (int i = 1; i <= 18; i++) {
        Told told = {.stop_at = i};
        m = NULL;
        assert_int_equal(
            scout_engine_measure(fixture.engine, &fixture.options, on_progress, &told, &m, NULL),
            SCOUT_ERROR_CANCELLED);
        assert_null(m);
        assert_int_equal(told.count, i);
    }
    end(&fixture);
}

static ScoutStatus try_options(Fixture *fixture, ScoutMeasureOptions options, const char *said)
{
    ScoutError error = {0};
    ScoutMeasurements *m = NULL;
    ScoutStatus status = scout_engine_measure(fixture->engine, &options, NULL, NULL, &m, &error);
    assert_null(m);
    assert_non_null(strstr(error.message, said));
    return status;
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, SCOUT_COMPUTE_AUTO);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, fixture.path);
    ScoutMeasureOptions options = fixture.options;
    options.runs = 0;
    assert_int_equal(try_options(&fixture, options, "runs is 0"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.beam = SCOUT_BEAM_MAX + 1;
    assert_int_equal(try_options(&fixture, options, "beam"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.windows = 17;
    assert_int_equal(try_options(&fixture, options, "windows"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.stage_s = (double)NAN;
    assert_int_equal(try_options(&fixture, options, "stage_s"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.stages = 0;
    assert_int_equal(try_options(&fixture, options, "stages"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.size = 8;
    assert_int_equal(try_options(&fixture, options, "size"), SCOUT_ERROR_INVALID_ARGUMENT);
    options = fixture.options;
    options.model = "nowhere";
    assert_int_equal(try_options(&fixture, options, "nowhere"), SCOUT_ERROR_NOT_FOUND);
    ScoutMeasurements *m = NULL;
    assert_int_equal(scout_engine_measure(NULL, NULL, NULL, NULL, &m, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_engine_measure(fixture.engine, NULL, NULL, NULL, NULL, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    end(&fixture);
}

static void a_model_of_another_kind_is_refused(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, SCOUT_COMPUTE_AUTO);
    tiny_silero_write(fixture.path, NULL);
    assert_int_equal(try_options(&fixture, fixture.options, "not a speech recognition model"),
                     SCOUT_ERROR_FORMAT);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_is_measured),
        cmocka_unit_test(runs_are_counted),
        cmocka_unit_test(only_what_is_asked_for_is_measured),
        cmocka_unit_test(it_stops_when_asked),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_model_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
