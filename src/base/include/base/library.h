// Code that is loaded when it is first wanted, because the libraries behind it would slow down the
// start of every program: shared libraries of the system, and modules of Scout's own, which lie
// beside the program. What was loaded stays loaded: it may have left threads, or functions to be
// called at the end.
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { LIBRARY_PATH_MAX = 4096 };

typedef struct LibraryFunction {
    const char *name;
    void *function; // where its address goes: points to a pointer to a function
} LibraryFunction;

// Loads the shared library and finds the functions. False when one is missing; problem, of `size`
// bytes, then says why. Any thread.
bool library_load(const char *name, const LibraryFunction *functions, size_t count, char *problem,
                  size_t size);

// Where a file is that was installed with the running program: beside it, in ../libexec/scout from
// there, or where it was to be installed. `rights` are those of access(2). Always writes a path;
// there may be nothing.
void library_find_file(const char *name, int rights, char *out, size_t size);

// Loads the module `name` (a file's name) from the folder $SCOUT_MODULES, or from where
// library_find_file finds it, and gives what it shows as `symbol`. Any thread. UNSUPPORTED when it
// is not there, or a library that it needs is not; the error says which.
ScoutStatus library_load_module(const char *name, const char *symbol, const void **found,
                                ScoutError *error);

#endif
