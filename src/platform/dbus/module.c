// The module's table: see module.h.
#include "module.h"

#include "hotkey.h"
#include "typing.h"

__attribute__((visibility("default"))) const DbusModule scout_platform_dbus = {
    .version = DBUS_MODULE_VERSION,
    .typing_new = portal_typing_new,
    .typing = &portal_typing_backend,
    .hotkey_new = portal_hotkey_new,
    .hotkey = &portal_hotkey_backend,
};
