// What libscout finds on this machine, for programs that report it.
#ifndef SCOUT_SYSTEM_H
#define SCOUT_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// Texts are UTF-8, empty when unknown.
typedef struct ScoutSystem {
    char processor_name[128];        // as the system calls it
    char features[256];              // instruction sets that matter, with commas between
    char kernels[32];                // the tier that an engine would use
    char kernels_problem[256];       // why there is none
    int processors;                  // that this process may use
    uint64_t memory_bytes;           // of the machine; 0 when unknown
    uint64_t memory_available_bytes; // that could be used now
    int decoder_started;             // non-zero: scout-decode could be started
    int sandbox_seccomp;             // non-zero: its system calls are filtered
    int sandbox_landlock_abi;        // 0: the kernel has no Landlock
    int sandbox_limits;              // non-zero: its memory, time and files are limited
    char decoder_version[128];       // of the libraries that decode
    char decoder_problem[256];
} ScoutSystem;

// Starts scout-decode once to ask it. decoder: its path, and cpu: the tier to allow at most, as in
// ScoutEngineOptions; both may be NULL. Any thread; fills all of *system.
SCOUT_API void scout_system_probe(const char *decoder, const char *cpu, ScoutSystem *system);

// The languages that models can know, 0, 1, ...: their ISO code ("en") and English name
// ("english"), both in static storage. Returns 0, and sets nothing, when index is out of range.
SCOUT_API int scout_language_at(size_t index, const char **code, const char **name);

#ifdef __cplusplus
}
#endif

#endif
