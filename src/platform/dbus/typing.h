// Typing through the desktop's RemoteDesktop portal.
#ifndef PLATFORM_DBUS_TYPING_H
#define PLATFORM_DBUS_TYPING_H

#include "../backend.h"

ScoutStatus portal_typing_new(const TypingOptions *options, void **self, ScoutError *error);
extern const TypingBackend portal_typing_backend;

#endif
