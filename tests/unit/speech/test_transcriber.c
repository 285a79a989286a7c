// The whole transcriber on made-up speech: every word once, in its place, whatever the chunks;
// every sample told of; every way to stop.
#include "speech/transcriber.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
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
        assert_int_equal(schedule_enter(run->setup.schedule, &client, NULL, NULL), SCHEDULE_HELD);
        schedule_leave(run->setup.schedule, &client);
        run_free(run);
    }
    free(samples);
}

// --------------------------------------------------------------------------------- several windows

typedef struct Speech {
    float *samples;
    size_t count;
} Speech;

static Speech speech_of(double duration_s, double step_s, size_t group, double pause_s)
{
    static FakeWord words[WORDS_AT_MOST];
    size_t word_count = make_words(words, duration_s, step_s, group, pause_s);
    size_t count = (size_t)(duration_s * RATE) + 77;
    return (Speech){fake_speech(words, word_count, count), count};
}

// The first line in which they differ is what helps.
static void check_same(const Buffer *expected, const Buffer *found)
{
    const char *one = buffer_text(expected), *other = buffer_text(found);
    size_t line = 0;
    for (size_t i = 0; one[i] == other[i]; i++) {
        if (one[i] == '\0')
            return;
        line = one[i] == '\n' ? i + 1 : line;
    }
    fail_msg("%.200s\n -- is now --\n%.200s", one + line, other + line);
}

typedef void (*Variant)(Run *run);

static void as_it_is(Run *run)
{
    (void)run;
}

static void without_voice_activity(Run *run)
{
    run->options.vad = 0;
}

static void with_words_and_language(Run *run)
{
    run->options.words = 1;
    run->options.language = NULL;
    run->speaker.language = 2;
    run->speaker.unsure_below = 1500;
}

static void with_texts(Run *run)
{
    run->options.prompt = "b c";
    run->options.prefix = "a";
}

static void with_every_temperature(Run *run)
{
    run->speaker.repeats = 9;
}

static void with_doubts(Run *run)
{
    run->speaker.doubts = true;
}

// The text of any number of windows at once, on sound that makes windows of all kinds: cut in the
// middle of speech, followed by silence, and with a rest that is decoded again.
static void windows_at_once_change_nothing(void **state)
{
    (void)state;
    const Speech speeches[] = {speech_of(70, 0.55, 1000, 0), speech_of(75, 0.7, 9, 1.3),
                               speech_of(70, 3.5, 1, 0)};
    static const Variant VARIANTS[] = {as_it_is,   without_voice_activity, with_words_and_language,
                                       with_texts, with_every_temperature, with_doubts};
    static const int BATCHES[] = {1, 2, 4, 8};
    for (size_t i = 0; i < sizeof speeches / sizeof speeches[0]; i++) {
        for (size_t v = 0; v < (i == 0 ? sizeof VARIANTS / sizeof VARIANTS[0] : 2); v++) {
            Buffer first;
            buffer_init(&first, 1 << 22);
            for (size_t b = 0; b < sizeof BATCHES / sizeof BATCHES[0]; b++) {
                Run *run = run_new();
                run->options.condition_on_previous = 0;
                VARIANTS[v](run);
                run->options.batch_size = BATCHES[b];
                assert_int_equal(transcribe(run, speeches[i].samples, speeches[i].count, 7000),
                                 SCOUT_OK);
                if (b == 0)
                    buffer_append(&first, run->told.events.data, run->told.events.length);
                check_same(&first, &run->told.events);
                run_free(run);
            }
            buffer_done(&first);
        }
        free(speeches[i].samples);
    }
}

// What is drawn for a window depends on where it is in the recording, not on where the stream
// began: a run that was stopped goes on as it would have.
static void chance_is_that_of_the_place(void **state)
{
    (void)state;
    enum { CUT_S = 32, END_S = 80 };
    static FakeWord words[WORDS_AT_MOST];
    size_t count = make_words(words, 28, 0.55, 1000, 0), after = count;
    for (double at = CUT_S + 1; at < END_S - 2; at += 0.55, count++)
        words[count] = (FakeWord){at, at + 0.4, (char)('a' + count * 5 % 26)};
    float *samples = fake_speech(words, count, (size_t)END_S * RATE);
    Run *whole = run_new(), *rest = run_new();
    with_every_temperature(whole);
    with_every_temperature(rest);
    whole->options.condition_on_previous = rest->options.condition_on_previous = 0;
    rest->setup.origin_s = rest->options.start_s = CUT_S;
    assert_int_equal(transcribe(whole, samples, (size_t)END_S * RATE, RATE), SCOUT_OK);
    assert_int_equal(transcribe(rest, samples + CUT_S * RATE, (END_S - CUT_S) * RATE, RATE),
                     SCOUT_OK);
    const size_t longer = whole->told.letters.length, shorter = rest->told.letters.length;
    assert_true(shorter > count - after && shorter < longer); // some of it was drawn
    assert_string_equal(buffer_text(&whole->told.letters) + longer - shorter,
                        buffer_text(&rest->told.letters));
    run_free(whole);
    run_free(rest);
    free(samples);
}

static size_t steps_of(const Speech *speech, int batch, bool condition)
{
    Run *run = run_new();
    run->options.condition_on_previous = condition;
    run->options.batch_size = batch;
    assert_int_equal(transcribe(run, speech->samples, speech->count, 7000), SCOUT_OK);
    size_t calls = run->model.decode_calls;
    run_free(run);
    return calls;
}

static void windows_at_once_share_their_steps(void **state)
{
    (void)state;
    const Speech speech = speech_of(120, 0.7, 20, 4);
    const size_t alone = steps_of(&speech, 1, false), together = steps_of(&speech, 4, false);
    assert_true(together * 3 < alone);
    // Where each is the prompt of the next there is nothing to share.
    assert_int_equal(steps_of(&speech, 4, true), steps_of(&speech, 1, true));
    free(speech.samples);
}

// Sound that comes slowly: a window does not wait for long for others to be decoded with, though
// silence that is told of goes on coming.
static void a_window_does_not_wait_for_ever(void **state)
{
    (void)state;
    enum { SPEECH_S = 6, ROUNDS = 8, ROUND_MS = 250 };
    Run *run = run_new();
    run->options.condition_on_previous = 0;
    run->options.batch_size = 4;
    const size_t count = (SPEECH_S + ROUNDS) * RATE;
    float *samples = fake_speech(MIXED, 3, count);
    Transcriber *transcriber = NULL;
    assert_int_equal(transcriber_new(&run->setup, &transcriber, NULL), SCOUT_OK);
    assert_int_equal(transcriber_push(transcriber, samples, SPEECH_S * RATE, NULL), SCOUT_OK);
    assert_int_equal(run->told.segments, 0); // others may follow
    for (size_t i = 0; i < ROUNDS; i++) {
        clock_sleep_ms(ROUND_MS);
        assert_int_equal(transcriber_push(transcriber, samples + (SPEECH_S + i) * RATE, RATE, NULL),
                         SCOUT_OK);
    }
    check_words(run, MIXED, 3);
    transcriber_free(transcriber);
    run_free(run);
    free(samples);
}

// --------------------------------------------------------------------------------- several streams

enum { HANG_S = 200 };

// A stream on a thread of its own, which shares schedule and batch with others.
typedef struct Side {
    Run run;
    const float *samples;
    size_t count;
    ScoutStatus status;
    pthread_t thread;
} Side;

static void *transcribe_side(void *context)
{
    Side *side = context;
    side->status = transcribe(&side->run, side->samples, side->count, 16000);
    return NULL;
}

static void side_start(Side *side, const Run *shared, const float *samples, size_t count)
{
    *side = (Side){.run = {.options = shared->options, .setup = shared->setup},
                   .samples = samples,
                   .count = count};
    side->run.options.condition_on_previous = 0;
    side->run.setup.options = &side->run.options;
    side->run.setup.context = &side->run.told;
    buffer_init(&side->run.told.events, 1 << 22);
    buffer_init(&side->run.told.letters, 1 << 20);
}

static void side_done(Side *side)
{
    buffer_done(&side->run.told.events);
    buffer_done(&side->run.told.letters);
    free(side);
}

static void streams_at_once_are_told_what_each_is_told_alone(void **state)
{
    (void)state;
    enum { SIDES = 4 };
    const Speech speeches[SIDES] = {speech_of(50, 0.55, 1000, 0), speech_of(60, 0.7, 40, 6),
                                    speech_of(60, 0.7, 9, 1.3), speech_of(50, 3.5, 1, 0)};
    static const ScoutPriority PRIORITIES[SIDES] = {SCOUT_PRIORITY_NORMAL, SCOUT_PRIORITY_NORMAL,
                                                    SCOUT_PRIORITY_BACKGROUND, SCOUT_PRIORITY_LIVE};
    Run *shared = run_new();
    Side *sides[SIDES];
    alarm(HANG_S);
    for (size_t i = 0; i < SIDES; i++) {
        sides[i] = calloc(1, sizeof *sides[i]);
        assert_non_null(sides[i]);
        side_start(sides[i], shared, speeches[i].samples, speeches[i].count);
        sides[i]->run.options.batch_size = (int)i + 1;
        sides[i]->run.options.words = i == 1;
        sides[i]->run.options.priority = PRIORITIES[i];
    }
    for (size_t i = 0; i < SIDES; i++)
        assert_int_equal(pthread_create(&sides[i]->thread, NULL, transcribe_side, sides[i]), 0);
    for (size_t i = 0; i < SIDES; i++)
        pthread_join(sides[i]->thread, NULL);
    alarm(0);
    for (size_t i = 0; i < SIDES; i++) {
        Run *alone = run_new();
        alone->options = sides[i]->run.options;
        assert_int_equal(sides[i]->status, SCOUT_OK);
        assert_int_equal(transcribe(alone, speeches[i].samples, speeches[i].count, RATE), SCOUT_OK);
        check_same(&alone->told.events, &sides[i]->run.told.events);
        run_free(alone);
        free(speeches[i].samples);
        side_done(sides[i]);
    }
    run_free(shared);
}

// A short recording that comes while a long one is at work is done long before that.
static void a_short_one_is_done_beside_a_long_one(void **state)
{
    (void)state;
    const Speech longer = speech_of(100, 0.55, 1000, 0), shorter = speech_of(3, 0.55, 1000, 0);
    Run *shared = run_new();
    shared->options.condition_on_previous = 0;
    Side *side = calloc(1, sizeof *side);
    assert_non_null(side);
    alarm(HANG_S);
    side_start(side, shared, longer.samples, longer.count);
    Cancel cancel;
    cancel_init(&cancel);
    side->run.setup.cancel = &cancel;
    assert_int_equal(pthread_create(&side->thread, NULL, transcribe_side, side), 0);
    clock_sleep_ms(5);
    assert_int_equal(transcribe(shared, shorter.samples, shorter.count, RATE), SCOUT_OK);
    cancel_raise(&cancel); // in its middle: it was not waited for
    pthread_join(side->thread, NULL);
    alarm(0);
    assert_int_equal(side->status, SCOUT_ERROR_CANCELLED);
    side_done(side);
    run_free(shared);
    free(longer.samples);
    free(shorter.samples);
}

// Somebody else computes all the while, and the stream waits for the turn: at its first window, in
// the middle of an encoding, or with rows to decode. It stops all the same, and can be freed.
static void who_waits_can_be_stopped(void **state)
{
    (void)state;
    const Speech speech = speech_of(20, 0.55, 1000, 0);
    for (int pause_ms = 0; pause_ms < 12; pause_ms += 3) {
        Run *shared = run_new();
        Side *side = calloc(1, sizeof *side);
        assert_non_null(side);
        Cancel cancel;
        cancel_init(&cancel);
        alarm(HANG_S);
        side_start(side, shared, speech.samples, speech.count);
        side->run.options.batch_size = 3;
        side->run.options.priority = SCOUT_PRIORITY_BACKGROUND;
        side->run.setup.cancel = &cancel;
        ScheduleClient holder = schedule_client(SCHEDULE_NORMAL);
        assert_int_equal(pthread_create(&side->thread, NULL, transcribe_side, side), 0);
        clock_sleep_ms(pause_ms);
        assert_int_equal(schedule_enter(shared->setup.schedule, &holder, NULL, NULL),
                         SCHEDULE_HELD);
        clock_sleep_ms(30);
        cancel_raise(&cancel);
        pthread_join(side->thread, NULL);
        assert_int_equal(side->status, SCOUT_ERROR_CANCELLED);
        schedule_leave(shared->setup.schedule, &holder);
        // What it left behind is in nobody's way.
        shared->options.condition_on_previous = 0;
        assert_int_equal(transcribe(shared, speech.samples, speech.count, RATE), SCOUT_OK);
        alarm(0);
        side_done(side);
        run_free(shared);
    }
    free(speech.samples);
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
    char prefix[600] = "";
    for (size_t i = 0; i < 201; i++)
        memcpy(prefix + 2 * i, " a", 3);
    run->options.prefix = prefix;
    check_refused(run, "201 tokens");
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
        cmocka_unit_test(windows_at_once_change_nothing),
        cmocka_unit_test(chance_is_that_of_the_place),
        cmocka_unit_test(windows_at_once_share_their_steps),
        cmocka_unit_test(a_window_does_not_wait_for_ever),
        cmocka_unit_test(streams_at_once_are_told_what_each_is_told_alone),
        cmocka_unit_test(a_short_one_is_done_beside_a_long_one),
        cmocka_unit_test(who_waits_can_be_stopped),
        cmocka_unit_test(samples_that_are_no_numbers),
        cmocka_unit_test(options_that_the_model_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
