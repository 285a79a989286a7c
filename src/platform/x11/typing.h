// Typing through the X server's XTEST extension.
#ifndef PLATFORM_X11_TYPING_H
#define PLATFORM_X11_TYPING_H

#include "../backend.h"

ScoutStatus x11_typing_new(const TypingOptions *options, void **self, ScoutError *error);
extern const TypingBackend x11_typing_backend;

#endif
