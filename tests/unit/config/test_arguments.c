// The command line: what is understood, and what is said about the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "small_table.h"

static ScoutError error;

// Reads the words, which stand for argv[1..]; ends at NULL.
static ScoutStatus parse(Config **config, const char *const *words)
{
    static char copies[16][64];
    static char *argv[17];
    int argc = 1;
    argv[0] = copies[0];
    for (; words[argc - 1]; argc++) {
        argv[argc] = copies[argc];
        memcpy(copies[argc], words[argc - 1], strlen(words[argc - 1]) + 1);
    }
    error = (ScoutError){0};
    assert_int_equal(config_new(&small_table, config, &error), SCOUT_OK);
    return config_read_arguments(*config, argc, argv, &error);
}

#define PARSE(config, ...) parse(&(config), (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *const *words, const char *message)
{
    Config *config;
    assert_int_equal(parse(&config, words), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    config_free(config);
}

#define REFUSED(message, ...) refused((const char *const[]){__VA_ARGS__, NULL}, message)

static void all_forms_of_a_value(void **state)
{
    (void)state;
    const char *const forms[][3] = {
        {"--format", "srt", NULL}, {"--format=srt", NULL, NULL}, {"-f", "srt", NULL}};
    for (size_t i = 0; i < BASE_COUNT(forms); i++) {
        Config *config;
        const char *words[5] = {"transcribe", "a.wav", forms[i][0], forms[i][1], NULL};
        assert_int_equal(parse(&config, words), SCOUT_OK);
        assert_string_equal(config_text(config, SMALL_FORMAT), "srt");
        assert_int_equal(config_choice(config, SMALL_FORMAT), 1);
        assert_int_equal(config_origin(config, SMALL_FORMAT), CONFIG_FROM_ARGUMENT);
        config_free(config);
    }
}

static void flags_and_their_opposites(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(PARSE(config, "transcribe", "--words", "--no-vad", "x"), SCOUT_OK);
    assert_true(config_flag(config, SMALL_WORDS));
    assert_false(config_flag(config, SMALL_VAD));
    config_free(config);
    assert_int_equal(PARSE(config, "transcribe", "-w", "--no-words", "--vad=no", "x"), SCOUT_OK);
    assert_false(config_flag(config, SMALL_WORDS));
    assert_false(config_flag(config, SMALL_VAD));
    config_free(config);
    REFUSED("--no-words takes no value", "transcribe", "--no-words=x", "a");
    REFUSED("--words must be true or false, not 'x'", "transcribe", "--words=x", "a");
    REFUSED("--help takes no value", "--help=yes");
}

static void options_stand_anywhere_and_dashes_end_them(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(
        PARSE(config, "--name", "n", "transcribe", "-", "--beam-size", "3", "--", "-w", "--format"),
        SCOUT_OK);
    size_t count;
    const char *const *arguments = config_arguments(config, &count);
    assert_int_equal(count, 3);
    assert_string_equal(arguments[0], "-");
    assert_string_equal(arguments[1], "-w");
    assert_string_equal(arguments[2], "--format");
    assert_int_equal(config_integer(config, SMALL_BEAM), 3);
    assert_string_equal(config_text(config, SMALL_NAME), "n");
    config_free(config);
}

static void commands_of_two_words(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(PARSE(config, "models", "list"), SCOUT_OK);
    assert_string_equal(config_command(config)->name, "models list");
    config_free(config);
    assert_int_equal(PARSE(config, "models"), SCOUT_OK);
    assert_true(config_command(config)->parent);
    config_free(config);
    REFUSED("unknown command 'models lits'; did you mean 'models list'?", "models", "lits");
    REFUSED("unknown command 'models banana'; see small models --help", "models", "banana");
}

static void what_is_not_known(void **state)
{
    (void)state;
    REFUSED("unknown command 'transcibe'; did you mean 'transcribe'?", "transcibe");
    REFUSED("unknown command 'banana'; see small --help", "banana");
    REFUSED("'/etc/passwd' is a file, not a command; did you mean: small transcribe "
            "'/etc/passwd'?",
            "/etc/passwd");
    REFUSED("unknown option --formt; did you mean --format?", "transcribe", "--formt=srt", "a");
    REFUSED("unknown option --no-vda; did you mean --no-vad?", "transcribe", "--no-vda");
    REFUSED("unknown option --banana; see small transcribe --help", "transcribe", "--banana");
    REFUSED("unknown option -x; see small transcribe --help", "transcribe", "-x", "a");
    REFUSED("unknown option -wf; see small transcribe --help", "transcribe", "-wf", "a");
    REFUSED("this command has no option --words; see small models list --help", "models", "list",
            "--words");
    // No abbreviations: what a later version means by them must not depend on this one.
    REFUSED("unknown option --form; did you mean --format?", "transcribe", "--form", "srt");
    REFUSED("unknown option --no-format; did you mean --format?", "transcribe", "--no-format");
}

static void values_that_are_wrong(void **state)
{
    (void)state;
    REFUSED("--beam-size must be a whole number from 1 to 16, not '17'", "transcribe",
            "--beam-size", "17");
    REFUSED("--beam-size must be a whole number from 1 to 16, not '1.5'", "transcribe",
            "--beam-size=1.5");
    REFUSED("--beam-size must be a whole number from 1 to 16, not ''", "transcribe",
            "--beam-size=");
    REFUSED("--beam-size needs a value", "transcribe", "a", "--beam-size");
    REFUSED("-f: there is no 'srtt'; did you mean 'srt'? (there are text, srt, vtt)", "transcribe",
            "-f", "srtt", "a");
    REFUSED("--format: there is no 'banana', only text, srt, vtt", "transcribe", "--format=banana");
}

static void number_of_arguments(void **state)
{
    (void)state;
    REFUSED("small transcribe needs FILE...: small transcribe FILE...; see small transcribe --help",
            "transcribe");
    REFUSED("small models list takes no 'x' (arguments: none); see small models list --help",
            "models", "list", "x");
    Config *config;
    assert_int_equal(PARSE(config, "transcribe", "--help"), SCOUT_OK);
    assert_true(config_flag(config, SMALL_HELP));
    config_free(config);
}

static void the_last_one_counts(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(PARSE(config, "transcribe", "--format=srt", "--format=vtt", "a"), SCOUT_OK);
    assert_string_equal(config_text(config, SMALL_FORMAT), "vtt");
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_of_a_value),
        cmocka_unit_test(flags_and_their_opposites),
        cmocka_unit_test(options_stand_anywhere_and_dashes_end_them),
        cmocka_unit_test(commands_of_two_words),
        cmocka_unit_test(what_is_not_known),
        cmocka_unit_test(values_that_are_wrong),
        cmocka_unit_test(number_of_arguments),
        cmocka_unit_test(the_last_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
