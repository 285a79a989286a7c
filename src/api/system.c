// What this machine has: see system.h.
#include <scout/system.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/decoder.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "base/thread_pool.h"
#include "kernels/cpu.h"
#include "kernels/kernels.h"
#include "models/tokenizer.h"

enum { SYSTEM_FILE_MAX_BYTES = 4 << 20 };

// The text behind the first line "key...: " of a file of /proc.
static bool proc_value(const char *path, const char *key, char *out, size_t size)
{
    Buffer text;
    buffer_init(&text, SYSTEM_FILE_MAX_BYTES);
    bool found = false;
    if (file_read(path, SYSTEM_FILE_MAX_BYTES, &text, NULL) == SCOUT_OK) {
        const char *at = strstr(buffer_text(&text), key);
        const char *colon = at ? strchr(at, ':') : NULL;
        if (colon) {
            colon += 1 + strspn(colon + 1, " \t");
            size_t length = strcspn(colon, "\n");
            (void)snprintf(out, size, "%.*s", (int)length, colon);
            found = true;
        }
    }
    buffer_done(&text);
    return found;
}

static uint64_t available_memory(void)
{
    char text[64];
    if (!proc_value("/proc/meminfo", "MemAvailable", text, sizeof(text)))
        return 0;
    return strtoull(text, NULL, 10) * 1024;
}

static void probe_kernels(const char *cpu, ScoutSystem *system)
{
    uint32_t detected = cpu_detect();
    cpu_describe(detected, system->features, sizeof(system->features));
    uint32_t features;
    ScoutError error;
    if (cpu_limit(cpu ? cpu : getenv("SCOUT_CPU"), detected, &features, &error)) {
        str_copy(system->kernels_problem, sizeof(system->kernels_problem), error.message);
        return;
    }
    Kernels kernels;
    kernels_init(&kernels, features);
    str_copy(system->kernels, sizeof(system->kernels), kernels.tier);
}

static void probe_decoder(const char *decoder, ScoutSystem *system)
{
    AudioSandbox sandbox = {0};
    audio_decoder_probe(decoder, &sandbox);
    system->decoder_started = sandbox.started;
    system->sandbox_seccomp = sandbox.seccomp;
    system->sandbox_landlock_abi = sandbox.landlock_abi;
    system->sandbox_limits = sandbox.limits;
    str_copy(system->decoder_version, sizeof(system->decoder_version), sandbox.decoder_version);
    str_copy(system->decoder_problem, sizeof(system->decoder_problem), sandbox.problem);
}

void scout_system_probe(const char *decoder, const char *cpu, ScoutSystem *system)
{
    if (!system)
        return;
    *system = (ScoutSystem){.processors = (int)thread_processors()};
    (void)proc_value("/proc/cpuinfo", "model name", system->processor_name,
                     sizeof(system->processor_name));
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0)
        system->memory_bytes = (uint64_t)pages * (uint64_t)page_bytes;
    system->memory_available_bytes = available_memory();
    probe_kernels(cpu, system);
    probe_decoder(decoder, system);
}

int scout_language_at(size_t index, const char **code, const char **name)
{
    if (index >= language_count())
        return 0;
    if (code)
        *code = language_code(index);
    if (name)
        *name = language_name(index);
    return 1;
}
