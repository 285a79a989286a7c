// `scout doctor`: what this machine has, what is wrong, and what to do about it.
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <scout/models.h>
#include <scout/system.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "exits.h"
#include "json_view.h"
#include "models_common.h"
#include "output.h"
#include "table.h"
#include "terminal.h"

enum { REPORT_MAX_BYTES = 1 << 20, TEXT_MAX = 512 };

typedef enum Health { HEALTH_GOOD, HEALTH_NOTE, HEALTH_BROKEN } Health;

typedef struct Doctor {
    const Config *config;
    Buffer out;   // for people
    json_t *list; // for programs
    size_t broken;
} Doctor;

static void find(Doctor *doctor, Health health, const char *what, const char *format, ...)
    BASE_PRINTF(4, 5);

static void find(Doctor *doctor, Health health, const char *what, const char *format, ...)
{
    static const char *const names[] = {"good", "note", "broken"};
    static const char *const marks[] = {"ok     ", "note   ", "BROKEN "};
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    bool colour = terminal_output_colour();
    buffer_printf(&doctor->out, "%s%s%s%-12s %s\n", colour ? colours[health] : "", marks[health],
                  colour ? "\033[0m" : "", what, text);
    json_array_append_new(doctor->list, json_pack("{s:s, s:s, s:s}", "what", what, "health",
                                                  names[health], "finding", text));
    doctor->broken += health == HEALTH_BROKEN;
}

static void look_at_machine(Doctor *doctor, const ScoutSystem *system)
{
    char memory[32];
    char available[32];
    models_size_text(system->memory_bytes, memory);
    models_size_text(system->memory_available_bytes, available);
    find(doctor, HEALTH_GOOD, "processor", "%s%s%d for this process; %s", system->processor_name,
         *system->processor_name ? ", " : "", system->processors,
         *system->features ? system->features : "no vector instructions known here");
    find(doctor, *system->kernels_problem ? HEALTH_BROKEN : HEALTH_GOOD, "kernels", "%s",
         *system->kernels_problem ? system->kernels_problem : system->kernels);
    find(doctor, system->memory_available_bytes < 500000000 ? HEALTH_NOTE : HEALTH_GOOD, "memory",
         "%s, %s free%s", memory, available,
         system->memory_available_bytes < 500000000 ? "; the base model needs about 500 MB" : "");
}

static void look_at_decoder(Doctor *doctor, const ScoutSystem *system)
{
    if (!system->decoder_started) {
        find(doctor, HEALTH_BROKEN, "decoder", "%s",
             *system->decoder_problem ? system->decoder_problem
                                      : "scout-decode cannot be started: install scout again");
        return;
    }
    find(doctor, HEALTH_GOOD, "decoder", "%s", system->decoder_version);
    if (system->sandbox_seccomp && system->sandbox_landlock_abi > 0 && system->sandbox_limits)
        find(doctor, HEALTH_GOOD, "sandbox", "seccomp, Landlock %d, limits",
             system->sandbox_landlock_abi);
    else
        find(doctor, HEALTH_NOTE, "sandbox",
             "files are decoded with less protection: seccomp %s, Landlock %s, limits %s",
             system->sandbox_seccomp ? "yes" : "no",
             system->sandbox_landlock_abi > 0 ? "yes" : "no (a newer kernel has it)",
             system->sandbox_limits ? "yes" : "no");
    if (*system->decoder_problem)
        find(doctor, HEALTH_NOTE, "sandbox", "%s", system->decoder_problem);
}

static void look_at_models(Doctor *doctor)
{
    const char *wanted = config_text(doctor->config, OPTION_MODEL);
    bool has_wanted = strchr(wanted, '/') != NULL && file_exists(wanted);
    bool has_vad = false;
    ScoutModelList *list = NULL;
    ScoutError error;
    if (scout_models_list(config_text(doctor->config, OPTION_MODELS_DIR), &list, &error)) {
        find(doctor, HEALTH_BROKEN, "models", "%s", error.message);
        return;
    }
    size_t count;
    const ScoutModelEntry *entries = scout_models_list_entries(list, &count);
    for (size_t i = 0; i < count; i++) {
        const ScoutModelEntry *entry = &entries[i];
        char size[32];
        models_size_text(entry->bytes, size);
        bool good = !*entry->problem;
        has_wanted = has_wanted || (good && str_equal(entry->name, wanted));
        has_vad = has_vad || (good && str_equal(entry->name, "silero-vad"));
        if (good)
            find(doctor, HEALTH_GOOD, "model", "%s: %s, %s", entry->name,
                 models_kind_name(entry->kind), size);
        else
            find(doctor, HEALTH_BROKEN, "model", "%s: %s; remove it, then pull or import it again",
                 entry->name, entry->problem);
    }
    scout_models_list_free(list);
    if (!has_wanted)
        find(doctor, HEALTH_BROKEN, "model", "'%s' is not there: scout models pull %s", wanted,
             wanted);
    if (!has_vad)
        find(doctor, HEALTH_BROKEN, "model",
             "the finder of speech is not there: scout models pull silero-vad");
}

static void look_at_folder(Doctor *doctor, const char *what, char *path)
{
    // What is missing is made when it is needed, in the nearest folder that is there.
    char *there = path ? mem_copy_text(path, strlen(path)) : NULL;
    while (there && !file_exists(there)) {
        char *slash = strrchr(there, '/');
        if (!slash || slash == there)
            break;
        *slash = '\0';
    }
    if (!path)
        find(doctor, HEALTH_BROKEN, what, "no place for it: set HOME");
    else if (!there || access(there, W_OK) != 0)
        find(doctor, HEALTH_NOTE, what, "%s cannot be written", path);
    else
        find(doctor, HEALTH_GOOD, what, "%s", path);
    mem_free(there);
    mem_free(path);
}

static int report(Doctor *doctor)
{
    if (config_flag(doctor->config, OPTION_JSON)) {
        buffer_clear(&doctor->out);
        json_t *object = json_pack("{s:s, s:b, s:O}", "scout_version", SCOUT_VERSION, "good",
                                   doctor->broken == 0, "findings", doctor->list);
        if (!json_write(object, JSON_INDENT(2), &doctor->out))
            doctor->out.failed = true;
        json_decref(object);
        buffer_append_char(&doctor->out, '\n');
    } else if (!doctor->broken) {
        buffer_append_text(&doctor->out, "Everything that is needed is there.\n");
    }
    int status = output_report(&doctor->out);
    return status ? status : doctor->broken ? EXIT_FAILED : EXIT_DONE;
}

int command_doctor(const Config *config)
{
    Doctor doctor = {.config = config, .list = json_array()};
    buffer_init(&doctor.out, REPORT_MAX_BYTES);
    ScoutSystem system;
    scout_system_probe(config_text(config, OPTION_DECODER), config_text(config, OPTION_CPU),
                       &system);
    look_at_machine(&doctor, &system);
    look_at_decoder(&doctor, &system);
    look_at_models(&doctor);
    look_at_folder(&doctor, "settings", path_config_home());
    look_at_folder(&doctor, "downloads", path_cache_home());
    int status = report(&doctor);
    json_decref(doctor.list);
    buffer_done(&doctor.out);
    return status;
}
