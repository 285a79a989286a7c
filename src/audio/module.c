// Modules, found as scout-decode is: see module.h.
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "find.h"

ScoutStatus module_load(const char *name, const char *symbol, const void **found, ScoutError *error)
{
    char path[DECODER_PATH_MAX];
    const char *folder = secure_getenv("SCOUT_MODULES");
    if (folder && folder[0])
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    else
        find_installed(name, path, sizeof path);
    if (access(path, R_OK) != 0)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s is missing: install it beside scout or in %s", name,
                         SCOUT_LIBEXEC_FOLDER);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const void *shown = module ? dlsym(module, symbol) : NULL;
    if (!shown) {
        const char *why = dlerror();
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s cannot be loaded: %s", name,
                         why ? why : "not enough memory");
    }
    *found = shown;
    return SCOUT_OK;
}
