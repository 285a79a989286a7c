// The values of a program's options, and where each came from. Values come from the command line,
// the environment and the configuration file, in any order of reading: what comes from a stronger
// place (the order of ConfigOrigin) stays. One owner thread.
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/status.h"
#include "config/table.h"

typedef enum ConfigOrigin {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_ARGUMENT
} ConfigOrigin;

typedef struct Config Config;

// table is borrowed for as long as the Config lives. OUT_OF_MEMORY.
ScoutStatus config_new(const ConfigTable *table, Config **config, ScoutError *error);
void config_free(Config *config);

// The command and the options of argv[1..]. A command's arguments are kept for config_arguments;
// their number is checked unless one of the options ends the run before (`help` set). argv is
// borrowed. INVALID_ARGUMENT with a sentence for the person who typed it.
ScoutStatus config_read_arguments(Config *config, int argc, char *const *argv, ScoutError *error);

// NAME=VALUE texts, ended by NULL. Only the options of the command are looked at.
ScoutStatus config_read_environment(Config *config, char *const *environment, ScoutError *error);

// A YAML mapping of option names to values; a list stands for values with commas between. A missing
// file is NOT_FOUND; errors name the line.
ScoutStatus config_read_file(Config *config, const char *path, ScoutError *error);

// The command that was named; NULL when there was none.
const ConfigCommand *config_command(const Config *config);
const char *const *config_arguments(const Config *config, size_t *count);

// Finds a command by its words ("models pull"); NULL if there is none.
const ConfigCommand *config_find_command(const ConfigTable *table, const char *name);

// option: the index in the table. Borrowed texts, until the value changes.
bool config_is_set(const Config *config, size_t option);      // by anything but its default
const char *config_text(const Config *config, size_t option); // NULL when it has no value
bool config_flag(const Config *config, size_t option);
int64_t config_integer(const Config *config, size_t option); // 0 when it has no value
double config_number(const Config *config, size_t option);   // of SECONDS too
size_t config_choice(const Config *config, size_t option);   // index in `choices`
size_t config_numbers(const Config *config, size_t option, double out[CONFIG_NUMBERS_MAX]);

ConfigOrigin config_origin(const Config *config, size_t option);
// "default", "command line", "SCOUT_MODEL", "/home/me/.config/scout/config.yaml:3".
void config_origin_text(const Config *config, size_t option, char *out, size_t size);

// SCOUT_MAX_LINES for max-lines.
void config_variable_name(const ConfigTable *table, const ConfigOption *option, char *out,
                          size_t size);

// The name nearest to what was typed, if it is near enough to be meant; else NULL.
const char *config_nearest(const char *typed, const char *const *names, size_t count);

#endif
