// Parts of the program that are loaded when they are needed, because of the libraries behind them.
#ifndef AUDIO_MODULE_H
#define AUDIO_MODULE_H

#include "base/status.h"

// Loads the module `name` (a file's name) from the folder $SCOUT_MODULES, from beside the running
// program, from ../libexec/scout there, or from where it was installed, and finds what it shows as
// `symbol`. It stays loaded. Any
// thread. UNSUPPORTED when it is not there, or a library that it needs is not; the error says
// which.
ScoutStatus module_load(const char *name, const char *symbol, const void **found,
                        ScoutError *error);

#endif
