// Puts dictated text where it belongs: types it, pastes it, copies it or prints it, on a thread of
// its own, because typing takes time and a key may be pressed meanwhile. What cannot be delivered
// is never dropped: it goes to the clipboard, or else to standard output, and that is said.
#ifndef SCOUT_DELIVERY_H
#define SCOUT_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "mailbox.h"
#include "platform/sounds.h"
#include "platform/typing.h"

// In the order of the choices of --output.
typedef enum DeliveryWay {
    DELIVERY_TYPE,
    DELIVERY_PASTE,
    DELIVERY_COPY,
    DELIVERY_PRINT
} DeliveryWay;

typedef struct DeliveryOptions {
    DeliveryWay way;
    TypingOptions typing;
    const char *history; // a file that every text is appended to; NULL: none
    Sounds *sounds;      // borrowed; NULL: none
    // Where its notices go, with the kinds below; the text is for people.
    Mailbox *notices;
    int note_kind, warning_kind, error_kind;
} DeliveryOptions;

typedef struct Delivery Delivery;

// Opens the keyboard and the clipboard on its thread; when one cannot be opened, a notice says what
// is done instead. Texts in options are borrowed.
ScoutStatus delivery_new(const DeliveryOptions *options, Delivery **delivery, ScoutError *error);

// Delivers what is waiting, then ends.
void delivery_free(Delivery *delivery);

// All return at once; what they ask for is done in order. Text begins with what separates it from
// the text before; where nothing was put before, that is left out.
// Somebody begins to dictate. fresh: what comes does not know of the text before.
void delivery_begin(Delivery *delivery, bool fresh);
void delivery_text(Delivery *delivery, const char *text, size_t length);
void delivery_scratch(Delivery *delivery, size_t characters); // code points of what was told last

// While a key is held nothing is delivered: the keyboard belongs to the hotkey.
void delivery_hold(Delivery *delivery, bool held);

#endif
