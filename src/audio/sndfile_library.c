// libsndfile at run time: see sndfile_library.h.
#include "sndfile_library.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/library.h"

static SndfileLibrary loaded;
static char problem[256]; // why it could not be loaded; empty: it was

static void load(void)
{
    const LibraryFunction functions[] = {
        {"sf_open_virtual", &loaded.open_virtual},
        {"sf_close", &loaded.close},
        {"sf_command", &loaded.command},
        {"sf_writef_short", &loaded.writef_short},
        {"sf_readf_short", &loaded.readf_short},
        {"sf_strerror", &loaded.strerror},
        {"sf_seek", &loaded.seek},
    };
    (void)library_load("libsndfile.so.1", functions, BASE_COUNT(functions), problem,
                       sizeof problem);
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
