// The promise of polished text, with random rules, random words and random cuts: settled text is a
// beginning of all that follows, and how the raw text is cut does not change the final text.
#include "speech/polish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/str.h"

enum { ROUNDS = 400, UTTERANCES = 6, WORDS_MAX = 14, RULES_MAX = 8, RAW_MAX = 512 };

static uint32_t random_state = 1;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13; // xorshift
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

#define PICK(list) (list)[draw((uint32_t)BASE_COUNT(list))]

static const char *const words[] = {
    "new",   "line",    "New",       "paragraph", "full",     "stop",      "period",  "comma",
    "the",   "word",    "literally", "open",      "quote",    "close",     "bracket", "scratch",
    "that",  "undo",    "all",       "caps",      "on",       "off",       "Hello",   "world",
    "um",    "I",       "NASA",      "twenty",    "three",    "one",       "hundred", "and",
    "point", "percent", "oh",        "five",      "nineteen", "eighty",    "23",      "1,200",
    "3.14",  "shit",    "iPhone",    "straße",    "ÉTÉ",      "世界",      "。",      "ครับ",
    "🙂",  "a",       "ab",        "aab",       "b",        "dictation", "Punkt",   "Komma",
    "neue",  "Zeile",   "dash",      "of",        "Dr",       "A",         "second",
};
static const char *const gaps[] = {" ",   " ",   " ",  " ",  " ",    ", ",      ". ",
                                   "? ",  "! ",  "-",  "  ", "... ", "",        ": ",
                                   " \"", "\" ", " (", ") ", "’",    "\xC2\xA0"};
static const char *const patterns[] = {
    "a+b",    "(\\w+) (\\w+)", "\\bnew\\b", "o$",      "(?i)THAT", "[aeiou]{2,}",
    "(a+)+b", "\\d+",          "(?<=l)l",   "^ ?H",    ", (?=a)",  ".{3}x?",
    "w.*d",   "\\s+stop",      "(?!a)b\\B", "\\p{Lu}",
};
static const char *const outputs[] = {"",  "x", "$0", "$0$0", "New line",
                                      " ", "ß", "世", "a b",  "."};

typedef struct Table {
    ScoutTextReplacement rules[RULES_MAX];
    ScoutTextCommand commands[2];
    char texts[RULES_MAX][64];
    ScoutTextOptions options;
} Table;

static void make_rule(ScoutTextReplacement *rule, char text[64])
{
    rule->kind = (ScoutTextKind)draw(4);
    rule->match_case = draw(4) == 0;
    rule->keep_case = draw(3) == 0;
    rule->to = rule->kind == SCOUT_TEXT_REGEX ? PICK(outputs) : PICK(words);
    if (draw(4) == 0)
        rule->to = "";
    (void)snprintf(text, 64, "%s", PICK(words));
    if (rule->kind == SCOUT_TEXT_PHRASE)
        (void)snprintf(text, 64, "%s %s", PICK(words), PICK(words));
    if (rule->kind == SCOUT_TEXT_EXACT && draw(2) == 0)
        (void)snprintf(text, 64, "%s", &", \0a\0l\0. \0ow\0 w"[2 * draw(6)]);
    if (rule->kind == SCOUT_TEXT_REGEX)
        (void)snprintf(text, 64, "%s", PICK(patterns));
    if (!text[0])
        (void)snprintf(text, 64, "b");
    rule->from = text;
}

static void make_table(Table *table)
{
    static const char *const languages[] = {"en", "en", "de", "fr", "xx"};
    static const char *const masked[] = {"hello", "wor*"};
    const size_t count = draw(RULES_MAX + 1);
    for (size_t i = 0; i < count; i++)
        make_rule(&table->rules[i], table->texts[i]);
    for (size_t i = 0; i < BASE_COUNT(table->commands); i++)
        table->commands[i] = (ScoutTextCommand){PICK(words), "§\n", (ScoutTextAction)draw(14),
                                                (ScoutTextPlace)draw(4), NULL};
    table->options = (ScoutTextOptions){
        .language = PICK(languages),
        .replacements = table->rules,
        .replacement_count = count,
        .commands = draw(4) != 0,
        .command_table = table->commands,
        .command_count = draw(3),
        .numbers = (ScoutTextNumbers)draw(3),
        .profanity_filter = draw(2) == 0,
        .profanity_table = masked,
        .profanity_count = 2,
    };
}

static void make_raw(char raw[RAW_MAX])
{
    raw[0] = '\0';
    const size_t count = draw(WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(raw);
        (void)snprintf(raw + length, RAW_MAX - length, "%s%s", PICK(gaps), PICK(words));
    }
    if (draw(2) == 0)
        (void)str_copy(raw + strlen(raw), RAW_MAX - strlen(raw), PICK(gaps));
}

// What was settled of an utterance so far.
typedef struct Settled {
    char text[1 << 16];
    size_t length;
    PolishEvent events[POLISH_EVENTS_MAX];
    size_t event_count;
} Settled;

static void check_text(Settled *settled, const PolishText *text, const char *raw)
{
    if (text->settled_bytes < settled->length || text->length < text->settled_bytes ||
        memcmp(text->text, settled->text, settled->length) != 0)
        fail_msg("raw: %s\nsettled: %.*s\nnow: %.*s|%s", raw, (int)settled->length, settled->text,
                 (int)text->settled_bytes, text->text, text->text + text->settled_bytes);
    assert_true(utf8_valid(text->text, text->length));
    assert_true(text->event_count >= settled->event_count);
    for (size_t i = 0; i < settled->event_count; i++) {
        const PolishEvent *was = &settled->events[i], *is = &text->events[i];
        assert_true(was->type == is->type && was->at_bytes == is->at_bytes);
        assert_true(was->bytes == is->bytes && was->characters == is->characters);
    }
    for (size_t i = 0; i < text->event_count; i++)
        assert_true(text->events[i].at_bytes <= text->settled_bytes);
    assert_true(text->settled_bytes < sizeof settled->text);
    memcpy(settled->text, text->text, text->settled_bytes);
    settled->length = text->settled_bytes;
    memcpy(settled->events, text->events, text->event_count * sizeof *text->events);
    settled->event_count = text->event_count;
}

static void say_in_pieces(Polish *polish, const char *raw)
{
    static Settled settled;
    settled.length = settled.event_count = 0;
    const size_t length = strlen(raw);
    PolishText text;
    for (size_t cut = draw(4); cut <= length; cut += 1 + draw(6)) {
        // The tentative rest is another than what comes, most of the time.
        const char *rest = draw(3) == 0 ? raw + cut : PICK(words);
        assert_int_equal(polish_partial(polish, raw, cut, rest, strlen(rest), &text, NULL),
                         SCOUT_OK);
        check_text(&settled, &text, raw);
    }
    assert_int_equal(polish_final(polish, raw, length, &text, NULL), SCOUT_OK);
    check_text(&settled, &text, raw);
    assert_int_equal(text.settled_bytes, text.length);
}

static void settled_text_stays(void **state)
{
    (void)state;
    const char *long_run = getenv("SCOUT_TEST_LONG");
    const int rounds = long_run ? 100 * ROUNDS : ROUNDS;
    for (int round = 0; round < rounds; round++) {
        static Table table;
        random_state = (uint32_t)round * 2654435761u + 1;
        make_table(&table);
        PolishRules *rules = NULL;
        Polish *pieces = NULL, *whole = NULL;
        ScoutError error = {.message = ""};
        if (polish_rules_new(&table.options, &rules, &error) != SCOUT_OK)
            fail_msg("round %d: %s", round, error.message);
        assert_int_equal(polish_new(rules, &pieces, NULL), SCOUT_OK);
        assert_int_equal(polish_new(rules, &whole, NULL), SCOUT_OK);
        for (int i = 0; i < UTTERANCES; i++) {
            char raw[RAW_MAX];
            PolishText once, again;
            make_raw(raw);
            say_in_pieces(pieces, raw);
            assert_int_equal(polish_final(whole, raw, strlen(raw), &once, NULL), SCOUT_OK);
            // The page that is left is the same, too: what is taken back of it shows.
            make_raw(raw);
            assert_int_equal(polish_final(pieces, raw, strlen(raw), &once, NULL), SCOUT_OK);
            assert_int_equal(polish_final(whole, raw, strlen(raw), &again, NULL), SCOUT_OK);
            assert_string_equal(once.text, again.text);
            assert_int_equal(once.event_count, again.event_count);
        }
        for (size_t i = 0; i < table.options.replacement_count; i++)
            assert_int_equal(polish_rules_hits(rules, i) % 2, 0);
        polish_free(pieces);
        polish_free(whole);
        polish_rules_free(rules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(settled_text_stays)};
    return cmocka_run_group_tests_name("polish random", tests, NULL, NULL);
}
