// The engine: kernels chosen, threads made, models loaded on first use and kept.
#include "engine.h"

#include <errno.h>
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

ScoutStatus engine_copy_options(void *out, size_t out_size, const void *options, const char *type,
                                ScoutError *error)
{
    if (!options)
        return SCOUT_OK;
    size_t size;
    memcpy(&size, options, sizeof(size));
    if (size < sizeof(size_t) || size > out_size)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s.size is %zu, this library knows up to %zu: call its _init function "
                         "first and use headers no newer than the library",
                         type, size, out_size);
    memcpy(out, options, size);
    memcpy(out, &out_size, sizeof(out_size));
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
    ScoutEngineOptions chosen;
    scout_engine_options_init(&chosen);
    ScoutStatus status =
        engine_copy_options(&chosen, sizeof(chosen), options, "ScoutEngineOptions", error);
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
    status = engine_setup(made, &chosen, error);
    if (status) {
        scout_engine_free(made);
        return status;
    }
    *engine = made;
    return SCOUT_OK;
}

void scout_engine_free(ScoutEngine *engine)
{
    if (!engine)
        return;
    while (engine->models) {
        EngineModel *model = engine->models;
        engine->models = model->next;
        whisper_close(model->whisper);
        mem_free(model->path);
        mem_free(model);
    }
    silero_close(engine->silero);
    thread_pool_free(engine->pool);
    schedule_free(engine->schedule);
    mem_free(engine->models_folder);
    mem_free(engine->decoder);
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

// The lock is held. The file is loaded with the pool, which belongs to whoever has the turn.
static ScoutStatus load_whisper(ScoutEngine *engine, const char *name, const char *path,
                                EngineModel **loaded, ScoutError *error)
{
    EngineModel *model = mem_array(1, sizeof(*model));
    if (!model)
        return error_no_memory(error);
    PackedFile *file = NULL;
    ScoutStatus status = copy_text(path, &model->path, error);
    if (!status)
        status = open_packed(engine, name, PACKED_WHISPER, &file, error);
    if (!status) {
        schedule_enter(engine->schedule);
        status = whisper_open(file, engine->compute, &engine->kernels, engine->pool,
                              &model->whisper, error);
        schedule_leave(engine->schedule);
    }
    if (status) {
        mem_free(model->path);
        mem_free(model);
        return status;
    }
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
    EngineModel *model = engine->models;
    while (model && strcmp(model->path, path) != 0)
        model = model->next;
    if (!model) {
        status = load_whisper(engine, name, path, &model, error);
        if (!status) {
            model->next = engine->models;
            engine->models = model;
        }
    }
    pthread_mutex_unlock(&engine->lock);
    if (status)
        return status;
    *whisper = model->whisper;
    return SCOUT_OK;
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
