// scout, the command line: reads the options and hands over to a command.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <scout/speech.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "config/pages.h"
#include "exits.h"
#include "output.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

enum { PAGE_MAX_BYTES = 1 << 20, PAGE_COLUMNS = 80 };

static int print_page(Buffer *page)
{
    int status = output_report(page);
    buffer_done(page);
    return status;
}

static int show_help(const ConfigCommand *command)
{
    Buffer out;
    buffer_init(&out, PAGE_MAX_BYTES);
    const ConfigPage page = {
        .out = &out, .width = PAGE_COLUMNS - 1, .emphasis = terminal_output_colour()};
    if (command)
        config_write_help(&scout_table, command, &page);
    else
        config_write_overview(&scout_table, &page);
    return print_page(&out);
}

static int show_version(const Config *config)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.threads = 1;
    options.cpu = config_text(config, OPTION_CPU);
    ScoutEngine *engine = NULL;
    Buffer out;
    buffer_init(&out, PAGE_MAX_BYTES);
    buffer_printf(&out, "scout %s\n", scout_version());
    if (scout_engine_new(&options, &engine, NULL) == SCOUT_OK)
        buffer_printf(&out, "kernels %s\n", scout_engine_kernels(engine));
    scout_engine_free(engine);
    buffer_append_text(&out, "licence MIT; models have licences of their own "
                             "(scout models info NAME)\n");
    return print_page(&out);
}

static int show_completions(const Config *config)
{
    static const struct {
        const char *shell;
        void (*write)(const ConfigTable *table, Buffer *out);
    } shells[] = {
        {"bash", config_write_bash}, {"zsh", config_write_zsh}, {"fish", config_write_fish}};
    size_t count;
    const char *shell = config_arguments(config, &count)[0];
    for (size_t i = 0; i < BASE_COUNT(shells); i++) {
        if (str_equal(shells[i].shell, shell)) {
            Buffer out;
            buffer_init(&out, PAGE_MAX_BYTES);
            shells[i].write(&scout_table, &out);
            return print_page(&out);
        }
    }
    terminal_error("there are no completions for '%s', only for bash, zsh and fish", shell);
    return EXIT_WRONG_USE;
}

static int help_about(const Config *config)
{
    size_t count;
    const char *const *words = config_arguments(config, &count);
    char name[128];
    (void)snprintf(name, sizeof(name), "%s%s%s", count ? words[0] : "", count > 1 ? " " : "",
                   count > 1 ? words[1] : "");
    const ConfigCommand *command = config_find_command(&scout_table, name);
    if (count && !command) {
        terminal_error("there is no command '%s' to explain; see scout --help", name);
        return EXIT_WRONG_USE;
    }
    return show_help(command);
}

// The file that was named has to be there; the usual one need not be.
static ScoutStatus read_file(Config *config, ScoutError *error)
{
    const char *named = config_text(config, OPTION_CONFIG);
    if (named)
        return config_read_file(config, named, error);
    BASE_CLEANUP(mem_free_pointer) char *home = path_config_home();
    BASE_CLEANUP(mem_free_pointer) char *path = home ? path_join(home, "config.yaml") : NULL;
    if (!path)
        return SCOUT_OK;
    ScoutStatus status = config_read_file(config, path, error);
    return status == SCOUT_ERROR_NOT_FOUND ? SCOUT_OK : status;
}

static int run_command(const Config *config)
{
    static int (*const commands[COMMAND_COUNT])(const Config *config) = {
        [COMMAND_TRANSCRIBE] = command_transcribe,
        [COMMAND_LISTEN] = command_listen,
        [COMMAND_RECORD] = command_record,
        [COMMAND_RECOVER] = command_recover,
        [COMMAND_DICTATE] = command_dictate,
        [COMMAND_MODELS_LIST] = command_models_list,
        [COMMAND_MODELS_PULL] = command_models_pull,
        [COMMAND_MODELS_IMPORT] = command_models_import,
        [COMMAND_MODELS_INFO] = command_models_info,
        [COMMAND_MODELS_VERIFY] = command_models_verify,
        [COMMAND_MODELS_REMOVE] = command_models_remove,
        [COMMAND_LANGUAGES] = command_languages,
        [COMMAND_DOCTOR] = command_doctor,
        [COMMAND_BENCH] = command_bench,
        [COMMAND_CONFIG] = command_config,
        [COMMAND_COMPLETIONS] = show_completions,
        [COMMAND_HELP] = help_about,
    };
    size_t index = (size_t)(config_command(config) - scout_table.commands);
    return commands[index](config);
}

static int run(Config *config, int argc, char **argv)
{
    ScoutError error;
    ScoutStatus status = config_read_arguments(config, argc, argv, &error);
    const ConfigCommand *command = config_command(config);
    // Asked for help, the rest of the line does not matter.
    if (config_flag(config, OPTION_HELP))
        return show_help(command);
    if (!status && config_flag(config, OPTION_VERSION))
        return show_version(config);
    if (!status && (!command || command->parent)) {
        if (argc <= 1 || command)
            return show_help(command);
        status = error_set(&error, SCOUT_ERROR_INVALID_ARGUMENT, "no command; see scout --help");
    }
    if (!status)
        status = config_read_environment(config, environ, &error);
    if (!status)
        status = read_file(config, &error);
    if (status) {
        terminal_error("%s", error.message);
        return EXIT_WRONG_USE;
    }
    terminal_init(config_flag(config, OPTION_QUIET));
    return run_command(config);
}

int main(int argc, char **argv)
{
    terminal_init(false);
    signals_init();
    Config *config = NULL;
    ScoutError error;
    ScoutStatus status = config_new(&scout_table, &config, &error);
    if (status) {
        terminal_error("%s", error.message);
        return EXIT_FAILED;
    }
    int exit_status = run(config, argc, argv);
    config_free(config);
    return exit_status;
}
