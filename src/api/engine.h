// What the pieces of the public API share: the engine's inside. Only src/api sees this.
#ifndef API_ENGINE_H
#define API_ENGINE_H

#include <pthread.h>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "models/silero.h"
#include "models/whisper.h"
#include "speech/batch.h"
#include "speech/schedule.h"
#include <scout/speech.h>

// A whisper model in memory, or on its way there, with what its streams share. It stays as long as
// it has users; then until another model needs its room, or scout_engine_trim.
typedef struct EngineModel {
    char *path;            // of the packed file; the key
    WhisperModel *whisper; // NULL: some thread is loading it
    Batch *batch;
    size_t users;
    int64_t used_ns; // when it had the last user
    struct EngineModel *next;
} EngineModel;

struct ScoutEngine {
    Kernels kernels;
    ThreadPool *pool;
    Schedule *schedule; // whoever holds its turn may use the pool
    char *models_folder;
    char *decoder;                // NULL: audio_decoder_open finds it
    struct AudioStarter *starter; // of decoders, for inputs that need FFmpeg
    WhisperCompute compute;
    size_t models_max;     // models kept, while that does not take them from their users
    pthread_mutex_t lock;  // guards the two below; held for moments only
    pthread_cond_t loaded; // a model was loaded, or could not be
    EngineModel *models;
    Silero *silero; // small enough to be loaded under the lock
};

// Loads on first use, once however many threads ask. Any thread; streams go on meanwhile. The
// caller is a user of *model until engine_release.
ScoutStatus engine_whisper(ScoutEngine *engine, const char *name, EngineModel **model,
                           ScoutError *error);
void engine_release(ScoutEngine *engine, EngineModel *model); // NULL is allowed
ScoutStatus engine_silero(ScoutEngine *engine, const Silero **silero, ScoutError *error);

// A kind of options struct: `size` is today's, `first_size` that of its first version.
typedef struct EngineOptionsKind {
    const char *name;
    size_t first_size, size;
} EngineOptionsKind;

// A copy of the caller's struct into *out, which already holds the defaults, so that a program
// built against an older, shorter struct keeps working. INVALID_ARGUMENT when its size is none of
// ours.
ScoutStatus engine_copy_options(const EngineOptionsKind *kind, const void *options, void *out,
                                ScoutError *error);

#endif
