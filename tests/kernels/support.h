// What the checks share: which tiers this machine can run, buffers that end where the memory ends,
// and numbers.
#ifndef TESTS_KERNELS_SUPPORT_H
#define TESTS_KERNELS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/kernels.h"

// The tier under test, and the scalar C that it must equal bit for bit: compiled with fused
// multiply-adds for the vector tiers. `expected` is NULL where there is no such thing to compare
// with (the scalar tier itself).
typedef struct Subject {
    const char *name;
    Kernels kernels;
    const Kernels *expected;
    bool own_bf16; // gemm_bf16 adds in an order of its own
} Subject;

extern const Subject *subject; // of the running group

// Fills at most max subjects; prints those that this machine cannot run.
size_t find_subjects(Subject *subjects, size_t max);

// A buffer whose last byte is the last of a page; the page after it cannot be touched, so that
// reading too far ends the test, also from assembly. Aligned to `size` only. Freed by free_guarded.
void *guarded(size_t count, size_t size);
void free_guarded(void);

// The same filled with numbers in -1..1 of the running generator.
float *guarded_random(size_t count);
void seed_random(uint64_t seed);
uint32_t random_bits(void);
float random_unit(void); // -1..1

// Fails with `what` and the place of the first difference. Bits, not values.
void assert_same_floats(const char *what, size_t count, const float *got, const float *expected);
void assert_near(const char *what, size_t index, double got, double expected, double tolerance);

double gelu_double(double x);

extern const struct CMUnitTest GEMM_TESTS[];
extern const size_t GEMM_TEST_COUNT;
extern const struct CMUnitTest ATTEND_TESTS[];
extern const size_t ATTEND_TEST_COUNT;
extern const struct CMUnitTest ELEMENTWISE_TESTS[];
extern const size_t ELEMENTWISE_TEST_COUNT;
extern const struct CMUnitTest PEAK_TESTS[];
extern const size_t PEAK_TEST_COUNT;
extern const struct CMUnitTest PLAIN_TESTS[]; // of no tier
extern const size_t PLAIN_TEST_COUNT;

int run_benches(const Subject *subjects, size_t count, const char *filter);

#endif
