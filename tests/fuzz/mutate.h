// Makes inputs for a parser from known good and bad ones: the same number gives the same input, on
// every machine.
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct Seed {
    uint8_t *bytes; // never NULL
    size_t length;
} Seed;

// Writes input `number` to out (size bytes) and returns its length: one of the seeds (count, at
// least 1) with a few changes. A seed longer than size is cut.
size_t mutate_make(uint64_t number, const Seed *seeds, size_t count, uint8_t *out, size_t size);

#endif
