// A whole transcription with every allocation failing in turn: the made-up model of the unit tests
// hears made-up words. What was told before memory was out is what is told otherwise, up to there.
#include "fault.h"

#include "speech/transcriber.h"

#include "base/attributes.h"
#include "fake_speech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 16000, CHUNK = RATE / 2, TRIALS_MAX = 5000, TOLD_BYTES = 1 << 16 };

// Fixed memory, so that its own allocations do not count.
typedef struct Told {
    char text[TOLD_BYTES];
    size_t length;
} Told;

typedef struct Work {
    FakeSpeaker speaker;
    ScoutTranscribeOptions options;
    const float *samples;
    size_t count;
    bool drafted;
    Told told, expected;
} Work;

static void tell(Told *told, const char *what, double start_s, double end_s, const char *text)
{
    const size_t room = sizeof told->text - told->length;
    const int length = snprintf(told->text + told->length, room, "%s %.3f %.3f %s\n", what, start_s,
                                end_s, text ? text : "");
    assert_true(length > 0 && (size_t)length < room);
    told->length += (size_t)length;
}

static void tell_segment(Told *told, const ScoutSegment *segment)
{
    tell(told, "segment", segment->start_s, segment->end_s, segment->text);
    for (size_t i = 0; i < segment->word_count; i++) {
        const ScoutWord *word = &segment->words[i];
        tell(told, "word", word->start_s, word->end_s, word->text);
        for (size_t j = 0; j < word->alternative_count; j++)
            tell(told, "or", 0, 0, word->alternatives[j].text);
    }
}

static int note(void *context, const ScoutEvent *event)
{
    Told *told = context;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE: tell(told, "language", 0, 0, event->u.language.code); break;
    case SCOUT_EVENT_SEGMENT: tell_segment(told, &event->u.segment); break;
    case SCOUT_EVENT_SKIPPED:
        tell(told, "skipped", event->u.skipped.start_s, event->u.skipped.end_s,
             event->u.skipped.text);
        break;
    case SCOUT_EVENT_PROGRESS: break;
    }
    return 0;
}

static ScoutStatus push_all(Transcriber *transcriber, const Work *work)
{
    ScoutError error = {.message = ""};
    ScoutStatus status = SCOUT_OK;
    for (size_t at = 0; at < work->count && status == SCOUT_OK; at += CHUNK)
        status = transcriber_push(transcriber, work->samples + at,
                                  BASE_MIN((size_t)CHUNK, work->count - at), &error);
    if (status == SCOUT_OK)
        status = transcriber_finish(transcriber, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static ScoutStatus transcribe(void *context)
{
    Work *work = context;
    FakeModel model = {.script = fake_speaker_script, .context = &work->speaker};
    FakeModel draft = {.script = fake_speaker_script, .context = &work->speaker, .n_mels = 128};
    TranscriberSetup setup = {.silero = work->options.vad ? fake_silero() : NULL,
                              .options = &work->options,
                              .callback = note,
                              .context = &work->told};
    work->told.length = 0;
    work->told.text[0] = '\0';
    ScoutStatus status = schedule_new(&setup.schedule, NULL);
    if (status != SCOUT_OK)
        return status;
    Transcriber *transcriber = NULL;
    status = batch_new(fake_model(&model), NULL, setup.schedule, &setup.batch, NULL);
    if (status == SCOUT_OK && work->drafted)
        status = batch_new(fake_draft_model(&draft), NULL, setup.schedule, &setup.draft, NULL);
    if (status == SCOUT_OK)
        status = transcriber_new(&setup, &transcriber, NULL);
    if (status == SCOUT_OK)
        status = push_all(transcriber, work);
    else
        assert_null(transcriber);
    transcriber_free(transcriber);
    batch_free(setup.draft);
    batch_free(setup.batch);
    schedule_free(setup.schedule);
    const Told *expected = &work->expected;
    if (expected->length > 0)
        assert_memory_equal(work->told.text, expected->text, work->told.length);
    if (expected->length > 0 && status == SCOUT_OK)
        assert_int_equal(work->told.length, expected->length);
    return status;
}

static Work *work_new(void)
{
    static const FakeWord words[] = {
        {1.0, 1.4, 'a'}, {1.6, 2.0, 'b'}, {2.3, 2.7, 'c'}, {6.0, 6.4, 'd'}, {7.0, 7.4, 'e'},
    };
    Work *work = calloc(1, sizeof *work);
    assert_non_null(work);
    work->count = 9 * RATE + 123;
    work->samples = fake_speech(words, BASE_COUNT(words), work->count);
    work->options = (ScoutTranscribeOptions){
        .language = "en",
        .beam_size = 2,
        .best_of = 2,
        .patience = 1,
        .length_penalty = -1,
        .temperatures = {0, 0.5F},
        .temperature_count = 2,
        .compression_ratio_threshold = 2.4F,
        .logprob_threshold = -1,
        .no_speech_threshold = 0.6F,
        .condition_on_previous = 1,
        .suppress_non_speech = 1,
        .timestamps = 1,
        .vad = 1,
    };
    return work;
}

static void work_run(Work *work)
{
    assert_int_equal(transcribe_options_check(&work->options, NULL), SCOUT_OK);
    assert_int_equal(transcribe(work), SCOUT_OK);
    assert_true(work->told.length > 0);
    work->expected = work->told;
    assert_true(fault_run_all(transcribe, work, TRIALS_MAX) > 20);
    float *samples;
    memcpy(&samples, &work->samples, sizeof samples);
    free(samples);
    free(work);
}

static void test_plain(void **state)
{
    (void)state;
    work_run(work_new());
}

static void test_words_and_what_else_they_could_be(void **state)
{
    (void)state;
    Work *work = work_new();
    work->options.words = 1;
    work->options.alternatives = 3;
    work->options.language = NULL;
    work->speaker.language = 2;
    work_run(work);
}

static void test_prompts_and_hotwords(void **state)
{
    (void)state;
    static const char *const hotwords[] = {"ab", "cd"};
    Work *work = work_new();
    work->options.prompt = "a b c";
    work->options.hotwords = hotwords;
    work->options.hotword_count = BASE_COUNT(hotwords);
    work->options.hotword_boost = 2;
    work->options.vad = 0;
    work_run(work);
}

// Every temperature is tried, and nothing is believed in the end.
static void test_doubts(void **state)
{
    (void)state;
    Work *work = work_new();
    work->speaker.repeats = 9;
    work->speaker.no_times = work->speaker.doubts = true;
    work->options.beam_size = 1;
    work_run(work);
}

static void test_a_draft(void **state)
{
    (void)state;
    Work *work = work_new();
    work->options.beam_size = 1;
    work->drafted = true;
    work_run(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_words_and_what_else_they_could_be),
        cmocka_unit_test(test_prompts_and_hotwords),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_a_draft),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
