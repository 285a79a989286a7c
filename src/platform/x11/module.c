// The module's table: see module.h.
#include "module.h"

#include "clipboard.h"
#include "hotkey.h"
#include "typing.h"

__attribute__((visibility("default"))) const X11Module scout_platform_x11 = {
    .version = X11_MODULE_VERSION,
    .typing_new = x11_typing_new,
    .typing = &x11_typing_backend,
    .clipboard_new = x11_clipboard_new,
    .clipboard = &x11_clipboard_backend,
    .hotkey_new = x11_hotkey_new,
    .hotkey = &x11_hotkey_backend,
};
