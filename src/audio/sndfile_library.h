// libsndfile, loaded when the first sound file is written or read: with the encoders it is linked
// to, it would cost every start of the program some milliseconds.
#ifndef SNDFILE_LIBRARY_H
#define SNDFILE_LIBRARY_H

#include <sndfile.h>

#include "base/status.h"

typedef struct SndfileLibrary {
    SNDFILE *(*open_virtual)(SF_VIRTUAL_IO *calls, int mode, SF_INFO *info, void *context);
    int (*close)(SNDFILE *file);
    int (*command)(SNDFILE *file, int command, void *data, int size);
    sf_count_t (*writef_short)(SNDFILE *file, const short *samples, sf_count_t frames);
    sf_count_t (*readf_short)(SNDFILE *file, short *samples, sf_count_t frames);
    sf_count_t (*seek)(SNDFILE *file, sf_count_t frames, int whence);
    const char *(*strerror)(SNDFILE *file);
} SndfileLibrary;

// Any thread. UNSUPPORTED when it cannot be loaded.
ScoutStatus sndfile_library_get(const SndfileLibrary **library, ScoutError *error);

#endif
