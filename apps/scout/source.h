// Which sound listen, record and dictate hear: the options for it, checked and put into libscout's
// struct, and the list of devices.
#ifndef SCOUT_SOURCE_H
#define SCOUT_SOURCE_H

#include <scout/capture.h>

#include "base/status.h"
#include "config/config.h"

// Sets the source and what belongs to it. Texts are borrowed from the Config. INVALID_ARGUMENT
// where options exclude each other, and of a file those of opening it that can be said more plainly
// here.
ScoutStatus source_set(const Config *config, ScoutCaptureOptions *options, ScoutError *error);

// Has what is heard kept among the recordings until its text was told, unless it is kept anyway, is
// a file, or is not to be. *folder is what the options borrow; free with mem_free.
void source_keep_safe(const Config *config, ScoutCaptureOptions *options, char **folder);

// --list-devices: prints them; the exit status to end with.
int source_list(const Config *config);

#endif
