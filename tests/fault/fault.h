// Fails allocations on purpose, to see whether every one that can fail is handled.
//
// A test that links fault_dep has its malloc, calloc, realloc, aligned_alloc and posix_memalign
// calls, and those of the static libraries it links, counted here, on every thread. Allocations
// inside shared libraries (libc's own, jansson's) are not.
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <scout/status.h>

#include <stdbool.h>
#include <stddef.h>

// From now on counts allocations, and lets the nth fail, once; 1 is the next one, 0 lets none fail.
void fault_arm(size_t nth);

// Stops counting. Returns whether an allocation was failed since fault_arm.
bool fault_disarm(void);

// The allocations since fault_arm, the failed one included; they stay readable after fault_disarm.
size_t fault_count(void);

// The work under test: makes its objects, uses and frees them, and returns the first status that
// was not OK. It may assert what must hold after a failure, for instance that no output was
// written.
typedef ScoutStatus (*FaultTrial)(void *context);

// Runs trial with its 1st, 2nd, 3rd... allocation failing, until a run has fewer allocations than
// that, and returns how many allocations that run made. Beyond the 64th some are left out, unless
// SCOUT_TEST_LONG is set. Fails the test when a failed allocation
// comes back as anything but OUT_OF_MEMORY (OK is allowed: some work can do without), when the last
// run, in which nothing failed, is not OK, when it makes max allocations or more, or, in a build
// with AddressSanitizer, when a run leaks.
size_t fault_run_all(FaultTrial trial, void *context, size_t max);

#endif
