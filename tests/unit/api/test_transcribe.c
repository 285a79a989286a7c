// The public API on a real recording with the real model: files, samples and streams agree, several
// threads share an engine, and stopping works from everywhere. Needs $SCOUT_TEST_MODELS.
#include <scout/speech.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "real_speech.h"

#define RECORDING REAL_SPEECH("0920")

enum { SAMPLES_MAX = 60 * SCOUT_SAMPLE_RATE, STREAMS = 3 };

static ScoutEngine *engine;
static float samples[SAMPLES_MAX];
static size_t sample_count;

static int setup(void **state)
{
    (void)state;
    static int16_t read[SAMPLES_MAX];
    if (real_engine_new(DECODER, &engine))
        return 1;
    sample_count = real_speech_read(RECORDING, read, SAMPLES_MAX);
    for (size_t i = 0; i < sample_count; i++)
        samples[i] = (float)read[i] / 32768.0f;
    return engine && sample_count == 0;
}

static int teardown(void **state)
{
    (void)state;
    scout_engine_free(engine);
    return 0;
}

static void need_model(void)
{
    real_engine_need(engine);
}

static ScoutTranscribeOptions greedy(void)
{
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.language = "en";
    options.beam_size = 1;
    return options;
}

static ScoutTranscript *from_samples(const ScoutTranscribeOptions *options)
{
    ScoutTranscript *transcript = NULL;
    ScoutError error = {.message = ""};
    ScoutStatus status = scout_transcribe_samples(engine, samples, sample_count, options, NULL,
                                                  NULL, NULL, &transcript, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SCOUT_OK);
    return transcript;
}

static void words_come_out_with_their_times(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    options.words = 1;
    options.alternatives = 3;
    ScoutTranscript *transcript = from_samples(&options);
    assert_non_null(strstr(scout_transcript_text(transcript), "respectable"));
    size_t count;
    const ScoutSegment *segments = scout_transcript_segments(transcript, &count);
    assert_true(count > 0);
    double last_s = 0.0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(segments[i].id, i);
        assert_true(segments[i].start_s <= segments[i].end_s);
        assert_true(segments[i].word_count > 0);
        for (size_t j = 0; j < segments[i].word_count; j++) {
            const ScoutWord *word = &segments[i].words[j];
            assert_true(word->start_s >= last_s && word->end_s >= word->start_s);
            assert_true(word->probability >= 0.0f && word->probability <= 1.0f);
            assert_true(word->alternative_count <= 3);
            last_s = word->start_s;
        }
    }
    assert_true(last_s <= scout_transcript_duration_s(transcript));
    scout_transcript_free(transcript);
}

static void check_alternatives(const ScoutWord *word, size_t limit)
{
    assert_true(word->alternative_count <= limit);
    const char *written = word->text + strspn(word->text, " ");
    float last = 1.0f;
    for (size_t i = 0; i < word->alternative_count; i++) {
        const ScoutAlternative *other = &word->alternatives[i];
        assert_true(other->probability > 0.0f && other->probability <= last);
        last = other->probability;
        size_t length = strlen(other->text);
        assert_true(length > 0 && other->text[0] != ' ' && other->text[length - 1] != ' ');
        assert_int_not_equal(strcasecmp(other->text, written), 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(strcasecmp(other->text, word->alternatives[j].text), 0);
    }
}

static void words_have_alternatives(void **state)
{
    (void)state;
    need_model();
    size_t found[2] = {0, 0};
    for (int limit = 1; limit <= 4; limit += 3) {
        ScoutTranscribeOptions options = greedy();
        options.alternatives = limit;
        ScoutTranscript *transcript = from_samples(&options);
        size_t count;
        const ScoutSegment *segments = scout_transcript_segments(transcript, &count);
        for (size_t i = 0; i < count; i++) {
            assert_true(segments[i].word_count > 0);
            for (size_t j = 0; j < segments[i].word_count; j++) {
                check_alternatives(&segments[i].words[j], (size_t)limit);
                found[limit > 1] += segments[i].words[j].alternative_count;
            }
        }
        scout_transcript_free(transcript);
    }
    assert_true(found[0] > 0 && found[1] > found[0]);
}

static void a_file_gives_what_its_samples_give(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    ScoutTranscript *expected = from_samples(&options);
    ScoutTranscript *transcript = NULL;
    assert_int_equal(
        scout_transcribe_file(engine, RECORDING, &options, NULL, NULL, NULL, &transcript, NULL),
        SCOUT_OK);
    assert_string_equal(scout_transcript_text(transcript), scout_transcript_text(expected));
    assert_int_equal(scout_transcript_source(transcript)->sample_rate, 16000);
    assert_true(scout_transcript_timings(transcript)->windows > 0);
    scout_transcript_free(transcript);
    scout_transcript_free(expected);
}

static void a_part_of_a_file_has_the_times_of_the_whole(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    options.start_s = 1.0;
    ScoutTranscript *transcript = NULL;
    assert_int_equal(
        scout_transcribe_file(engine, RECORDING, &options, NULL, NULL, NULL, &transcript, NULL),
        SCOUT_OK);
    size_t count;
    const ScoutSegment *segments = scout_transcript_segments(transcript, &count);
    assert_true(count > 0 && segments[0].start_s >= 1.0);
    size_t skipped_count;
    const ScoutSkipped *skipped = scout_transcript_skipped(transcript, &skipped_count);
    assert_true(skipped_count > 0);
    assert_int_equal(skipped[0].reason, SCOUT_SKIP_OUTSIDE);
    assert_true(skipped[0].start_s == 0.0 && skipped[0].end_s == 1.0);
    assert_true(segments[count - 1].end_s * SCOUT_SAMPLE_RATE <= (double)sample_count + 1.0);
    scout_transcript_free(transcript);
}

typedef struct Collected {
    char text[8192];
    double settled_s;
} Collected;

static int collect(void *context, const ScoutEvent *event)
{
    Collected *collected = context;
    if (event->type == SCOUT_EVENT_SEGMENT) {
        size_t used = strlen(collected->text);
        snprintf(collected->text + used, sizeof(collected->text) - used, "%s",
                 event->u.segment.text);
        assert_true(event->u.segment.start_s >= collected->settled_s);
    } else if (event->type == SCOUT_EVENT_PROGRESS) {
        assert_true(event->u.progress.settled_s >= collected->settled_s);
        assert_true(event->u.progress.received_s >= event->u.progress.settled_s);
        collected->settled_s = event->u.progress.settled_s;
    }
    return 0;
}

static void run_stream(size_t chunk, Collected *collected)
{
    ScoutTranscribeOptions options = greedy();
    ScoutStream *stream = NULL;
    assert_int_equal(scout_stream_new(engine, &options, collect, collected, &stream, NULL),
                     SCOUT_OK);
    for (size_t done = 0; done < sample_count; done += chunk) {
        size_t left = sample_count - done;
        assert_int_equal(
            scout_stream_push(stream, samples + done, left < chunk ? left : chunk, NULL), SCOUT_OK);
    }
    assert_int_equal(scout_stream_finish(stream, NULL), SCOUT_OK);
    assert_int_equal(scout_stream_push(stream, samples, 1, NULL), SCOUT_ERROR_STATE);
    scout_stream_free(stream);
}

static void the_size_of_the_pieces_changes_nothing(void **state)
{
    (void)state;
    need_model();
    static Collected whole;
    static Collected pieces;
    run_stream(sample_count, &whole);
    run_stream(777, &pieces);
    assert_true(strlen(whole.text) > 0);
    assert_string_equal(whole.text, pieces.text);
}

static void *stream_thread(void *context)
{
    run_stream(SCOUT_SAMPLE_RATE, context);
    return NULL;
}

static void streams_side_by_side_give_what_one_gives_alone(void **state)
{
    (void)state;
    need_model();
    static Collected alone;
    static Collected beside[STREAMS];
    run_stream(SCOUT_SAMPLE_RATE, &alone);
    pthread_t threads[STREAMS];
    for (size_t i = 0; i < STREAMS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stream_thread, &beside[i]), 0);
    for (size_t i = 0; i < STREAMS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < STREAMS; i++)
        assert_string_equal(beside[i].text, alone.text);
}

static void a_raised_flag_stops_the_call(void **state)
{
    (void)state;
    need_model();
    ScoutCancel *cancel = NULL;
    assert_int_equal(scout_cancel_new(&cancel, NULL), SCOUT_OK);
    scout_cancel_raise(cancel);
    ScoutTranscribeOptions options = greedy();
    ScoutTranscript *transcript = NULL;
    assert_int_equal(scout_transcribe_samples(engine, samples, sample_count, &options, NULL, NULL,
                                              cancel, &transcript, NULL),
                     SCOUT_ERROR_CANCELLED);
    assert_non_null(transcript);
    assert_string_equal(scout_transcript_text(transcript), "");
    scout_transcript_free(transcript);
    scout_cancel_free(cancel);
}

static int stop_at_the_first_segment(void *context, const ScoutEvent *event)
{
    size_t *seen = context;
    if (event->type == SCOUT_EVENT_SEGMENT)
        ++*seen;
    return *seen > 0;
}

static void a_callback_stops_the_call_and_keeps_what_was_done(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    ScoutTranscript *transcript = NULL;
    size_t seen = 0;
    assert_int_equal(scout_transcribe_samples(engine, samples, sample_count, &options,
                                              stop_at_the_first_segment, &seen, NULL, &transcript,
                                              NULL),
                     SCOUT_ERROR_CANCELLED);
    assert_int_equal(seen, 1);
    size_t count;
    scout_transcript_segments(transcript, &count);
    assert_int_equal(count, 1);
    scout_transcript_free(transcript);
}

static void silence_gives_no_word_and_says_what_was_skipped(void **state)
{
    (void)state;
    need_model();
    static const float zeros[10 * SCOUT_SAMPLE_RATE];
    ScoutTranscribeOptions options = greedy();
    ScoutTranscript *transcript = NULL;
    assert_int_equal(scout_transcribe_samples(engine, zeros, 10 * SCOUT_SAMPLE_RATE, &options, NULL,
                                              NULL, NULL, &transcript, NULL),
                     SCOUT_OK);
    assert_string_equal(scout_transcript_text(transcript), "");
    size_t count;
    const ScoutSkipped *skipped = scout_transcript_skipped(transcript, &count);
    assert_int_equal(count, 1);
    assert_int_equal(skipped[0].reason, SCOUT_SKIP_NO_SPEECH);
    assert_true(skipped[0].start_s == 0.0 && skipped[0].end_s == 10.0);
    scout_transcript_free(transcript);
}

static void no_samples_are_an_empty_transcript(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    ScoutTranscript *transcript = NULL;
    assert_int_equal(
        scout_transcribe_samples(engine, NULL, 0, &options, NULL, NULL, NULL, &transcript, NULL),
        SCOUT_OK);
    assert_string_equal(scout_transcript_text(transcript), "");
    assert_true(scout_transcript_duration_s(transcript) == 0.0);
    scout_transcript_free(transcript);
}

static void an_unknown_language_is_refused_by_name(void **state)
{
    (void)state;
    need_model();
    ScoutTranscribeOptions options = greedy();
    options.language = "klingon";
    ScoutTranscript *transcript = NULL;
    ScoutError error;
    assert_int_equal(scout_transcribe_samples(engine, samples, sample_count, &options, NULL, NULL,
                                              NULL, &transcript, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "klingon"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_out_with_their_times),
        cmocka_unit_test(words_have_alternatives),
        cmocka_unit_test(a_file_gives_what_its_samples_give),
        cmocka_unit_test(a_part_of_a_file_has_the_times_of_the_whole),
        cmocka_unit_test(the_size_of_the_pieces_changes_nothing),
        cmocka_unit_test(streams_side_by_side_give_what_one_gives_alone),
        cmocka_unit_test(a_raised_flag_stops_the_call),
        cmocka_unit_test(a_callback_stops_the_call_and_keeps_what_was_done),
        cmocka_unit_test(silence_gives_no_word_and_says_what_was_skipped),
        cmocka_unit_test(no_samples_are_an_empty_transcript),
        cmocka_unit_test(an_unknown_language_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
