// The real model and real speech, for tests of the public API that need them.
#ifndef TESTS_API_REAL_SPEECH_H
#define TESTS_API_REAL_SPEECH_H

#include <stddef.h>
#include <stdint.h>

#include <scout/speech.h>

// A plain 16 kHz mono 16-bit WAV, so that no decoder is needed to know its samples.
#define REAL_SPEECH(number)                                                                        \
    "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-" number ".w" \
    "av"

enum { REAL_SPEECH_HEADER_BYTES = 44 };

// The first samples of such a file, at most `most`; 0 when it is not there.
size_t real_speech_read(const char *path, int16_t *samples, size_t most);

// An engine of two threads over the models in $SCOUT_TEST_MODELS; decoder may be NULL. *engine
// stays as it is where there are none. Not 0: it could not be made.
int real_engine_new(const char *decoder, ScoutEngine **engine);

// Skips the test when there is no engine.
void real_engine_need(const ScoutEngine *engine);

#endif
