// The peak loops of every tier: they do as many operations as they say, take time that grows with
// them, and read every byte.
#include "support.h"

#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "kernels/cpu.h"
#include "kernels/peak.h"

static KernelsPeaks peaks_of_subject(void)
{
    KernelsPeaks peaks = {.f32 = NULL};
    uint32_t features = 0;
    assert_int_equal(cpu_limit(subject->kernels.tier, cpu_detect(), &features, NULL), SCOUT_OK);
    kernels_peaks_init(&peaks, features);
    return peaks;
}

// Under an emulator, or with others on the machine, times say little: this tells only a loop from
// none.
static void loops_take_time(void **state)
{
    (void)state;
    enum { ROUNDS = 200000 };
    static const double IMPOSSIBLE = 1e14; // operations a second of one thread
    KernelsPeaks peaks = peaks_of_subject();
    KernelsPeak loops[] = {peaks.f32, peaks.u8s8, peaks.bf16};
    for (size_t i = 0; i < BASE_COUNT(loops); i++) {
        if (!loops[i]) {
            assert_int_equal(i, 2);
            continue;
        }
        uint64_t one = loops[i](1);
        assert_true(one > 0);
        int64_t start_ns = clock_monotonic_ns();
        assert_int_equal(loops[i](ROUNDS), ROUNDS * one);
        double seconds = (double)(clock_monotonic_ns() - start_ns) * 1e-9;
        assert_true((double)(ROUNDS * one) / seconds < IMPOSSIBLE);
    }
}

static void all_is_read(void **state)
{
    (void)state;
    enum { UNITS = 5, BYTES = UNITS * KERNELS_READ_UNIT };
    KernelsPeaks peaks = peaks_of_subject();
    uint64_t *words = guarded(BYTES, 1);
    assert_int_equal(peaks.read(words, 0), 0);
    uint64_t expected = 0;
    for (size_t i = 0; i < BYTES / sizeof *words; i++) {
        words[i] = (uint64_t)random_bits() << 32 | random_bits();
        expected ^= words[i];
    }
    assert_true(peaks.read(words, BYTES) == expected);
    for (size_t i = 0; i < BYTES / sizeof *words; i++) {
        words[i] ^= 1;
        assert_true(peaks.read(words, BYTES) == (expected ^ 1));
        words[i] ^= 1;
    }
    free_guarded();
}

const struct CMUnitTest PEAK_TESTS[] = {
    cmocka_unit_test(loops_take_time),
    cmocka_unit_test(all_is_read),
};
const size_t PEAK_TEST_COUNT = BASE_COUNT(PEAK_TESTS);
