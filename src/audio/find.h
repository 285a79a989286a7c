// Where scout-decode is: docs/audio.md, "Finding it".
#ifndef AUDIO_FIND_H
#define AUDIO_FIND_H

#include <stddef.h>

enum { DECODER_PATH_MAX = 4096 };

// program itself, if it is given; else a path, in out if need be. It may not exist.
const char *decoder_find(const char *program, char *out, size_t size);

// The same for another file that is installed with it. Always writes a path.
void find_installed(const char *name, char *out, size_t size);

#endif
