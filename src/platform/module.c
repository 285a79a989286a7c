// Loading the modules: see module.h.
#include "module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/str.h"

enum { PATH_SIZE = 4096 };

typedef struct Loaded {
    const void *found;
    char problem[512]; // why it could not be loaded
} Loaded;

static bool folder_of_program(char *out, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", out, size - 1);
    if (length <= 0)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

static void *open_in(const char *folder, const char *below, const char *name)
{
    char path[PATH_SIZE];
    const int length = snprintf(path, sizeof path, "%s/%s%s.so", folder, below, name);
    if (length < 0 || (size_t)length >= sizeof path || access(path, R_OK) != 0)
        return NULL;
    // Stays loaded: threads of it may still run at the end.
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void load(const char *name, const char *symbol, Loaded *loaded)
{
    const char *named = secure_getenv("SCOUT_PLATFORM_FOLDER");
    char folder[PATH_SIZE];
    void *library = NULL;
    (void)dlerror();
    if (named && named[0]) {
        library = open_in(named, "", name);
    } else {
        if (folder_of_program(folder, sizeof folder)) {
            library = open_in(folder, "", name);
            library = library ? library : open_in(folder, "../libexec/scout/", name);
        }
        library = library ? library : open_in(SCOUT_LIBEXEC_FOLDER, "", name);
    }
    loaded->found = library ? dlsym(library, symbol) : NULL;
    if (loaded->found)
        return;
    const char *why = dlerror();
    (void)snprintf(loaded->problem, sizeof loaded->problem, "%s.so cannot be loaded: %s", name,
                   why ? why : "it is not installed");
}

static Loaded x11_loaded;
static Loaded dbus_loaded;

static void load_x11(void)
{
    load("scout-platform-x11", X11_MODULE_SYMBOL, &x11_loaded);
}

static void load_dbus(void)
{
    load("scout-platform-dbus", DBUS_MODULE_SYMBOL, &dbus_loaded);
}

ScoutStatus module_x11(const X11Module **module, ScoutError *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_x11);
    const X11Module *found = x11_loaded.found;
    if (!found)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s", x11_loaded.problem);
    if (found->version != X11_MODULE_VERSION)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "scout-platform-x11.so is of another version of scout");
    *module = found;
    return SCOUT_OK;
}

ScoutStatus module_dbus(const DbusModule **module, ScoutError *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_dbus);
    const DbusModule *found = dbus_loaded.found;
    if (!found)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s", dbus_loaded.problem);
    if (found->version != DBUS_MODULE_VERSION)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "scout-platform-dbus.so is of another version of scout");
    *module = found;
    return SCOUT_OK;
}
