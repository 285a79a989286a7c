// Rules for text and polished text with every allocation failing in turn: nothing is lost by it, a
// call that is repeated gives what it would have given.
#include "fault.h"

#include "speech/polish.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS_MAX = 20000 };

static const ScoutTextReplacement replacements[] = {
    {SCOUT_TEXT_WORD, "kubernetis", "Kubernetes", 0, 1, NULL},
    {SCOUT_TEXT_PHRASE, "new york", "NY", 0, 0, NULL},
    {SCOUT_TEXT_REGEX, "(\\d+) degrees", "$1°", 0, 0, NULL},
};
static const ScoutTextCommand commands[] = {
    {"smiley", "🙂", SCOUT_TEXT_WRITE, SCOUT_TEXT_ANYWHERE, NULL}};
static const ScoutTextOptions options = {.replacements = replacements,
                                         .replacement_count = BASE_COUNT(replacements),
                                         .commands = 1,
                                         .command_table = commands,
                                         .command_count = 1,
                                         .numbers = SCOUT_TEXT_DIGITS,
                                         .profanity_filter = 1};

static ScoutStatus say(Polish *polish, const char *raw, const char *expected)
{
    const size_t length = strlen(raw), half = length / 2;
    PolishText text;
    ScoutStatus status = polish_partial(polish, raw, half, raw + half, length - half, &text, NULL);
    if (status != SCOUT_OK)
        assert_int_equal(polish_partial(polish, raw, half, raw + half, length - half, &text, NULL),
                         SCOUT_OK);
    assert_string_equal(text.text, expected);
    const ScoutStatus second = polish_final(polish, raw, length, &text, NULL);
    if (second != SCOUT_OK)
        assert_int_equal(polish_final(polish, raw, length, &text, NULL), SCOUT_OK);
    assert_string_equal(text.text, expected);
    return status != SCOUT_OK ? status : second;
}

static ScoutStatus use_rules(const PolishRules *rules)
{
    Polish *polish = NULL;
    ScoutStatus status = polish_new(rules, &polish, NULL);
    if (status != SCOUT_OK) {
        assert_null(polish);
        return status;
    }
    const ScoutStatus all[] = {
        say(polish, " Hello, full stop. kubernetis in New York at twenty degrees smiley",
            "Hello. Kubernetes in NY at 20 degrees 🙂"),
        say(polish, " shit. 21 degrees", " s***. 21°"),
        say(polish, " Scratch that.", ""),
        say(polish, " caps on hello caps off there", " HELLO there"),
    };
    for (size_t i = 0; i < BASE_COUNT(all) && status == SCOUT_OK; i++)
        status = all[i];
    polish_free(polish);
    return status;
}

static ScoutStatus make_and_use_rules(void *context)
{
    (void)context;
    PolishRules *rules = NULL;
    ScoutStatus status = polish_rules_new(&options, &rules, NULL);
    if (status != SCOUT_OK) {
        assert_null(rules);
        return status;
    }
    status = use_rules(rules);
    polish_rules_free(rules);
    return status;
}

static void test_polish(void **state)
{
    (void)state;
    assert_true(fault_run_all(make_and_use_rules, NULL, TRIALS_MAX) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_polish)};
    return cmocka_run_group_tests_name("fault polish", tests, NULL, NULL);
}
