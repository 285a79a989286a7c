// The command line: `program [options] command [options and arguments]`. Options are spelled out
// (no abbreviations), `--name value` and `--name=value` and `-x value` are the same, `--no-name`
// turns a flag off, and after `--` everything is an argument.
#include "values.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef struct Reader {
    Config *config;
    int argc;
    char *const *argv;
    int at; // the word being read
    bool only_arguments;
} Reader;

static const char *help_hint(const Config *config, char *out, size_t size)
{
    (void)snprintf(out, size, "%s %s%s--help", config->table->program,
                   config->command ? config->command->name : "", config->command ? " " : "");
    return out;
}

// Suggests among the long names that the command takes, with dashes.
static ScoutStatus unknown_option(const Config *config, const char *typed, size_t length,
                                  ScoutError *error)
{
    enum { NAMES_MAX = 256 };
    const ConfigTable *table = config->table;
    size_t command = config_command_index(config);
    static _Thread_local char spelled[NAMES_MAX][CONFIG_NAME_MAX];
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < table->option_count && count + 2 <= NAMES_MAX; i++) {
        const ConfigOption *option = &table->options[i];
        if (!config_takes(table, command, option))
            continue;
        (void)snprintf(spelled[count], CONFIG_NAME_MAX, "--%s", option->name);
        names[count] = spelled[count];
        count++;
        if (option->type == CONFIG_FLAG && option->scope != CONFIG_ONLY_ARGUMENT) {
            (void)snprintf(spelled[count], CONFIG_NAME_MAX, "--no-%s", option->name);
            names[count] = spelled[count];
            count++;
        }
    }
    char text[CONFIG_NAME_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", (int)BASE_MIN(length, sizeof(text) - 1), typed);
    char hint[CONFIG_NAME_MAX * 2];
    const char *near = config_nearest(text, names, count);
    if (near)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "unknown option %s; did you mean %s?",
                         text, near);
    size_t elsewhere = length > 2 ? config_find_option(table, typed + 2, length - 2) : SIZE_MAX;
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s %s; see %s",
                     elsewhere != SIZE_MAX ? "this command has no option" : "unknown option", text,
                     help_hint(config, hint, sizeof(hint)));
}

// The value of an option that needs one: what is behind '=', else the next word.
static ScoutStatus take_value(Reader *reader, const char *spelled, const char *behind,
                              const char **value, ScoutError *error)
{
    if (behind) {
        *value = behind;
        return SCOUT_OK;
    }
    if (reader->at + 1 >= reader->argc)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s needs a value", spelled);
    *value = reader->argv[++reader->at];
    return SCOUT_OK;
}

static ScoutStatus set_option(Reader *reader, size_t index, bool negated, const char *spelled,
                              const char *behind, ScoutError *error)
{
    const ConfigOption *option = &reader->config->table->options[index];
    const char *value = negated ? "false" : "true";
    if (option->type == CONFIG_FLAG) {
        if (behind && (negated || option->scope == CONFIG_ONLY_ARGUMENT))
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s takes no value", spelled);
        if (behind)
            value = behind;
    } else {
        ScoutStatus status = take_value(reader, spelled, behind, &value, error);
        if (status)
            return status;
    }
    return config_set(reader->config, index, value, CONFIG_FROM_ARGUMENT, 0, spelled, error);
}

static ScoutStatus read_long(Reader *reader, const char *word, ScoutError *error)
{
    Config *config = reader->config;
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const char *behind = name[length] ? name + length + 1 : NULL;
    size_t index = config_find_option(config->table, name, length);
    bool negated = false;
    if (index == SIZE_MAX && length > 3 && str_starts(name, "no-")) {
        index = config_find_option(config->table, name + 3, length - 3);
        negated = true;
        if (index != SIZE_MAX && (config->table->options[index].type != CONFIG_FLAG ||
                                  config->table->options[index].scope == CONFIG_ONLY_ARGUMENT))
            index = SIZE_MAX;
    }
    if (index == SIZE_MAX ||
        !config_takes(config->table, config_command_index(config), &config->table->options[index]))
        return unknown_option(config, word, length + 2, error);
    char spelled[CONFIG_NAME_MAX];
    (void)snprintf(spelled, sizeof(spelled), "--%s%s", negated ? "no-" : "",
                   config->table->options[index].name);
    return set_option(reader, index, negated, spelled, behind, error);
}

static ScoutStatus read_short(Reader *reader, const char *word, ScoutError *error)
{
    Config *config = reader->config;
    const ConfigTable *table = config->table;
    for (size_t i = 0; i < table->option_count && !word[2]; i++) {
        const ConfigOption *option = &table->options[i];
        if (option->letter == word[1] && config_takes(table, config_command_index(config), option))
            return set_option(reader, i, false, word, NULL, error);
    }
    return unknown_option(config, word, strlen(word), error);
}

static ScoutStatus unknown_command(const Config *config, const char *typed, ScoutError *error)
{
    enum { NAMES_MAX = 32 };
    const ConfigTable *table = config->table;
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < table->command_count && count < NAMES_MAX; i++)
        names[count++] = table->commands[i].name;
    const char *near = config_nearest(typed, names, count);
    if (near)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "unknown command '%s'; did you mean '%s'?", typed, near);
    if (!config->command && file_exists(typed) && config_find_command(table, "transcribe"))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "'%s' is a file, not a command; did you mean: %s transcribe '%s'?", typed,
                         table->program, typed);
    char hint[CONFIG_NAME_MAX * 2];
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "unknown command '%s'; see %s", typed,
                     help_hint(config, hint, sizeof(hint)));
}

// The first word that is no option names the command; under a parent, the second goes with it.
static ScoutStatus read_command(Config *config, const char *word, ScoutError *error)
{
    char name[CONFIG_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s%s%s", config->command ? config->command->name : "",
                   config->command ? " " : "", word);
    const ConfigCommand *found =
        strchr(word, ' ') ? NULL : config_find_command(config->table, name);
    if (!found)
        return unknown_command(config, name, error);
    config->command = found;
    return SCOUT_OK;
}

static ScoutStatus read_word(Reader *reader, ScoutError *error)
{
    Config *config = reader->config;
    const char *word = reader->argv[reader->at];
    if (!reader->only_arguments) {
        if (str_equal(word, "--")) {
            reader->only_arguments = true;
            return SCOUT_OK;
        }
        if (str_starts(word, "--"))
            return read_long(reader, word, error);
        if (word[0] == '-' && word[1])
            return read_short(reader, word, error);
    }
    if (!config->command || config->command->parent)
        return read_command(config, word, error);
    config->arguments[config->argument_count++] = word;
    return SCOUT_OK;
}

static ScoutStatus check_count(const Config *config, ScoutError *error)
{
    const ConfigCommand *command = config->command;
    size_t help = config_find_option(config->table, "help", 4);
    if (!command || command->parent || (help != SIZE_MAX && config_flag(config, help)))
        return SCOUT_OK;
    const char *program = config->table->program;
    if (config->argument_count < command->low)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s %s needs %s: %s %s %s; see %s %s --help", program, command->name,
                         command->arguments, program, command->name, command->arguments, program,
                         command->name);
    if (config->argument_count > command->high)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s %s takes no '%s' (arguments: %s); see %s %s --help", program,
                         command->name, config->arguments[command->high],
                         *command->arguments ? command->arguments : "none", program, command->name);
    return SCOUT_OK;
}

ScoutStatus config_read_arguments(Config *config, int argc, char *const *argv, ScoutError *error)
{
    config->arguments = mem_array((size_t)argc + 1, sizeof(*config->arguments));
    if (!config->arguments)
        return error_no_memory(error);
    Reader reader = {.config = config, .argc = argc, .argv = argv};
    for (reader.at = 1; reader.at < argc; reader.at++) {
        ScoutStatus status = read_word(&reader, error);
        if (status)
            return status;
    }
    return check_count(config, error);
}
