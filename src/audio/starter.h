// A decoder process that has loaded FFmpeg and waits: see AudioStarter in audio/decoder.h.
#ifndef AUDIO_STARTER_H
#define AUDIO_STARTER_H

#include <stdbool.h>

#include "audio/decoder.h"
#include "child.h"

// A child like that of child_start, sooner. False when there is no starter or it fails; then the
// caller starts the child itself. starter may be NULL.
bool starter_request(AudioStarter *starter, const char *const *arguments, int input, Child *child);

#endif
