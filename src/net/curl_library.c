// libcurl at run time: see curl_library.h.
#include "curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

static CurlLibrary loaded;
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
        {"curl_global_init", &loaded.global_init},   {"curl_easy_init", &loaded.easy_init},
        {"curl_easy_cleanup", &loaded.easy_cleanup}, {"curl_easy_setopt", &loaded.setopt},
        {"curl_easy_getinfo", &loaded.getinfo},      {"curl_easy_perform", &loaded.perform},
        {"curl_easy_strerror", &loaded.strerror},
    };
    // Stays loaded: it may have left functions to be called when threads end.
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    bool whole = library;
    for (size_t i = 0; whole && i < BASE_COUNT(functions); i++)
        whole = find(library, functions[i].name, functions[i].function);
    if (whole) {
        (void)loaded.global_init(CURL_GLOBAL_DEFAULT);
        return;
    }
    const char *why = dlerror();
    (void)str_copy(problem, sizeof problem, why ? why : "not enough memory");
}

ScoutStatus curl_library_get(const CurlLibrary **library, ScoutError *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (problem[0])
        return error_set(error, SCOUT_ERROR_NETWORK,
                         "downloading needs libcurl, which cannot be loaded: %s", problem);
    *library = &loaded;
    return SCOUT_OK;
}
