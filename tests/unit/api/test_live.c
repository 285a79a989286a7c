// Live streams on a real recording with the real model: what is told holds together, however the
// sound comes and whoever is slow. Needs $SCOUT_TEST_MODELS.
#include <scout/live.h>

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "real_speech.h"

#define RECORDING REAL_SPEECH("0880")

enum {
    RATE = SCOUT_SAMPLE_RATE,
    SAMPLES_MAX = 10 * RATE,
    PIECE = RATE / 10,
    STREAMS = 3,
    TEXT_MAX = 8192
};

static ScoutEngine *engine;
static int16_t samples[SAMPLES_MAX]; // speech, then silence
static size_t speech_count;

static int setup(void **state)
{
    (void)state;
    if (real_engine_new(NULL, &engine))
        return 1;
    speech_count = real_speech_read(RECORDING, samples, SAMPLES_MAX);
    return engine && speech_count == 0;
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

// ---- What a receiver hears

typedef struct Heard {
    ScoutLive *live;
    size_t counts[SCOUT_LIVE_PROGRESS + 1];
    char finals[TEXT_MAX];  // one after the other
    char settled[TEXT_MAX]; // of the utterance that is being spoken
    uint64_t next_final, next_started, next_ended;
    double received_s, settled_s, ended_s;
    int stop_at;          // a type, -1: never
    int cancel_at;        // a type, -1: never
    sem_t *gate;          // the first event waits here; NULL: it does not
    atomic_int running;   // calls at this moment
    atomic_bool overlaps; // there were two at once
} Heard;

static void hear_text(Heard *heard, const ScoutLiveText *text, bool final)
{
    assert_int_equal(text->utterance, heard->next_final);
    assert_true(text->start_s <= text->end_s);
    assert_true(text->settled_bytes <= strlen(text->text));
    // What was settled once stands at the beginning of every later text.
    assert_memory_equal(text->text, heard->settled, strlen(heard->settled));
    assert_true(text->settled_bytes >= strlen(heard->settled));
    if (!final) {
        snprintf(heard->settled, sizeof heard->settled, "%.*s", (int)text->settled_bytes,
                 text->text);
        return;
    }
    assert_int_equal(text->settled_bytes, strlen(text->text));
    const size_t used = strlen(heard->finals);
    snprintf(heard->finals + used, sizeof heard->finals - used, "%s", text->text);
    heard->settled[0] = '\0';
    heard->next_final++;
    if (text->continues)
        heard->next_started++, heard->next_ended++;
}

static void hear_event(Heard *heard, const ScoutLiveEvent *event)
{
    switch (event->type) {
    case SCOUT_LIVE_SPEECH_STARTED:
        assert_true(event->u.speech.utterance >= heard->next_started);
        assert_true(event->u.speech.known_s >= event->u.speech.at_s);
        heard->next_started = event->u.speech.utterance + 1;
        break;
    case SCOUT_LIVE_SPEECH_ENDED:
        assert_true(event->u.speech.utterance >= heard->next_ended);
        assert_true(event->u.speech.known_s >= event->u.speech.at_s);
        heard->next_ended = event->u.speech.utterance + 1;
        heard->ended_s = event->u.speech.at_s;
        break;
    case SCOUT_LIVE_PARTIAL: hear_text(heard, &event->u.text, false); break;
    case SCOUT_LIVE_FINAL: hear_text(heard, &event->u.text, true); break;
    case SCOUT_LIVE_PROGRESS:
        assert_true(event->u.progress.received_s >= heard->received_s);
        assert_true(event->u.progress.settled_s >= heard->settled_s);
        assert_true(event->u.progress.received_s >= event->u.progress.settled_s);
        heard->received_s = event->u.progress.received_s;
        heard->settled_s = event->u.progress.settled_s;
        break;
    case SCOUT_LIVE_SKIPPED: assert_true(event->u.skipped.start_s <= event->u.skipped.end_s); break;
    case SCOUT_LIVE_LANGUAGE:
    case SCOUT_LIVE_COMMAND:
    case SCOUT_LIVE_DEGRADED: break;
    }
}

static int hear(void *context, const ScoutLiveEvent *event)
{
    Heard *heard = context;
    if (atomic_fetch_add(&heard->running, 1) != 0)
        atomic_store(&heard->overlaps, true);
    heard->counts[event->type]++;
    hear_event(heard, event);
    if (heard->gate) {
        while (sem_wait(heard->gate) != 0)
            continue;
        heard->gate = NULL;
    }
    if (heard->cancel_at == (int)event->type)
        scout_live_cancel(heard->live);
    atomic_fetch_sub(&heard->running, 1);
    return heard->stop_at == (int)event->type;
}

static ScoutLiveOptions patient(void)
{
    static _Thread_local ScoutTranscribeOptions transcribe;
    scout_transcribe_options_init(&transcribe);
    transcribe.language = "en";
    transcribe.beam_size = 1;
    ScoutLiveOptions options;
    scout_live_options_init(&options);
    options.transcribe = &transcribe;
    options.partial_share = 1;
    options.partial_interval_s = 0.1;
    options.patient = 1;
    return options;
}

static void begin(Heard *heard, const ScoutLiveOptions *options)
{
    *heard = (Heard){.stop_at = -1, .cancel_at = -1};
    ScoutError error = {.message = ""};
    const ScoutStatus status = scout_live_new(engine, options, hear, heard, &heard->live, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SCOUT_OK);
}

static void push(Heard *heard, const int16_t *from, size_t count)
{
    assert_int_equal(scout_live_push_s16(heard->live, from, count, NULL), SCOUT_OK);
}

static void finish(Heard *heard)
{
    ScoutError error = {.message = ""};
    const ScoutStatus status = scout_live_finish(heard->live, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SCOUT_OK);
    assert_false(atomic_load(&heard->overlaps));
    assert_true(scout_live_backlog_s(heard->live) == 0);
    scout_live_free(heard->live);
    heard->live = NULL;
}

// All that was pushed is told of.
static void check_whole(const Heard *heard, size_t count)
{
    assert_int_equal(heard->next_final, heard->next_started);
    assert_int_equal(heard->next_ended, heard->next_started);
    assert_true(heard->settled_s * RATE > (double)count - 1);
    assert_true(heard->received_s == heard->settled_s);
}

static void run(Heard *heard, size_t piece, const ScoutLiveOptions *options)
{
    begin(heard, options);
    for (size_t done = 0; done < SAMPLES_MAX; done += piece)
        push(heard, samples + done, SAMPLES_MAX - done < piece ? SAMPLES_MAX - done : piece);
    finish(heard);
    check_whole(heard, SAMPLES_MAX);
}

// The text of the recording, found once.
static const char *expected(void)
{
    static Heard heard;
    if (!heard.finals[0]) {
        const ScoutLiveOptions options = patient();
        run(&heard, SAMPLES_MAX, &options);
    }
    return heard.finals;
}

static void sleep_ms(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&time, NULL);
}

// ---- Tests

static void words_come_while_sound_does(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    ScoutLiveOptions options = patient();
    options.patient = 0;
    begin(&heard, &options);
    for (size_t done = 0; done < SAMPLES_MAX; done += PIECE) {
        push(&heard, samples + done, PIECE);
        while (scout_live_backlog_s(heard.live) > 0.05)
            sleep_ms(1);
    }
    finish(&heard);
    check_whole(&heard, SAMPLES_MAX);
    assert_true(heard.counts[SCOUT_LIVE_FINAL] > 0);
    assert_true(heard.counts[SCOUT_LIVE_LANGUAGE] <= 1);
    assert_non_null(strstr(heard.finals, "young man"));
}

static void patience_gives_partial_texts(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    // How many come depends on what each costs.
    size_t partials = 0;
    for (int i = 0; i < 5 && partials == 0; i++) {
        run(&heard, SAMPLES_MAX, &options);
        partials += heard.counts[SCOUT_LIVE_PARTIAL];
    }
    assert_true(partials > 0);
    assert_string_equal(heard.finals, expected());
}

static void the_size_of_the_pieces_changes_nothing(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    run(&heard, 777, &options);
    assert_string_equal(heard.finals, expected());
}

static void floats_are_what_16_bits_are(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    static float floats[SAMPLES_MAX];
    const ScoutLiveOptions options = patient();
    for (size_t i = 0; i < SAMPLES_MAX; i++)
        floats[i] = (float)samples[i] / 32768.0F;
    begin(&heard, &options);
    assert_int_equal(scout_live_push(heard.live, floats, SAMPLES_MAX, NULL), SCOUT_OK);
    finish(&heard);
    assert_string_equal(heard.finals, expected());
}

static void *run_thread(void *context)
{
    const ScoutLiveOptions options = patient();
    run(context, RATE, &options);
    return NULL;
}

static void streams_side_by_side_hear_what_one_hears_alone(void **state)
{
    (void)state;
    need_model();
    static Heard heard[STREAMS];
    pthread_t threads[STREAMS];
    const char *text = expected();
    for (size_t i = 0; i < STREAMS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &heard[i]), 0);
    for (size_t i = 0; i < STREAMS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < STREAMS; i++)
        assert_string_equal(heard[i].finals, text);
}

// While the receiver holds the first event, more is pushed than memory keeps.
static void a_receiver_that_blocks_delays_no_push_and_loses_nothing(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    static const int16_t silence[RATE];
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    ScoutLiveOptions options = patient();
    begin(&heard, &options);
    heard.gate = &gate; // before any sound, and so before any event
    push(&heard, samples, SAMPLES_MAX);
    for (int i = 0; i < 20; i++)
        push(&heard, silence, RATE);
    assert_true(scout_live_backlog_s(heard.live) > 15);
    assert_int_equal(sem_post(&gate), 0);
    finish(&heard);
    check_whole(&heard, SAMPLES_MAX + 20 * RATE);
    assert_string_equal(heard.finals, expected());
    assert_int_equal(sem_destroy(&gate), 0);
}

static void too_much_that_waits_is_refused(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    ScoutLiveOptions options = patient();
    options.backlog_max_s = 2;
    begin(&heard, &options);
    heard.gate = &gate;
    ScoutError error = {0};
    ScoutStatus status = SCOUT_OK;
    for (size_t done = 0; done < SAMPLES_MAX && !status; done += PIECE)
        status = scout_live_push_s16(heard.live, samples + done, PIECE, &error);
    assert_int_equal(status, SCOUT_ERROR_LIMIT);
    assert_int_equal(sem_post(&gate), 0);
    finish(&heard); // what was taken is told of
    assert_int_equal(sem_destroy(&gate), 0);
}

static void a_flush_ends_what_is_being_said(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    const size_t middle = speech_count / 2;
    begin(&heard, &options);
    assert_int_equal(scout_live_flush(heard.live, NULL), SCOUT_OK); // nothing is
    push(&heard, samples, middle);
    assert_int_equal(scout_live_flush(heard.live, NULL), SCOUT_OK);
    for (int i = 0; i < 3000 && scout_live_backlog_s(heard.live) > 0; i++)
        sleep_ms(10);
    push(&heard, samples + middle, SAMPLES_MAX - middle);
    finish(&heard);
    check_whole(&heard, SAMPLES_MAX);
    assert_true(heard.counts[SCOUT_LIVE_SPEECH_STARTED] >= 2);
    assert_true(heard.counts[SCOUT_LIVE_FINAL] >= 2);
    assert_true(strlen(heard.finals) > 20);
}

static void an_empty_stream_has_nothing_to_tell(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    begin(&heard, NULL);
    push(&heard, samples, 0);
    finish(&heard);
    assert_int_equal(heard.counts[SCOUT_LIVE_FINAL], 0);
    assert_string_equal(heard.finals, "");
}

static void silence_is_skipped_and_told_of(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    static const int16_t silence[5 * RATE];
    ScoutLiveOptions options = patient();
    options.start_s = 100;
    begin(&heard, &options);
    push(&heard, silence, 5 * RATE);
    finish(&heard);
    assert_int_equal(heard.counts[SCOUT_LIVE_FINAL], 0);
    assert_true(heard.counts[SCOUT_LIVE_SKIPPED] > 0);
    assert_true(heard.settled_s == 105);
}

static void a_finished_stream_takes_no_more(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    begin(&heard, NULL);
    assert_int_equal(scout_live_finish(heard.live, NULL), SCOUT_OK);
    assert_int_equal(scout_live_push_s16(heard.live, samples, 1, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(scout_live_flush(heard.live, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(scout_live_finish(heard.live, NULL), SCOUT_ERROR_STATE);
    scout_live_free(heard.live);
}

// A push fails as soon as the stream's thread knows.
static ScoutStatus push_until_it_fails(ScoutLive *live)
{
    ScoutStatus status = SCOUT_OK;
    for (int i = 0; i < 6000 && !status; i++) {
        status = scout_live_push_s16(live, samples, 1, NULL);
        if (!status)
            sleep_ms(10);
    }
    return status;
}

static void who_stops_listening_stops_the_stream(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    const int types[] = {SCOUT_LIVE_SPEECH_STARTED, SCOUT_LIVE_SPEECH_ENDED, SCOUT_LIVE_FINAL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        begin(&heard, &options);
        heard.stop_at = types[i];
        push(&heard, samples, SAMPLES_MAX);
        assert_int_equal(push_until_it_fails(heard.live), SCOUT_ERROR_CANCELLED);
        assert_int_equal(heard.counts[types[i]], 1);
        assert_int_equal(scout_live_flush(heard.live, NULL), SCOUT_ERROR_CANCELLED);
        assert_int_equal(scout_live_finish(heard.live, NULL), SCOUT_ERROR_CANCELLED);
        scout_live_free(heard.live);
    }
}

static void a_receiver_may_cancel(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    begin(&heard, &options);
    heard.cancel_at = SCOUT_LIVE_SPEECH_STARTED;
    push(&heard, samples, SAMPLES_MAX);
    assert_int_equal(scout_live_finish(heard.live, NULL), SCOUT_ERROR_CANCELLED);
    assert_int_equal(heard.counts[SCOUT_LIVE_FINAL], 0);
    scout_live_free(heard.live);
}

static void *cancel_soon(void *context)
{
    sleep_ms(50);
    scout_live_cancel(context);
    return NULL;
}

static void cancelling_ends_a_finish_that_waits(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    begin(&heard, &options);
    for (int i = 0; i < 60; i++) // minutes of work
        push(&heard, samples, SAMPLES_MAX);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, heard.live), 0);
    assert_int_equal(scout_live_finish(heard.live, NULL), SCOUT_ERROR_CANCELLED);
    pthread_join(thread, NULL);
    scout_live_free(heard.live);
}

static ScoutLive *signalled;

static void on_signal(int number)
{
    (void)number;
    scout_live_cancel(signalled); // NOLINT(bugprone-signal-handler): what is tested here
}

// It sleeps, and nothing but the flag wakes it.
static void cancelling_wakes_a_stream_that_waits_for_sound(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    begin(&heard, NULL);
    push(&heard, samples, PIECE);
    sleep_ms(100);
    signalled = heard.live;
    void (*before)(int) = signal(SIGUSR1, on_signal);
    assert_int_equal(raise(SIGUSR1), 0);
    (void)signal(SIGUSR1, before);
    assert_int_equal(push_until_it_fails(heard.live), SCOUT_ERROR_CANCELLED);
    scout_live_free(heard.live);
}

static void a_stream_may_go_at_any_moment(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    const ScoutLiveOptions options = patient();
    for (int i = 0; i < 6; i++) {
        begin(&heard, &options);
        if (i > 0)
            push(&heard, samples, SAMPLES_MAX);
        if (i > 1)
            sleep_ms(i * 40);
        scout_live_free(heard.live);
    }
    scout_live_free(NULL);
    scout_live_cancel(NULL);
    assert_true(scout_live_backlog_s(NULL) == 0);
}

// Sound has been heard and no more comes: nobody looks now and then.
static void a_stream_without_sound_sleeps(void **state)
{
    (void)state;
    need_model();
    static Heard heard;
    ScoutLiveOptions options = patient();
    options.patient = 0;
    begin(&heard, &options);
    push(&heard, samples, PIECE);
    sleep_ms(200);
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    sleep_ms(1000);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    // This thread's own sleep is one; who looks every 20 ms goes to sleep 50 times.
    assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 0, 20);
    scout_live_free(heard.live);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    need_model();
    ScoutLive *live = NULL;
    ScoutError error = {0};
    ScoutLiveOptions options = patient();
    assert_int_equal(scout_live_new(NULL, &options, hear, NULL, &live, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_live_new(engine, &options, NULL, NULL, &live, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_live_new(engine, &options, hear, NULL, NULL, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    options.partial_share = 2;
    assert_int_equal(scout_live_new(engine, &options, hear, NULL, &live, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "partial_share"));
    options = patient();
    ScoutTranscribeOptions transcribe = *options.transcribe;
    transcribe.vad = 0;
    options.transcribe = &transcribe;
    assert_int_equal(scout_live_new(engine, &options, hear, NULL, &live, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "vad"));
    transcribe.vad = 1;
    transcribe.model = "no-such-model";
    assert_int_not_equal(scout_live_new(engine, &options, hear, NULL, &live, &error), SCOUT_OK);
    assert_non_null(strstr(error.message, "no-such-model"));
    assert_null(live);
    assert_int_equal(scout_live_push(NULL, NULL, 0, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_live_flush(NULL, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_live_finish(NULL, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_while_sound_does),
        cmocka_unit_test(patience_gives_partial_texts),
        cmocka_unit_test(the_size_of_the_pieces_changes_nothing),
        cmocka_unit_test(floats_are_what_16_bits_are),
        cmocka_unit_test(streams_side_by_side_hear_what_one_hears_alone),
        cmocka_unit_test(a_receiver_that_blocks_delays_no_push_and_loses_nothing),
        cmocka_unit_test(too_much_that_waits_is_refused),
        cmocka_unit_test(a_flush_ends_what_is_being_said),
        cmocka_unit_test(an_empty_stream_has_nothing_to_tell),
        cmocka_unit_test(silence_is_skipped_and_told_of),
        cmocka_unit_test(a_finished_stream_takes_no_more),
        cmocka_unit_test(who_stops_listening_stops_the_stream),
        cmocka_unit_test(a_receiver_may_cancel),
        cmocka_unit_test(cancelling_ends_a_finish_that_waits),
        cmocka_unit_test(cancelling_wakes_a_stream_that_waits_for_sound),
        cmocka_unit_test(a_stream_may_go_at_any_moment),
        cmocka_unit_test(a_stream_without_sound_sleeps),
        cmocka_unit_test(wrong_options_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
