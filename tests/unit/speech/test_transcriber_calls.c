// The transcriber as a whole, on a made-up model: when it takes a language, what its receiver may
// do meanwhile, what a window without text leaves as it was, cancelling, and models it refuses.
#include "speech/transcriber.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_models.h"

enum { RATE = SCOUT_SAMPLE_RATE, HANG_S = 30, EVENTS_MAX = 64, WINDOWS_MAX = 16 };

// What the model does in one window; the last row is for all later ones.
typedef struct Scene {
    size_t language;  // of FAKE_LANGUAGES
    float sure;       // its probability
    bool silent;      // no speech, and no text that could be believed
    bool loops;       // the text repeats itself without end
    float other_end;  // not 0: two texts " a" and " b", the first begins more probably and goes on
                      // with 0.25, the second ends with this
    bool with_prefix; // seen: the text began with a word of the caller's
    bool with_prompt; // seen: something was said before
} Scene;

typedef struct Fixture {
    FakeModel fake;
    Scene scenes[WINDOWS_MAX];
    size_t scene_count;
    size_t scene; // of the window at hand
    Schedule *schedule;
    Batch *batch;
    ScoutTranscribeOptions options;
    Cancel cancel;
    Transcriber *transcriber;
    Transcriber *other; // pushed to from the receiver when the language comes
    size_t segments, skipped, languages;
    char language[8];
    char text[32]; // of the last segment
    double settled_s;
} Fixture;

static void say_language(const Scene *scene, float *logits)
{
    for (size_t i = 0; i < FAKE_LANGUAGES; i++)
        logits[FAKE_LANGUAGE + i] = logf((1 - scene->sure) / (FAKE_LANGUAGES - 1));
    logits[FAKE_LANGUAGE + scene->language] = logf(scene->sure);
    if (scene->silent)
        logits[FAKE_NO_SPEECH] = 30;
}

// The given probabilities for two tokens, the rest for all other words alike.
static void say_two(int32_t one, double one_chance, int32_t two, double two_chance, float *logits)
{
    for (size_t i = 0; i < FAKE_VOCAB; i++)
        logits[i] = -60;
    for (int32_t i = FAKE_WORD; i < FAKE_COMMA; i++)
        logits[i] = (float)log((1 - one_chance - two_chance) / (FAKE_COMMA - FAKE_WORD - 2));
    logits[one] = (float)log(one_chance);
    logits[two] = (float)log(two_chance);
}

static void say_doubtful(float other_end, int32_t last, float *logits)
{
    if (last == FAKE_WORD || last == FAKE_WORD + 1)
        say_two(FAKE_END, last == FAKE_WORD ? 0.25 : (double)other_end, FAKE_WORD + 2, 0.001,
                logits);
    else if (last >= FAKE_WORD && last < FAKE_COMMA)
        say_two(FAKE_END, 0.02, FAKE_WORD, 0.001, logits);
    else
        say_two(FAKE_WORD, 0.34, FAKE_WORD + 1, 0.33, logits);
}

static void say(void *context, const float *mel, size_t frames, const int32_t *tokens, size_t count,
                float *logits)
{
    (void)mel;
    (void)frames;
    Fixture *fixture = context;
    Scene *scene = &fixture->scenes[fixture->scene];
    if (tokens[count - 1] == FAKE_START) {
        say_language(scene, logits);
        return;
    }
    size_t text = count;
    while (text > 0 && tokens[text - 1] < FAKE_END)
        text--;
    scene->with_prompt = tokens[0] == FAKE_START_OF_PREV;
    scene->with_prefix |= text < count && tokens[text] == FAKE_WORD + 5;
    if (scene->other_end > 0) {
        say_doubtful(scene->other_end, tokens[count - 1], logits);
        return;
    }
    if (scene->silent)
        return; // all alike, so nothing is probable
    logits[tokens[count - 1] == FAKE_WORD && !scene->loops ? FAKE_END : FAKE_WORD] = 20;
}

static int receive(void *context, const ScoutEvent *event)
{
    Fixture *fixture = context;
    static const float sound[RATE];
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE:
        fixture->languages++;
        strncpy(fixture->language, event->u.language.code, sizeof fixture->language - 1);
        if (fixture->other) {
            for (int i = 0; i < 31; i++)
                assert_int_equal(transcriber_push(fixture->other, sound, RATE, NULL), SCOUT_OK);
        }
        break;
    case SCOUT_EVENT_SEGMENT:
        fixture->segments++;
        strncpy(fixture->text, event->u.segment.text, sizeof fixture->text - 1);
        break;
    case SCOUT_EVENT_SKIPPED: fixture->skipped++; break;
    case SCOUT_EVENT_PROGRESS: fixture->settled_s = event->u.progress.settled_s; break;
    }
    return 0;
}

// The model's scenes follow its encodings: a window whose language was listened for and which is
// encoded again for its text is of the same place, so the scenes list both.
static void follow(void *context, const float *mel, size_t frames, const int32_t *tokens,
                   size_t count, float *logits)
{
    Fixture *fixture = context;
    size_t encoded = fixture->fake.encodes - 1;
    fixture->scene = encoded < fixture->scene_count ? encoded : fixture->scene_count - 1;
    say(context, mel, frames, tokens, count, logits);
}

static void begin(Fixture *fixture, const Scene *scenes, size_t count)
{
    *fixture = (Fixture){.fake = {.script = follow}, .scene_count = count};
    fixture->fake.context = fixture;
    memcpy(fixture->scenes, scenes, count * sizeof *scenes);
    cancel_init(&fixture->cancel);
    assert_int_equal(schedule_new(&fixture->schedule, NULL), SCOUT_OK);
    assert_int_equal(
        batch_new(fake_model(&fixture->fake), NULL, fixture->schedule, &fixture->batch, NULL),
        SCOUT_OK);
    fixture->options = (ScoutTranscribeOptions){.size = sizeof fixture->options,
                                                .beam_size = 1,
                                                .best_of = 1,
                                                .patience = 1,
                                                .length_penalty = -1,
                                                .temperature_count = 1,
                                                .compression_ratio_threshold = 2.4f,
                                                .logprob_threshold = -1,
                                                .no_speech_threshold = 0.6f,
                                                .condition_on_previous = 1};
}

static ScoutStatus make(Fixture *fixture, ScoutEventCallback callback, Transcriber **made,
                        ScoutError *error)
{
    TranscriberSetup setup = {.batch = fixture->batch,
                              .silero = fixture->options.vad ? fake_silero() : NULL,
                              .schedule = fixture->schedule,
                              .options = &fixture->options,
                              .callback = callback,
                              .context = fixture,
                              .cancel = &fixture->cancel};
    return transcriber_new(&setup, made, error);
}

static void open_stream(Fixture *fixture)
{
    assert_int_equal(make(fixture, receive, &fixture->transcriber, NULL), SCOUT_OK);
}

static void end(Fixture *fixture)
{
    transcriber_free(fixture->transcriber);
    transcriber_free(fixture->other);
    batch_free(fixture->batch);
    schedule_free(fixture->schedule);
}

// seconds of a sound that is speech to the made-up voice activity, or of silence.
static void push(Fixture *fixture, bool loud, double seconds)
{
    static float sound[RATE / 10];
    for (size_t i = 0; i < RATE / 10; i++)
        sound[i] = !loud ? 0.0f : i % 2 ? 0.1f : -0.1f;
    for (int i = 0; i < (int)lround(seconds * 10); i++)
        assert_int_equal(transcriber_push(fixture->transcriber, sound, RATE / 10, NULL), SCOUT_OK);
}

static void finish(Fixture *fixture)
{
    assert_int_equal(transcriber_finish(fixture->transcriber, NULL), SCOUT_OK);
}

static int ignore(void *context, const ScoutEvent *event)
{
    (void)context;
    (void)event;
    return 0;
}

static void a_receiver_of_the_language_may_use_another_stream(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, &(Scene){.language = 2, .sure = 0.99f}, 1);
    open_stream(&fixture);
    assert_int_equal(make(&fixture, ignore, &fixture.other, NULL), SCOUT_OK);
    alarm(HANG_S); // the turn is taken twice by this thread, or not at all
    push(&fixture, true, 31);
    alarm(0);
    assert_int_equal(fixture.languages, 1);
    finish(&fixture);
    assert_true(fixture.segments > 0);
    end(&fixture);
}

static void a_language_is_not_settled_on_a_second_of_speech(void **state)
{
    (void)state;
    static const Scene scenes[] = {{.language = 2, .sure = 0.7f}, {.language = 0, .sure = 0.98f}};
    Fixture fixture;
    begin(&fixture, scenes, 2);
    fixture.options.vad = 1;
    open_stream(&fixture);
    push(&fixture, true, 1);
    push(&fixture, false, 6);
    assert_int_equal(fixture.fake.encodes, 1); // it was listened to
    assert_int_equal(fixture.languages, 0);
    push(&fixture, true, 12);
    push(&fixture, false, 6);
    assert_int_equal(fixture.languages, 1);
    assert_string_equal(fixture.language, "en");
    finish(&fixture);
    assert_int_equal(fixture.languages, 1);
    assert_int_equal(fixture.segments, 2); // the second that waited has its text, too
    end(&fixture);
}

static void a_language_that_is_very_probable_is_taken_at_once(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, &(Scene){.language = 2, .sure = 0.97f}, 1);
    fixture.options.vad = 1;
    open_stream(&fixture);
    push(&fixture, true, 1);
    push(&fixture, false, 6);
    assert_int_equal(fixture.languages, 1);
    assert_string_equal(fixture.language, "de");
    assert_int_equal(fixture.fake.encodes, 1);
    end(&fixture);
}

static void the_end_of_a_short_stream_settles_its_language(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, &(Scene){.language = 2, .sure = 0.6f}, 1);
    fixture.options.vad = 1;
    open_stream(&fixture);
    push(&fixture, true, 2);
    push(&fixture, false, 4);
    assert_int_equal(fixture.languages, 0);
    finish(&fixture);
    assert_string_equal(fixture.language, "de");
    assert_int_equal(fixture.segments, 1);
    end(&fixture);
}

static void ten_seconds_of_speech_are_enough_for_a_likely_language(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, &(Scene){.language = 2, .sure = 0.6f}, 1);
    fixture.options.vad = 1;
    open_stream(&fixture);
    push(&fixture, true, 12);
    push(&fixture, false, 5);
    assert_int_equal(fixture.languages, 1);
    end(&fixture);
}

static void a_silent_window_leaves_the_prefix_to_the_next(void **state)
{
    (void)state;
    static const Scene scenes[] = {{.sure = 0.99f, .silent = true}, {.sure = 0.99f}, {.sure = 1}};
    Fixture fixture;
    begin(&fixture, scenes, 3);
    fixture.options.language = "en";
    fixture.options.prefix = "f";
    fixture.options.prompt = "c d";
    fixture.options.condition_on_previous = 0;
    open_stream(&fixture);
    push(&fixture, true, 90);
    finish(&fixture);
    assert_true(fixture.skipped > 0);
    assert_true(fixture.scenes[0].with_prefix && fixture.scenes[0].with_prompt);
    assert_true(fixture.scenes[1].with_prefix && fixture.scenes[1].with_prompt);
    assert_true(!fixture.scenes[2].with_prefix && fixture.scenes[2].with_prompt);
    end(&fixture);
}

static void a_loop_costs_the_models_own_prompt_but_not_the_callers(void **state)
{
    (void)state;
    static const Scene scenes[] = {{.sure = 1, .loops = true},
                                   {.sure = 1},
                                   {.sure = 1, .loops = true},
                                   {.sure = 1, .loops = true},
                                   {.sure = 1}};
    Fixture fixture;
    begin(&fixture, scenes, 5);
    fixture.options.language = "en";
    fixture.options.prompt = "c d";
    open_stream(&fixture);
    push(&fixture, true, 150);
    finish(&fixture);
    assert_true(fixture.scenes[0].with_prompt && fixture.scenes[1].with_prompt);
    assert_true(fixture.scenes[2].with_prompt);
    assert_false(fixture.scenes[3].with_prompt);
    end(&fixture);
}

// Beams of one find " a" (-1.23 a token). A sample that finds " b" must be clearly more probable.
static void a_sample_must_be_clearly_better(void **state)
{
    (void)state;
    static const struct {
        float other_end;
        const char *text;
    } cases[] = {{0.27f, " a"} /* -1.21 */, {0.36f, " b"} /* -1.06 */};
    for (size_t i = 0; i < 2; i++) {
        Fixture fixture;
        begin(&fixture, &(Scene){.sure = 1, .other_end = cases[i].other_end}, 1);
        fixture.options.language = "en";
        fixture.options.best_of = 16;
        fixture.options.temperature_count = 2;
        fixture.options.temperatures[1] = 0.8f;
        open_stream(&fixture);
        push(&fixture, true, 5);
        finish(&fixture);
        assert_string_equal(fixture.text, cases[i].text);
        end(&fixture);
    }
}

static void a_raised_flag_is_seen_by_every_call(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, &(Scene){.sure = 1}, 1);
    fixture.options.language = "en";
    open_stream(&fixture);
    push(&fixture, true, 0.1);
    cancel_raise(&fixture.cancel);
    const float sample = 0;
    ScoutError error;
    assert_int_equal(transcriber_push(fixture.transcriber, &sample, 1, &error),
                     SCOUT_ERROR_CANCELLED);
    assert_int_equal(transcriber_push(fixture.transcriber, NULL, 0, &error), SCOUT_ERROR_CANCELLED);
    assert_int_equal(transcriber_finish(fixture.transcriber, &error), SCOUT_ERROR_CANCELLED);
    end(&fixture);
}

static void models_with_other_contexts_are_refused(void **state)
{
    (void)state;
    static const size_t contexts[][2] = {{1500, 449}, {1500, 64}, {1501, 448}, {100, 448}};
    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
        Fixture fixture;
        begin(&fixture, &(Scene){.sure = 1}, 1);
        fixture.fake.n_audio_ctx = contexts[i][0];
        fixture.fake.n_text_ctx = contexts[i][1];
        fake_model(&fixture.fake); // that takes the sizes
        ScoutError error;
        assert_int_equal(make(&fixture, receive, &fixture.transcriber, &error),
                         SCOUT_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "choose another"));
        assert_null(fixture.transcriber);
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receiver_of_the_language_may_use_another_stream),
        cmocka_unit_test(a_language_is_not_settled_on_a_second_of_speech),
        cmocka_unit_test(a_language_that_is_very_probable_is_taken_at_once),
        cmocka_unit_test(the_end_of_a_short_stream_settles_its_language),
        cmocka_unit_test(ten_seconds_of_speech_are_enough_for_a_likely_language),
        cmocka_unit_test(a_silent_window_leaves_the_prefix_to_the_next),
        cmocka_unit_test(a_loop_costs_the_models_own_prompt_but_not_the_callers),
        cmocka_unit_test(a_sample_must_be_clearly_better),
        cmocka_unit_test(a_raised_flag_is_seen_by_every_call),
        cmocka_unit_test(models_with_other_contexts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
