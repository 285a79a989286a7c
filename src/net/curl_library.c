// libcurl at run time: see curl_library.h.
#include "curl_library.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/library.h"

static CurlLibrary loaded;
static char problem[256]; // why it could not be loaded; empty: it was

static void load(void)
{
    const LibraryFunction functions[] = {
        {"curl_global_init", &loaded.global_init},   {"curl_easy_init", &loaded.easy_init},
        {"curl_easy_cleanup", &loaded.easy_cleanup}, {"curl_easy_setopt", &loaded.setopt},
        {"curl_easy_getinfo", &loaded.getinfo},      {"curl_easy_perform", &loaded.perform},
        {"curl_easy_strerror", &loaded.strerror},
    };
    if (library_load("libcurl.so.4", functions, BASE_COUNT(functions), problem, sizeof problem))
        (void)loaded.global_init(CURL_GLOBAL_DEFAULT);
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
