// The file of rules for text: what is read, and what people are told about mistakes.
#include "config/text_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/file.h"

static char path[] = "/tmp/scout-rules-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static ScoutStatus read_as(const char *text, ScoutTextOptions *options, ConfigTextFile **file,
                           ScoutError *error)
{
    assert_int_equal(file_write(path, text, strlen(text), true, NULL), SCOUT_OK);
    *file = NULL;
    return config_read_text_file(path, options, file, error);
}

static void everything_is_read(void **state)
{
    (void)state;
    const char *text = "language: de\n"
                       "spoken-commands: off\n"
                       "built-in-commands: no\n"
                       "numbers: digits\n"
                       "profanity-filter: on\n"
                       "built-in-profanities: false\n"
                       "replacements:\n"
                       "  - {word: kubernetis, with: Kubernetes}\n"
                       "  - phrase: open street map\n"
                       "    with: OpenStreetMap\n"
                       "    case: keep\n"
                       "  - exact: '->'\n"
                       "    with: →\n"
                       "  - {regex: '(\\d+) degrees', with: '$1°', case: match}\n"
                       "  - {word: um, with: \"\"}\n"
                       "commands:\n"
                       "  - say: [smiley, happy face]\n"
                       "    write: 🙂\n"
                       "    where: anywhere\n"
                       "  - {say: wipe that, do: scratch that, where: alone}\n"
                       "  - {say: next item, do: break, write: \"\\n- \"}\n"
                       "profanities: [blimey, 'dang*']\n";
    ScoutTextOptions options = {.size = 17, .commands = 1};
    ConfigTextFile *file = NULL;
    ScoutError error = {.message = ""};
    if (read_as(text, &options, &file, &error) != SCOUT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(options.size, 17);
    assert_string_equal(options.language, "de");
    assert_int_equal(options.commands, 0);
    assert_int_equal(options.no_built_in_commands, 1);
    assert_int_equal(options.numbers, SCOUT_TEXT_DIGITS);
    assert_int_equal(options.profanity_filter, 1);
    assert_int_equal(options.no_built_in_profanities, 1);
    assert_int_equal(options.replacement_count, 5);
    const ScoutTextReplacement *rules = options.replacements;
    assert_int_equal(rules[0].kind, SCOUT_TEXT_WORD);
    assert_string_equal(rules[0].from, "kubernetis");
    assert_string_equal(rules[0].to, "Kubernetes");
    assert_non_null(strchr(rules[0].origin, ':'));
    assert_string_equal(strchr(rules[0].origin, ':'), ":8");
    assert_int_equal(rules[1].kind, SCOUT_TEXT_PHRASE);
    assert_int_equal(rules[1].keep_case, 1);
    assert_int_equal(rules[2].kind, SCOUT_TEXT_EXACT);
    assert_string_equal(rules[2].to, "→");
    assert_int_equal(rules[3].kind, SCOUT_TEXT_REGEX);
    assert_string_equal(rules[3].from, "(\\d+) degrees");
    assert_int_equal(rules[3].match_case, 1);
    assert_string_equal(rules[4].to, "");
    assert_int_equal(options.command_count, 4);
    const ScoutTextCommand *commands = options.command_table;
    assert_string_equal(commands[0].say, "smiley");
    assert_string_equal(commands[1].say, "happy face");
    assert_string_equal(commands[1].write, "🙂");
    assert_int_equal(commands[1].action, SCOUT_TEXT_WRITE);
    assert_int_equal(commands[1].place, SCOUT_TEXT_ANYWHERE);
    assert_int_equal(commands[2].action, SCOUT_TEXT_SCRATCH);
    assert_null(commands[2].write);
    assert_string_equal(commands[3].write, "\n- ");
    assert_int_equal(options.profanity_count, 2);
    assert_string_equal(options.profanity_table[1], "dang*");
    config_text_file_free(file);
}

static void what_is_not_said_stays(void **state)
{
    (void)state;
    const char *const texts[] = {"", "# nothing\n", "replacements:\n", "---\n"};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        ScoutTextOptions options = {.commands = 1, .language = "fr"};
        ConfigTextFile *file = NULL;
        assert_int_equal(read_as(texts[i], &options, &file, NULL), SCOUT_OK);
        assert_int_equal(options.commands, 1);
        assert_string_equal(options.language, "fr");
        assert_int_equal(options.replacement_count, 0);
        config_text_file_free(file);
    }
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    const struct {
        const char *text, *words;
    } wrong[] = {
        {"replacement:\n", ":1: unknown key 'replacement'; did you mean 'replacements'?"},
        {"xyz: 1\n", ":1: unknown key 'xyz'; there are language, spoken-commands"},
        {"numbers: digit\n", ":1: 'digit'; did you mean 'digits'?"},
        {"numbers: 7\n", ":1: '7'; write one of as heard, digits, words"},
        {"spoken-commands: perhaps\n", ":1: 'perhaps'; write one of yes, no"},
        {"language: [de]\n", ":1: a text is expected"},
        {"language: de\nlanguage: en\n", ":2: 'language' is given twice"},
        {"replacements: 5\n", ":1: a list is expected"},
        {"replacements:\n  - teh\n", ":2: a replacement is expected"},
        {"replacements:\n  - {word: a}\n", ":2: with what?"},
        {"replacements:\n\n  - {with: a}\n", ":3: what is to be replaced?"},
        {"replacements:\n  - {word: a, phrase: b, with: c}\n", ":2: one of word"},
        {"replacements:\n  - {wrd: a, with: c}\n", ":2: unknown key 'wrd'; did you mean 'word'?"},
        {"replacements:\n  - {word: a, with: b, case: upper}\n",
         ":2: 'upper'; write one of ignore"},
        {"replacements:\n  - {word: \"a\\0b\", with: b}\n", ":2: a text with a zero byte"},
        {"commands:\n  - {say: a}\n", ":2: what is to be written?"},
        {"commands:\n  - {write: a}\n", ":2: what is said?"},
        {"commands:\n  - {say: a, do: undo that, write: b}\n", ":2: this writes nothing"},
        {"commands:\n  - {say: a, do: fly}\n", ":2: 'fly'; write one of nothing"},
        {"commands:\n  - smiley\n", ":2: a command is expected"},
        {"profanities: a\n", ":1: a list is expected"},
        {"- a\n", ":1: lines like"},
        {"language: 'de\n", ": found unexpected end of stream"},
        {"replacements: *x\n", ": found undefined alias"},
    };
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        ScoutTextOptions options = {.commands = 1};
        ConfigTextFile *file = NULL;
        ScoutError error = {.message = ""};
        assert_int_equal(read_as(wrong[i].text, &options, &file, &error), SCOUT_ERROR_FORMAT);
        assert_null(file);
        if (!strstr(error.message, wrong[i].words) || !strstr(error.message, path))
            fail_msg("'%s' lacks '%s'", error.message, wrong[i].words);
        assert_int_equal(options.replacement_count, 0);
    }
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    ScoutTextOptions options = {0};
    ConfigTextFile *file = NULL;
    ScoutError error = {.message = ""};
    assert_int_equal(config_read_text_file("/nowhere/rules.yaml", &options, &file, &error),
                     SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nowhere/rules.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(what_is_not_said_stays),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests_name("text file", tests, make_file, remove_file);
}
