// A draft model that is right, wrong, or sometimes right, under every option: what is told is to
// the last bit what is told without it, and what it saves and costs is counted.
#include "draft.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "fake_speech.h"
#include "speech/transcriber.h"

enum { RATE = 16000, SECONDS = 30, CHUNK = 8000, STREAMS = 3, PHRASES = 400 };

typedef enum Guesser {
    NOBODY, // no draft
    RIGHT,
    WRONG,
    SOMETIMES, // right by chance, as what is written before decides
    ENDLESS    // right, but for the end
} Guesser;

typedef struct Guessing {
    FakeSpeaker speaker;
    Guesser guesser;
    bool loops; // says one word for ever
    Cancel *cancel;
    size_t calls_until_cancel; // raised when it comes to 0; 0: never
} Guessing;

typedef struct Fixture {
    Guessing said, guessed;
    FakeModel model, draft;
    Schedule *schedule;
    Batch *batch, *draft_batch;
    ScoutTranscribeOptions options;
    Cancel cancel;
    Buffer told;
    ScoutTimings timings;
    ScoutStatus status;
    ScoutError error;
} Fixture;

// ----------------------------------------------------------------------------------------- scripts

static void say(void *context, const float *mel, size_t frames, const int32_t *tokens, size_t count,
                float *logits)
{
    const Guessing *said = context;
    if (!said->loops) {
        FakeSpeaker speaker = said->speaker;
        fake_speaker_script(&speaker, mel, frames, tokens, count, logits);
        return;
    }
    for (size_t i = FAKE_TIMESTAMP; i < FAKE_VOCAB; i++)
        logits[i] = -20;
    // Words of a text that no compression finds dull.
    logits[FAKE_WORD + (int32_t)(count * count / 3 * 7 % 26)] = 10;
    logits[FAKE_END] = -30;
}

static int32_t best_of(const float *logits)
{
    int32_t best = 0;
    for (int32_t i = 1; i < FAKE_VOCAB; i++)
        if (i <= FAKE_END || i >= FAKE_TIMESTAMP) // what a text is made of
            best = logits[i] > logits[best] ? i : best;
    return best;
}

static void guess(void *context, const float *mel, size_t frames, const int32_t *tokens,
                  size_t count, float *logits)
{
    Guessing *guessed = context;
    if (guessed->calls_until_cancel && --guessed->calls_until_cancel == 0)
        cancel_raise(guessed->cancel);
    say(context, mel, frames, tokens, count, logits);
    const int32_t right = best_of(logits);
    const uint32_t chance = ((uint32_t)count * 2654435761U + (uint32_t)tokens[count - 1]) >> 7;
    const bool wrong = guessed->guesser == WRONG ||
                       (guessed->guesser == ENDLESS && right == FAKE_END) ||
                       (guessed->guesser == SOMETIMES && chance % 3 == 0);
    if (!wrong)
        return;
    logits[right] = -40;
    logits[right < FAKE_PIECE ? FAKE_WORD + (right + 5) % 26 : FAKE_WORD] = 19;
}

// ----------------------------------------------------------------------------------------- fixture

static Fixture *begin(Guesser guesser)
{
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->guessed.guesser = guesser;
    fixture->model = (FakeModel){.script = say, .context = &fixture->said};
    fixture->draft = (FakeModel){.script = guess, .context = &fixture->guessed};
    fixture->options = (ScoutTranscribeOptions){
        .language = "en",
        .hotword_boost = 2,
        .beam_size = 1,
        .best_of = 2,
        .patience = 1,
        .length_penalty = -1,
        .temperatures = {0, 0.5f},
        .temperature_count = 2,
        .compression_ratio_threshold = 2.4f,
        .logprob_threshold = -1,
        .no_speech_threshold = 0.6f,
        .suppress_non_speech = 1,
        .timestamps = 1,
        .vad = 1,
        .batch_size = 4,
    };
    cancel_init(&fixture->cancel);
    buffer_init(&fixture->told, 1 << 22);
    return fixture;
}

static void end(Fixture *fixture)
{
    buffer_done(&fixture->told);
    free(fixture);
}

static void note_segment(Buffer *told, const ScoutSegment *segment)
{
    buffer_printf(told, "%a %a%s %a %a %a %a", segment->start_s, segment->end_s, segment->text,
                  (double)segment->avg_logprob, (double)segment->compression_ratio,
                  (double)segment->temperature, (double)segment->no_speech_prob);
    for (size_t i = 0; i < segment->token_count; i++)
        buffer_printf(told, " %d", segment->tokens[i]);
    for (size_t i = 0; i < segment->word_count; i++) {
        const ScoutWord *word = &segment->words[i];
        buffer_printf(told, " (%s %a %a %a", word->text, word->start_s, word->end_s,
                      (double)word->probability);
        for (size_t a = 0; a < word->alternative_count; a++)
            buffer_printf(told, " %s", word->alternatives[a].text);
        buffer_append_text(told, ")");
    }
    buffer_append_text(told, "\n");
}

static int note(void *context, const ScoutEvent *event)
{
    Fixture *fixture = context;
    const ScoutSkipped *skipped = &event->u.skipped;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE:
        buffer_printf(&fixture->told, "%s %a\n", event->u.language.code,
                      (double)event->u.language.probability);
        break;
    case SCOUT_EVENT_SEGMENT: note_segment(&fixture->told, &event->u.segment); break;
    case SCOUT_EVENT_SKIPPED:
        buffer_printf(&fixture->told, "skipped %d %a %a %a %s\n", (int)skipped->reason,
                      skipped->start_s, skipped->end_s, (double)skipped->avg_logprob,
                      skipped->text ? skipped->text : "");
        break;
    case SCOUT_EVENT_PROGRESS: return 0;
    }
    return 0;
}

static ScoutStatus make(Fixture *fixture, Transcriber **transcriber)
{
    const TranscriberSetup setup = {.batch = fixture->batch,
                                    .draft = fixture->draft_batch,
                                    .silero = fake_silero(),
                                    .schedule = fixture->schedule,
                                    .options = &fixture->options,
                                    .callback = note,
                                    .context = fixture,
                                    .cancel = &fixture->cancel};
    return transcriber_new(&setup, transcriber, &fixture->error);
}

static void stream(Fixture *fixture, const float *samples, size_t count)
{
    Transcriber *transcriber = NULL;
    fixture->status = make(fixture, &transcriber);
    for (size_t i = 0; i < count && fixture->status == SCOUT_OK; i += CHUNK)
        fixture->status = transcriber_push(transcriber, samples + i,
                                           count - i < CHUNK ? count - i : CHUNK, &fixture->error);
    if (fixture->status == SCOUT_OK)
        fixture->status = transcriber_finish(transcriber, &fixture->error);
    if (transcriber)
        fixture->timings = *transcriber_timings(transcriber);
    transcriber_free(transcriber);
}

static void make_batches(Fixture *fixture)
{
    assert_int_equal(schedule_new(&fixture->schedule, NULL), SCOUT_OK);
    assert_int_equal(
        batch_new(fake_model(&fixture->model), NULL, fixture->schedule, &fixture->batch, NULL),
        SCOUT_OK);
    if (fixture->guessed.guesser != NOBODY)
        assert_int_equal(batch_new(fake_draft_model(&fixture->draft), NULL, fixture->schedule,
                                   &fixture->draft_batch, NULL),
                         SCOUT_OK);
}

// Every place that was taken was given back.
static void free_batch(Batch *batch)
{
    size_t places[BATCH_PLACES_LATER];
    for (size_t i = 0; batch && i < BATCH_PLACES_LATER; i++)
        assert_true(batch_try_place(batch, &places[i]));
    for (size_t i = 0; batch && i < BATCH_PLACES_LATER; i++)
        batch_return_place(batch, places[i], NULL);
    batch_free(batch);
}

static void free_batches(Fixture *fixture)
{
    free_batch(fixture->draft_batch);
    free_batch(fixture->batch);
    schedule_free(fixture->schedule);
}

static void transcribe(Fixture *fixture, const float *samples, size_t count)
{
    assert_int_equal(transcribe_options_check(&fixture->options, &fixture->error), SCOUT_OK);
    make_batches(fixture);
    stream(fixture, samples, count);
    free_batches(fixture);
}

// Words in groups with pauses of several lengths between.
static float *make_speech(void)
{
    FakeWord words[PHRASES];
    size_t count = 0;
    double at = 0.7;
    for (size_t i = 0; at + 1 < SECONDS && count < PHRASES; i++) {
        words[count++] = (FakeWord){at, at + 0.3, (char)('a' + i * i * 5 % 26)};
        at += i % 9 == 8 ? 1.5 + (double)(i % 4) : 0.7;
    }
    float *samples = fake_speech(words, count, (size_t)SECONDS * RATE);
    assert_non_null(samples);
    return samples;
}

// ----------------------------------------------------------------------------- the same, and
// counts

typedef struct Case {
    const char *name;
    void (*change)(Fixture *fixture);
    bool drafts; // something is guessed
} Case;

static void plain(Fixture *fixture)
{
    (void)fixture;
}

static void alone(Fixture *fixture)
{
    fixture->options.batch_size = 1;
}

static void conditioned(Fixture *fixture)
{
    fixture->options.condition_on_previous = 1;
}

static void many(Fixture *fixture)
{
    fixture->options.batch_size = SCOUT_BATCH_MAX;
}

static void worded(Fixture *fixture)
{
    fixture->options.words = 1;
    fixture->options.alternatives = 2;
}

static void untimed(Fixture *fixture)
{
    fixture->options.timestamps = 0;
}

static void detected(Fixture *fixture)
{
    fixture->options.language = NULL;
}

static void prompted(Fixture *fixture)
{
    fixture->options.prompt = "a b c";
    fixture->options.prefix = "d e";
    fixture->options.timestamps = 0;
}

static void favoured(Fixture *fixture)
{
    static const char *const words[] = {"f k", "u", "q z a"};
    fixture->options.hotwords = words;
    fixture->options.hotword_count = 3;
    fixture->options.hotword_boost = 10;
}

static void patient(Fixture *fixture)
{
    fixture->options.patience = 3;
    fixture->options.length_penalty = 1;
}

static void doubted(Fixture *fixture)
{
    fixture->said.speaker.doubts = fixture->guessed.speaker.doubts = true;
}

static void repeated(Fixture *fixture)
{
    fixture->said.speaker.repeats = fixture->guessed.speaker.repeats = 8;
}

static void whole(Fixture *fixture)
{
    fixture->options.full_window = 1;
}

static void deaf(Fixture *fixture)
{
    fixture->options.vad = 0;
}

static void looped(Fixture *fixture)
{
    fixture->said.loops = fixture->guessed.loops = true;
}

static void zeros(Fixture *fixture)
{
    fixture->options.temperatures[1] = 0;
    repeated(fixture);
}

static void sampled(Fixture *fixture)
{
    fixture->options.temperatures[0] = 0.3f;
    fixture->options.temperature_count = 1;
}

static void otherwise_heard(Fixture *fixture)
{
    fixture->draft.n_mels = 128;
}

static const Case CASES[] = {
    {"plain", plain, true},       {"alone", alone, true},
    {"many", many, true},         {"conditioned", conditioned, true},
    {"worded", worded, true},     {"untimed", untimed, true},
    {"detected", detected, true}, {"prompted", prompted, true},
    {"favoured", favoured, true}, {"patient", patient, true},
    {"doubted", doubted, true},   {"repeated", repeated, true},
    {"whole", whole, true},       {"deaf", deaf, true},
    {"looped", looped, true},     {"zeros", zeros, true},
    {"sampled", sampled, false},  {"otherwise heard", otherwise_heard, true},
};

static Fixture *run(Guesser guesser, const Case *with, const float *samples)
{
    Fixture *fixture = begin(guesser);
    with->change(fixture);
    transcribe(fixture, samples, (size_t)SECONDS * RATE);
    if (fixture->status != SCOUT_OK)
        fail_msg("%s: %s", with->name, fixture->error.message);
    return fixture;
}

// Rows: those without a draft, and one more for each wrong guess. Steps of a single window: one
// less for each right guess.
static void check_counts(const Case *with, const Fixture *plainly, const Fixture *drafted)
{
    const ScoutTimings *timings = &drafted->timings;
    const size_t wrong = timings->drafted - timings->accepted;
    assert_true(timings->accepted <= timings->drafted);
    assert_int_equal(timings->tokens, plainly->timings.tokens + wrong);
    assert_int_equal(drafted->model.decode_rows, plainly->model.decode_rows + wrong);
    assert_int_equal(timings->windows, plainly->timings.windows);
    assert_int_equal(timings->fallbacks, plainly->timings.fallbacks);
    assert_int_equal(timings->drafted > 0, with->drafts);
    if (with->change == alone || with->change == conditioned)
        assert_int_equal(drafted->model.decode_calls + timings->accepted,
                         plainly->model.decode_calls);
}

static void no_draft_changes_anything(void **state)
{
    (void)state;
    float *samples = make_speech();
    for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++) {
        Fixture *plainly = run(NOBODY, &CASES[c], samples);
        assert_true(plainly->told.length > 100);
        assert_int_equal(plainly->timings.drafted, 0);
        for (Guesser guesser = RIGHT; guesser <= ENDLESS; guesser++) {
            Fixture *drafted = run(guesser, &CASES[c], samples);
            if (strcmp(buffer_text(&drafted->told), buffer_text(&plainly->told)) != 0)
                fail_msg("%s, guesser %d:\n%s\nnot\n%s", CASES[c].name, (int)guesser,
                         buffer_text(&drafted->told), buffer_text(&plainly->told));
            check_counts(&CASES[c], plainly, drafted);
            const ScoutTimings *timings = &drafted->timings;
            if (guesser == WRONG && timings->accepted > 0)
                fail_msg("%s: %zu wrong guesses were accepted", CASES[c].name, timings->accepted);
            if (guesser == SOMETIMES && CASES[c].drafts)
                assert_in_range(timings->accepted, 1, timings->drafted - 1);
            end(drafted);
        }
        end(plainly);
    }
    free(samples);
}

static void a_model_that_drafts_for_itself_is_always_right(void **state)
{
    (void)state;
    float *samples = make_speech();
    for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c += 2) {
        if (!CASES[c].drafts || CASES[c].change == otherwise_heard)
            continue;
        Fixture *plainly = run(NOBODY, &CASES[c], samples);
        Fixture *drafted = begin(NOBODY);
        CASES[c].change(drafted);
        make_batches(drafted);
        drafted->draft_batch = drafted->batch;
        stream(drafted, samples, (size_t)SECONDS * RATE);
        drafted->draft_batch = NULL;
        free_batches(drafted);
        assert_int_equal(drafted->status, SCOUT_OK);
        assert_string_equal(buffer_text(&drafted->told), buffer_text(&plainly->told));
        assert_true(drafted->timings.drafted > 0);
        // Where the second best follows an end, or times are summed, the most probable guess is
        // still what the search writes.
        assert_int_equal(drafted->timings.accepted, drafted->timings.drafted);
        end(drafted);
        end(plainly);
    }
    free(samples);
}

// A draft that errs is asked less and less.
static void a_bad_draft_rests(void **state)
{
    (void)state;
    float *samples = make_speech();
    const Case *with = &CASES[sizeof CASES / sizeof CASES[0] - 4]; // looped: long texts
    assert_ptr_equal(with->change, looped);
    Fixture *fixture = run(WRONG, with, samples);
    assert_true(fixture->timings.drafted * 5 < fixture->timings.tokens);
    end(fixture);
    free(samples);
}

// ------------------------------------------------------------------------------------- what goes
// wrong

static void without_a_place_nothing_is_drafted(void **state)
{
    (void)state;
    float *samples = make_speech();
    Fixture *plainly = run(NOBODY, &CASES[0], samples);
    Fixture *fixture = begin(RIGHT);
    make_batches(fixture);
    size_t places[BATCH_PLACES_LATER];
    for (size_t i = 0; i < BATCH_PLACES_LATER; i++)
        assert_true(batch_try_place(fixture->draft_batch, &places[i]));
    stream(fixture, samples, (size_t)SECONDS * RATE);
    assert_int_equal(fixture->status, SCOUT_OK);
    assert_string_equal(buffer_text(&fixture->told), buffer_text(&plainly->told));
    assert_int_equal(fixture->timings.drafted, 0);
    assert_int_equal(fixture->draft.encodes, 0);
    for (size_t i = 0; i < BATCH_PLACES_LATER; i++)
        batch_return_place(fixture->draft_batch, places[i], NULL);
    free_batches(fixture);
    end(fixture);
    end(plainly);
    free(samples);
}

static void a_failure_of_either_model_ends_the_stream(void **state)
{
    (void)state;
    float *samples = make_speech();
    for (size_t calls = 1; calls < 24; calls += 5) {
        for (size_t which = 0; which < 2; which++) {
            Fixture *fixture = begin(SOMETIMES);
            (which ? &fixture->draft : &fixture->model)->calls_until_failure = calls;
            transcribe(fixture, samples, (size_t)SECONDS * RATE);
            assert_int_equal(fixture->status, SCOUT_ERROR_IO);
            assert_string_equal(fixture->error.message, "the fake model was told to fail");
            end(fixture);
        }
    }
    free(samples);
}

static void a_cancelled_stream_gives_both_places_back(void **state)
{
    (void)state;
    float *samples = make_speech();
    for (size_t calls = 1; calls < 20; calls += 6) {
        Fixture *fixture = begin(SOMETIMES);
        fixture->guessed.cancel = &fixture->cancel;
        fixture->guessed.calls_until_cancel = calls;
        transcribe(fixture, samples, (size_t)SECONDS * RATE); // looks at the places, too
        assert_int_equal(fixture->status, SCOUT_ERROR_CANCELLED);
        end(fixture);
    }
    free(samples);
}

static void refuse(Fixture *fixture, const char *reason)
{
    Transcriber *transcriber = NULL;
    make_batches(fixture);
    assert_int_equal(make(fixture, &transcriber), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(transcriber);
    assert_non_null(strstr(fixture->error.message, reason));
    free_batches(fixture);
    end(fixture);
}

static void drafts_of_another_kind_are_refused(void **state)
{
    (void)state;
    Fixture *fixture = begin(RIGHT);
    fixture->draft.n_vocab = FAKE_VOCAB + 1;
    refuse(fixture, "vocabulary");
    fixture = begin(RIGHT);
    fixture->draft.other_marks = true;
    refuse(fixture, "special tokens");
    fixture = begin(RIGHT);
    fixture->draft.n_text_ctx = 64;
    refuse(fixture, "64 tokens of text");
    fixture = begin(RIGHT);
    fixture->draft.n_audio_ctx = 100;
    refuse(fixture, "100 positions");
}

static void beams_are_refused(void **state)
{
    (void)state;
    Fixture *fixture = begin(NOBODY);
    fixture->options.beam_size = 5;
    assert_int_equal(transcribe_options_check(&fixture->options, NULL), SCOUT_OK);
    fixture->options.draft = "small";
    assert_int_equal(transcribe_options_check(&fixture->options, &fixture->error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(fixture->error.message, "--beam-size 1"));
    fixture->options.beam_size = 1;
    assert_int_equal(transcribe_options_check(&fixture->options, NULL), SCOUT_OK);
    end(fixture);
}

// --------------------------------------------------------------------------------- several streams

typedef struct Streaming {
    Fixture *fixture;
    const float *samples;
    pthread_t thread;
} Streaming;

static void *stream_alone(void *context)
{
    Streaming *streaming = context;
    stream(streaming->fixture, streaming->samples, (size_t)SECONDS * RATE);
    return NULL;
}

// Two draft, one does not, all at once on the same two models.
static void streams_side_by_side_are_as_alone(void **state)
{
    (void)state;
    float *samples = make_speech();
    Fixture *plainly = run(NOBODY, &CASES[0], samples);
    Fixture *owner = begin(SOMETIMES);
    make_batches(owner);
    Streaming streams[STREAMS];
    for (size_t i = 0; i < STREAMS; i++) {
        streams[i] = (Streaming){.fixture = begin(SOMETIMES), .samples = samples};
        streams[i].fixture->schedule = owner->schedule;
        streams[i].fixture->batch = owner->batch;
        streams[i].fixture->draft_batch = i < STREAMS - 1 ? owner->draft_batch : NULL;
        assert_int_equal(pthread_create(&streams[i].thread, NULL, stream_alone, &streams[i]), 0);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        assert_int_equal(pthread_join(streams[i].thread, NULL), 0);
        Fixture *fixture = streams[i].fixture;
        assert_int_equal(fixture->status, SCOUT_OK);
        assert_string_equal(buffer_text(&fixture->told), buffer_text(&plainly->told));
        assert_int_equal(fixture->timings.drafted > 0, i < STREAMS - 1);
        assert_int_equal(fixture->timings.tokens, plainly->timings.tokens +
                                                      fixture->timings.drafted -
                                                      fixture->timings.accepted);
        end(fixture);
    }
    free_batches(owner);
    end(owner);
    end(plainly);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_draft_changes_anything),
        cmocka_unit_test(a_model_that_drafts_for_itself_is_always_right),
        cmocka_unit_test(a_bad_draft_rests),
        cmocka_unit_test(without_a_place_nothing_is_drafted),
        cmocka_unit_test(a_failure_of_either_model_ends_the_stream),
        cmocka_unit_test(a_cancelled_stream_gives_both_places_back),
        cmocka_unit_test(drafts_of_another_kind_are_refused),
        cmocka_unit_test(beams_are_refused),
        cmocka_unit_test(streams_side_by_side_are_as_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
