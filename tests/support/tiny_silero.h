// A model of Silero's architecture with made-up weights, the same that
// tests/reference/make_silero.py makes: for tests of what runs on it, without a download. What it
// calls speech means nothing.
#ifndef TESTS_SUPPORT_TINY_SILERO_H
#define TESTS_SUPPORT_TINY_SILERO_H

#include "models/packed.h"

// Writes the packed file; any failure fails the running test. Without `left_out` (NULL) it is
// whole, else it lacks the tensor of that name.
void tiny_silero_write(const char *path, const char *left_out);

// The whole model in a new temporary file, opened. The file is removed again at once.
PackedFile *tiny_silero_open(void);

#endif
