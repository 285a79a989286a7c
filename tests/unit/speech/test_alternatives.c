// Other words on a model whose every probability is written in a table: which are found, in which
// order, and what is no alternative.
#include "alternatives.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_models.h"

enum { PROMPT = 4, WIDTH = 3, SEQUENCES = 2 + WIDTH, CASES_MAX = 40, TEXT_MAX = 40, WORDS = 8 };

static const int32_t PROMPT_TOKENS[PROMPT] = {FAKE_START, FAKE_LANGUAGE, FAKE_TRANSCRIBE,
                                              FAKE_NO_TIMESTAMPS};

// After `text`, the model writes `next` with this probability. "$" is the end, "<" and ">" the two
// parts of a character, "^" a token that is never written.
typedef struct Case {
    const char *text, *next;
    float probability;
} Case;

static int32_t token_of(char first, char second)
{
    if (first == ' ' && second)
        return FAKE_WORD + (second - 'a');
    static const struct {
        char sign;
        int32_t token;
    } SIGNS[] = {{' ', FAKE_BLANK},          {',', FAKE_COMMA},          {'.', FAKE_STOP},
                 {'<', FAKE_HALF_CHARACTER}, {'>', FAKE_REST_CHARACTER}, {'$', FAKE_END},
                 {'^', FAKE_BRACKET}};
    for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0]; i++)
        if (SIGNS[i].sign == first)
            return SIGNS[i].token;
    return FAKE_PIECE + (first - 'a');
}

static size_t to_tokens(const char *text, int32_t *tokens)
{
    size_t count = 0;
    for (const char *c = text; *c; c++) {
        bool spaced = *c == ' ' && c[1] >= 'a' && c[1] <= 'z';
        tokens[count++] = token_of(*c, spaced ? c[1] : '\0');
        c += spaced;
    }
    return count;
}

// What no case speaks of shares what is left, so little each that it is never considered.
static void say(void *context, const float *mel, size_t frames, const int32_t *tokens, size_t count,
                float *logits)
{
    (void)mel;
    (void)frames;
    for (size_t i = 0; i < FAKE_VOCAB; i++)
        logits[i] = -30;
    assert_true(count >= PROMPT);
    assert_memory_equal(tokens, PROMPT_TOKENS, sizeof PROMPT_TOKENS);
    float left = 1;
    for (const Case *one = context; one->text; one++) {
        int32_t text[TEXT_MAX];
        size_t length = to_tokens(one->text, text);
        if (length != count - PROMPT || memcmp(text, tokens + PROMPT, length * sizeof *text) != 0)
            continue;
        int32_t next;
        assert_int_equal(to_tokens(one->next, &next), 1);
        logits[next] = logf(one->probability);
        left -= one->probability;
    }
    assert_true(left > -1e-5f);
    // Unless told otherwise, a word ends: with the end, which is written nowhere else.
    if (left > 1e-5f)
        logits[FAKE_END] = logf(left);
}

typedef struct Fixture {
    FakeModel fake;
    WhisperRun *run;
    Schedule *schedule;
    Turn turn;
    Rules rules;
    Alternatives *alternatives;
    Arena arena;
    int32_t tokens[TEXT_MAX];
    Word words[WORDS];
    AlternativesTask task;
    WordAlternatives found[WORDS];
    size_t rows;
} Fixture;

static void begin(Fixture *fixture, const Case *cases, const char *text, bool spaces, size_t limit)
{
    *fixture = (Fixture){.fake = {.script = say, .context = (void *)(uintptr_t)cases}};
    WhisperModel *model = fake_model(&fixture->fake);
    const WhisperRunLimits limits = {1, SEQUENCES, 64};
    assert_int_equal(whisper_run_new(model, NULL, &limits, &fixture->run, NULL), SCOUT_OK);
    assert_int_equal(schedule_new(&fixture->schedule, NULL), SCOUT_OK);
    assert_int_equal(alternatives_new(model, limit, &fixture->alternatives, NULL), SCOUT_OK);
    arena_init(&fixture->arena, 1 << 16);
    rules_init(&fixture->rules, fake_kernels(), fake_bpe(), true, true);
    fixture->turn = (Turn){.schedule = fixture->schedule};
    assert_int_equal(turn_step(&fixture->turn, NULL), SCOUT_OK);
    size_t count = to_tokens(text, fixture->tokens);
    size_t words = words_split(fake_bpe(), fixture->tokens, count, spaces, fixture->words);
    assert_true(words <= WORDS);
    fixture->task = (AlternativesTask){.run = fixture->run,
                                       .sequence = 1,
                                       .width = WIDTH,
                                       .rules = &fixture->rules,
                                       .prompt = PROMPT_TOKENS,
                                       .prompt_count = PROMPT,
                                       .tokens = fixture->tokens,
                                       .count = count,
                                       .words = fixture->words,
                                       .word_count = words,
                                       .spaces = spaces,
                                       .turn = &fixture->turn};
}

static ScoutStatus find(Fixture *fixture)
{
    return alternatives_find(fixture->alternatives, &fixture->task, &fixture->arena, fixture->found,
                             &fixture->rows, NULL);
}

static void end(Fixture *fixture)
{
    turn_leave(&fixture->turn);
    arena_done(&fixture->arena);
    alternatives_free(fixture->alternatives);
    schedule_free(fixture->schedule);
    whisper_run_free(fixture->run);
}

// expected: "text probability, ..." of the word.
static void expect(const Fixture *fixture, size_t word, const char *expected)
{
    char told[512] = "";
    const WordAlternatives *found = &fixture->found[word];
    for (size_t i = 0; i < found->count; i++) {
        size_t used = strlen(told);
        snprintf(told + used, sizeof told - used, "%s%s %.3f", i > 0 ? ", " : "",
                 found->items[i].text, (double)found->items[i].probability);
    }
    assert_string_equal(told, expected);
    assert_true((found->items == NULL) == (found->count == 0));
}

static void check(const Case *cases, const char *text, bool spaces, size_t limit, size_t word,
                  const char *expected)
{
    Fixture fixture;
    begin(&fixture, cases, text, spaces, limit);
    assert_int_equal(find(&fixture), SCOUT_OK);
    expect(&fixture, word, expected);
    assert_int_equal(fixture.rows, fixture.fake.decode_rows);
    end(&fixture);
}

static void others_are_ordered_and_the_written_word_is_not_among_them(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"", " c", 0.15f},   {"", " a", 0.5f},    {"", " b", 0.25f},   {"", " d", 0.05f},
        {" a", " y", 0.25f}, {" a", " x", 0.75f}, {" a x", "$", 1.0f}, {0}};
    check(CASES, " a x", true, 8, 0, "b 0.250, c 0.150, d 0.050");
    check(CASES, " a x", true, 8, 1, "y 0.250");
    check(CASES, " b", true, 8, 0, "a 0.500, c 0.150, d 0.050");
    check(CASES, " a x", true, 2, 0, "b 0.250, c 0.150");
    check(CASES, " a x", true, 1, 0, "b 0.250");
}

static void what_begins_is_completed(void **state)
{
    (void)state;
    static const Case CASES[] = {{"", " a", 0.4f},   {"", " b", 0.3f},    {"", " c", 0.2f},
                                 {" b", "e", 0.6f},  {" b", " z", 0.4f},  {" be", "f", 0.5f},
                                 {" be", ".", 0.3f}, {" bef", ".", 0.9f}, {" c", " z", 0.6f},
                                 {" c", "g", 0.4f},  {" a", ",", 1.0f},   {0}};
    // b is likelier than c, what becomes of it is not; with one wanted, c must be found all the
    // same.
    check(CASES, " a", true, 4, 0, "c 0.200, bef 0.090");
    check(CASES, " a", true, 1, 0, "c 0.200");
}

static void a_word_is_left_in_its_middle(void **state)
{
    (void)state;
    // The word a-b-c: its a can go on otherwise, and can be all of it.
    static const Case CASES[] = {{"", " a", 0.8f},
                                 {"", " z", 0.1f},
                                 {" a", "b", 0.5f},
                                 {" a", "d", 0.2f},
                                 {" a", " n", 0.1f},
                                 {" a", ".", 0.1f},
                                 {" a", ",", 0.1f},
                                 {" ab", "c", 0.9f},
                                 {" ab", "e", 0.1f},
                                 {" abc", ".", 1.0f},
                                 {0}};
    // The full stop is joined to the word, and so it is to what stands in its place.
    Fixture fixture;
    begin(&fixture, CASES, " abc.", true, 8);
    assert_int_equal(fixture.task.word_count, 2);
    words_join_punctuation(fake_bpe(), fixture.tokens, fixture.words, 2);
    fixture.task.word_count = 1;
    assert_int_equal(find(&fixture), SCOUT_OK);
    expect(&fixture, 0, "a. 0.240, ad. 0.160, z. 0.100, abe. 0.040");
    end(&fixture);
}

static void what_is_the_word_itself_is_no_other(void **state)
{
    (void)state;
    static const Case CASES[] = {{"", " a", 0.3f},  {"", "a", 0.1f},   {"", " ", 0.1f},
                                 {"", ",", 0.1f},   {"", "^", 0.1f},   {"", "<", 0.05f},
                                 {"", " c", 0.05f}, {" a", "b", 0.6f}, {" a", " ", 0.2f},
                                 {" ab", "$", 1},   {" c", "$", 1},    {0}};
    // Not a piece without the space, a lone space, punctuation, or what is never written.
    check(CASES, " ab", true, 8, 0, "a 0.120, c 0.050");
    check(CASES, " c", true, 8, 0, "ab 0.180");
    static const Case SAME[] = {
        {"", "a", 0.5f}, {"", "b", 0.3f}, {"a", "b", 1}, {"b", "$", 1}, {0}};
    check(SAME, "ab", true, 8, 0, "b 0.300");
    // Punctuation alone has no alternatives.
    static const Case STOP[] = {{"", ".", 0.5f}, {"", ",", 0.5f}, {0}};
    check(STOP, ".", true, 8, 0, "");
}

static void too_long_and_too_improbable_is_left_out(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"", " a", 0.6f},   {"", " b", 0.2f},    {"", " c", 0.1f},   {"", " d", 0.0005f},
        {" b", "z", 1},     {" bz", "z", 1},     {" bzz", "z", 1},   {" bzzz", "z", 1},
        {" bzzzz", "z", 1}, {" bzzzzz", "z", 1}, {" c", "z", 1},     {" cz", "z", 1},
        {" czz", "z", 1},   {" czzz", "z", 1},   {" czzzz", "z", 1}, {0}};
    check(CASES, " a", true, 8, 0, "czzzzz 0.100");
}

static void without_spaces_a_word_is_whole_characters(void **state)
{
    (void)state;
    static const Case CASES[] = {{"", "a", 0.5f},  {"", "b", 0.2f},  {"", "<", 0.2f},
                                 {"", ">", 0.1f},  {"a", "c", 0.6f}, {"a", "d", 0.4f},
                                 {"<", ">", 0.5f}, {"<", "x", 0.2f}, {0}};
    Fixture fixture;
    begin(&fixture, CASES, "ac", false, 8);
    assert_int_equal(fixture.task.word_count, 2);
    assert_int_equal(find(&fixture), SCOUT_OK);
    expect(&fixture, 0, "b 0.200, \xE4\xB8\xAD 0.100");
    expect(&fixture, 1, "d 0.400");
    end(&fixture);
    // What breaks a character is no text.
    check(CASES, "<>", false, 8, 0, "a 0.500, b 0.200");
}

static void more_text_than_a_block_and_more_starts_than_a_round(void **state)
{
    (void)state;
    static const char TEXT[] = " abcdefghijklmnopqrstuvw x";
    static const Case CASES[] = {
        {" abcdefghijklmnopqrstuvw", " x", 0.4f}, {" abcdefghijklmnopqrstuvw", " a", 0.1f},
        {" abcdefghijklmnopqrstuvw", " b", 0.1f}, {" abcdefghijklmnopqrstuvw", " c", 0.1f},
        {" abcdefghijklmnopqrstuvw", " d", 0.1f}, {" abcdefghijklmnopqrstuvw", " e", 0.1f},
        {" abcdefghijklmnopqrstuvw", " f", 0.1f}, {0}};
    check(CASES, TEXT, true, 16, 1, "a 0.100, b 0.100, c 0.100, d 0.100, e 0.100, f 0.100");
    check(CASES, TEXT, true, 4, 1, "a 0.100, b 0.100, c 0.100, d 0.100");
}

static void it_stops_when_told_and_passes_errors_on(void **state)
{
    (void)state;
    static const Case CASES[] = {{"", " a", 0.5f}, {"", " b", 0.5f}, {0}};
    for (size_t failure = 1; failure <= 2; failure++) {
        Fixture fixture;
        begin(&fixture, CASES, " a", true, 2);
        fixture.fake.calls_until_failure = failure;
        assert_int_equal(find(&fixture), SCOUT_ERROR_IO);
        end(&fixture);
    }
    Fixture fixture;
    begin(&fixture, CASES, " a", true, 2);
    Cancel cancel;
    cancel_init(&cancel);
    cancel_raise(&cancel);
    fixture.turn.cancel = &cancel;
    assert_int_equal(find(&fixture), SCOUT_ERROR_CANCELLED);
    assert_int_equal(fixture.fake.decode_calls, 1);
    end(&fixture);
    begin(&fixture, CASES, " a", true, 2);
    arena_done(&fixture.arena);
    arena_init(&fixture.arena, 1);
    assert_int_equal(find(&fixture), SCOUT_ERROR_OUT_OF_MEMORY);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_ordered_and_the_written_word_is_not_among_them),
        cmocka_unit_test(what_begins_is_completed),
        cmocka_unit_test(a_word_is_left_in_its_middle),
        cmocka_unit_test(what_is_the_word_itself_is_no_other),
        cmocka_unit_test(too_long_and_too_improbable_is_left_out),
        cmocka_unit_test(without_spaces_a_word_is_whole_characters),
        cmocka_unit_test(more_text_than_a_block_and_more_starts_than_a_round),
        cmocka_unit_test(it_stops_when_told_and_passes_errors_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
