// Finding scout-decode: see find.h.
#include "find.h"

#include <stdlib.h>
#include <unistd.h>

const char *decoder_find(const char *program, char *out, size_t size)
{
    if (program)
        return program;
    const char *named = secure_getenv("SCOUT_DECODE");
    if (named && named[0])
        return named;
    library_find_file("scout-decode", X_OK, out, size);
    return out;
}
