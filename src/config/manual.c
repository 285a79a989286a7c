// The man page: roff with man(7) macros.
#include "config/pages.h"

#include "base/str.h"
#include "config/config.h"

#include <string.h>

// Text as roff wants it: no escapes or requests by accident, and dashes that can be copied.
static void roff(Buffer *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buffer_append_text(out, "\\&");
        if (*text == '\\')
            buffer_append_text(out, "\\e");
        else if (*text == '-')
            buffer_append_text(out, "\\-");
        else
            buffer_append_char(out, *text);
        line_start = *text == '\n';
    }
}

// Paragraphs, and lines that begin with a space as they are.
static void paragraphs(Buffer *out, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool as_is = *text == ' ';
        if (!length) {
            buffer_append_text(out, ".PP\n");
        } else {
            char line[512];
            (void)str_copy(line, BASE_MIN(sizeof(line), length + 1), text);
            buffer_append_text(out, as_is ? ".nf\n" : "");
            roff(out, line);
            buffer_append_text(out, as_is ? "\n.fi\n" : "\n");
        }
        text += length;
        text += *text == '\n';
    }
}

static void option_entry(const ConfigTable *table, const ConfigOption *option, Buffer *out)
{
    bool off = option->type == CONFIG_FLAG && option->initial && str_equal(option->initial, "true");
    buffer_append_text(out, ".TP\n");
    if (option->letter)
        buffer_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    buffer_append_text(out, off ? "\\fB\\-\\-no\\-" : "\\fB\\-\\-");
    roff(out, option->name);
    buffer_append_text(out, "\\fR");
    if (option->placeholder) {
        buffer_append_text(out, " \\fI");
        roff(out, option->placeholder);
        buffer_append_text(out, "\\fR");
    }
    buffer_append_char(out, '\n');
    roff(out, option->help);
    if (option->type == CONFIG_CHOICE) {
        for (size_t i = 0; option->choices[i]; i++) {
            buffer_append_text(out, i ? ", " : ": ");
            roff(out, option->choices[i]);
        }
        buffer_append_char(out, '.');
    }
    const char *initial = option->initial_note ? option->initial_note : option->initial;
    if (initial && (option->type != CONFIG_FLAG || option->initial_note)) {
        buffer_append_text(out, " Default: ");
        roff(out, initial);
        buffer_append_char(out, '.');
    }
    if (option->scope != CONFIG_ONLY_ARGUMENT) {
        char variable[64];
        config_variable_name(table, option, variable, sizeof(variable));
        buffer_printf(out, " Environment: %s.", variable);
    }
    buffer_append_char(out, '\n');
}

static void command_section(const ConfigTable *table, size_t index, Buffer *out)
{
    const ConfigCommand *command = &table->commands[index];
    buffer_append_text(out, ".SS ");
    roff(out, table->program);
    buffer_append_char(out, ' ');
    roff(out, command->name);
    buffer_append_char(out, ' ');
    roff(out, command->arguments);
    buffer_append_char(out, '\n');
    paragraphs(out, command->about);
    for (size_t i = 0; i < table->option_count && !command->hidden_options; i++) {
        const ConfigOption *option = &table->options[i];
        if (option->commands && config_takes(table, index, option))
            option_entry(table, option, out);
    }
    for (const ConfigExample *example = command->examples; example->command; example++) {
        buffer_append_text(out, example == command->examples ? ".PP\nExamples:\n" : "");
        buffer_append_text(out, ".TP\n\\fB");
        roff(out, example->command);
        buffer_append_text(out, "\\fR\n");
        roff(out, example->meaning);
        buffer_append_char(out, '\n');
    }
}

static void notes(Buffer *out, const char *title, const ConfigNote *list)
{
    buffer_printf(out, ".SH %s\n", title);
    for (; list->name; list++) {
        buffer_append_text(out, ".TP\n\\fB");
        roff(out, list->name);
        buffer_append_text(out, "\\fR\n");
        roff(out, list->meaning);
        buffer_append_char(out, '\n');
    }
}

void config_write_manual(const ConfigTable *table, Buffer *out)
{
    buffer_printf(out, ".TH %s 1 \"\" \"%s %s\" \"User Commands\"\n.nh\n.SH NAME\n", table->program,
                  table->program, table->version);
    roff(out, table->program);
    buffer_append_text(out, " \\- ");
    roff(out, table->summary);
    buffer_append_text(out, "\n.SH SYNOPSIS\n");
    buffer_printf(out, "\\fB%s\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n",
                  table->program);
    buffer_append_text(out, ".SH DESCRIPTION\n");
    paragraphs(out, table->about);
    buffer_append_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < table->command_count; i++) {
        if (!table->commands[i].parent)
            command_section(table, i, out);
    }
    buffer_append_text(out, ".SH COMMON OPTIONS\n");
    for (size_t i = 0; i < table->option_count; i++) {
        if (!table->options[i].commands)
            option_entry(table, &table->options[i], out);
    }
    buffer_append_text(
        out, ".SH CONFIGURATION\nEvery option can be set in the configuration file, as a line\n"
             ".RI \" option: value\"\nin YAML, and by the environment variable named with it. The "
             "command line wins over the environment, the environment over the file, and the file "
             "over the defaults.\n");
    notes(out, "ENVIRONMENT", table->environment);
    notes(out, "FILES", table->files);
    notes(out, "EXIT STATUS", table->statuses);
    buffer_append_text(out, ".SH EXAMPLES\n");
    for (const ConfigExample *example = table->examples; example->command; example++) {
        buffer_append_text(out, ".TP\n\\fB");
        roff(out, example->command);
        buffer_append_text(out, "\\fR\n");
        roff(out, example->meaning);
        buffer_append_char(out, '\n');
    }
}
