// What the public API refuses and how it says so; no model is needed for any of it.
#include <scout/models.h>
#include <scout/speech.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int ignore(void *context, const ScoutEvent *event)
{
    (void)context;
    (void)event;
    return 0;
}

static ScoutEngine *engine_in(const char *folder)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = folder;
    options.threads = 1;
    ScoutEngine *engine = NULL;
    ScoutError error;
    assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_OK);
    return engine;
}

static void an_engine_needs_no_options(void **state)
{
    (void)state;
    ScoutEngine *engine = NULL;
    assert_int_equal(scout_engine_new(NULL, &engine, NULL), SCOUT_OK);
    assert_true(scout_engine_threads(engine) >= 1);
    assert_true(strlen(scout_engine_kernels(engine)) > 0);
    scout_engine_free(engine);
    scout_engine_free(NULL);
}

static void an_engine_says_which_option_is_wrong(void **state)
{
    (void)state;
    ScoutEngine *engine = NULL;
    ScoutError error;
    ScoutEngineOptions options;

    scout_engine_options_init(&options);
    options.threads = 257;
    assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "threads is 257"));

    scout_engine_options_init(&options);
    options.compute = (ScoutCompute)9;
    assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_ERROR_INVALID_ARGUMENT);

    scout_engine_options_init(&options);
    options.cpu = "avx9000";
    assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "avx9000"));
    assert_null(engine);
}

static ScoutStatus stream_with(ScoutEngine *engine, const ScoutTranscribeOptions *options,
                               ScoutError *error)
{
    ScoutStream *stream = NULL;
    ScoutStatus status = scout_stream_new(engine, options, ignore, NULL, &stream, error);
    assert_null(stream);
    return status;
}

// A program built when the struct was shorter passes its own, smaller size.
static void a_shorter_struct_gets_defaults_and_a_longer_one_is_refused(void **state)
{
    (void)state;
    ScoutEngine *engine = NULL;
    ScoutError error;
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.size = sizeof(options) + 8;
    assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "ScoutEngineOptions.size"));
    static const size_t too_short[] = {0, sizeof(size_t), offsetof(ScoutEngineOptions, compute)};
    for (size_t i = 0; i < sizeof(too_short) / sizeof(too_short[0]); i++) {
        options.size = too_short[i];
        assert_int_equal(scout_engine_new(&options, &engine, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    }
    assert_null(engine);
}

// The first version of these ended before `previous_tokens`.
static void an_older_program_is_not_asked_for_what_it_did_not_know(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_in("/nonexistent");
    ScoutError error;
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.previous_token_count = 7; // lies beyond the size below, so nobody may look at it
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    options.size = offsetof(ScoutTranscribeOptions, previous_tokens);
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_NOT_FOUND);
    options.size--;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "ScoutTranscribeOptions.size"));
    scout_engine_free(engine);
}

static void hotwords_that_are_too_long_are_refused_with_their_limit(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_in("/nonexistent");
    ScoutError error;
    static char longest[1026];
    memset(longest, 'a', 1025);
    static const char *words[1000];
    for (size_t i = 0; i < 1000; i++)
        words[i] = longest;
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.hotwords = words;
    options.hotword_count = 1000;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "1024 bytes"));
    longest[1024] = '\0';
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_NOT_FOUND);
    scout_engine_free(engine);
}

static void a_missing_model_is_named_with_the_remedy(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_in("/nonexistent");
    ScoutError error;
    assert_int_equal(scout_engine_load(engine, "nosuch", &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "nosuch"));
    assert_non_null(strstr(error.message, "scout models"));
    scout_engine_free(engine);
}

static void numbers_out_of_range_are_refused_before_a_model_is_looked_for(void **state)
{
    (void)state;
    ScoutEngine *engine = engine_in("/nonexistent");
    ScoutError error;
    ScoutTranscribeOptions options;

    scout_transcribe_options_init(&options);
    options.beam_size = SCOUT_BEAM_MAX + 1;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);

    scout_transcribe_options_init(&options);
    options.patience = -1.0f;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);

    scout_transcribe_options_init(&options);
    options.temperature_count = SCOUT_TEMPERATURES_MAX + 1;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);

    scout_transcribe_options_init(&options);
    options.start_s = 10.0;
    options.end_s = 5.0;
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_INVALID_ARGUMENT);

    scout_transcribe_options_init(&options);
    assert_int_equal(stream_with(engine, &options, &error), SCOUT_ERROR_NOT_FOUND);
    scout_engine_free(engine);
}

static void null_pointers_are_answered_not_followed(void **state)
{
    (void)state;
    ScoutError error;
    ScoutTranscript *transcript = NULL;
    ScoutStream *stream = NULL;
    assert_int_equal(scout_engine_new(NULL, NULL, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_stream_new(NULL, NULL, ignore, NULL, &stream, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_stream_push(NULL, NULL, 0, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_stream_finish(NULL, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_transcribe_file(NULL, "x", NULL, NULL, NULL, NULL, &transcript, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    scout_stream_cancel(NULL);
    scout_stream_free(NULL);
    scout_transcript_free(NULL);
    scout_cancel_raise(NULL);
    scout_cancel_free(NULL);
    size_t count = 7;
    assert_null(scout_transcript_segments(NULL, &count));
    assert_int_equal(count, 0);
    assert_string_equal(scout_transcript_text(NULL), "");
}

static void bad_model_names_are_refused(void **state)
{
    (void)state;
    ScoutError error;
    const char *names[] = {"", ".hidden", "a/b", "a b", "..", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(scout_models_import("/nonexistent", "/nonexistent", names[i],
                                             SCOUT_WEIGHTS_SOURCE, 0, NULL, NULL, NULL, NULL,
                                             &error),
                         SCOUT_ERROR_INVALID_ARGUMENT);
    }
}

static void a_failed_import_leaves_nothing_behind(void **state)
{
    (void)state;
    char folder[] = "/tmp/scout-api-XXXXXX";
    assert_non_null(mkdtemp(folder));
    ScoutError error;
    assert_int_not_equal(scout_models_import(folder, "/etc/passwd", "bad", SCOUT_WEIGHTS_SOURCE, 0,
                                             NULL, NULL, NULL, NULL, &error),
                         SCOUT_OK);
    ScoutModelList *list = NULL;
    size_t count = 1;
    assert_int_equal(scout_models_list(folder, &list, &error), SCOUT_OK);
    scout_models_list_entries(list, &count);
    assert_int_equal(count, 0);
    scout_models_list_free(list);
    assert_int_equal(remove(folder), 0); // only an empty folder goes
}

static void the_sources_end_and_are_complete(void **state)
{
    (void)state;
    size_t count = 0;
    for (const ScoutModelSource *source; (source = scout_models_source(count)); count++) {
        assert_true(strlen(source->name) > 0);
        assert_int_equal(strlen(source->sha256), 64);
        assert_non_null(source->packages[0][0]);
        assert_non_null(source->packages[0][1]);
        assert_non_null(source->parts[0]);
    }
    assert_true(count >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_needs_no_options),
        cmocka_unit_test(an_engine_says_which_option_is_wrong),
        cmocka_unit_test(a_shorter_struct_gets_defaults_and_a_longer_one_is_refused),
        cmocka_unit_test(an_older_program_is_not_asked_for_what_it_did_not_know),
        cmocka_unit_test(hotwords_that_are_too_long_are_refused_with_their_limit),
        cmocka_unit_test(a_missing_model_is_named_with_the_remedy),
        cmocka_unit_test(numbers_out_of_range_are_refused_before_a_model_is_looked_for),
        cmocka_unit_test(null_pointers_are_answered_not_followed),
        cmocka_unit_test(bad_model_names_are_refused),
        cmocka_unit_test(a_failed_import_leaves_nothing_behind),
        cmocka_unit_test(the_sources_end_and_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
