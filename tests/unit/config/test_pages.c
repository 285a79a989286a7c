// Help, the man page and completions: that everything in the table is on them, and fits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/str.h"
#include "config/pages.h"
#include "small_table.h"
#include "wrap.h"

static Buffer out;

static int setup(void **state)
{
    (void)state;
    buffer_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_done(&out);
    return 0;
}

static void has(const char *text)
{
    if (!strstr(buffer_text(&out), text))
        fail_msg("'%s' is missing in:\n%s", text, buffer_text(&out));
}

static void has_not(const char *text)
{
    if (strstr(buffer_text(&out), text))
        fail_msg("'%s' is in:\n%s", text, buffer_text(&out));
}

static void help_of_a_command(void **state)
{
    (void)state;
    const ConfigPage page = {.out = &out, .width = 79};
    config_write_help(&small_table, &small_table.commands[SMALL_TRANSCRIBE], &page);
    has("Usage: small transcribe [OPTION...] FILE...\n");
    has("First paragraph.\n\nSecond paragraph.\n");
    has("\nOutput\n  -f, --format FORMAT       What to write: text, srt, vtt [text]\n");
    has("      --no-vad              Recognise everything.\n");
    has("  -w, --words               Say when each word was spoken.\n");
    has("\nCommon\n");
    has("Examples\n  small transcribe a.wav\n      print the text\n");
    has_not("\033");
}

static void help_fits_its_width(void **state)
{
    (void)state;
    for (size_t width = 40; width <= 100; width += 20) {
        buffer_clear(&out);
        const ConfigPage page = {.out = &out, .width = width};
        config_write_overview(&small_table, &page);
        for (size_t i = 0; i < small_table.command_count; i++)
            config_write_help(&small_table, &small_table.commands[i], &page);
        for (const char *line = buffer_text(&out); *line;) {
            size_t length = strcspn(line, "\n");
            if (utf8_columns(line, length) > BASE_MAX(width, (size_t)60))
                fail_msg("%zu columns: %.*s", width, (int)length, line);
            assert_true(length == 0 || line[length - 1] != ' ');
            line += length + (line[length] == '\n');
        }
    }
}

static void emphasis_only_when_asked(void **state)
{
    (void)state;
    const ConfigPage page = {.out = &out, .width = 79, .emphasis = true};
    config_write_overview(&small_table, &page);
    has("\033[1mCommands\033[0m");
}

static void the_overview_has_every_command(void **state)
{
    (void)state;
    const ConfigPage page = {.out = &out, .width = 79};
    config_write_overview(&small_table, &page);
    has("  transcribe FILE...        write down what's said\n");
    has("  models list ");
    has("Exit status\n  0  ");
    // A parent is not a command that does something.
    has_not("  models      ");
}

static void the_manual(void **state)
{
    (void)state;
    config_write_manual(&small_table, &out);
    for (size_t i = 0; i < small_table.option_count; i++) {
        Buffer name;
        buffer_init(&name, 256);
        for (const char *at = small_table.options[i].name; *at; at++)
            buffer_printf(&name, *at == '-' ? "\\-" : "%c", *at);
        has(buffer_text(&name));
        buffer_done(&name);
    }
    has(".TH small 1");
    has("Environment: SMALL_BEAM_SIZE.");
    has("Environment: SMALL_OTHER_NAME.");
}

static void completions_hold_options_and_choices(void **state)
{
    (void)state;
    void (*const writers[])(const ConfigTable *, Buffer *) = {config_write_bash, config_write_zsh,
                                                              config_write_fish};
    for (size_t i = 0; i < BASE_COUNT(writers); i++) {
        buffer_clear(&out);
        writers[i](&small_table, &out);
        assert_false(out.failed);
        has("beam-size");
        has("no-vad");
        has("text srt vtt");
        has("small words");
        has_not("scout");
    }
}

static void words_are_wrapped(void **state)
{
    (void)state;
    wrap_text(&out, "one two three  four\n  kept   as it is\n\nfive", 4, 2, 11);
    assert_string_equal(buffer_text(&out),
                        "one two\n  three\n  four\n    kept   as it is\n\n  five");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(help_of_a_command, setup, teardown),
        cmocka_unit_test_setup_teardown(help_fits_its_width, setup, teardown),
        cmocka_unit_test_setup_teardown(emphasis_only_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(the_overview_has_every_command, setup, teardown),
        cmocka_unit_test_setup_teardown(the_manual, setup, teardown),
        cmocka_unit_test_setup_teardown(completions_hold_options_and_choices, setup, teardown),
        cmocka_unit_test_setup_teardown(words_are_wrapped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
