// Short sounds that tell somebody who does not look at the screen what happened: listening, no
// longer listening, something went wrong. Played through PulseAudio (or PipeWire in its place) if
// it is there; otherwise nothing is heard, and nothing else happens.
#ifndef PLATFORM_SOUNDS_H
#define PLATFORM_SOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum Sound {
    SOUND_START, // two notes upwards
    SOUND_STOP,  // two notes downwards
    SOUND_ERROR, // two low notes
} Sound;

enum { SOUNDS_RATE = 44100, SOUND_MAX_SAMPLES = SOUNDS_RATE / 2 };

typedef struct Sounds Sounds;

// Makes a thread that waits for something to play. BUSY when the system refuses one, OUT_OF_MEMORY.
ScoutStatus sounds_new(Sounds **sounds, ScoutError *error);

// Waits for what is playing, at most a moment.
void sounds_free(Sounds *sounds);

// Returns at once; NULL is silent. A sound that comes while another one plays waits for it, one at
// most.
void sounds_play(Sounds *sounds, Sound sound);

// The samples, mono; returns how many.
size_t sounds_make(Sound sound, int16_t out[SOUND_MAX_SAMPLES]);

#endif
