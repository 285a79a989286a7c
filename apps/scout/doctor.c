// `scout doctor`: what this machine has, what is wrong, and what to do about it.
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
#include "findings.h"
#include "models_common.h"
#include "output.h"
#include "recordings.h"
#include "table.h"
#include "terminal.h"

static void look_at_machine(Findings *findings, const ScoutSystem *system)
{
    char memory[32];
    char available[32];
    models_size_text(system->memory_bytes, memory);
    models_size_text(system->memory_available_bytes, available);
    findings_add(findings, HEALTH_GOOD, "processor", "%s%s%d for this process; %s",
                 system->processor_name, *system->processor_name ? ", " : "", system->processors,
                 *system->features ? system->features : "no vector instructions known here");
    findings_add(findings, *system->kernels_problem ? HEALTH_BROKEN : HEALTH_GOOD, "kernels", "%s",
                 *system->kernels_problem ? system->kernels_problem : system->kernels);
    findings_add(findings, system->memory_available_bytes < 500000000 ? HEALTH_NOTE : HEALTH_GOOD,
                 "memory", "%s, %s free%s", memory, available,
                 system->memory_available_bytes < 500000000 ? "; the base model needs about 500 MB"
                                                            : "");
}

static void look_at_decoder(Findings *findings, const ScoutSystem *system)
{
    if (!system->decoder_started) {
        findings_add(findings, HEALTH_BROKEN, "decoder", "%s",
                     *system->decoder_problem
                         ? system->decoder_problem
                         : "scout-decode cannot be started: install scout again");
        return;
    }
    findings_add(findings, HEALTH_GOOD, "decoder", "%s", system->decoder_version);
    if (system->sandbox_seccomp && system->sandbox_landlock_abi > 0 && system->sandbox_limits)
        findings_add(findings, HEALTH_GOOD, "sandbox", "seccomp, Landlock %d, limits",
                     system->sandbox_landlock_abi);
    else
        findings_add(findings, HEALTH_NOTE, "sandbox",
                     "files are decoded with less protection: seccomp %s, Landlock %s, limits %s",
                     system->sandbox_seccomp ? "yes" : "no",
                     system->sandbox_landlock_abi > 0 ? "yes" : "no (a newer kernel has it)",
                     system->sandbox_limits ? "yes" : "no");
    if (*system->decoder_problem)
        findings_add(findings, HEALTH_NOTE, "sandbox", "%s", system->decoder_problem);
}

static void look_at_models(Findings *findings, const Config *config)
{
    const char *wanted = config_text(config, OPTION_MODEL);
    bool has_wanted = strchr(wanted, '/') != NULL && file_exists(wanted);
    bool has_vad = false;
    ScoutModelList *list = NULL;
    ScoutError error;
    if (scout_models_list(config_text(config, OPTION_MODELS_DIR), &list, &error)) {
        findings_add(findings, HEALTH_BROKEN, "models", "%s", error.message);
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
            findings_add(findings, HEALTH_GOOD, "model", "%s: %s, %s", entry->name,
                         models_kind_name(entry->kind), size);
        else
            findings_add(findings, HEALTH_BROKEN, "model",
                         "%s: %s; remove it, then pull or import it again", entry->name,
                         entry->problem);
    }
    scout_models_list_free(list);
    if (!has_wanted)
        findings_add(findings, HEALTH_BROKEN, "model", "'%s' is not there: scout models pull %s",
                     wanted, wanted);
    if (!has_vad)
        findings_add(findings, HEALTH_BROKEN, "model",
                     "the finder of speech is not there: scout models pull silero-vad");
}

static void look_at_folder(Findings *findings, const char *what, char *path)
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
        findings_add(findings, HEALTH_BROKEN, what, "no place for it: set HOME");
    else if (!there || access(there, W_OK) != 0)
        findings_add(findings, HEALTH_NOTE, what, "%s cannot be written", path);
    else
        findings_add(findings, HEALTH_GOOD, what, "%s", path);
    mem_free(there);
    mem_free(path);
}

static void look_at_recordings(Findings *findings)
{
    BASE_CLEANUP(mem_free_pointer) char *home = recordings_home();
    Recordings left = {0};
    if (home && file_exists(home) && recordings_find(&left, home, false, NULL) == SCOUT_OK &&
        left.count)
        findings_add(findings, HEALTH_NOTE, "recordings",
                     "%zu not finished: they are being made, or scout recover finishes them",
                     left.count);
    recordings_done(&left);
}

int command_doctor(const Config *config)
{
    Findings findings;
    findings_init(&findings, terminal_output_colour());
    ScoutSystem system;
    scout_system_probe(config_text(config, OPTION_DECODER), config_text(config, OPTION_CPU),
                       &system);
    look_at_machine(&findings, &system);
    look_at_decoder(&findings, &system);
    look_at_models(&findings, config);
    look_at_folder(&findings, "settings", path_config_home());
    look_at_folder(&findings, "downloads", path_cache_home());
    look_at_recordings(&findings);
    Buffer *report = findings_report(&findings, config_flag(config, OPTION_JSON));
    int status = output_report(report);
    if (!status && findings.broken)
        status = EXIT_FAILED;
    findings_done(&findings);
    return status;
}
