// Options, help and completions with every allocation failing in turn.
#include "fault.h"

#include "config/config.h"
#include "config/pages.h"
#include "table.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS_MAX = 5000 };

static ScoutStatus read_options(Config *config)
{
    char *const argv[] = {(char[]){"scout"},
                          (char[]){"transcribe"},
                          (char[]){"a.wav"},
                          (char[]){"--threads"},
                          (char[]){"2"},
                          (char[]){"--words"},
                          NULL};
    char *const environment[] = {(char[]){"SCOUT_LANGUAGE=de"}, NULL};
    ScoutError error = {.message = ""};
    ScoutStatus status = config_read_arguments(config, (int)BASE_COUNT(argv) - 1, argv, &error);
    if (status == SCOUT_OK)
        status = config_read_environment(config, environment, &error);
    if (status == SCOUT_OK)
        status = config_read_file(config, "config.yaml", &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static ScoutStatus use_config(void *context)
{
    (void)context;
    Config *config = NULL;
    ScoutStatus status = config_new(&scout_table, &config, NULL);
    if (status != SCOUT_OK) {
        assert_null(config);
        return status;
    }
    status = read_options(config);
    if (status == SCOUT_OK) {
        assert_int_equal(config_integer(config, OPTION_THREADS), 2);
        assert_string_equal(config_text(config, OPTION_LANGUAGE), "de");
        assert_string_equal(config_text(config, OPTION_TEMPERATURE), "0,0.4");
    }
    config_free(config);
    return status;
}

static void test_options(void **state)
{
    (void)state;
    static const char text[] = "temperature: [0, 0.4]\nprompt: a long one\n";
    assert_int_equal(file_write("config.yaml", text, strlen(text), true, NULL), SCOUT_OK);
    assert_true(fault_run_all(use_config, NULL, TRIALS_MAX) > 10);
}

static void write_page(size_t page, Buffer *out)
{
    static void (*const writers[])(const ConfigTable *table, Buffer *out) = {
        config_write_manual, config_write_bash, config_write_zsh, config_write_fish};
    const ConfigPage help = {.out = out, .width = 79};
    if (page < BASE_COUNT(writers))
        writers[page](&scout_table, out);
    else if (page == BASE_COUNT(writers))
        config_write_overview(&scout_table, &help);
    else
        config_write_help(&scout_table, &scout_table.commands[COMMAND_TRANSCRIBE], &help);
}

enum { PAGES = 6, PAGE_MAX_BYTES = 1 << 20 };

static ScoutStatus write_pages(void *context)
{
    const Buffer *expected = context;
    for (size_t page = 0; page < PAGES; page++) {
        BASE_CLEANUP(buffer_done) Buffer out;
        buffer_init(&out, PAGE_MAX_BYTES);
        write_page(page, &out);
        if (out.failed)
            return SCOUT_ERROR_OUT_OF_MEMORY;
        assert_string_equal(buffer_text(&out), buffer_text(&expected[page]));
    }
    return SCOUT_OK;
}

static void test_pages(void **state)
{
    (void)state;
    Buffer expected[PAGES];
    for (size_t page = 0; page < PAGES; page++) {
        buffer_init(&expected[page], PAGE_MAX_BYTES);
        write_page(page, &expected[page]);
        assert_true(expected[page].length > 100 && !expected[page].failed);
    }
    assert_true(fault_run_all(write_pages, expected, TRIALS_MAX) > PAGES);
    for (size_t page = 0; page < PAGES; page++)
        buffer_done(&expected[page]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_options),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
