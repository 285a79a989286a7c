// How the house reports failure: a ScoutStatus is returned, a ScoutError carries the sentence.
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/attributes.h"
#include <scout/status.h>

// Writes the sentence into error (which may be NULL) and returns status, so that a failing check is
// one line: `return error_set(error, SCOUT_ERROR_FORMAT, "%s: no header", path);`
ScoutStatus error_set(ScoutError *error, ScoutStatus status, const char *format, ...)
    BASE_PRINTF(3, 4);

// As error_set, for a failed system call: appends the text of errno_value and picks the status that
// fits it (ENOENT becomes NOT_FOUND, EACCES PERMISSION, ENOSPC NO_SPACE, and so on).
ScoutStatus error_set_errno(ScoutError *error, int errno_value, const char *format, ...)
    BASE_PRINTF(3, 4);

// Puts "prefix: " before the message that error already holds. Keeps the status. NULL is allowed.
void error_prefix(ScoutError *error, const char *format, ...) BASE_PRINTF(2, 3);

// The sentence every failed allocation gives. It stands here so that whoever compiles or analyses a
// caller sees that it never returns SCOUT_OK.
static inline ScoutStatus error_no_memory(ScoutError *error)
{
    (void)error_set(error, SCOUT_ERROR_OUT_OF_MEMORY,
                    "not enough memory: close other programs or use a smaller model");
    return SCOUT_ERROR_OUT_OF_MEMORY;
}

#endif
