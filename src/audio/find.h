// Where scout-decode is: docs/audio.md, "Finding it".
#ifndef AUDIO_FIND_H
#define AUDIO_FIND_H

#include <stddef.h>

#include "base/library.h"

// program itself, if it is given; else a path, in out (LIBRARY_PATH_MAX) if need be. It may not
// exist.
const char *decoder_find(const char *program, char *out, size_t size);

#endif
