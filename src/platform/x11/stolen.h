// While a grabbed hotkey is held, the X server gives every key to the grab, the synthetic ones too:
// what is typed in that moment does not arrive. The hotkey counts it here, and the writer waits and
// types it again. Shared by the threads of this process.
#ifndef PLATFORM_X11_STOLEN_H
#define PLATFORM_X11_STOLEN_H

#include <stdatomic.h>

extern atomic_int x11_hotkeys;      // how many there are
extern atomic_int x11_hotkeys_held; // of them, how many are down
extern atomic_uint x11_keys_stolen; // presses of the XTEST keyboard, without those of modifiers

#endif
