// Paths: joining, taking apart, and the XDG base folders. See file.h.
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *path_join(const char *folder, const char *name)
{
    size_t folder_length = strlen(folder);
    bool slash = folder_length > 0;
    while (folder_length > 0 && folder[folder_length - 1] == '/')
        folder_length--;
    if (slash)
        name += strspn(name, "/");
    char *joined = mem_array(folder_length + slash + strlen(name) + 1, 1);
    if (!joined)
        return NULL;
    char *at = mempcpy(joined, folder, folder_length);
    if (slash)
        *at++ = '/';
    memcpy(at, name, strlen(name) + 1);
    return joined;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// The variable's folder, or its default under $HOME, with our name added. A relative folder counts
// as unset: XDG Base Directory Specification, "Basics".
static char *xdg_home(const char *variable, const char *under_home)
{
    const char *folder = getenv(variable);
    if (folder && folder[0] == '/')
        return path_join(folder, "scout");
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        errno = ENOENT;
        return NULL;
    }
    char *parent = path_join(home, under_home);
    if (!parent)
        return NULL;
    char *joined = path_join(parent, "scout");
    mem_free(parent);
    return joined;
}

char *path_data_home(void)
{
    return xdg_home("XDG_DATA_HOME", ".local/share");
}

char *path_config_home(void)
{
    return xdg_home("XDG_CONFIG_HOME", ".config");
}

char *path_cache_home(void)
{
    return xdg_home("XDG_CACHE_HOME", ".cache");
}

char *path_state_home(void)
{
    return xdg_home("XDG_STATE_HOME", ".local/state");
}
