// Live text on made-up speech: every word once whatever the rhythm of pushing and working, settled
// text that stays, every sample told of, speech that goes on and on, what is asked for in between.
#include "speech/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "fake_speech.h"

enum { RATE = 16000, SPANS_MAX = 2000, WORDS_AT_MOST = 400, UTTERANCES_MAX = 400 };

typedef struct Told {
    Buffer letters; // of all finals, as the model wrote them
    Buffer text;    // of all finals, as it is shown
    Buffer partial; // the last partial text
    Buffer settled; // of the utterance at hand
    double starts[SPANS_MAX], ends[SPANS_MAX];
    size_t spans;
    size_t started, ended, finals, partials, degraded, languages, continued;
    double ended_at[UTTERANCES_MAX], ended_known[UTTERANCES_MAX];
    bool final_told[UTTERANCES_MAX];
    double settled_s;
    ScoutLivePace pace;
    size_t stop_after; // events; 0: never
    size_t count;
} Told;

static void note_span(Told *told, double start_s, double end_s)
{
    assert_true(told->spans < SPANS_MAX && end_s > start_s);
    told->starts[told->spans] = start_s;
    told->ends[told->spans++] = end_s;
}

static void check_settled(Told *told, const ScoutLiveText *text)
{
    const size_t length = strlen(text->text);
    assert_true(text->settled_bytes <= length);
    assert_true(length >= told->settled.length);
    assert_memory_equal(text->text, buffer_text(&told->settled), told->settled.length);
    assert_true(text->settled_bytes >= told->settled.length);
    buffer_clear(&told->settled);
    buffer_append(&told->settled, text->text, text->settled_bytes);
}

static void note_final(Told *told, const ScoutLiveText *text)
{
    assert_false(told->final_told[text->utterance]);
    told->final_told[text->utterance] = true;
    check_settled(told, text);
    assert_int_equal(text->settled_bytes, strlen(text->text));
    assert_true(text->segment_count > 0);
    for (size_t i = 0; i < text->segment_count; i++) {
        note_span(told, text->segments[i].start_s, text->segments[i].end_s);
        for (const char *c = text->segments[i].text; *c; c++)
            if (*c != ' ')
                buffer_append_char(&told->letters, *c);
    }
    buffer_append_text(&told->text, text->text);
    buffer_clear(&told->settled);
    told->finals++;
    told->continued += text->continues != 0;
}

static int note(void *context, const ScoutLiveEvent *event)
{
    Told *told = context;
    told->count++;
    switch (event->type) {
    case SCOUT_LIVE_LANGUAGE: told->languages++; break;
    case SCOUT_LIVE_SPEECH_STARTED:
        assert_true(event->u.speech.known_s >= event->u.speech.at_s);
        told->started++;
        break;
    case SCOUT_LIVE_PARTIAL:
        told->partials++;
        check_settled(told, &event->u.text);
        buffer_clear(&told->partial);
        buffer_append_text(&told->partial, event->u.text.text);
        break;
    case SCOUT_LIVE_SPEECH_ENDED:
        told->ended_at[told->ended] = event->u.speech.at_s;
        told->ended_known[told->ended++] = event->u.speech.known_s;
        break;
    case SCOUT_LIVE_FINAL: note_final(told, &event->u.text); break;
    case SCOUT_LIVE_COMMAND: break;
    case SCOUT_LIVE_SKIPPED:
        note_span(told, event->u.skipped.start_s, event->u.skipped.end_s);
        break;
    case SCOUT_LIVE_DEGRADED:
        told->degraded++;
        told->pace = event->u.degraded.pace;
        break;
    case SCOUT_LIVE_PROGRESS:
        assert_true(event->u.progress.settled_s >= told->settled_s);
        assert_true(event->u.progress.settled_s <= event->u.progress.received_s);
        told->settled_s = event->u.progress.settled_s;
        break;
    }
    return told->stop_after && told->count >= told->stop_after;
}

typedef struct Run {
    FakeSpeaker speaker;
    FakeModel model;
    ScoutTranscribeOptions transcribe;
    ScoutLiveOptions options;
    LiveSetup setup;
    Live *live;
    Told told;
    Cancel cancel;
} Run;

static Run *run_new(void)
{
    Run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->model = (FakeModel){.script = fake_speaker_script, .context = &run->speaker};
    run->transcribe = (ScoutTranscribeOptions){
        .language = "en",
        .beam_size = 2,
        .best_of = 2,
        .patience = 1,
        .length_penalty = -1,
        .temperature_count = 1,
        .compression_ratio_threshold = 2.4f,
        .logprob_threshold = -1,
        .no_speech_threshold = 0.6f,
        .suppress_non_speech = 1,
        .timestamps = 1,
        .vad = 1,
    };
    live_options_init(&run->options);
    // What computing costs here is nothing that a test may hang on.
    run->options.partial_share = 1;
    cancel_init(&run->cancel);
    run->setup = (LiveSetup){.silero = fake_silero(),
                             .transcribe = &run->transcribe,
                             .options = &run->options,
                             .callback = note,
                             .context = &run->told,
                             .cancel = &run->cancel};
    assert_int_equal(schedule_new(&run->setup.schedule, NULL), SCOUT_OK);
    assert_int_equal(
        batch_new(fake_model(&run->model), NULL, run->setup.schedule, &run->setup.batch, NULL),
        SCOUT_OK);
    buffer_init(&run->told.letters, 1 << 20);
    buffer_init(&run->told.text, 1 << 20);
    buffer_init(&run->told.partial, 1 << 20);
    buffer_init(&run->told.settled, 1 << 20);
    return run;
}

static void run_open(Run *run)
{
    ScoutError error = {0};
    assert_int_equal(live_options_check(&run->options, &error), SCOUT_OK);
    assert_int_equal(live_new(&run->setup, &run->live, &error), SCOUT_OK);
}

static void run_free(Run *run)
{
    live_free(run->live);
    batch_free(run->setup.batch);
    schedule_free(run->setup.schedule);
    buffer_done(&run->told.letters);
    buffer_done(&run->told.text);
    buffer_done(&run->told.partial);
    buffer_done(&run->told.settled);
    free(run);
}

// Works until there is nothing to do.
static ScoutStatus work(Run *run, double waiting_s)
{
    bool idle = false;
    ScoutStatus status = SCOUT_OK;
    while (!idle && status == SCOUT_OK)
        status = live_work(run->live, waiting_s, &idle, NULL);
    return status;
}

// Pushes in chunks, with so many units of work after each; 0: as many as there are.
static ScoutStatus say(Run *run, const float *samples, size_t count, size_t chunk, size_t units)
{
    ScoutStatus status = SCOUT_OK;
    bool idle;
    for (size_t at = 0; at < count && status == SCOUT_OK;) {
        size_t part = count - at < chunk ? count - at : chunk;
        const size_t room = live_room(run->live);
        part = part < room ? part : room;
        status = live_push(run->live, samples + at, part, NULL);
        at += part;
        if (units == 0 && status == SCOUT_OK)
            status = work(run, 0);
        for (size_t i = 0; i < units && status == SCOUT_OK; i++)
            status = live_work(run->live, 0, &idle, NULL);
    }
    return status;
}

static ScoutStatus finish(Run *run)
{
    ScoutStatus status = live_end(run->live, NULL);
    return status == SCOUT_OK ? work(run, 0) : status;
}

static void check_words(const Run *run, const FakeWord *words, size_t count)
{
    const Told *told = &run->told;
    for (size_t i = 0; i < count && i < told->letters.length; i++)
        if (told->letters.data[i] != words[i].letter)
            fail_msg("word %zu of %zu is %c, not %c", i, count, told->letters.data[i],
                     words[i].letter);
    assert_int_equal(told->letters.length, count);
}

// What was told of lies end to end, from the first sample to the last.
static void check_spans(const Run *run, size_t count)
{
    const Told *told = &run->told;
    double at = 0;
    for (size_t found = 0; found < told->spans; found++) {
        size_t next = SPANS_MAX;
        for (size_t i = 0; i < told->spans; i++)
            if (fabs(told->starts[i] - at) < 1e-6)
                next = i;
        assert_true(next < SPANS_MAX);
        at = told->ends[next];
    }
    assert_true(fabs(at - (double)count / RATE) < 1e-6);
    assert_true(fabs(told->settled_s - at) < 1e-6);
}

static const FakeWord MIXED[] = {
    {1.0, 1.4, 'a'},   {1.6, 2.0, 'b'},   {2.2, 2.6, 'c'},   {6.0, 6.4, 'd'},   {7.6, 8.0, 'e'},
    {20.0, 20.4, 'f'}, {20.6, 21.0, 'g'}, {21.2, 21.6, 'h'}, {23.5, 23.9, 'i'}, {40.0, 40.5, 'j'},
};

static void every_word_once_whatever_the_rhythm(void **state)
{
    (void)state;
    static const struct {
        size_t chunk, units;
    } rhythms[] = {{320, 0}, {320, 1}, {512, 3}, {1600, 1}, {5000, 2}, {16000, 1}};
    const size_t count = 45 * RATE + 123;
    float *samples = fake_speech(MIXED, 10, count);
    for (size_t i = 0; i < sizeof rhythms / sizeof rhythms[0]; i++) {
        Run *run = run_new();
        run_open(run);
        assert_int_equal(say(run, samples, count, rhythms[i].chunk, rhythms[i].units), SCOUT_OK);
        assert_int_equal(finish(run), SCOUT_OK);
        check_words(run, MIXED, 10);
        check_spans(run, count);
        assert_int_equal(run->told.started, run->told.ended);
        assert_int_equal(run->told.languages, 1);
        run_free(run);
    }
    free(samples);
}

static void words_come_while_they_are_spoken(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 5 * RATE;
    float *samples = fake_speech(MIXED, 3, count);
    run_open(run);
    assert_int_equal(say(run, samples, 2 * RATE + RATE / 2, 320, 0), SCOUT_OK);
    assert_int_equal(run->told.started, 1);
    assert_int_equal(run->told.ended, 0);
    assert_int_equal(run->told.finals, 0);
    assert_true(run->told.partials >= 2);
    assert_non_null(strstr(buffer_text(&run->told.partial), "b"));
    // The last word ends at 2.6 s; the speaker is known to have stopped half a second later, and
    // the text is there at once.
    assert_int_equal(say(run, samples + 2 * RATE + RATE / 2, RATE, 320, 0), SCOUT_OK);
    assert_int_equal(run->told.ended, 1);
    assert_int_equal(run->told.finals, 1);
    assert_true(run->told.ended_known[0] < 3.3);
    assert_true(fabs(run->told.ended_at[0] - 2.6) < 0.1);
    check_words(run, MIXED, 3);
    free(samples);
    run_free(run);
}

static void without_partial_texts(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 30 * RATE;
    float *samples = fake_speech(MIXED, 9, count);
    run->options.partials = 0;
    run_open(run);
    assert_int_equal(say(run, samples, count, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    check_words(run, MIXED, 9);
    free(samples);
    run_free(run);
}

// Words without a pause that would end an utterance, for minutes.
static void long_speech_is_divided(void **state)
{
    (void)state;
    static FakeWord words[WORDS_AT_MOST];
    const double steps[] = {0.5, 0.62, 0.7};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        size_t total = 0;
        for (double at = 1; at < 100; at += steps[s], total++)
            words[total] = (FakeWord){at, at + 0.4, (char)('a' + total * 7 % 26)};
        const size_t count = 103 * RATE;
        float *samples = fake_speech(words, total, count);
        Run *run = run_new();
        run_open(run);
        assert_int_equal(say(run, samples, count, 640, 0), SCOUT_OK);
        assert_int_equal(finish(run), SCOUT_OK);
        check_words(run, words, total);
        check_spans(run, count);
        assert_true(run->told.finals >= 4);
        assert_int_equal(run->told.continued + 1, run->told.finals);
        assert_int_equal(run->told.started, 1);
        assert_int_equal(run->told.ended, 1);
        free(samples);
        run_free(run);
    }
}

static void silence_costs_no_window(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 120 * RATE;
    float *samples = fake_speech(NULL, 0, count);
    run_open(run);
    assert_int_equal(say(run, samples, count, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    assert_int_equal(run->model.encodes, 0);
    assert_int_equal(run->told.started + run->told.finals + run->told.partials, 0);
    check_spans(run, count);
    free(samples);
    run_free(run);
}

static void a_flush_ends_what_is_spoken(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 30 * RATE;
    float *samples = fake_speech(MIXED, 9, count);
    run_open(run);
    const size_t until = 2 * RATE + 123; // in the middle of a frame, after the second word
    assert_int_equal(say(run, samples, until, 320, 0), SCOUT_OK);
    assert_int_equal(run->told.ended, 0);
    assert_int_equal(live_flush(run->live, NULL), SCOUT_OK);
    assert_int_equal(work(run, 0), SCOUT_OK);
    assert_int_equal(run->told.ended, 1);
    assert_int_equal(run->told.finals, 1);
    check_words(run, MIXED, 2);
    assert_int_equal(live_flush(run->live, NULL), SCOUT_OK); // nothing is spoken: nothing happens
    assert_int_equal(run->told.ended, 1);
    assert_int_equal(say(run, samples + until, count - until, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    check_words(run, MIXED, 9);
    check_spans(run, count);
    free(samples);
    run_free(run);
}

static void what_is_late_is_caught_up_with(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 30 * RATE;
    float *samples = fake_speech(MIXED, 9, count);
    run_open(run);
    assert_int_equal(live_push(run->live, samples, 2 * RATE, NULL), SCOUT_OK);
    assert_int_equal(work(run, 3.0), SCOUT_OK);
    assert_int_equal(run->told.pace, SCOUT_LIVE_FINALS_ONLY);
    assert_int_equal(run->told.partials, 0);
    assert_int_equal(work(run, 0.5), SCOUT_OK); // better, but not good yet
    assert_int_equal(run->told.pace, SCOUT_LIVE_FINALS_ONLY);
    assert_int_equal(work(run, 0.1), SCOUT_OK);
    assert_int_equal(run->told.degraded, 2);
    assert_int_not_equal(run->told.pace, SCOUT_LIVE_FINALS_ONLY);
    assert_int_equal(run->told.partials, 1);
    assert_int_equal(say(run, samples + 2 * RATE, count - 2 * RATE, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    check_words(run, MIXED, 9);
    free(samples);
    run_free(run);
}

// However much is pushed without any work, memory has an end: there is no room.
static void room_ends(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 60 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    run_open(run);
    size_t at = 0, room;
    while ((room = live_room(run->live)) > 0 && at < count) {
        const size_t part = room < 1600 ? room : 1600;
        assert_int_equal(live_push(run->live, samples + at, part, NULL), SCOUT_OK);
        at += part;
    }
    assert_true(at < count);
    assert_int_equal(say(run, samples + at, count - at, 1600, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    check_words(run, MIXED, 10);
    check_spans(run, count);
    free(samples);
    run_free(run);
}

static void the_language_is_heard(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 45 * RATE;
    float *samples = fake_speech(MIXED, 10, count);
    run->transcribe.language = NULL;
    run->speaker.language = 2;
    run_open(run);
    assert_int_equal(say(run, samples, count, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    assert_int_equal(run->told.languages, 1);
    check_words(run, MIXED, 10);
    free(samples);
    run_free(run);
}

static void doubts_leave_no_text(void **state)
{
    (void)state;
    Run *run = run_new();
    const size_t count = 12 * RATE;
    float *samples = fake_speech(MIXED, 5, count);
    run->speaker.doubts = true;
    run_open(run);
    assert_int_equal(say(run, samples, count, 320, 0), SCOUT_OK);
    assert_int_equal(finish(run), SCOUT_OK);
    assert_int_equal(run->told.finals + run->told.partials, 0);
    check_spans(run, count);
    free(samples);
    run_free(run);
}

static void it_stops_when_asked(void **state)
{
    (void)state;
    const size_t count = 10 * RATE;
    float *samples = fake_speech(MIXED, 5, count);
    for (size_t stop = 1; stop < 12; stop++) {
        Run *run = run_new();
        run->told.stop_after = stop;
        run_open(run);
        ScoutStatus status = say(run, samples, count, 320, 0);
        assert_int_equal(status, SCOUT_ERROR_CANCELLED);
        run_free(run);
    }
    Run *run = run_new();
    run_open(run);
    assert_int_equal(say(run, samples, 2 * RATE, 320, 0), SCOUT_OK);
    cancel_raise(&run->cancel);
    assert_int_equal(live_push(run->live, samples, 512, NULL), SCOUT_ERROR_CANCELLED);
    assert_int_equal(work(run, 0), SCOUT_ERROR_CANCELLED);
    run_free(run);
    free(samples);
}

static void failures_are_passed_on(void **state)
{
    (void)state;
    const size_t count = 10 * RATE;
    float *samples = fake_speech(MIXED, 5, count);
    for (size_t calls = 1; calls < 20; calls += 3) {
        Run *run = run_new();
        run->model.calls_until_failure = calls;
        run_open(run);
        assert_int_equal(say(run, samples, count, 320, 0), SCOUT_ERROR_IO);
        run_free(run);
    }
    free(samples);
}

static void options_out_of_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        ScoutLiveOptions options;
        ScoutError error = {0};
        live_options_init(&options);
        assert_int_equal(live_options_check(&options, &error), SCOUT_OK);
        double *const fields[] = {&options.partial_interval_s,
                                  &options.partial_share,
                                  &options.end_silence_s,
                                  &options.utterance_max_s,
                                  &options.pre_roll_s,
                                  &options.backlog_max_s,
                                  &options.start_s};
        *fields[i] = i % 2 ? (double)NAN : -1;
        assert_int_equal(live_options_check(&options, &error), SCOUT_ERROR_INVALID_ARGUMENT);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_once_whatever_the_rhythm),
        cmocka_unit_test(words_come_while_they_are_spoken),
        cmocka_unit_test(without_partial_texts),
        cmocka_unit_test(long_speech_is_divided),
        cmocka_unit_test(silence_costs_no_window),
        cmocka_unit_test(a_flush_ends_what_is_spoken),
        cmocka_unit_test(what_is_late_is_caught_up_with),
        cmocka_unit_test(room_ends),
        cmocka_unit_test(the_language_is_heard),
        cmocka_unit_test(doubts_leave_no_text),
        cmocka_unit_test(it_stops_when_asked),
        cmocka_unit_test(failures_are_passed_on),
        cmocka_unit_test(options_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
