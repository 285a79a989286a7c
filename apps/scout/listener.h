// Between a capture, which tells of events on threads of its own, and the thread that acts on them:
// what dictation needs of the events, as mail.
#ifndef SCOUT_LISTENER_H
#define SCOUT_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <scout/capture.h>

#include "mailbox.h"

typedef enum HeardKind {
    HEARD_TEXT,    // at_s: where its sound begins; the text is to be put behind what was put before
    HEARD_SCRATCH, // number: code points to be taken back
    HEARD_STOP,    // "stop dictation"
    HEARD_STATE,   // number: the ScoutCaptureState; at_s; text: the message or the device
    HEARD_MUTED,   // number: nonzero for muted
    HEARD_NOTE,    // from here on for people: text
    HEARD_WARNING,
    HEARD_ERROR,
} HeardKind;

typedef struct Listener {
    Mailbox *mail;
    bool settled; // tell of settled text as it settles, not of final text alone
    // The events' thread's alone.
    uint64_t utterance; // the one that `told` is of
    size_t told;        // bytes of its text
} Listener;

// The callback of a capture; context is the Listener.
int listener_hear(void *context, const ScoutCaptureEvent *event);

#endif
