// Subjects, guarded buffers, random numbers and comparisons of the kernel checks.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attributes.h"
#include "kernels/cpu.h"

void kernels_init_ref_fused(Kernels *kernels); // ref/ref.c, compiled again by tests/kernels

void kernels_init_avxvnni_evex(Kernels *kernels); // x86/avxvnni.c, the same

const Subject *subject;

static Kernels fused;

// The AVX-VNNI tier in the encoding of AVX-512 VNNI, over AVX2.
static size_t add_evex(uint32_t detected, Subject *out)
{
    uint32_t features = 0;
    if ((detected & CPU_AVX512_VNNI) == 0 ||
        cpu_limit("avx2", detected, &features, NULL) != SCOUT_OK) {
        printf("# avxvnni-evex: not on this processor\n");
        return 0;
    }
#ifdef KERNELS_HAVE_EVEX
    kernels_init(&out->kernels, features);
    kernels_init_avxvnni_evex(&out->kernels);
    out->name = "avxvnni-evex";
    out->expected = &fused;
    out->own_bf16 = false;
    return 1;
#else
    (void)out;
    printf("# avxvnni-evex: not in this build\n");
    return 0;
#endif
}

size_t find_subjects(Subject *subjects, size_t max)
{
    static const struct {
        const char *name;
        bool own_bf16;
    } tiers[] = {
        {"ref", false},        {"avx2", false},      {"avxvnni", false}, {"avx512", false},
        {"avx512vnni", false}, {"avx512bf16", true}, {"amx", true},      {"neon", false},
        {"dotprod", false},    {"i8mm", false},      {"bf16", true},
    };
    kernels_init_ref_fused(&fused);
    uint32_t detected = cpu_detect();
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(tiers) && count < max; i++) {
        uint32_t features = 0;
        Subject *next = &subjects[count];
        if (cpu_limit(tiers[i].name, detected, &features, NULL) != SCOUT_OK) {
            printf("# %s: not on this processor\n", tiers[i].name);
            continue;
        }
        kernels_init(&next->kernels, features);
        if (strcmp(next->kernels.tier, tiers[i].name) != 0) {
            printf("# %s: not in this build\n", tiers[i].name);
            continue;
        }
        next->name = tiers[i].name;
        next->expected = i == 0 ? NULL : &fused;
        next->own_bf16 = tiers[i].own_bf16;
        count++;
    }
    if (count < max) {
        count += add_evex(detected, &subjects[count]);
    }
    return count;
}

enum { GUARDED_MAX = 64 };

static struct {
    void *map;
    size_t bytes;
} regions[GUARDED_MAX];
static size_t region_count;

void *guarded(size_t count, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = count * size;
    size_t body = BASE_ROUND_UP(bytes + 1, page);
    assert_true(region_count < GUARDED_MAX);
    char *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + body, page, PROT_NONE), 0);
    regions[region_count].map = map;
    regions[region_count].bytes = body + page;
    region_count++;
    return map + body - bytes;
}

void free_guarded(void)
{
    while (region_count > 0) {
        region_count--;
        munmap(regions[region_count].map, regions[region_count].bytes);
    }
}

static uint64_t random_state = 1;

void seed_random(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t random_bits(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

float random_unit(void)
{
    return (float)(int32_t)random_bits() * 0x1p-31f;
}

float *guarded_random(size_t count)
{
    float *values = guarded(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = random_unit();
    }
    return values;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void assert_same_floats(const char *what, size_t count, const float *got, const float *expected)
{
    for (size_t i = 0; i < count; i++) {
        if (bits_of(got[i]) != bits_of(expected[i])) {
            fail_msg("%s: %s[%zu] is %.9g, not %.9g", subject->name, what, i, (double)got[i],
                     (double)expected[i]);
        }
    }
}

void assert_near(const char *what, size_t index, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        fail_msg("%s: %s[%zu] is %.9g, not %.9g: off by %.3g, not %.3g", subject->name, what, index,
                 got, expected, fabs(got - expected), tolerance);
    }
}

double gelu_double(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2.0));
}
