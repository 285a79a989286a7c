// The engine: kernels chosen, threads made, models loaded on first use and kept.
#include "engine.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/cpu.h"
#include "models/registry.h"

#define ENGINE_DEFAULT_MODEL "base"
#define ENGINE_VAD_MODEL     "silero-vad"

void scout_engine_options_init(ScoutEngineOptions *options)
{
    if (options)
        *options = (ScoutEngineOptions){.size = sizeof(*options)};
}

ScoutStatus engine_copy_options(const EngineOptionsKind *kind, const void *options, void *out,
                                ScoutError *error)
{
    if (!options)
        return SCOUT_OK;
    size_t size;
    memcpy(&size, options, sizeof(size));
    if (size < kind->first_size || size > kind->size)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s.size is %zu, this library knows %zu to %zu: call its _init function "
                         "first and use headers no newer than the library",
                         kind->name, size, kind->first_size, kind->size);
    memcpy(out, options, size);
    memcpy(out, &kind->size, sizeof(kind->size));
    return SCOUT_OK;
}

static ScoutStatus choose_kernels(const char *tier, Kernels *kernels, ScoutError *error)
{
    uint32_t features;
    ScoutStatus status =
        cpu_limit(tier ? tier : getenv("SCOUT_CPU"), cpu_detect(), &features, error);
    if (status)
        return status;
    kernels_init(kernels, features);
    return SCOUT_OK;
}

static ScoutStatus copy_text(const char *text, char **copy, ScoutError *error)
{
    if (!text)
        return SCOUT_OK;
    *copy = mem_copy_text(text, strlen(text));
    return *copy ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus engine_setup(ScoutEngine *engine, const ScoutEngineOptions *options,
                                ScoutError *error)
{
    engine->compute = (WhisperCompute)options->compute;
    ScoutStatus status = choose_kernels(options->cpu, &engine->kernels, error);
    if (status)
        return status;
    status = copy_text(options->decoder, &engine->decoder, error);
    if (status)
        return status;
    if (options->models_folder) {
        status = copy_text(options->models_folder, &engine->models_folder, error);
    } else if (!(engine->models_folder = registry_folder())) {
        status =
            errno == ENOMEM
                ? error_no_memory(error)
                : error_set(error, SCOUT_ERROR_NOT_FOUND,
                            "no folder for models: set HOME, XDG_DATA_HOME or SCOUT_MODELS_DIR");
    }
    if (status)
        return status;
    status = schedule_new(&engine->schedule, error);
    if (status)
        return status;
    return thread_pool_new((size_t)options->threads, &engine->pool, error);
}

ScoutStatus scout_engine_new(const ScoutEngineOptions *options, ScoutEngine **engine,
                             ScoutError *error)
{
    if (!engine)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "engine is NULL");
    static const EngineOptionsKind kind = {
        .name = "ScoutEngineOptions",
        .first_size = offsetof(ScoutEngineOptions, compute) + sizeof(ScoutCompute),
        .size = sizeof(ScoutEngineOptions),
    };
    ScoutEngineOptions chosen;
    scout_engine_options_init(&chosen);
    ScoutStatus status = engine_copy_options(&kind, options, &chosen, error);
    if (status)
        return status;
    if (chosen.threads < 0 || chosen.threads > THREAD_POOL_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "threads is %d, not 0 to %d",
                         chosen.threads, THREAD_POOL_MAX);
    if (chosen.compute < SCOUT_COMPUTE_AUTO || chosen.compute > SCOUT_COMPUTE_INT8)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "compute is %d, not a ScoutCompute",
                         (int)chosen.compute);

    ScoutEngine *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->loaded, NULL);
    status = engine_setup(made, &chosen, error);
    if (status) {
        scout_engine_free(made);
        return status;
    }
    *engine = made;
    return SCOUT_OK;
}

static void free_model(EngineModel *model)
{
    whisper_close(model->whisper);
    mem_free(model->path);
    mem_free(model);
}

void scout_engine_free(ScoutEngine *engine)
{
    if (!engine)
        return;
    while (engine->models) {
        EngineModel *model = engine->models;
        engine->models = model->next;
        free_model(model);
    }
    silero_close(engine->silero);
    thread_pool_free(engine->pool);
    schedule_free(engine->schedule);
    mem_free(engine->models_folder);
    mem_free(engine->decoder);
    pthread_cond_destroy(&engine->loaded);
    pthread_mutex_destroy(&engine->lock);
    mem_free(engine);
}

// Opens name's packed file and checks that it holds what is wanted.
static ScoutStatus open_packed(const ScoutEngine *engine, const char *name, PackedKind kind,
                               PackedFile **file, ScoutError *error)
{
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    ScoutStatus status = registry_find(engine->models_folder, name, &path, error);
    if (status)
        return status;
    status = packed_open(path, file, error);
    if (status)
        return status;
    if (packed_kind(*file) == kind)
        return SCOUT_OK;
    packed_close(*file);
    *file = NULL;
    return error_set(error, SCOUT_ERROR_FORMAT, "model '%s' is not a %s model: choose another",
                     name, kind == PACKED_WHISPER ? "speech recognition" : "voice activity");
}

// Without the lock, the turn and the pool, which belongs to whoever has the turn: nobody waits for
// a model but those who want it. Matrices that are multiplied as they are stored need no other
// thread.
static ScoutStatus load_whisper(const ScoutEngine *engine, const char *name, WhisperModel **whisper,
                                ScoutError *error)
{
    PackedFile *file = NULL;
    ScoutStatus status = open_packed(engine, name, PACKED_WHISPER, &file, error);
    return status ? status
                  : whisper_open(file, engine->compute, &engine->kernels, NULL, whisper, error);
}

// The lock is held. NULL: neither loaded nor loading.
static EngineModel *find_model(const ScoutEngine *engine, const char *path)
{
    EngineModel *model = engine->models;
    while (model && strcmp(model->path, path) != 0)
        model = model->next;
    return model;
}

// The lock is held. An entry that says that this thread loads the model; NULL: out of memory.
static EngineModel *claim_model(ScoutEngine *engine, const char *path)
{
    EngineModel *model = mem_array(1, sizeof(*model));
    if (!model)
        return NULL;
    model->path = mem_copy_text(path, strlen(path));
    if (!model->path) {
        free_model(model);
        return NULL;
    }
    model->next = engine->models;
    engine->models = model;
    return model;
}

// The lock is held.
static void drop_model(ScoutEngine *engine, EngineModel *model)
{
    EngineModel **link = &engine->models;
    while (*link != model)
        link = &(*link)->next;
    *link = model->next;
    free_model(model);
}

// The lock is held, and given up while the model loads. *loaded is set on success only.
static ScoutStatus load_model(ScoutEngine *engine, const char *name, const char *path,
                              EngineModel **loaded, ScoutError *error)
{
    EngineModel *model = claim_model(engine, path);
    if (!model)
        return error_no_memory(error);
    pthread_mutex_unlock(&engine->lock);
    WhisperModel *whisper = NULL;
    ScoutStatus status = load_whisper(engine, name, &whisper, error);
    pthread_mutex_lock(&engine->lock);
    pthread_cond_broadcast(&engine->loaded);
    if (status) {
        drop_model(engine, model);
        return status;
    }
    model->whisper = whisper;
    *loaded = model;
    return SCOUT_OK;
}

ScoutStatus engine_whisper(ScoutEngine *engine, const char *name, const WhisperModel **whisper,
                           ScoutError *error)
{
    if (!name)
        name = ENGINE_DEFAULT_MODEL;
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    ScoutStatus status = registry_find(engine->models_folder, name, &path, error);
    if (status)
        return status;

    pthread_mutex_lock(&engine->lock);
    // Where another thread could not load it, this one tries, and has the reason to tell.
    EngineModel *model = find_model(engine, path);
    while (model && !model->whisper) {
        pthread_cond_wait(&engine->loaded, &engine->lock);
        model = find_model(engine, path);
    }
    if (!model)
        status = load_model(engine, name, path, &model, error);
    if (model)
        *whisper = model->whisper;
    pthread_mutex_unlock(&engine->lock);
    return status;
}

ScoutStatus engine_silero(ScoutEngine *engine, const Silero **silero, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    pthread_mutex_lock(&engine->lock);
    if (!engine->silero) {
        PackedFile *file;
        status = open_packed(engine, ENGINE_VAD_MODEL, PACKED_SILERO, &file, error);
        if (!status)
            status = silero_open(file, &engine->kernels, &engine->silero, error);
    }
    const Silero *found = engine->silero;
    pthread_mutex_unlock(&engine->lock);
    if (status)
        return status;
    *silero = found;
    return SCOUT_OK;
}

ScoutStatus scout_engine_load(ScoutEngine *engine, const char *model, ScoutError *error)
{
    if (!engine)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "engine is NULL");
    const WhisperModel *whisper;
    return engine_whisper(engine, model, &whisper, error);
}

const char *scout_engine_kernels(const ScoutEngine *engine)
{
    return engine ? engine->kernels.tier : "";
}

int scout_engine_threads(const ScoutEngine *engine)
{
    return engine ? (int)thread_pool_size(engine->pool) : 0;
}

const char *scout_version(void)
{
    return SCOUT_VERSION;
}
