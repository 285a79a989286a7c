// Asks the processor and the operating system what may be used. On x86 an instruction set counts
// only if the system also saves its registers (XGETBV; Intel SDM volume 1, 13.3).
#include "kernels/cpu.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

typedef struct Name {
    const char *name;
    uint32_t bits;
} Name;

static const Name FEATURES[] = {
    {"avx2", CPU_AVX2},
    {"avx512", CPU_AVX512},
    {"avx512vnni", CPU_AVX512_VNNI},
    {"avx512bf16", CPU_AVX512_BF16},
    {"avxvnni", CPU_AVX_VNNI},
    {"amx", CPU_AMX},
    {"neon", CPU_NEON},
    {"dotprod", CPU_DOTPROD},
    {"i8mm", CPU_I8MM},
    {"bf16", CPU_BF16},
};

// What each tier's name stands for, with the tiers below it.
static const Name TIERS[] = {
    {"ref", 0},
    {"avx2", CPU_AVX2},
    {"avxvnni", CPU_AVX2 | CPU_AVX_VNNI},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI},
    {"avx512bf16", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16},
    {"amx", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_AMX},
    {"neon", CPU_NEON},
    {"dotprod", CPU_NEON | CPU_DOTPROD},
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM},
    {"bf16", CPU_NEON | CPU_DOTPROD | CPU_I8MM | CPU_BF16},
};

#if defined(__x86_64__)

enum { LEAF_1_ECX_FMA = 1 << 12, LEAF_1_ECX_OSXSAVE = 1 << 27, LEAF_1_ECX_F16C = 1 << 29 };
enum {
    LEAF_7_EBX_AVX2 = 1 << 5,
    LEAF_7_EBX_AVX512F = 1 << 16,
    LEAF_7_EBX_AVX512DQ = 1 << 17,
    LEAF_7_EBX_AVX512CD = 1 << 28,
    LEAF_7_EBX_AVX512BW = 1 << 30,
    LEAF_7_ECX_VNNI = 1 << 11,
    LEAF_7_EDX_AMX = 1 << 22 | 1 << 24 | 1 << 25, // BF16, TILE, INT8
    LEAF_7_1_EAX_AVX_VNNI = 1 << 4,
    LEAF_7_1_EAX_AVX512_BF16 = 1 << 5,
};
#define LEAF_7_EBX_AVX512VL (1u << 31)
enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6, XCR0_AMX = 0x60000 };

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t read_xcr0(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// Zen 4 and 5 start a VDPBF16PS for each FMA, Cooper Lake and Sapphire Rapids one for every two
// (uops.info), and there is no flag for it.
static bool bf16_is_at_full_rate(void)
{
    uint32_t highest = 0;
    uint32_t name[3] = {0}; // EBX, EDX, ECX
    return __get_cpuid(0, &highest, &name[0], &name[2], &name[1]) &&
           memcmp(name, "AuthenticAMD", sizeof name) == 0;
}

// Linux gives the tile registers only to a process that asks (Documentation/arch/x86/xstate.rst).
// Asking again is harmless.
static bool ask_for_amx(void)
{
#ifdef __linux__
    enum { ASK_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) == 0;
#else
    return false;
#endif
}

uint32_t cpu_detect(void)
{
    uint32_t eax = 0;
    uint32_t ebx = 0;
    uint32_t ecx = 0;
    uint32_t edx = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
        !has(ecx, LEAF_1_ECX_OSXSAVE | LEAF_1_ECX_FMA | LEAF_1_ECX_F16C)) {
        return 0;
    }
    uint32_t xcr0 = read_xcr0();
    if (!has(xcr0, XCR0_AVX) || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
        !has(ebx, LEAF_7_EBX_AVX2)) {
        return 0;
    }
    uint32_t sub_eax = 0;
    uint32_t unused = 0;
    if (eax >= 1) {
        __get_cpuid_count(7, 1, &sub_eax, &unused, &unused, &unused);
    }
    uint32_t features = CPU_AVX2;
    if (has(sub_eax, LEAF_7_1_EAX_AVX_VNNI)) {
        features |= CPU_AVX_VNNI;
    }
    if (!has(xcr0, XCR0_AVX512) ||
        !has(ebx, LEAF_7_EBX_AVX512F | LEAF_7_EBX_AVX512DQ | LEAF_7_EBX_AVX512CD |
                      LEAF_7_EBX_AVX512BW | LEAF_7_EBX_AVX512VL)) {
        return features;
    }
    features |= CPU_AVX512;
    if (has(ecx, LEAF_7_ECX_VNNI)) {
        features |= CPU_AVX512_VNNI;
    }
    if (has(sub_eax, LEAF_7_1_EAX_AVX512_BF16)) {
        features |= CPU_AVX512_BF16;
        features |= bf16_is_at_full_rate() ? CPU_FAST_AVX512_BF16 : 0;
    }
    if (has(edx, LEAF_7_EDX_AMX) && has(xcr0, XCR0_AMX) && ask_for_amx()) {
        features |= CPU_AMX;
    }
    return features;
}

#elif defined(__aarch64__) && defined(__linux__)

uint32_t cpu_detect(void)
{
    unsigned long hwcap = getauxval(AT_HWCAP);
    unsigned long hwcap2 = getauxval(AT_HWCAP2);
    uint32_t features = 0;
    if ((hwcap & HWCAP_ASIMD) == 0) {
        return 0;
    }
    features |= CPU_NEON;
    if ((hwcap & HWCAP_ASIMDDP) != 0) {
        features |= CPU_DOTPROD;
    }
    if ((hwcap2 & HWCAP2_I8MM) != 0) {
        features |= CPU_I8MM;
    }
    if ((hwcap2 & HWCAP2_BF16) != 0) {
        features |= CPU_BF16;
    }
    return features;
}

#elif defined(__aarch64__)

uint32_t cpu_detect(void)
{
    return CPU_NEON; // part of the base architecture
}

#else

uint32_t cpu_detect(void)
{
    return 0;
}

#endif

static ScoutStatus refuse_unknown(const char *tier, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                     "\"%.40s\" is no set of kernels; the names are auto, ref, avx2, avxvnni, "
                     "avx512, avx512vnni, avx512bf16, amx, neon, dotprod, i8mm and bf16",
                     tier);
}

ScoutStatus cpu_limit(const char *tier, uint32_t detected, uint32_t *out, ScoutError *error)
{
    if (tier == NULL || strcmp(tier, "auto") == 0) {
        *out = detected;
        return SCOUT_OK;
    }
    for (size_t i = 0; i < BASE_COUNT(TIERS); i++) {
        if (strcmp(tier, TIERS[i].name) != 0) {
            continue;
        }
        if ((detected & TIERS[i].bits) != TIERS[i].bits) {
            char present[128];
            cpu_describe(detected, present, sizeof present);
            return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                             "this processor cannot run the %s kernels (it has: %s); use auto",
                             tier, present[0] == '\0' ? "ref only" : present);
        }
        *out = TIERS[i].bits | (detected & CPU_FAST_AVX512_BF16);
        return SCOUT_OK;
    }
    return refuse_unknown(tier, error);
}

void cpu_describe(uint32_t features, char *out, unsigned size)
{
    if (size == 0) {
        return;
    }
    out[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < BASE_COUNT(FEATURES); i++) {
        if ((features & FEATURES[i].bits) == 0) {
            continue;
        }
        int length =
            snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ",", FEATURES[i].name);
        if (length < 0 || (size_t)length >= size - used) {
            out[used] = '\0'; // no half name
            return;
        }
        used += (size_t)length;
    }
}
