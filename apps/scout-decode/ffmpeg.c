// The module with FFmpeg, found and loaded: see ffmpeg.h.
#include "ffmpeg.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { PATH_BYTES = 4096 };

static const char MODULE[] = "scout-decode-ffmpeg.so";

// Beside the program, which libscout has chosen; a name without a folder would be searched for.
static bool find_module(char out[PATH_BYTES])
{
    char self[PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return str_copy(out, PATH_BYTES, SCOUT_LIBEXEC_FOLDER "/scout-decode-ffmpeg.so");
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    int folder = slash ? (int)(slash - self) : 0;
    int written = snprintf(out, PATH_BYTES, "%.*s/%s", folder, self, MODULE);
    return written > 0 && written < PATH_BYTES;
}

const Ffmpeg *ffmpeg_load(bool whole)
{
    char path[PATH_BYTES];
    if (!find_module(path))
        return NULL;
    void *module = dlopen(path, (whole ? RTLD_NOW : RTLD_LAZY) | RTLD_LOCAL);
    const Ffmpeg *found = module ? dlsym(module, FFMPEG_SYMBOL_NAME) : NULL;
    if (!found)
        (void)fprintf(stderr, "scout-decode cannot load FFmpeg: %s\n", dlerror());
    return found;
}
