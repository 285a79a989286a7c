// libscout with every allocation failing in turn: an engine that loads made-up models, transcribes
// and goes away again, and the calls that manage models.
#include "fault.h"

#include <scout/capture.h>
#include <scout/live.h>
#include <scout/measure.h>
#include <scout/models.h>
#include <scout/speech.h>

#include "base/attributes.h"
#include "support/tiny_silero.h"
#include "support/tiny_whisper.h"
#include "unit/base/in_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SAMPLES = 2 * SCOUT_SAMPLE_RATE, TRIALS_MAX = 20000 };

static float samples[SAMPLES];

static void make_models(void)
{
    static const TinyWhisper shape = {
        .n_vocab = TINY_VOCAB,
        .n_mels = 80,
        .n_state = 32,
        .n_heads = 2,
        .n_encoder_layers = 1,
        .n_decoder_layers = 1,
        .n_audio_ctx = 1500,
        .n_text_ctx = 448,
        .alignment = {0, 0, 0, 1},
        .alignment_count = 4,
    };
    assert_int_equal(file_make_folders("models/tiny", NULL), SCOUT_OK);
    assert_int_equal(file_make_folders("models/silero-vad", NULL), SCOUT_OK);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, "models/tiny/model.scout");
    tiny_silero_write("models/silero-vad/model.scout", NULL);
    for (size_t i = 0; i < SAMPLES; i++)
        samples[i] = 0.3F * sinf((float)i * 0.2F) * sinf((float)i * 0.0005F);
}

static int count_events(void *context, const ScoutEvent *event)
{
    (void)event;
    ++*(size_t *)context;
    return 0;
}

static ScoutStatus transcribe_with(ScoutEngine *engine, const ScoutTranscribeOptions *options)
{
    ScoutTranscript *transcript = NULL;
    ScoutError error = {.message = ""};
    size_t events = 0;
    const ScoutStatus status = scout_transcribe_samples(
        engine, samples, SAMPLES, options, count_events, &events, NULL, &transcript, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    if (status == SCOUT_OK) {
        assert_true(events > 0);
        assert_true(fabs(scout_transcript_duration_s(transcript) - 2) < 1e-6);
        assert_non_null(scout_transcript_text(transcript));
    }
    scout_transcript_free(transcript);
    return status;
}

static ScoutStatus use_engine(void *context)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = "models";
    options.threads = 2;
    ScoutEngine *engine = NULL;
    ScoutStatus status = scout_engine_new(&options, &engine, NULL);
    if (status == SCOUT_OK)
        status = transcribe_with(engine, context);
    else
        assert_null(engine);
    scout_engine_free(engine);
    return status;
}

static void test_transcribing(void **state)
{
    (void)state;
    make_models();
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.model = "tiny";
    options.beam_size = 2;
    options.temperature_count = 2;
    options.words = 1;
    options.alternatives = 2;
    options.vad = 0;
    assert_true(fault_run_all(use_engine, &options, TRIALS_MAX) > 50);
    options.vad = 1;
    options.beam_size = 1;
    options.temperature_count = 1;
    options.words = options.alternatives = 0;
    options.draft = "tiny";
    assert_true(fault_run_all(use_engine, &options, TRIALS_MAX) > 50);
}

static ScoutStatus measure_engine(void *context)
{
    ScoutEngine *engine = context;
    ScoutMeasureOptions options;
    scout_measure_options_init(&options);
    options.model = "tiny";
    options.runs = 1;
    options.beam = options.windows = 1;
    options.stages = SCOUT_MEASURE_PROMPT;
    ScoutMeasurements *measured = NULL;
    ScoutError error = {.message = ""};
    const ScoutStatus status =
        scout_engine_measure(engine, &options, NULL, NULL, &measured, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    assert_int_equal(measured != NULL, status == SCOUT_OK);
    scout_free(measured);
    return status;
}

static void test_measuring(void **state)
{
    (void)state;
    make_models();
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = "models";
    options.threads = 2;
    ScoutEngine *engine = NULL;
    assert_int_equal(scout_engine_new(&options, &engine, NULL), SCOUT_OK);
    assert_true(fault_run_all(measure_engine, engine, TRIALS_MAX) > 30);
    scout_engine_free(engine);
}

static ScoutEngine *make_engine(void)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = "models";
    options.threads = 1;
    ScoutEngine *engine = NULL;
    assert_int_equal(scout_engine_new(&options, &engine, NULL), SCOUT_OK);
    return engine;
}

static ScoutLiveOptions live_options(void)
{
    static ScoutTranscribeOptions transcribe;
    scout_transcribe_options_init(&transcribe);
    transcribe.model = "tiny";
    transcribe.beam_size = 1;
    ScoutLiveOptions options;
    scout_live_options_init(&options);
    options.transcribe = &transcribe;
    options.patient = 1;
    return options;
}

static int hear_live(void *context, const ScoutLiveEvent *event)
{
    (void)event;
    ++*(size_t *)context;
    return 0;
}

// Some of it waits in a file, for more is pushed at once than memory keeps.
static ScoutStatus hear(void *context)
{
    const ScoutLiveOptions options = live_options();
    ScoutLive *live = NULL;
    ScoutError error = {.message = ""};
    size_t events = 0;
    ScoutStatus status = scout_live_new(context, &options, hear_live, &events, &live, &error);
    assert_int_equal(live != NULL, status == SCOUT_OK);
    for (int i = 0; i < 6 && status == SCOUT_OK; i++)
        status = scout_live_push(live, samples, SAMPLES, &error);
    if (status == SCOUT_OK)
        status = scout_live_finish(live, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    assert_true(events > 0 || status != SCOUT_OK);
    scout_live_free(live);
    return status;
}

static void test_hearing(void **state)
{
    (void)state;
    make_models();
    ScoutEngine *engine = make_engine();
    assert_true(fault_run_all(hear, engine, TRIALS_MAX) > 30);
    scout_engine_free(engine);
}

static int hear_capture(void *context, const ScoutCaptureEvent *event)
{
    *(bool *)context |= event->type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED;
    return 0;
}

// A second from a pipe, with text and a recording.
static ScoutStatus capture(void *context)
{
    static const int16_t frames[SCOUT_SAMPLE_RATE];
    const ScoutLiveOptions live = live_options();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], frames, sizeof frames), sizeof frames);
    assert_int_equal(close(ends[1]), 0);
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    options.source = SCOUT_SOURCE_RAW;
    options.fd = ends[0];
    options.live = &live;
    options.recording = SCOUT_RECORD_ALL;
    options.folder = "kept";
    ScoutCapture *made = NULL;
    ScoutError error = {.message = ""};
    bool ended = false;
    ScoutStatus status = scout_capture_new(context, &options, hear_capture, &ended, &made, &error);
    assert_int_equal(made != NULL, status == SCOUT_OK);
    if (status == SCOUT_OK)
        status = scout_capture_wait(made, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    assert_true(ended || status != SCOUT_OK);
    scout_capture_free(made);
    assert_int_equal(close(ends[0]), 0);
    return status;
}

static void test_capturing(void **state)
{
    (void)state;
    make_models();
    ScoutEngine *engine = make_engine();
    assert_true(fault_run_all(capture, engine, TRIALS_MAX) > 30);
    scout_engine_free(engine);
}

static ScoutStatus manage_models(void *context)
{
    (void)context;
    ScoutModelList *list = NULL;
    ScoutError error = {.message = ""};
    ScoutStatus status = scout_models_list("models", &list, &error);
    if (status != SCOUT_OK)
        return status;
    size_t count;
    const ScoutModelEntry *entries = scout_models_list_entries(list, &count);
    assert_int_equal(count, 2);
    assert_string_equal(entries[1].name, "tiny");
    scout_models_list_free(list);
    char *json = NULL;
    status = scout_models_info("models", "tiny", &json, &error);
    if (status != SCOUT_OK)
        return status;
    assert_non_null(strstr(json, "decoder.embedding"));
    scout_free(json);
    status = scout_models_verify("models", "tiny", NULL, NULL, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static void test_models(void **state)
{
    (void)state;
    make_models();
    assert_true(fault_run_all(manage_models, NULL, TRIALS_MAX) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_transcribing), IN_FOLDER(test_measuring), IN_FOLDER(test_hearing),
        IN_FOLDER(test_capturing),    IN_FOLDER(test_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
