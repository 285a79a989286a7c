// Values by type, their places of origin and which of them wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "small_table.h"

static ScoutError error;
static char path[] = "/tmp/scout-test-config-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static ScoutStatus read_file(Config **config, const char *text)
{
    write_file(text);
    error = (ScoutError){0};
    assert_int_equal(config_new(&small_table, config, &error), SCOUT_OK);
    return config_read_file(*config, path, &error);
}

static void read_words(Config *config, const char *value)
{
    static char name[] = "small";
    static char command[] = "transcribe";
    static char file[] = "a";
    static char option[64];
    (void)snprintf(option, sizeof(option), "%s", value);
    char *const argv[] = {name, command, file, option, NULL};
    assert_int_equal(config_read_arguments(config, 4, argv, &error), SCOUT_OK);
}

static void defaults(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(config_new(&small_table, &config, &error), SCOUT_OK);
    assert_string_equal(config_text(config, SMALL_FORMAT), "text");
    assert_int_equal(config_integer(config, SMALL_BEAM), 5);
    assert_true(config_flag(config, SMALL_VAD));
    assert_null(config_text(config, SMALL_HOTWORDS));
    assert_null(config_text(config, SMALL_START));
    assert_true(config_number(config, SMALL_START) == 0);
    assert_false(config_is_set(config, SMALL_BEAM));
    char origin[64];
    config_origin_text(config, SMALL_BEAM, origin, sizeof(origin));
    assert_string_equal(origin, "default");
    config_free(config);
}

static void a_file_of_every_type(void **state)
{
    (void)state;
    Config *config;
    assert_int_equal(read_file(&config, "# settings\n"
                                        "format: vtt\n"
                                        "words: yes\n"
                                        "vad: off\n"
                                        "beam-size: 3\n"
                                        "temperature: [0, 0.4, 1]\n"
                                        "start: 1:30.5\n"
                                        "patience: 1.5\n"
                                        "hotwords:\n  - Anna\n  - 'New York'\n"),
                     SCOUT_OK);
    assert_int_equal(config_choice(config, SMALL_FORMAT), 2);
    assert_true(config_flag(config, SMALL_WORDS));
    assert_false(config_flag(config, SMALL_VAD));
    assert_int_equal(config_integer(config, SMALL_BEAM), 3);
    double numbers[CONFIG_NUMBERS_MAX];
    assert_int_equal(config_numbers(config, SMALL_TEMPERATURE, numbers), 3);
    assert_true(numbers[1] == 0.4 && numbers[2] == 1);
    assert_true(config_number(config, SMALL_START) == 90.5);
    assert_true(config_number(config, SMALL_PATIENCE) == 1.5);
    assert_string_equal(config_text(config, SMALL_HOTWORDS), "Anna,New York");
    char origin[128];
    char expected[128];
    config_origin_text(config, SMALL_BEAM, origin, sizeof(origin));
    (void)snprintf(expected, sizeof(expected), "%s:5", path);
    assert_string_equal(origin, expected);
    config_free(config);
}

static void nothing_is_no_value(void **state)
{
    (void)state;
    const char *const texts[] = {"",          "# only a comment\n", "---\n",
                                 "format:\n", "format: null\n",     "format: ~\n"};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        Config *config;
        assert_int_equal(read_file(&config, texts[i]), SCOUT_OK);
        assert_string_equal(config_text(config, SMALL_FORMAT), "text");
        assert_false(config_is_set(config, SMALL_FORMAT));
        config_free(config);
    }
}

static void files_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"format: srt\nformt: vtt\n", ":2: unknown option 'formt'; did you mean 'format'?"},
        {"banana: 1\n", ":1: unknown option 'banana'; see small config"},
        {"\n\nbeam-size: many\n", ":3: beam-size must be a whole number from 1 to 16, not 'many'"},
        {"beam-size: 3\nbeam-size: 4\n", ":2: 'beam-size' is there twice"},
        {"name: x\n", ":1: unknown option 'name'; see small config"},
        {"help: true\n", ":1: unknown option 'help'; see small config"},
        {"format: {a: b}\n", ":1: a value or a list is expected"},
        {"hotwords: [[a], b]\n", ":1: a list holds plain values only"},
        {"- format\n", ":1: lines of `option: value` are expected"},
        {"format\n", ":1: lines of `option: value` are expected"},
        {"[a]: b\n", ":1: an option's name is expected"},
        {"format: srt\n---\nformat: vtt\n", ":3: lines of `option: value` are expected"},
        {"format: &a srt\nhotwords: *a\n", ":2: a value or a list is expected"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        Config *config;
        assert_int_equal(read_file(&config, rows[i].text) == SCOUT_OK, 0);
        assert_non_null(strstr(error.message, path));
        if (strcmp(error.message + strlen(path), rows[i].message) != 0)
            fail_msg("%s, not %s", error.message, rows[i].message);
        config_free(config);
    }
    Config *config;
    assert_int_equal(read_file(&config, "format: \"srt\nbeam"), SCOUT_ERROR_FORMAT);
    assert_non_null(strstr(error.message, ":2: "));
    config_free(config);
    assert_int_equal(config_new(&small_table, &config, &error), SCOUT_OK);
    assert_int_equal(config_read_file(config, "/nowhere/c.yaml", &error), SCOUT_ERROR_NOT_FOUND);
    config_free(config);
}

static void the_stronger_place_wins_in_any_order(void **state)
{
    (void)state;
    static char variable[] = "SMALL_BEAM_SIZE=2";
    char *const environment[] = {variable, NULL};
    Config *config;
    assert_int_equal(read_file(&config, "beam-size: 3\npatience: 2\n"), SCOUT_OK);
    assert_int_equal(config_integer(config, SMALL_BEAM), 3);
    read_words(config, "--format=srt");
    assert_int_equal(config_read_environment(config, environment, &error), SCOUT_OK);
    assert_int_equal(config_integer(config, SMALL_BEAM), 2);
    char origin[64];
    config_origin_text(config, SMALL_BEAM, origin, sizeof(origin));
    assert_string_equal(origin, "SMALL_BEAM_SIZE");
    config_free(config);

    assert_int_equal(config_new(&small_table, &config, &error), SCOUT_OK);
    read_words(config, "--beam-size=1");
    assert_int_equal(config_read_environment(config, environment, &error), SCOUT_OK);
    write_file("beam-size: 3\n");
    assert_int_equal(config_read_file(config, path, &error), SCOUT_OK);
    assert_int_equal(config_integer(config, SMALL_BEAM), 1);
    config_origin_text(config, SMALL_BEAM, origin, sizeof(origin));
    assert_string_equal(origin, "command line");
    config_free(config);
}

static void the_environment(void **state)
{
    (void)state;
    static char empty[] = "SMALL_FORMAT=";
    static char longer[] = "SMALL_FORMATS=vtt";
    static char other[] = "SMALL_OTHER_NAME=n";
    static char wrong[] = "SMALL_BEAM_SIZE=x";
    static char help[] = "SMALL_HELP=1";
    char *const environment[] = {empty, longer, other, help, NULL};
    Config *config;
    assert_int_equal(config_new(&small_table, &config, &error), SCOUT_OK);
    read_words(config, "--patience=2");
    assert_int_equal(config_read_environment(config, environment, &error), SCOUT_OK);
    assert_string_equal(config_text(config, SMALL_FORMAT), "text");
    assert_string_equal(config_text(config, SMALL_NAME), "n");
    assert_false(config_flag(config, SMALL_HELP));
    char *const bad[] = {wrong, NULL};
    assert_int_equal(config_read_environment(config, bad, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message,
                        "SMALL_BEAM_SIZE must be a whole number from 1 to 16, not 'x'");
    config_free(config);
    // A command that has no such option does not look at it.
    assert_int_equal(config_new(&small_table, &config, &error), SCOUT_OK);
    assert_int_equal(config_read_environment(config, bad, &error), SCOUT_OK);
    config_free(config);
}

static void numbers_and_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"temperature: 0.5\n", true},
        {"temperature: '0, 0.2 ,1'\n", true},
        {"temperature: 2.1\n", false},
        {"temperature: '0,,1'\n", false},
        {"temperature: '0,'\n", false},
        {"temperature: '0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0'\n", true},
        {"temperature: '0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0'\n", false},
        {"temperature: '00000000000000000000000000000000000000000000000000000000000000000000'\n",
         false},
        {"patience: 0.05\n", false},
        {"patience: nan\n", false},
        {"start: -1\n", false},
        {"start: 1:60\n", false},
        {"start: 2e6\n", false},
        {"start: 99999999\n", false},
        {"words: maybe\n", false},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        Config *config;
        if ((read_file(&config, rows[i].text) == SCOUT_OK) != rows[i].good)
            fail_msg("%s", rows[i].text);
        config_free(config);
    }
}

static void nearest_names(void **state)
{
    (void)state;
    const char *const names[] = {"json", "jsonl", "text", "md"};
    assert_string_equal(config_nearest("jsn", names, 4), "json");
    assert_string_equal(config_nearest("jsonl", names, 4), "jsonl");
    assert_string_equal(config_nearest("txt", names, 4), "text");
    assert_null(config_nearest("x", names, 4));
    assert_null(config_nearest("banana", names, 4));
    assert_null(config_nearest("", names, 0));
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    (void)close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(a_file_of_every_type),
        cmocka_unit_test(nothing_is_no_value),
        cmocka_unit_test(files_that_are_wrong),
        cmocka_unit_test(the_stronger_place_wins_in_any_order),
        cmocka_unit_test(the_environment),
        cmocka_unit_test(numbers_and_their_bounds),
        cmocka_unit_test(nearest_names),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
