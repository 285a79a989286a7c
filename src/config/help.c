// --help, for a terminal.
#include "config/pages.h"
#include "wrap.h"

#include "base/str.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_COLUMNS = 26, LABEL_MAX = 128 };

static void heading(const ConfigPage *page, const char *text)
{
    buffer_printf(page->out, page->emphasis ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static void paragraph(const ConfigPage *page, const char *text)
{
    wrap_text(page->out, text, 0, 0, page->width);
    buffer_append_char(page->out, '\n');
}

// A label on the left and a text on the right, or below when the label is long.
static void row(const ConfigPage *page, const char *label, const char *text)
{
    const size_t indent = LABEL_COLUMNS + 2;
    size_t columns = 2 + utf8_columns(label, strlen(label));
    buffer_printf(page->out, page->emphasis ? "  \033[1m%s\033[0m" : "  %s", label);
    if (columns + 2 > indent)
        buffer_printf(page->out, "\n%*s", (int)indent, "");
    else
        buffer_printf(page->out, "%*s", (int)(indent - columns), "");
    wrap_text(page->out, text, indent, indent, page->width);
    buffer_append_char(page->out, '\n');
}

static void option_row(const ConfigPage *page, const ConfigOption *option)
{
    char label[LABEL_MAX];
    bool off = option->type == CONFIG_FLAG && option->initial && str_equal(option->initial, "true");
    char letter[8] = "    ";
    if (option->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    (void)snprintf(label, sizeof(label), "%s--%s%s%s%s", letter, off ? "no-" : "", option->name,
                   option->placeholder ? " " : "", option->placeholder ? option->placeholder : "");
    Buffer text;
    buffer_init(&text, 4096);
    buffer_append_text(&text, option->help);
    if (option->type == CONFIG_CHOICE) {
        for (size_t i = 0; option->choices[i]; i++)
            buffer_printf(&text, "%s%s", i ? ", " : ": ", option->choices[i]);
    }
    const char *initial = option->initial_note          ? option->initial_note
                          : option->type != CONFIG_FLAG ? option->initial
                                                        : NULL;
    if (initial)
        buffer_printf(&text, " [%s]", initial);
    row(page, label, buffer_text(&text));
    page->out->failed = page->out->failed || text.failed;
    buffer_done(&text);
}

static void option_group(const ConfigTable *table, size_t command, const char *group,
                         const ConfigPage *page)
{
    heading(page, group);
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (config_takes(table, command, option) && str_equal(option->group, group))
            option_row(page, option);
    }
}

static void option_groups(const ConfigTable *table, size_t command, const ConfigPage *page)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (!config_takes(table, command, option))
            continue;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = config_takes(table, command, &table->options[j]) &&
                   str_equal(table->options[j].group, option->group);
        if (!seen)
            option_group(table, command, option->group, page);
    }
}

static void examples(const ConfigExample *list, const ConfigPage *page)
{
    if (!list || !list[0].command)
        return;
    heading(page, "Examples");
    for (; list->command; list++) {
        buffer_printf(page->out, "  %s\n      ", list->command);
        wrap_text(page->out, list->meaning, 6, 6, page->width);
        buffer_append_char(page->out, '\n');
    }
}

static void notes(const char *title, const ConfigNote *list, const ConfigPage *page)
{
    heading(page, title);
    for (; list->name; list++)
        row(page, list->name, list->meaning);
}

// The commands whose names begin with `under` and a space; all top ones for "".
static void command_rows(const ConfigTable *table, const char *under, const ConfigPage *page)
{
    size_t length = strlen(under);
    heading(page, "Commands");
    for (size_t i = 0; i < table->command_count; i++) {
        const ConfigCommand *command = &table->commands[i];
        bool below = length ? str_starts(command->name, under) && command->name[length] == ' '
                            : !command->parent;
        if (!below)
            continue;
        char label[LABEL_MAX];
        (void)snprintf(label, sizeof(label), "%s%s%s", command->name,
                       *command->arguments ? " " : "", command->arguments);
        row(page, label, command->summary);
    }
}

void config_write_overview(const ConfigTable *table, const ConfigPage *page)
{
    buffer_printf(page->out, "%s %s: %s\n\nUsage: %s COMMAND [OPTION...] [ARGUMENT...]\n\n",
                  table->program, table->version, table->summary, table->program);
    paragraph(page, table->about);
    command_rows(table, "", page);
    option_groups(table, SIZE_MAX, page);
    examples(table->examples, page);
    notes("Exit status", table->statuses, page);
    notes("Files", table->files, page);
    buffer_append_char(page->out, '\n');
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "%s COMMAND --help tells more about a command, and man %s has everything on one "
                   "page.",
                   table->program, table->program);
    paragraph(page, text);
}

void config_write_help(const ConfigTable *table, const ConfigCommand *command,
                       const ConfigPage *page)
{
    size_t index = (size_t)(command - table->commands);
    buffer_printf(page->out, "%s %s: %s\n\nUsage: %s %s %s%s%s\n\n", table->program, command->name,
                  command->summary, table->program, command->name,
                  command->parent ? "COMMAND [OPTION...]" : "[OPTION...]",
                  *command->arguments ? " " : "", command->arguments);
    paragraph(page, command->about);
    if (command->parent)
        command_rows(table, command->name, page);
    option_groups(table, command->hidden_options ? SIZE_MAX : index, page);
    examples(command->examples, page);
}
