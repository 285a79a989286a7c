// Finding scout-decode: see find.h.
#include "find.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

// A file in the folder of the running program, or in a folder named from there.
static bool beside_program(const char *relative, char *out, size_t size)
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
    int written = snprintf(out, size, "%s/%s", self, relative);
    return written > 0 && (size_t)written < size && is_program(out);
}

const char *decoder_find(const char *program, char *out, size_t size)
{
    if (program)
        return program;
    const char *named = secure_getenv("SCOUT_DECODE");
    if (named && named[0])
        return named;
    if (beside_program("scout-decode", out, size) ||
        beside_program("../libexec/scout/scout-decode", out, size))
        return out;
    (void)str_copy(out, size, SCOUT_LIBEXEC_FOLDER "/scout-decode");
    return out;
}
