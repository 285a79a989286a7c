// The whole transcriber on made-up speech: every word once, in its place, whatever the chunks;
// every sample told of; every way to stop.
#include "speech/transcriber.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "fake_speech.h"

enum { RATE = 16000, WORDS_AT_MOST = 4000 };

// What a run said.
typedef struct Told {
    Buffer events;                                     // one line each, without progress
    Buffer letters;                                    // of all segments
    double starts[WORDS_AT_MOST], ends[WORDS_AT_MOST]; // of segments
    size_t segments;
    double at;      // the end of the last event: the next one must begin there
    double settled; // the last that progress told
    double skipped[4];
    char language[8];
    size_t stop_after; // events; 0: never
    size_t count;
} Told;

static void note_words(Told *told, const ScoutSegment *segment)
{
    double at = segment->start_s;
    for (size_t i = 0; i < segment->word_count; i++) {
        const ScoutWord *word = &segment->words[i];
        assert_true(word->start_s >= at - 1e-9 && word->end_s > word->start_s);
        at = word->end_s;
        buffer_printf(&told->events, " (%s %.3f %.3f", word->text, word->start_s, word->end_s);
        for (size_t a = 0; a < word->alternative_count; a++)
            buffer_printf(&told->events, " %s", word->alternatives[a].text);
        buffer_append_text(&told->events, ")");
    }
    assert_true(at <= segment->end_s + 1e-4);
}

static void note_segment(Told *told, const ScoutSegment *segment)
{
    assert_true(fabs(segment->start_s - told->at) < 1e-9 && segment->end_s > segment->start_s);
    told->at = segment->end_s;
    assert_int_equal(segment->id, told->segments);
    assert_true(told->segments < WORDS_AT_MOST);
    told->starts[told->segments] = segment->start_s;
    told->ends[told->segments++] = segment->end_s;
    for (const char *c = segment->text; *c; c++)
        if (*c != ' ')
            buffer_append_char(&told->letters, *c);
    buffer_printf(&told->events, "segment %.4f %.4f%s", segment->start_s, segment->end_s,
                  segment->text);
    note_words(told, segment);
    buffer_append_text(&told->events, "\n");
    assert_string_equal(segment->language, told->language);
}

static void note_skipped(Told *told, const ScoutSkipped *skipped)
{
    assert_true(fabs(skipped->start_s - told->at) < 1e-9 && skipped->end_s > skipped->start_s);
    told->at = skipped->end_s;
    told->skipped[skipped->reason] += skipped->end_s - skipped->start_s;
    buffer_printf(&told->events, "skipped %d %.4f %.4f %.3f %.3f %s\n", (int)skipped->reason,
                  skipped->start_s, skipped->end_s, (double)skipped->speech_prob_max,
                  (double)skipped->speech_prob_mean, skipped->text ? skipped->text : "");
}

static int note(void *context, const ScoutEvent *event)
{
    Told *told = context;
    told->count++;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE:
        assert_int_equal(told->language[0], '\0');
        memcpy(told->language, event->u.language.code, strlen(event->u.language.code) + 1);
        break;
    case SCOUT_EVENT_SEGMENT: note_segment(told, &event->u.segment); break;
    case SCOUT_EVENT_SKIPPED: note_skipped(told, &event->u.skipped); break;
    case SCOUT_EVENT_PROGRESS:
        assert_true(event->u.progress.settled_s >= told->settled);
        assert_true(event->u.progress.settled_s <= event->u.progress.received_s);
        assert_true(event->u.progress.settled_s <= told->at + 1e-9);
        told->settled = event->u.progress.settled_s;
        break;
    }
    return told->stop_after && told->count >= told->stop_after;
}

typedef struct Run {
    FakeSpeaker speaker;
    FakeModel model;
    ScoutTranscribeOptions options;
    TranscriberSetup setup;
    Told told;
} Run;

static Run *run_new(void)
{
    Run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->model = (FakeModel){.script = fake_speaker_script, .context = &run->speaker};
    run->options = (ScoutTranscribeOptions){
        .language = "en",
        .hotword_boost = 2,
        .beam_size = 2,
        .best_of = 2,
        .patience = 1,
        .length_penalty = -1,
        .temperatures = {0, 0.5f},
        .temperature_count = 2,
        .compression_ratio_threshold = 2.4f,
        .logprob_threshold = -1,
        .no_speech_threshold = 0.6f,
        .condition_on_previous = 1,
        .suppress_non_speech = 1,
        .timestamps = 1,
        .vad = 1,
    };
    run->setup = (TranscriberSetup){
        .silero = fake_silero(), .options = &run->options, .callback = note, .context = &run->told};
    assert_int_equal(schedule_new(&run->setup.schedule, NULL), SCOUT_OK);
    assert_int_equal(
        batch_new(fake_model(&run->model), NULL, run->setup.schedule, &run->setup.batch, NULL),
        SCOUT_OK);
    buffer_init(&run->told.events, 1 << 22);
    buffer_init(&run->told.letters, 1 << 20);
    return run;
}

static void run_free(Run *run)
{
    batch_free(run->setup.batch);
    schedule_free(run->setup.schedule);
    buffer_done(&run->told.events);
    buffer_done(&run->told.letters);
    free(run);
}

static ScoutStatus transcribe(Run *run, const float *samples, size_t count, size_t chunk)
{
    Transcriber *transcriber = NULL;
    ScoutError error = {0};
    run->told.at = run->told.settled = run->setup.origin_s;
    assert_int_equal(transcribe_options_check(&run->options, &error), SCOUT_OK);
    assert_int_equal(transcriber_new(&run->setup, &transcriber, &error), SCOUT_OK);
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < count && status == SCOUT_OK; i += chunk)
        status = transcriber_push(transcriber, samples + i, count - i < chunk ? count - i : chunk,
                                  &error);
    if (status == SCOUT_OK)
        status = transcriber_finish(transcriber, &error);
    if (status == SCOUT_OK) {
        assert_int_equal(transcriber_finish(transcriber, &error), SCOUT_ERROR_STATE);
        assert_true(fabs(run->told.at - run->setup.origin_s - (double)count / RATE) < 1e-9);
        assert_true(fabs(run->told.settled - run->told.at) < 1e-9);
    } else {
        assert_int_equal(transcriber_push(transcriber, samples, 1, &error), status);
    }
    transcriber_free(transcriber);
    return status;
}

// Words of 0.4 s every `step_s` seconds, pauses of pause_s after every `group`; returns how many
// fit.
static size_t make_words(FakeWord *words, double duration_s, double step_s, size_t group,
                         double pause_s)
{
    size_t count = 0;
    double at = 1.0;
    while (at + 0.5 < duration_s && count < WORDS_AT_MOST) {
        words[count] = (FakeWord){at, at + 0.4, (char)('a' + count * 7 % 26)};
        count++;
        at += step_s + (count % group == 0 ? pause_s : 0);
    }
    return count;
}

static void check_words(const Run *run, const FakeWord *words, size_t count)
{
    const Told *told = &run->told;
    assert_int_equal(told->letters.length, count);
    for (size_t i = 0; i < count; i++) {
        if (told->letters.data[i] != words[i].letter)
            fail_msg("word %zu of %zu is %c, not %c", i, count, told->letters.data[i],
                     words[i].letter);
    }
}

static const FakeWord MIXED[] = {
    {1.0, 1.4, 'a'},   {1.6, 2.0, 'b'},   {2.3, 2.7, 'c'},   {6.0, 6.4, 'd'},   {7.0, 7.4, 'e'},
    {20.0, 20.4, 'f'}, {21.0, 21.4, 'g'}, {22.0, 22.4, 'h'}, {23.5, 23.9, 'i'}, {40.0, 40.5, 'j'},
};

static void every_word_once_and_every_sample_told(void **state)
{
    (void)state;
    Run *run = run_new();
    size_t count = 50 * RATE + 123;
    float *samples = fake_speech(MIXED, 10, count);
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    check_words(run, MIXED, 10);
    for (size_t i = 0; i < 10; i++) { // each within its segment, which is not much longer
        assert_true(run->told.starts[i] <= MIXED[i].start_s + 0.05);
        assert_true(run->told.ends[i] >= MIXED[i].end_s - 0.05);
        assert_true(run->told.ends[i] <= MIXED[i].end_s + 0.2);
    }
    assert_true(run->told.skipped[SCOUT_SKIP_NO_SPEECH] > 30);
    free(samples);
    run_free(run);
}

static void chunks_change_nothing(void **state)
{
    (void)state;
    size_t count = 45 * RATE + 77;
    float *samples = fake_speech(MIXED, 10, count);
    Buffer first;
    buffer_init(&first, 1 << 22);
    static const size_t CHUNKS[] = {16000, 1, 160, 513, 1000000};
    for (int options = 0; options < 3; options++) {
        buffer_clear(&first);
        for (size_t c = 0; c < sizeof CHUNKS / sizeof CHUNKS[0]; c++) {
            Run *run = run_new();
            run->options.vad = options != 1;
            run->options.words = options == 2;
            run->options.language = options == 2 ? NULL : "en";
            assert_int_equal(transcribe(run, samples, count, CHUNKS[c]), SCOUT_OK);
            check_words(run, MIXED, 10);
            if (c == 0)
                buffer_append(&first, run->told.events.data, run->told.events.length);
            assert_string_equal(buffer_text(&first), buffer_text(&run->told.events));
            run_free(run);
        }
    }
    buffer_done(&first);
    free(samples);
}

static void check_long(double step_s, size_t group, double pause_s, double duration_s, int vad)
{
    static FakeWord words[WORDS_AT_MOST];
    size_t word_count = make_words(words, duration_s, step_s, group, pause_s);
    size_t count = (size_t)(duration_s * RATE);
    float *samples = fake_speech(words, word_count, count);
    Run *run = run_new();
    run->options.vad = vad;
    assert_int_equal(transcribe(run, samples, count, 4000), SCOUT_OK);
    check_words(run, words, word_count);
    free(samples);
    run_free(run);
}

static void long_speech_loses_and_doubles_nothing(void **state)
{
    (void)state;
    check_long(0.55, 1000, 0, 200, 1); // no pause at all
    check_long(0.55, 1000, 0, 100, 0); // and without voice activity
    check_long(0.7, 9, 1.3, 200, 1);   // short pauses
    check_long(0.7, 40, 6, 200, 1);    // long pauses
    check_long(3.5, 1, 0, 120, 1);     // single words
}

static void silence_is_not_listened_to(void **state)
{
    (void)state;
    Run *run = run_new();
    size_t count = 900 * RATE;
    float *samples = fake_speech(NULL, 0, count);
    run->options.language = "auto";
    assert_int_equal(transcribe(run, samples, count, 100000), SCOUT_OK);
    assert_int_equal(run->model.encodes, 0);
    assert_int_equal(run->told.segments, 0);
    assert_true(fabs(run->told.skipped[SCOUT_SKIP_NO_SPEECH] - 900) < 1e-6);
    assert_int_equal(run->told.language[0], '\0');
    free(samples);
    run_free(run);
}

static void nothing_at_all(void **state)
{
    (void)state;
    Run *run = run_new();
    float sample = 0.5f;
    assert_int_equal(transcribe(run, &sample, 0, 1), SCOUT_OK);
    assert_int_equal(run->told.segments, 0);
    run_free(run);
    for (int vad = 0; vad < 2; vad++) {
        run = run_new();
        run->options.vad = vad;
        assert_int_equal(transcribe(run, &sample, 1, 1), SCOUT_OK);
        assert_int_equal(run->model.encodes, 0);
        run_free(run);
    }
}

static void part_of_a_recording(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    for (int vad = 0; vad < 2; vad++) {
        Run *run = run_new();
        run->options.vad = vad;
        run->setup.origin_s = 100;
        run->options.start_s = 105;
        run->options.end_s = 122.7;
        assert_int_equal(transcribe(run, samples, count, 999), SCOUT_OK);
        check_words(run, MIXED + 3, 5);
        assert_true(fabs(run->told.skipped[SCOUT_SKIP_OUTSIDE] - 5 - 27.3) < 1e-6);
        assert_true(run->told.starts[0] >= 105 && run->told.ends[4] <= 122.7 + 1e-9);
        run_free(run);
    }
    // A part that begins after the end, and one that ends before the beginning.
    Run *run = run_new();
    run->options.start_s = 60;
    assert_int_equal(transcribe(run, samples, count, 999), SCOUT_OK);
    assert_int_equal(run->told.segments, 0);
    run_free(run);
    run = run_new();
    run->setup.origin_s = 100;
    run->options.end_s = 60;
    assert_int_equal(transcribe(run, samples, count, 999), SCOUT_OK);
    assert_int_equal(run->told.segments, 0);
    assert_true(fabs(run->told.skipped[SCOUT_SKIP_OUTSIDE] - 50) < 1e-6);
    run_free(run);
    free(samples);
}

static void words_lie_in_their_segments(void **state)
{
    (void)state;
    Run *run = run_new();
    run->options.words = 1;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    check_words(run, MIXED, 10);
    assert_non_null(strstr(buffer_text(&run->told.events), "( a "));
    free(samples);
    run_free(run);
}

static void language_is_heard_once(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    Run *run = run_new();
    run->options.language = NULL;
    run->speaker.language = 2;
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    assert_string_equal(run->told.language, "de");
    check_words(run, MIXED, 10);
    run_free(run);

    // Unsure of the first window, it hears more before it writes anything, and loses nothing.
    run = run_new();
    run->options.language = "auto";
    run->speaker.language = 3;
    run->speaker.unsure_below = 500;
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    assert_string_equal(run->told.language, "es");
    check_words(run, MIXED, 10);
    run_free(run);

    // Always unsure.
    run = run_new();
    run->options.language = "auto";
    run->speaker.language = 3;
    run->speaker.unsure_below = 3001;
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    assert_string_equal(run->told.language, "es");
    check_words(run, MIXED, 10);
    run_free(run);
    free(samples);
}

static void what_is_doubted_is_skipped_with_its_text(void **state)
{
    (void)state;
    size_t count = 12 * RATE;
    float *samples = fake_speech(MIXED, 3, count);
    Run *run = run_new();
    run->speaker.doubts = true;
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    assert_int_equal(run->told.segments, 0);
    assert_true(run->told.skipped[SCOUT_SKIP_SILENT] > 1);
    assert_non_null(strstr(buffer_text(&run->told.events), "a b c"));
    run_free(run);
    free(samples);
}

static void without_timestamps_of_its_own(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    for (int own = 0; own < 2; own++) {
        Run *run = run_new();
        run->options.timestamps = own;
        run->speaker.no_times = own;
        assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
        check_words(run, MIXED, 10);
        run_free(run);
    }
    free(samples);
}

static void it_stops_when_asked(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    for (size_t after = 1; after < 60; after += 7) {
        Run *run = run_new();
        run->told.stop_after = after;
        assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_ERROR_CANCELLED);
        assert_int_equal(run->told.count, after);
        run_free(run);
    }
    Run *run = run_new();
    Cancel cancel;
    cancel_init(&cancel);
    cancel_raise(&cancel);
    run->setup.cancel = &cancel;
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_ERROR_CANCELLED);
    assert_int_equal(run->told.segments, 0);
    run_free(run);
    free(samples);
}

static void failures_are_passed_on(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    for (size_t calls = 1; calls < 30; calls += 4) {
        Run *run = run_new();
        run->model.calls_until_failure = calls;
        assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_ERROR_IO);
        // The turn was given back: nobody else waits for ever.
        ScheduleClient client = schedule_client(SCHEDULE_BACKGROUND);
        assert_int_equal(schedule_enter(run->setup.schedule, &client, NULL, NULL),
                         SCHEDULE_HELD);
        schedule_leave(run->setup.schedule, &client);
        run_free(run);
    }
    free(samples);
}

static void samples_that_are_no_numbers(void **state)
{
    (void)state;
    size_t count = 50 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    samples[10 * RATE] = NAN;
    samples[11 * RATE] = INFINITY;
    Run *run = run_new();
    assert_int_equal(transcribe(run, samples, count, RATE), SCOUT_OK);
    check_words(run, MIXED, 10);
    run_free(run);
    free(samples);
}

static void check_refused(Run *run, const char *part)
{
    Transcriber *transcriber = NULL;
    ScoutError error = {0};
    assert_int_equal(transcriber_new(&run->setup, &transcriber, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, part));
    assert_null(transcriber);
}

static void options_that_the_model_cannot_do(void **state)
{
    (void)state;
    Run *run = run_new();
    run->options.language = "klingon";
    check_refused(run, "klingon");
    run->options.language = "en";
    char prefix[300] = "";
    for (size_t i = 0; i < 120; i++)
        memcpy(prefix + 2 * i, " a", 3);
    run->options.prefix = prefix;
    check_refused(run, "120 tokens");
    run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_once_and_every_sample_told),
        cmocka_unit_test(chunks_change_nothing),
        cmocka_unit_test(long_speech_loses_and_doubles_nothing),
        cmocka_unit_test(silence_is_not_listened_to),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(part_of_a_recording),
        cmocka_unit_test(words_lie_in_their_segments),
        cmocka_unit_test(language_is_heard_once),
        cmocka_unit_test(what_is_doubted_is_skipped_with_its_text),
        cmocka_unit_test(without_timestamps_of_its_own),
        cmocka_unit_test(it_stops_when_asked),
        cmocka_unit_test(failures_are_passed_on),
        cmocka_unit_test(samples_that_are_no_numbers),
        cmocka_unit_test(options_that_the_model_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
