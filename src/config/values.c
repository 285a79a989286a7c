// Values of options: checked as they are set, read by type.
#include "values.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

bool config_takes(const ConfigTable *table, size_t command, const ConfigOption *option)
{
    if (!option->commands)
        return true;
    return command < table->command_count &&
           (table->commands[command].hidden_options || (option->commands >> command & 1));
}

ScoutStatus config_new(const ConfigTable *table, Config **config, ScoutError *error)
{
    Config *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    made->table = table;
    made->values = mem_array(table->option_count, sizeof(*made->values));
    if (!made->values) {
        config_free(made);
        return error_no_memory(error);
    }
    for (size_t i = 0; i < table->option_count; i++) {
        const char *initial = table->options[i].initial;
        ScoutStatus status =
            initial ? config_set(made, i, initial, CONFIG_FROM_DEFAULT, 0, "default", error)
                    : SCOUT_OK;
        if (status) {
            config_free(made);
            return status;
        }
    }
    *config = made;
    return SCOUT_OK;
}

void config_free(Config *config)
{
    if (!config)
        return;
    for (size_t i = 0; config->values && i < config->table->option_count; i++)
        mem_free(config->values[i].text);
    mem_free(config->values);
    mem_free(config->arguments);
    mem_free(config->file);
    mem_free(config);
}

static bool parse_flag(const char *text, double *number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        if (str_equal_nocase(text, words[i])) {
            *number = (double)(i % 2);
            return true;
        }
    }
    return false;
}

// Reads numbers with commas between; returns how many, 0 when one is wrong.
static size_t parse_numbers(const char *text, double low, double high,
                            double out[CONFIG_NUMBERS_MAX])
{
    char item[CONFIG_NAME_MAX];
    for (size_t count = 0; count < CONFIG_NUMBERS_MAX; count++) {
        text += strspn(text, " ");
        size_t length = strcspn(text, ",");
        size_t used = length;
        while (used > 0 && text[used - 1] == ' ')
            used--;
        if (used >= sizeof(item))
            return 0;
        memcpy(item, text, used);
        item[used] = '\0';
        if (!str_to_double(item, low, high, &out[count]))
            return 0;
        if (!text[length])
            return count + 1;
        text += length + 1;
    }
    return 0;
}

static ScoutStatus refuse_choice(const ConfigOption *option, const char *text, const char *place,
                                 ScoutError *error)
{
    Buffer list;
    buffer_init(&list, SCOUT_ERROR_MESSAGE_MAX);
    size_t count = 0;
    for (; option->choices[count]; count++)
        buffer_printf(&list, "%s%s", count ? ", " : "", option->choices[count]);
    const char *near = config_nearest(text, option->choices, count);
    ScoutStatus status =
        near ? error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s: there is no '%s'; did you mean '%s'? (there are %s)", place, text,
                         near, buffer_text(&list))
             : error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s: there is no '%s', only %s",
                         place, text, buffer_text(&list));
    buffer_done(&list);
    return status;
}

static ScoutStatus parse(const ConfigOption *option, const char *text, const char *place,
                         ConfigValue *value, ScoutError *error)
{
    int64_t integer;
    double numbers[CONFIG_NUMBERS_MAX];
    switch (option->type) {
    case CONFIG_FLAG:
        if (parse_flag(text, &value->number))
            return SCOUT_OK;
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s must be true or false, not '%s'",
                         place, text);
    case CONFIG_INTEGER:
        if (str_to_int(text, (int64_t)option->low, (int64_t)option->high, &integer)) {
            value->number = (double)integer;
            return SCOUT_OK;
        }
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s must be a whole number from %.0f to %.0f, not '%s'", place,
                         option->low, option->high, text);
    case CONFIG_NUMBER:
        if (str_to_double(text, option->low, option->high, &value->number))
            return SCOUT_OK;
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s must be a number from %g to %g, not '%s'", place, option->low,
                         option->high, text);
    case CONFIG_NUMBERS:
        if (parse_numbers(text, option->low, option->high, numbers))
            return SCOUT_OK;
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s must be numbers from %g to %g with commas between, at most %d, not "
                         "'%s'",
                         place, option->low, option->high, CONFIG_NUMBERS_MAX, text);
    case CONFIG_SECONDS:
        if (str_to_seconds(text, &value->number) && value->number >= option->low &&
            value->number <= option->high)
            return SCOUT_OK;
        if (str_to_seconds(text, &value->number))
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s must be from %.10g to %.10g seconds, not '%s'", place, option->low,
                             option->high, text);
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s must be seconds (90.5) or a time (1:30, 1:01:30), not '%s'", place,
                         text);
    case CONFIG_CHOICE:
        for (size_t i = 0; option->choices[i]; i++) {
            if (str_equal(option->choices[i], text)) {
                value->choice = i;
                return SCOUT_OK;
            }
        }
        return refuse_choice(option, text, place, error);
    case CONFIG_TEXT: return SCOUT_OK;
    }
    return SCOUT_OK;
}

ScoutStatus config_set(Config *config, size_t option, const char *text, ConfigOrigin origin,
                       size_t line, const char *place, ScoutError *error)
{
    ConfigValue parsed = {.origin = origin, .line = line};
    size_t length = strnlen(text, CONFIG_VALUE_MAX_BYTES + 1);
    if (length > CONFIG_VALUE_MAX_BYTES)
        return error_set(error, SCOUT_ERROR_LIMIT, "%s is longer than a mebibyte", place);
    ScoutStatus status = parse(&config->table->options[option], text, place, &parsed, error);
    if (status)
        return status;
    ConfigValue *value = &config->values[option];
    if (origin < value->origin)
        return SCOUT_OK;
    parsed.text = mem_copy_text(text, length);
    if (!parsed.text)
        return error_no_memory(error);
    mem_free(value->text);
    *value = parsed;
    return SCOUT_OK;
}

const ConfigCommand *config_command(const Config *config)
{
    return config->command;
}

size_t config_command_index(const Config *config)
{
    return config->command ? (size_t)(config->command - config->table->commands) : SIZE_MAX;
}

const char *const *config_arguments(const Config *config, size_t *count)
{
    *count = config->argument_count;
    return config->arguments;
}

const ConfigCommand *config_find_command(const ConfigTable *table, const char *name)
{
    for (size_t i = 0; i < table->command_count; i++) {
        if (str_equal(table->commands[i].name, name))
            return &table->commands[i];
    }
    return NULL;
}

size_t config_find_option(const ConfigTable *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const char *known = table->options[i].name;
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool config_is_set(const Config *config, size_t option)
{
    return config->values[option].origin != CONFIG_FROM_DEFAULT;
}

const char *config_text(const Config *config, size_t option)
{
    return config->values[option].text;
}

bool config_flag(const Config *config, size_t option)
{
    return config->values[option].number != 0;
}

int64_t config_integer(const Config *config, size_t option)
{
    return (int64_t)config->values[option].number;
}

double config_number(const Config *config, size_t option)
{
    return config->values[option].number;
}

size_t config_choice(const Config *config, size_t option)
{
    return config->values[option].choice;
}

size_t config_numbers(const Config *config, size_t option, double out[CONFIG_NUMBERS_MAX])
{
    const ConfigOption *known = &config->table->options[option];
    const char *text = config->values[option].text;
    return text ? parse_numbers(text, known->low, known->high, out) : 0;
}

ConfigOrigin config_origin(const Config *config, size_t option)
{
    return config->values[option].origin;
}

void config_origin_text(const Config *config, size_t option, char *out, size_t size)
{
    const ConfigValue *value = &config->values[option];
    switch (value->origin) {
    case CONFIG_FROM_DEFAULT: str_copy(out, size, "default"); break;
    case CONFIG_FROM_ARGUMENT: str_copy(out, size, "command line"); break;
    case CONFIG_FROM_FILE: (void)snprintf(out, size, "%s:%zu", config->file, value->line); break;
    case CONFIG_FROM_ENVIRONMENT:
        config_variable_name(config->table, &config->table->options[option], out, size);
        break;
    }
}

void config_variable_name(const ConfigTable *table, const ConfigOption *option, char *out,
                          size_t size)
{
    if (option->environment) {
        str_copy(out, size, option->environment);
        return;
    }
    (void)snprintf(out, size, "%s%s", table->prefix, option->name);
    for (char *at = out; *at; at++) {
        if (*at == '-')
            *at = '_';
        else if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    }
}

const char *config_nearest(const char *typed, const char *const *names, size_t count)
{
    // A third of the letters may be wrong; two letters that changed places count as two.
    size_t allowed = (strlen(typed) + 2) / 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(typed, names[i]);
        if (distance <= allowed && distance < strlen(names[i])) {
            nearest = names[i];
            allowed = distance ? distance - 1 : 0;
            if (!distance)
                break;
        }
    }
    return nearest;
}

ScoutStatus config_read_environment(Config *config, char *const *environment, ScoutError *error)
{
    const ConfigTable *table = config->table;
    for (size_t i = 0; i < table->option_count; i++) {
        const ConfigOption *option = &table->options[i];
        if (option->scope == CONFIG_ONLY_ARGUMENT ||
            !config_takes(table, config_command_index(config), option))
            continue;
        char name[CONFIG_NAME_MAX];
        config_variable_name(table, option, name, sizeof(name));
        size_t length = strlen(name);
        for (char *const *entry = environment; *entry; entry++) {
            if (strncmp(*entry, name, length) != 0 || (*entry)[length] != '=')
                continue;
            const char *value = *entry + length + 1;
            if (!*value)
                break; // set to nothing counts as not set
            ScoutStatus status =
                config_set(config, i, value, CONFIG_FROM_ENVIRONMENT, 0, name, error);
            if (status)
                return status;
            break;
        }
    }
    return SCOUT_OK;
}
