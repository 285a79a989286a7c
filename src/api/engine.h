// What the pieces of the public API share: the engine's inside. Only src/api sees this.
#ifndef API_ENGINE_H
#define API_ENGINE_H

#include <pthread.h>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "models/silero.h"
#include "models/whisper.h"
#include "speech/schedule.h"
#include <scout/speech.h>

// A whisper model in memory. Entries live as long as the engine, so a pointer stays valid.
typedef struct EngineModel {
    char *path; // of the packed file; the key
    WhisperModel *whisper;
    struct EngineModel *next;
} EngineModel;

struct ScoutEngine {
    Kernels kernels;
    ThreadPool *pool;
    Schedule *schedule; // whoever holds its turn may use the pool
    char *models_folder;
    char *decoder; // NULL: audio_decoder_open finds it
    WhisperCompute compute;
    pthread_mutex_t lock; // guards the two below; held while a model loads, so it loads once
    EngineModel *models;
    Silero *silero;
};

// Loads on first use. Any thread.
ScoutStatus engine_whisper(ScoutEngine *engine, const char *name, const WhisperModel **whisper,
                           ScoutError *error);
ScoutStatus engine_silero(ScoutEngine *engine, const Silero **silero, ScoutError *error);

// A copy of the caller's struct of `size` bytes into *out, which already holds the defaults, so
// that a program built against an older, shorter struct keeps working. INVALID_ARGUMENT when size
// is none of ours.
ScoutStatus engine_copy_options(void *out, size_t out_size, const void *options, const char *type,
                                ScoutError *error);

#endif
