// Peak loops in scalar C, for processors that no other tier knows.
#include "kernels/peak.h"

#include <string.h>

#include "peak_tiers.h"

enum { LANES = 16 };

// Sixteen sums, so that a compiler may use whatever vectors its target has. The asm statements make
// it believe that memory is read and changed each round.
static uint64_t peak_f32_ref(uint64_t rounds)
{
    float sums[LANES] = {0};
    float x = 0.5f;
    __asm__ volatile("" : "+m"(x));
    for (uint64_t i = 0; i < rounds; i++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] += x * x;
        }
        __asm__ volatile("" : "+m"(sums));
    }
    return rounds * LANES * 2;
}

static uint64_t peak_u8s8_ref(uint64_t rounds)
{
    int32_t sums[LANES] = {0};
    uint8_t x = 1;
    int8_t w = 1;
    __asm__ volatile("" : "+m"(x), "+m"(w));
    for (uint64_t i = 0; i < rounds; i++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] = (int32_t)((uint32_t)sums[lane] + (uint32_t)(x * w));
        }
        __asm__ volatile("" : "+m"(sums));
    }
    return rounds * LANES * 2;
}

static uint64_t read_ref(const void *data, size_t bytes)
{
    enum { WORDS = KERNELS_READ_UNIT / sizeof(uint64_t) };
    const char *at = data;
    uint64_t sums[WORDS] = {0};
    for (size_t i = 0; i < bytes; i += KERNELS_READ_UNIT) {
        uint64_t words[WORDS];
        memcpy(words, at + i, sizeof words);
        for (size_t j = 0; j < WORDS; j++) {
            sums[j] ^= words[j];
        }
    }
    uint64_t sum = 0;
    for (size_t j = 0; j < WORDS; j++) {
        sum ^= sums[j];
    }
    return sum;
}

void kernels_peaks_init_ref(KernelsPeaks *peaks)
{
    *peaks = (KernelsPeaks){.f32 = peak_f32_ref, .u8s8 = peak_u8s8_ref, .read = read_ref};
}
