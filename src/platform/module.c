// Loading the modules: see module.h.
#include "module.h"

#include <pthread.h>

#include "base/library.h"

typedef struct Loaded {
    const void *found;
    ScoutError problem; // why it could not be loaded
} Loaded;

static void load(const char *name, const char *symbol, Loaded *loaded)
{
    (void)library_load_module(name, symbol, &loaded->found, &loaded->problem);
}

static Loaded x11_loaded;
static Loaded dbus_loaded;

static void load_x11(void)
{
    load("scout-platform-x11.so", X11_MODULE_SYMBOL, &x11_loaded);
}

static void load_dbus(void)
{
    load("scout-platform-dbus.so", DBUS_MODULE_SYMBOL, &dbus_loaded);
}

ScoutStatus module_x11(const X11Module **module, ScoutError *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_x11);
    const X11Module *found = x11_loaded.found;
    if (!found)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s", x11_loaded.problem.message);
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
        return error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s", dbus_loaded.problem.message);
    if (found->version != DBUS_MODULE_VERSION)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "scout-platform-dbus.so is of another version of scout");
    *module = found;
    return SCOUT_OK;
}
