// The cage the decoder sits in before it looks at the first foreign byte: no new files, no network,
// no processes, no executable memory, bounded memory and time.
#ifndef SCOUT_DECODE_SANDBOX_H
#define SCOUT_DECODE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

typedef struct SandboxLimits {
    uint64_t memory_bytes; // that may be mapped on top of what the program has at this point
    uint64_t cpu_seconds;
} SandboxLimits;

// What is in force; a kernel may lack parts.
typedef struct SandboxReport {
    bool seccomp;
    bool limits;
    int landlock_abi; // 0: none
} SandboxReport;

// First thing in main: closes every descriptor but 0, 1 and 2, forgets the environment, and makes
// the process end when nobody reads descriptor 1 any more.
void sandbox_prepare(void);

// Cannot be undone. Only descriptors 0, 1 and 2 work afterwards: 0 to read, 1 and 2 to write.
void sandbox_enter(const SandboxLimits *limits, SandboxReport *report);

#endif
