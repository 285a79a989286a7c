// Beam search against an exhaustive search and a plain one, sampling and limits, on a
// model whose probabilities are a hash of the text so far.
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"

enum { SEQUENCES = 18, WIDTH_MAX = 16, FINISHED_MAX = 64, TOKENS_MAX = 40, PROMPT = 3 };

static const int32_t PROMPT_TOKENS[PROMPT] = {FAKE_START, FAKE_LANGUAGE, FAKE_TRANSCRIBE};

// Only these are ever likely.
static const int32_t LIKELY[] = {FAKE_WORD, FAKE_WORD + 1, FAKE_WORD + 2, FAKE_END};

static uint32_t hash_tokens(uint32_t seed, const int32_t *tokens, size_t count)
{
    uint32_t hash = 2166136261u ^ seed;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (uint32_t)tokens[i]) * 16777619u;
    return hash ^ (hash >> 15);
}

typedef struct Model {
    uint32_t seed;
    float end; // added to the logit of the end
} Model;

static void say(void *context, const float *mel, size_t frames, const int32_t *tokens, size_t count,
                float *logits)
{
    (void)mel;
    (void)frames;
    const Model *model = context;
    for (size_t i = 0; i < FAKE_VOCAB; i++)
        logits[i] = -60;
    uint32_t hash = hash_tokens(model->seed, tokens + PROMPT, count - PROMPT);
    for (size_t i = 0; i < 4; i++) {
        hash = hash * 1664525u + 1013904223u;
        logits[LIKELY[i]] = (float)(hash >> 16) / 65536.0f * 4.0f;
    }
    logits[FAKE_END] += model->end;
}

typedef struct Fixture {
    Model model;
    FakeModel fake;
    WhisperRun *run;
    Search *search;
    Rules rules;
    float *logits;
    SearchTask task;
} Fixture;

static void begin(Fixture *fixture, uint32_t seed, size_t width, size_t finished)
{
    *fixture = (Fixture){.model = {.seed = seed}};
    fixture->fake = (FakeModel){.script = say, .context = &fixture->model};
    const WhisperRunLimits limits = {1, SEQUENCES, 64};
    assert_int_equal(
        whisper_run_new(fake_model(&fixture->fake), NULL, &limits, &fixture->run, NULL), SCOUT_OK);
    assert_int_equal(search_new(fake_model(&fixture->fake), WIDTH_MAX, FINISHED_MAX, TOKENS_MAX,
                                &fixture->search, NULL),
                     SCOUT_OK);
    rules_init(&fixture->rules, fake_kernels(), fake_bpe(), false, true);
    fixture->logits = calloc(FAKE_VOCAB, sizeof *fixture->logits);
    assert_non_null(fixture->logits);
    whisper_sequence_start(fixture->run, 0, 0);
    WhisperRow rows[PROMPT];
    for (size_t i = 0; i < PROMPT; i++)
        rows[i] = (WhisperRow){0, PROMPT_TOKENS[i], i + 1 == PROMPT};
    assert_int_equal(whisper_decode(fixture->run, rows, PROMPT, fixture->logits, NULL), SCOUT_OK);
    fixture->task = (SearchTask){.run = fixture->run,
                                 .work_sequence = 1,
                                 .logits = fixture->logits,
                                 .rules = &fixture->rules,
                                 .width = width,
                                 .finished = finished,
                                 .length_penalty = -1,
                                 .tokens_max = 6};
}

static void end(Fixture *fixture)
{
    search_free(fixture->search);
    whisper_run_free(fixture->run);
    free(fixture->logits);
}

// Computes the rows that the search asks for; false when it is over.
static bool step_search(Fixture *fixture, bool backward)
{
    static float logits[WIDTH_MAX][FAKE_VOCAB];
    WhisperRow rows[WIDTH_MAX];
    const size_t count = search_rows(fixture->search, rows);
    if (count == 0)
        return false;
    assert_int_equal(whisper_decode(fixture->run, rows, count, logits[0], NULL), SCOUT_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t row = backward ? count - 1 - i : i;
        search_look(fixture->search, row, logits[row]);
    }
    search_advance(fixture->search);
    return true;
}

static void run_search(Fixture *fixture, SearchResult *result)
{
    search_begin(fixture->search, &fixture->task);
    while (step_search(fixture, false))
        ;
    search_result(fixture->search, result);
}

// The log probability of each likely token after a text, as the rules leave them.
static void exact_logprobs(const Fixture *fixture, const int32_t *text, size_t count, double *out)
{
    static float logits[FAKE_VOCAB];
    int32_t tokens[PROMPT + TOKENS_MAX];
    memcpy(tokens, PROMPT_TOKENS, sizeof PROMPT_TOKENS);
    memcpy(tokens + PROMPT, text, count * sizeof *text);
    Model model = fixture->model;
    say(&model, NULL, 0, tokens, PROMPT + count, logits);
    double sum = 0;
    for (size_t i = 0; i < 4; i++)
        if (count > 0 || LIKELY[i] != FAKE_END)
            sum += exp((double)logits[LIKELY[i]]);
    for (size_t i = 0; i < 4; i++)
        out[i] = (double)logits[LIKELY[i]] - log(sum);
    if (count == 0)
        out[3] = -(double)INFINITY;
}

typedef struct Text {
    int32_t tokens[TOKENS_MAX];
    size_t count;
    double logprob;
    bool ended;
} Text;

static double mean_of(const Text *text)
{
    return text->logprob / (double)(text->count ? text->count : 1);
}

// The best text of at most `room` tokens by mean log probability, of all there are.
static void exhaust(const Fixture *fixture, Text *text, size_t room, Text *best)
{
    double logprobs[4];
    exact_logprobs(fixture, text->tokens, text->count, logprobs);
    double before = text->logprob;
    for (size_t i = 0; i < 4; i++) {
        if (isinf(logprobs[i]))
            continue;
        text->logprob = before + logprobs[i];
        bool ends = LIKELY[i] == FAKE_END;
        if (!ends)
            text->tokens[text->count++] = LIKELY[i];
        if ((ends || text->count == room) && mean_of(text) > mean_of(best)) {
            *best = *text;
            best->ended = ends;
        } else if (!ends && text->count < room) {
            exhaust(fixture, text, room, best);
        }
        text->count -= !ends;
    }
    text->logprob = before;
}

static void wide_beam_finds_the_best_of_all(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        Fixture fixture;
        begin(&fixture, seed, 16, FINISHED_MAX);
        fixture.task.tokens_max = 3; // 3, 9 and 27 texts; a beam of 16 loses none that can win
        Text text = {0}, best = {.logprob = -1e9};
        exhaust(&fixture, &text, 3, &best);
        SearchResult result;
        run_search(&fixture, &result);
        // Texts that never ended only fill up to the width; those that did are all there.
        if (result.ended && best.ended) {
            assert_int_equal(result.count, best.count);
            assert_memory_equal(result.tokens, best.tokens, best.count * sizeof *best.tokens);
            assert_true(fabs(result.logprob - best.logprob) < 1e-4);
        }
        end(&fixture);
    }
}

static int by_logprob(const void *left, const void *right)
{
    const Text *a = left, *b = right;
    return (a->logprob < b->logprob) - (a->logprob > b->logprob);
}

// The reference's BeamSearchDecoder, written down plainly.
static Text plain_beam(const Fixture *fixture, size_t width, size_t max_finished, size_t room)
{
    static Text live[WIDTH_MAX], next[WIDTH_MAX * 4], finished[FINISHED_MAX];
    size_t live_count = 1, finished_count = 0;
    live[0] = (Text){0};
    for (size_t step = 0; step < room && finished_count < max_finished; step++) {
        size_t count = 0;
        for (size_t l = 0; l < live_count; l++) {
            double logprobs[4];
            exact_logprobs(fixture, live[l].tokens, live[l].count, logprobs);
            for (size_t i = 0; i < 4; i++) {
                if (isinf(logprobs[i]))
                    continue;
                next[count] = live[l];
                next[count].logprob += logprobs[i];
                next[count].tokens[next[count].count++] = LIKELY[i];
                count++;
            }
        }
        qsort(next, count, sizeof *next, by_logprob);
        live_count = 0;
        for (size_t i = 0; i < count && live_count < width; i++) {
            if (next[i].tokens[next[i].count - 1] != FAKE_END) {
                live[live_count++] = next[i];
            } else if (finished_count < max_finished) {
                finished[finished_count] = next[i];
                finished[finished_count].count--;
                finished[finished_count++].ended = true;
            }
        }
    }
    for (size_t l = 0; l < live_count && finished_count < width; l++)
        finished[finished_count++] = live[l];
    Text best = finished[0];
    for (size_t i = 1; i < finished_count; i++)
        if (mean_of(&finished[i]) > mean_of(&best))
            best = finished[i];
    return best;
}

static void beams_are_those_of_the_reference(void **state)
{
    (void)state;
    static const size_t WIDTHS[][2] = {{1, 1}, {2, 2}, {3, 3}, {5, 5}, {3, 6}};
    for (size_t w = 0; w < 5; w++) {
        for (uint32_t seed = 1; seed <= 30; seed++) {
            Fixture fixture;
            begin(&fixture, seed, WIDTHS[w][0], WIDTHS[w][1]);
            fixture.model.end = seed % 3 == 0 ? -3.0f : -1.0f;
            Text best = plain_beam(&fixture, WIDTHS[w][0], WIDTHS[w][1], 6);
            SearchResult result;
            run_search(&fixture, &result);
            assert_int_equal(result.count, best.count);
            assert_memory_equal(result.tokens, best.tokens, best.count * sizeof *best.tokens);
            assert_int_equal(result.ended, best.ended);
            assert_true(fabs(result.logprob - best.logprob) < 1e-4);
            end(&fixture);
        }
    }
}

static void samples_repeat_with_their_seed(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3, 5, 5);
    fixture.task.temperature = 1;
    fixture.task.tokens_max = 20;
    int32_t first[TOKENS_MAX] = {0};
    size_t different = 0, first_count = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        fixture.task.chance = chance_start(seed, 0);
        SearchResult one, two;
        run_search(&fixture, &one);
        int32_t tokens[TOKENS_MAX] = {0};
        size_t count = one.count;
        double logprob = one.logprob;
        memcpy(tokens, one.tokens, count * sizeof *tokens);
        run_search(&fixture, &two);
        assert_int_equal(two.count, count);
        assert_memory_equal(two.tokens, tokens, count * sizeof *tokens);
        assert_true(two.logprob == logprob);
        if (seed == 0) {
            memcpy(first, tokens, sizeof first);
            first_count = count;
        }
        different += count != first_count || memcmp(first, tokens, sizeof first) != 0;
    }
    assert_true(different > 5);
    end(&fixture);
}

static void room_runs_out(void **state)
{
    (void)state;
    for (int temperature = 0; temperature < 2; temperature++) {
        Fixture fixture;
        begin(&fixture, 4, 3, 3);
        fixture.model.end = -50;
        fixture.task.temperature = (float)temperature;
        SearchResult result;
        run_search(&fixture, &result);
        assert_false(result.ended);
        assert_int_equal(result.count, 6);
        assert_int_equal(result.written, 6);
        end(&fixture);
    }
}

static void a_prefix_is_part_of_the_text(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 5, 3, 3);
    const int32_t begun[2] = {FAKE_WORD + 7, FAKE_WORD + 8};
    fixture.task.begun = begun;
    fixture.task.begun_count = 2;
    SearchResult result;
    run_search(&fixture, &result);
    assert_memory_equal(result.tokens, begun, sizeof begun);
    assert_int_equal(result.written + 2, result.count);
    end(&fixture);
}

// Rows may be looked at in any order, and a search that is given up leaves nothing behind.
static void order_of_looking_does_not_matter(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 6, 4, 4);
    SearchResult forward, backward;
    run_search(&fixture, &forward);
    Text first = {.count = forward.count};
    memcpy(first.tokens, forward.tokens, forward.count * sizeof *forward.tokens);
    search_begin(fixture.search, &fixture.task); // given up after one step
    step_search(&fixture, true);
    search_begin(fixture.search, &fixture.task);
    while (step_search(&fixture, true))
        ;
    search_result(fixture.search, &backward);
    assert_int_equal(backward.count, first.count);
    assert_memory_equal(backward.tokens, first.tokens, first.count * sizeof *first.tokens);
    end(&fixture);
}

static void hotword_wins_where_it_is_close(void **state)
{
    (void)state;
    size_t with = 0, without = 0;
    const char *phrases[] = {"a b"};
    Hotwords *hotwords;
    assert_int_equal(hotwords_new(fake_bpe(), phrases, 1, 2.0f, &hotwords, NULL), SCOUT_OK);
    const int32_t phrase[2] = {FAKE_WORD, FAKE_WORD + 1};
    for (uint32_t seed = 1; seed <= 60; seed++) {
        for (int use = 0; use < 2; use++) {
            Fixture fixture;
            begin(&fixture, seed, 5, 5);
            fixture.task.hotwords = use ? hotwords : NULL;
            SearchResult result;
            run_search(&fixture, &result);
            bool found = false;
            for (size_t i = 0; i + 1 < result.count; i++)
                found = found || memcmp(result.tokens + i, phrase, sizeof phrase) == 0;
            *(use ? &with : &without) += found;
            // What is reported is the model's own probability, not the boosted one.
            double logprob = 0, next[4];
            for (size_t i = 0; i < result.count; i++) {
                exact_logprobs(&fixture, result.tokens, i, next);
                logprob += next[result.tokens[i] - FAKE_WORD];
            }
            exact_logprobs(&fixture, result.tokens, result.count, next);
            logprob += result.ended ? next[3] : 0;
            assert_true(fabs(logprob - result.logprob) < 1e-4);
            end(&fixture);
        }
    }
    assert_true(with >= without + 10);
    hotwords_free(hotwords);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_beam_finds_the_best_of_all),
        cmocka_unit_test(beams_are_those_of_the_reference),
        cmocka_unit_test(samples_repeat_with_their_seed),
        cmocka_unit_test(room_runs_out),
        cmocka_unit_test(a_prefix_is_part_of_the_text),
        cmocka_unit_test(order_of_looking_does_not_matter),
        cmocka_unit_test(hotword_wins_where_it_is_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
