// The inside of a Config, shared by the readers of the command line, the environment and the file.
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "config/config.h"

typedef struct ConfigValue {
    char *text; // as it was given; NULL: no value
    double number;
    size_t choice;
    ConfigOrigin origin;
    size_t line; // in the file
} ConfigValue;

struct Config {
    const ConfigTable *table;
    ConfigValue *values; // one an option
    const ConfigCommand *command;
    const char **arguments;
    size_t argument_count;
    char *file; // path of the file that was read
};

enum { CONFIG_NAME_MAX = 64, CONFIG_VALUE_MAX_BYTES = 1 << 20 };

// Where a value was read, for the sentence that refuses it: "--beam-size", "SCOUT_BEAM_SIZE",
// "config.yaml:3: beam-size".
ScoutStatus config_set(Config *config, size_t option, const char *text, ConfigOrigin origin,
                       size_t line, const char *place, ScoutError *error);

// The command's number, or SIZE_MAX without one.
size_t config_command_index(const Config *config);

// Finds an option by name; SIZE_MAX if there is none.
size_t config_find_option(const ConfigTable *table, const char *name, size_t length);

#endif
