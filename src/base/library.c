// Libraries and modules at run time: see base/library.h.
#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static const char *last_problem(void)
{
    const char *why = dlerror();
    return why ? why : "not enough memory";
}

// POSIX promises that dlsym's pointer becomes a function's; C does not.
static bool find(void *library, const LibraryFunction *function)
{
    void *found = dlsym(library, function->name);
    memcpy(function->function, &found, sizeof found);
    return found;
}

bool library_load(const char *name, const LibraryFunction *functions, size_t count, char *problem,
                  size_t size)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    bool whole = library;
    for (size_t i = 0; whole && i < count; i++)
        whole = find(library, &functions[i]);
    if (!whole)
        (void)str_copy(problem, size, last_problem());
    return whole;
}

// A file in the folder of the running program, or in one named from there.
static bool beside_program(const char *folder, const char *name, int rights, char *out, size_t size)
{
    char self[LIBRARY_PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return false;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = '\0';
    const int written = snprintf(out, size, "%s/%s%s", self, folder, name);
    return written > 0 && (size_t)written < size && access(out, rights) == 0;
}

void library_find_file(const char *name, int rights, char *out, size_t size)
{
    if (beside_program("", name, rights, out, size) ||
        beside_program("../libexec/scout/", name, rights, out, size))
        return;
    (void)snprintf(out, size, SCOUT_LIBEXEC_FOLDER "/%s", name);
}

ScoutStatus library_load_module(const char *name, const char *symbol, const void **found,
                                ScoutError *error)
{
    char path[LIBRARY_PATH_MAX];
    const char *folder = secure_getenv("SCOUT_MODULES");
    if (folder && folder[0])
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    else
        library_find_file(name, R_OK, path, sizeof path);
    if (access(path, R_OK) != 0)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s is missing: install it beside scout or in %s", name,
                         SCOUT_LIBEXEC_FOLDER);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const void *shown = module ? dlsym(module, symbol) : NULL;
    if (!shown)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s cannot be loaded: %s", name,
                         last_problem());
    *found = shown;
    return SCOUT_OK;
}
