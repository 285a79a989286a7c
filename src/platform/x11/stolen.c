// What the threads share: see stolen.h.
#include "stolen.h"

atomic_int x11_hotkeys;
atomic_int x11_hotkeys_held;
atomic_uint x11_keys_stolen;
