// libsndfile at run time: see sndfile_library.h.
#include "sndfile_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

static SndfileLibrary loaded;
static char problem[256]; // why it could not be loaded; empty: it was

// POSIX promises that dlsym's pointer becomes a function's; C does not.
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found;
}

static void load(void)
{
    const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"sf_open_virtual", &loaded.open_virtual},
        {"sf_close", &loaded.close},
        {"sf_command", &loaded.command},
        {"sf_writef_short", &loaded.writef_short},
        {"sf_readf_short", &loaded.readf_short},
        {"sf_strerror", &loaded.strerror},
        {"sf_seek", &loaded.seek},
    };
    // Stays loaded: it may have left functions to be called at the end.
    void *library = dlopen("libsndfile.so.1", RTLD_NOW | RTLD_LOCAL);
    bool whole = library;
    for (size_t i = 0; whole && i < BASE_COUNT(functions); i++)
        whole = find(library, functions[i].name, functions[i].function);
    if (whole)
        return;
    const char *why = dlerror();
    (void)str_copy(problem, sizeof problem, why ? why : "not enough memory");
}

ScoutStatus sndfile_library_get(const SndfileLibrary **library, ScoutError *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load);
    if (problem[0])
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "sound files need libsndfile (package libsndfile1), which cannot be "
                         "loaded: %s",
                         problem);
    *library = &loaded;
    return SCOUT_OK;
}
