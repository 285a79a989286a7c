// Completions for bash, zsh and fish. The scripts hold every option and choice; names of models and
// languages are asked of the program when they are needed.
#include "config/pages.h"

#include "base/str.h"

#include <string.h>

// The scripts are written with this byte where the program's name belongs.
#define NAME_MARK '\1'

// Appends the script with the program's name put in.
static void expand(const ConfigTable *table, Buffer *script, Buffer *out)
{
    for (size_t i = 0; i < script->length; i++) {
        if (script->data[i] == NAME_MARK)
            buffer_append_text(out, table->program);
        else
            buffer_append_char(out, script->data[i]);
    }
    out->failed = out->failed || script->failed;
    buffer_done(script);
}

static bool takes_value(const ConfigOption *option)
{
    return option->type != CONFIG_FLAG;
}

// A flag that is on by default is written --no-name.
static const char *negation(const ConfigOption *option)
{
    bool off = option->type == CONFIG_FLAG && option->initial && str_equal(option->initial, "true");
    return off ? "no-" : "";
}

// Text inside single quotes, which every shell here takes literally but for the quote itself. The
// characters in `marked` get a backslash.
static void quoted(Buffer *out, const char *text, const char *marked)
{
    for (; *text; text++) {
        if (*text == '\'')
            buffer_append_text(out, "'\\''");
        else if (strchr(marked, *text))
            buffer_printf(out, "\\%c", *text);
        else
            buffer_append_char(out, *text);
    }
}

// The first sentence of an option's help.
static void summary(Buffer *out, const char *help, const char *marked)
{
    char text[160];
    (void)str_copy(text, sizeof(text), help);
    char *end = strstr(text, ". ");
    if (end)
        *end = '\0';
    size_t length = strlen(text);
    if (length && text[length - 1] == '.')
        text[length - 1] = '\0';
    quoted(out, text, marked);
}

static void choices(Buffer *out, const char *const *list)
{
    for (size_t i = 0; list[i]; i++)
        buffer_printf(out, "%s%s", i ? " " : "", list[i]);
}

// "transcribe" for the top, "pull" under "models"; NULL when the command lies elsewhere.
static const char *name_under(const ConfigCommand *command, const char *parent)
{
    size_t length = strlen(parent);
    const char *name = command->name;
    if (length) {
        if (!str_starts(name, parent) || name[length] != ' ')
            return NULL;
        name += length + 1;
    }
    return strchr(name, ' ') ? NULL : name;
}

// ------------------------------------------------------------------------------------------- bash

static void bash_words(const ConfigCompletes completes, const char *from, const char *const *list,
                       Buffer *out)
{
    if (list) {
        buffer_append_text(out, "_\1_words \"");
        choices(out, list);
        buffer_append_text(out, "\"");
    } else if (completes == CONFIG_COMPLETES_FILES || completes == CONFIG_COMPLETES_FOLDERS) {
        buffer_printf(out, "_\1_paths %s", completes == CONFIG_COMPLETES_FILES ? "-f" : "-d");
    } else if (completes == CONFIG_COMPLETES_OUTPUT) {
        buffer_printf(out, "_\1_words \"$(%s 2>/dev/null)\"", from);
    } else {
        buffer_append_text(out, ":");
    }
}

static void bash_value_pattern(const ConfigOption *option, Buffer *out)
{
    buffer_printf(out, "--%s", option->name);
    if (option->letter)
        buffer_printf(out, " | -%c", option->letter);
}

static void bash_option_list(const ConfigTable *table, size_t command, Buffer *out)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (config_takes(table, command, option))
            buffer_printf(out, " --%s%s", negation(option), option->name);
    }
}

static void bash_command_case(const ConfigTable *table, size_t index, Buffer *out)
{
    const ConfigCommand *command = &table->commands[index];
    buffer_printf(out, "    '%s')\n        options='", command->name);
    bash_option_list(table, index, out);
    buffer_append_text(out, "'\n        [[ $current == -* ]] || ");
    if (command->parent) {
        buffer_append_text(out, "_\1_words \"");
        for (size_t i = 0; i < table->command_count; i++) {
            const char *name = name_under(&table->commands[i], command->name);
            if (name)
                buffer_printf(out, "%s ", name);
        }
        buffer_append_text(out, "\"");
    } else {
        bash_words(command->completes, command->completes_from, command->choices, out);
    }
    buffer_append_text(out, "\n        ;;\n");
}

static void write_bash(const ConfigTable *table, Buffer *out)
{
    buffer_append_text(
        out, "# Completions of \1 for bash.\n"
             "_\1_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
             "_\1_paths() {\n"
             "    compopt -o filenames 2>/dev/null\n"
             "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
             "}\n"
             "_\1() {\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local command='' options='' word i\n"
             "    COMPREPLY=()\n"
             "    # The shell takes --name=value apart at the sign.\n"
             "    [[ $current == '=' ]] && current=''\n"
             "    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD-2]}\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        word=${COMP_WORDS[i]}\n"
             "        case $word in\n        ");
    bool first = true;
    for (size_t i = 0; i < table->option_count; i++) {
        if (!takes_value(&table->options[i]))
            continue;
        buffer_append_text(out, first ? "" : " | ");
        bash_value_pattern(&table->options[i], out);
        first = false;
    }
    buffer_append_text(out, ")\n"
                            "            i=$((i + 1))\n"
                            "            [[ ${COMP_WORDS[i]} == '=' ]] && i=$((i + 1))\n"
                            "            ;;\n"
                            "        -*) ;;\n"
                            "        *)\n"
                            "            case \"$command $word\" in\n            ");
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = table->commands[i].name;
        buffer_printf(out, "%s%s%s%s", i ? " | " : "", strchr(name, ' ') ? "'" : "' ", name, "'");
    }
    buffer_append_text(out, ") command=${command:+$command }$word ;;\n"
                            "            esac\n"
                            "            ;;\n"
                            "        esac\n"
                            "    done\n"
                            "    case $previous in\n");
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (!takes_value(option))
            continue;
        buffer_append_text(out, "    ");
        bash_value_pattern(option, out);
        buffer_append_text(out, ")\n        ");
        bash_words(option->completes, option->completes_from, option->choices, out);
        buffer_append_text(out, "\n        return\n        ;;\n");
    }
    buffer_append_text(out, "    esac\n    case $command in\n    '')\n        options='");
    bash_option_list(table, SIZE_MAX, out);
    buffer_append_text(out, "'\n        [[ $current == -* ]] || _\1_words \"");
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = name_under(&table->commands[i], "");
        if (name)
            buffer_printf(out, "%s ", name);
    }
    buffer_append_text(out, "\"\n        ;;\n");
    for (size_t i = 0; i < table->command_count; i++)
        bash_command_case(table, i, out);
    buffer_append_text(out, "    esac\n"
                            "    [[ $current != -* ]] || _\1_words \"$options\"\n"
                            "}\n"
                            "complete -F _\1 \1\n");
}

// -------------------------------------------------------------------------------------------- zsh

static void zsh_action(ConfigCompletes completes, const char *from, const char *const *list,
                       Buffer *out)
{
    if (list) {
        buffer_append_char(out, '(');
        choices(out, list);
        buffer_append_char(out, ')');
    } else if (completes == CONFIG_COMPLETES_FILES) {
        buffer_append_text(out, "_files");
    } else if (completes == CONFIG_COMPLETES_FOLDERS) {
        buffer_append_text(out, "_files -/");
    } else if (completes == CONFIG_COMPLETES_OUTPUT) {
        buffer_printf(out, "{compadd -- ${(f)\"$(%s 2>/dev/null)\"}}", from);
    } else {
        buffer_append_char(out, ' ');
    }
}

static void zsh_spec(const ConfigOption *option, const char *dashes, const char *name, Buffer *out)
{
    bool value = takes_value(option);
    buffer_printf(out, "        '%s%s%s%s[", dashes, dashes[1] ? negation(option) : "", name,
                  value && dashes[1] ? "=" : "");
    summary(out, option->help, "[]:\\");
    buffer_append_char(out, ']');
    if (value) {
        buffer_printf(out, ":%s:", option->placeholder);
        zsh_action(option->completes, option->completes_from, option->choices, out);
    }
    buffer_append_text(out, "'\n");
}

static void zsh_specs(const ConfigTable *table, size_t command, Buffer *out)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (!config_takes(table, command, option))
            continue;
        zsh_spec(option, "--", option->name, out);
        if (option->letter) {
            const char letter[2] = {option->letter, '\0'};
            zsh_spec(option, "-", letter, out);
        }
    }
}

static void zsh_command_list(const ConfigTable *table, const char *parent, Buffer *out)
{
    buffer_append_text(out, "        local -a names=(\n");
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = name_under(&table->commands[i], parent);
        if (!name)
            continue;
        buffer_printf(out, "            '%s:", name);
        quoted(out, table->commands[i].summary, ":\\");
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "        )\n        _describe command names\n");
}

static void zsh_level(const ConfigTable *table, const char *parent, size_t command, Buffer *out);

static void zsh_branch(const ConfigTable *table, size_t index, const char *name, Buffer *out)
{
    const ConfigCommand *command = &table->commands[index];
    buffer_printf(out, "        %s)\n", name);
    if (command->parent) {
        buffer_printf(out, "            _\1_%s\n", command->name);
    } else {
        buffer_append_text(out, "            _arguments -S \\\n        ");
        buffer_append_text(out, "$common \\\n");
        for (size_t i = 0; i < table->option_count; i++) {
            const ConfigOption *option = &table->options[i];
            if (!option->commands || !config_takes(table, index, option))
                continue;
            Buffer spec;
            buffer_init(&spec, 4096);
            zsh_spec(option, "--", option->name, &spec);
            if (option->letter) {
                const char letter[2] = {option->letter, '\0'};
                zsh_spec(option, "-", letter, &spec);
            }
            for (const char *at = buffer_text(&spec); *at; at++) {
                if (*at == '\n')
                    buffer_append_text(out, " \\");
                buffer_append_char(out, *at);
            }
            out->failed = out->failed || spec.failed;
            buffer_done(&spec);
        }
        buffer_append_text(out, "        '*: :");
        zsh_action(command->completes, command->completes_from, command->choices, out);
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "            ;;\n");
}

// One function for the top, and one for each parent: it completes the command's name, then hands
// on.
static void zsh_level(const ConfigTable *table, const char *parent, size_t command, Buffer *out)
{
    buffer_printf(out, "_\1%s%s() {\n    local curcontext=$curcontext state line\n",
                  *parent ? "_" : "", parent);
    buffer_append_text(out, "    local -a common=(\n");
    zsh_specs(table, SIZE_MAX, out);
    buffer_append_text(out, "    )\n    _arguments -C -S $common '1: :->command' '*:: :->rest'\n"
                            "    case $state in\n    command)\n");
    zsh_command_list(table, parent, out);
    buffer_append_text(out, "        ;;\n    rest)\n        case $line[1] in\n");
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = name_under(&table->commands[i], parent);
        if (name && i != command)
            zsh_branch(table, i, name, out);
    }
    buffer_append_text(out, "        esac\n        ;;\n    esac\n}\n");
}

static void write_zsh(const ConfigTable *table, Buffer *out)
{
    buffer_append_text(out, "#compdef \1\n# Completions of \1 for zsh.\n");
    for (size_t i = 0; i < table->command_count; i++) {
        if (table->commands[i].parent)
            zsh_level(table, table->commands[i].name, i, out);
    }
    zsh_level(table, "", SIZE_MAX, out);
    buffer_append_text(out, "if [ \"$funcstack[1]\" = _\1 ]; then\n    _\1 \"$@\"\nelse\n"
                            "    compdef _\1 \1\nfi\n");
}

// ------------------------------------------------------------------------------------------- fish

static void fish_words(ConfigCompletes completes, const char *from, const char *const *list,
                       Buffer *out)
{
    if (list) {
        buffer_append_text(out, " -x -a '");
        choices(out, list);
        buffer_append_char(out, '\'');
    } else if (completes == CONFIG_COMPLETES_FILES) {
        buffer_append_text(out, " -r -F");
    } else if (completes == CONFIG_COMPLETES_FOLDERS) {
        buffer_append_text(out, " -x -a '(__fish_complete_directories)'");
    } else if (completes == CONFIG_COMPLETES_OUTPUT) {
        buffer_printf(out, " -x -a '(%s 2>/dev/null)'", from);
    } else {
        buffer_append_text(out, " -x");
    }
}

static void fish_option(const ConfigOption *option, const char *condition, Buffer *out)
{
    buffer_printf(out, "complete -c \1%s -l %s%s", condition, negation(option), option->name);
    if (option->letter)
        buffer_printf(out, " -s %c", option->letter);
    if (takes_value(option))
        fish_words(option->completes, option->completes_from, option->choices, out);
    buffer_append_text(out, " -d '");
    summary(out, option->help, "\\");
    buffer_append_text(out, "'\n");
}

static void fish_commands(const ConfigTable *table, const char *parent, Buffer *out)
{
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = name_under(&table->commands[i], parent);
        if (!name)
            continue;
        buffer_printf(out, "complete -c \1 -n '__\1_at \"%s\"' -a %s -d '", parent, name);
        quoted(out, table->commands[i].summary, "\\");
        buffer_append_text(out, "'\n");
    }
}

static void write_fish(const ConfigTable *table, Buffer *out)
{
    buffer_append_text(out, "# Completions of \1 for fish.\n"
                            "function __\1_command\n"
                            "    set -l found\n"
                            "    set -l skip 0\n"
                            "    for word in (commandline -opc)[2..-1]\n"
                            "        if test $skip = 1\n"
                            "            set skip 0\n"
                            "            continue\n"
                            "        end\n"
                            "        switch $word\n"
                            "            case");
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (!takes_value(option))
            continue;
        buffer_printf(out, " --%s", option->name);
        if (option->letter)
            buffer_printf(out, " -%c", option->letter);
    }
    buffer_append_text(
        out, "\n"
             "                set skip 1\n"
             "            case '-*'\n"
             "            case '*'\n"
             "                set -a found $word\n"
             "        end\n"
             "    end\n"
             "    string join ' ' -- $found\n"
             "end\n"
             "function __\1_at\n"
             "    test (__\1_command | string collect -a) = \"$argv[1]\"\n"
             "end\n"
             "function __\1_in\n"
             "    string match -q -- \"$argv[1] *\" (__\1_command | string collect -a)' '\n"
             "end\n"
             "complete -c \1 -f\n");
    for (size_t i = 0; i < table->option_count; i++) {
        if (!table->options[i].commands)
            fish_option(&table->options[i], "", out);
    }
    fish_commands(table, "", out);
    for (size_t i = 0; i < table->command_count; i++) {
        const ConfigCommand *command = &table->commands[i];
        if (command->parent) {
            fish_commands(table, command->name, out);
            continue;
        }
        Buffer condition;
        buffer_init(&condition, 256);
        buffer_printf(&condition, " -n '__\1_in \"%s\"'", command->name);
        for (size_t j = 0; j < table->option_count; j++) {
            const ConfigOption *option = &table->options[j];
            if (option->commands && config_takes(table, i, option))
                fish_option(option, buffer_text(&condition), out);
        }
        if (command->choices || command->completes != CONFIG_COMPLETES_NOTHING) {
            buffer_printf(out, "complete -c \1%s", buffer_text(&condition));
            if (command->completes == CONFIG_COMPLETES_FILES)
                buffer_append_text(out, " -F");
            else
                fish_words(command->completes, command->completes_from, command->choices, out);
            buffer_append_char(out, '\n');
        }
        out->failed = out->failed || condition.failed;
        buffer_done(&condition);
    }
}

static void write_script(const ConfigTable *table, Buffer *out,
                         void (*write)(const ConfigTable *table, Buffer *out))
{
    Buffer script;
    buffer_init(&script, out->limit);
    write(table, &script);
    expand(table, &script, out);
}

void config_write_bash(const ConfigTable *table, Buffer *out)
{
    write_script(table, out, write_bash);
}

void config_write_zsh(const ConfigTable *table, Buffer *out)
{
    write_script(table, out, write_zsh);
}

void config_write_fish(const ConfigTable *table, Buffer *out)
{
    write_script(table, out, write_fish);
}
