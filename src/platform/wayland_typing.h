// Typing on Wayland by other people's programs: wtype and ydotool.
#ifndef PLATFORM_WAYLAND_TYPING_H
#define PLATFORM_WAYLAND_TYPING_H

#include "backend.h"

// UNSUPPORTED when the program is missing or the compositor does not let it type.
ScoutStatus wtype_new(void **self, ScoutError *error);
ScoutStatus ydotool_new(void **self, ScoutError *error);

extern const TypingBackend wtype_backend;
extern const TypingBackend ydotool_backend;

#endif
