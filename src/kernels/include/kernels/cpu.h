// What the processor can do, and which tier of kernels that selects.
#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

// Bits of instruction sets that are present *and* enabled by the operating system (XGETBV on x86).
enum {
    CPU_AVX2 = 1u << 0,   // with FMA and F16C
    CPU_AVX512 = 1u << 1, // F, BW, DQ, VL, CD
    CPU_AVX512_VNNI = 1u << 2,
    CPU_AVX512_BF16 = 1u << 3,
    CPU_AVX_VNNI = 1u << 4,
    CPU_AMX = 1u << 5, // TILE, INT8 and BF16, with the kernel's permission
    // How fast something is rather than whether it is there: VDPBF16PS at the rate of FMA, so that
    // it does twice the work of floats. So in AMD's processors; in Intel's at half the rate.
    CPU_FAST_AVX512_BF16 = 1u << 6,
    CPU_NEON = 1u << 8,
    CPU_DOTPROD = 1u << 9,
    CPU_I8MM = 1u << 10,
    CPU_BF16 = 1u << 11,
};

// Detected features; any thread.
uint32_t cpu_detect(void);

// The features left when a person asks for a tier by name: "ref", "avx2", "avx512", "avx512vnni",
// "avx512bf16", "avxvnni", "amx", "neon", "dotprod", "i8mm", "bf16" (of ARM), "auto" (or NULL). A
// tier includes those below it, and leaves speeds as they are. INVALID_ARGUMENT for an unknown
// name, UNSUPPORTED for one this processor lacks.
ScoutStatus cpu_limit(const char *tier, uint32_t detected, uint32_t *out, ScoutError *error);

// Comma-separated names of the bits, for reports; always terminated.
void cpu_describe(uint32_t features, char *out, unsigned size);

#endif
