// Parts of this folder that are loaded when they are wanted, because the libraries that they need
// would slow down the start of every program.
#ifndef PLATFORM_MODULE_H
#define PLATFORM_MODULE_H

#include "dbus/module.h"
#include "x11/module.h"

// Loads it at the first call; any thread. UNSUPPORTED when it is not there or its libraries are
// not.
ScoutStatus module_x11(const X11Module **module, ScoutError *error);
ScoutStatus module_dbus(const DbusModule **module, ScoutError *error);

#endif
