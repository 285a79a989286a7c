// Finding scout-decode: see find.h.
#include "find.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

// A file in the folder of the running program, or in one named from there.
static bool beside_program(const char *folder, const char *name, int rights, char *out, size_t size)
{
    char self[DECODER_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return false;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = '\0';
    int written = snprintf(out, size, "%s/%s%s", self, folder, name);
    return written > 0 && (size_t)written < size && access(out, rights) == 0;
}

// installed: where it is if it is nowhere else.
static void find(const char *name, int rights, const char *installed, char *out, size_t size)
{
    if (beside_program("", name, rights, out, size) ||
        beside_program("../libexec/scout/", name, rights, out, size))
        return;
    (void)str_copy(out, size, installed);
}

const char *decoder_find(const char *program, char *out, size_t size)
{
    if (program)
        return program;
    const char *named = secure_getenv("SCOUT_DECODE");
    if (named && named[0])
        return named;
    find("scout-decode", X_OK, SCOUT_LIBEXEC_FOLDER "/scout-decode", out, size);
    return out;
}

void find_installed(const char *name, char *out, size_t size)
{
    char installed[DECODER_PATH_MAX];
    (void)snprintf(installed, sizeof installed, SCOUT_LIBEXEC_FOLDER "/%s", name);
    find(name, R_OK, installed, out, size);
}
