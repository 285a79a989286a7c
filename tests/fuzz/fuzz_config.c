// Fuzzes what a person or a script says to scout: the command line, the environment and the
// configuration file, with the real table of options. The input has arguments, one a line, then an
// empty line, variables, one a line, then another empty line, and the file.
#include "config/config.h"
#include "table.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

// Takes lines off the front of the text up to an empty one, and ends them with a NUL each. Returns
// what is behind.
static char *take_lines(char *text, char *lines[LINES_MAX + 1])
{
    size_t count = 0;
    while (*text && count < LINES_MAX) {
        size_t length = strcspn(text, "\n");
        bool last = text[length] == '\0';
        text[length] = '\0';
        char *line = text;
        text += length + !last;
        if (length == 0)
            break;
        lines[count++] = line;
    }
    lines[count] = NULL;
    return text;
}

static void check_number(const Config *config, size_t option, double value)
{
    const ConfigOption *known = &scout_table.options[option];
    require(!config_text(config, option) || (value >= known->low && value <= known->high));
}

// What is there is of the type and in the range that the table promises.
static void check_value(const Config *config, size_t option)
{
    const ConfigOption *known = &scout_table.options[option];
    const char *text = config_text(config, option);
    double numbers[CONFIG_NUMBERS_MAX];
    char origin[512] = "";
    config_origin_text(config, option, origin, sizeof origin);
    require(origin[0] != '\0');
    require(config_is_set(config, option) ==
            (config_origin(config, option) != CONFIG_FROM_DEFAULT));
    require(text || !config_is_set(config, option));
    switch (known->type) {
    case CONFIG_INTEGER:
        check_number(config, option, (double)config_integer(config, option));
        break;
    case CONFIG_NUMBER:
    case CONFIG_SECONDS: check_number(config, option, config_number(config, option)); break;
    case CONFIG_NUMBERS:
        for (size_t i = 0, count = config_numbers(config, option, numbers); i < count; i++)
            check_number(config, option, numbers[i]);
        require(!text || config_numbers(config, option, numbers) > 0);
        break;
    case CONFIG_CHOICE:
        require(!text || str_equal(known->choices[config_choice(config, option)], text));
        break;
    case CONFIG_FLAG:
    case CONFIG_TEXT: break;
    }
}

static void check_arguments(const Config *config)
{
    const ConfigCommand *command = config_command(config);
    size_t count;
    (void)config_arguments(config, &count);
    if (command && !command->parent && !config_flag(config, OPTION_HELP))
        require(count >= command->low && count <= command->high);
}

typedef struct Input {
    int argc;
    char **argv;
    char **environment;
    const char *path;
} Input;

// The environment and the file in either order; the result may not depend on it.
static ScoutStatus read_all(const Input *input, bool file_first, Config **config)
{
    ScoutError error = {.message = ""};
    require(config_new(&scout_table, config, NULL) == SCOUT_OK);
    ScoutStatus status = config_read_arguments(*config, input->argc, input->argv, &error);
    if (status == SCOUT_OK)
        check_arguments(*config);
    for (int i = 0; i < 2 && status == SCOUT_OK; i++) {
        if (file_first == (i == 0))
            status = config_read_file(*config, input->path, &error);
        else
            status = config_read_environment(*config, input->environment, &error);
    }
    require(status == SCOUT_OK || error.message[0] != '\0');
    for (size_t i = 0; i < scout_table.option_count; i++)
        check_value(*config, i);
    return status;
}

static void read_twice(const Input *input)
{
    Config *one = NULL;
    Config *other = NULL;
    bool good = read_all(input, true, &one) == SCOUT_OK;
    require(good == (read_all(input, false, &other) == SCOUT_OK));
    for (size_t i = 0; i < scout_table.option_count && good; i++) {
        const char *text = config_text(one, i);
        require(config_origin(one, i) == config_origin(other, i));
        require(!text == !config_text(other, i));
        require(!text || str_equal(text, config_text(other, i)));
    }
    config_free(one);
    config_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BASE_CLEANUP(mem_free_pointer) char *text = mem_copy_text((const char *)data, size);
    require(text != NULL);
    char *environment[LINES_MAX + 1];
    char program[] = "scout";
    char *argv[LINES_MAX + 2] = {program};
    char *file = take_lines(take_lines(text, argv + 1), environment);
    int argc = 0;
    while (argv[argc])
        argc++;
    // The file may hold NULs, so its length is what is left of the input.
    size_t length = size - (size_t)(file - text);
    int fd = memfd_create("config", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, file, length) == (ssize_t)length);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_twice(&(Input){argc, argv, environment, path});
    (void)close(fd);
    return 0;
}
