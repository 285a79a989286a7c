// The engine: kernels chosen, threads made, models loaded on first use and kept.
#include "engine.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audio/decoder.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernels/cpu.h"
#include "models/registry.h"

#define ENGINE_DEFAULT_MODEL "base"
#define ENGINE_VAD_MODEL     "silero-vad"

enum { MODELS_KEPT = 2 };

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
    engine->models_max = options->models_max > 0 ? (size_t)options->models_max : MODELS_KEPT;
    ScoutStatus status = choose_kernels(options->cpu, &engine->kernels, error);
    if (status)
        return status;
    status = copy_text(options->decoder, &engine->decoder, error);
    if (!status)
        status = audio_starter_new(engine->decoder, &engine->starter, error);
    if (status)
        return status;
    if (options->decoder_ahead)
        audio_starter_begin(engine->starter);
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
    if (chosen.models_max < 0)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "models_max is %d, not 0 or more",
                         chosen.models_max);
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
    batch_free(model->batch);
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
    audio_starter_free(engine->starter);
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
                                Batch **batch, ScoutError *error)
{
    PackedFile *file = NULL;
    WhisperModel *opened = NULL;
    ScoutStatus status = open_packed(engine, name, PACKED_WHISPER, &file, error);
    if (!status)
        status = whisper_open(file, engine->compute, &engine->kernels, NULL, &opened, error);
    if (!status)
        status = batch_new(opened, engine->pool, engine->schedule, batch, error);
    if (status)
        whisper_close(opened);
    else
        *whisper = opened;
    return status;
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

// The lock is held. Takes the model off the list.
static void unlink_model(ScoutEngine *engine, EngineModel *model)
{
    EngineModel **link = &engine->models;
    while (*link != model)
        link = &(*link)->next;
    *link = model->next;
}

// The lock is held. Takes the model off the list that has been without users for longest, if it had
// none since `since_ns`; NULL if all are newer.
static EngineModel *unlink_idle(ScoutEngine *engine, int64_t since_ns)
{
    EngineModel *oldest = NULL;
    for (EngineModel *model = engine->models; model; model = model->next)
        if (model->whisper && model->users == 0 && model->used_ns <= since_ns &&
            (!oldest || model->used_ns < oldest->used_ns))
            oldest = model;
    if (oldest)
        unlink_model(engine, oldest);
    return oldest;
}

static size_t count_models(const ScoutEngine *engine)
{
    size_t count = 0;
    for (const EngineModel *model = engine->models; model; model = model->next)
        count++;
    return count;
}

// The lock is held, and given up while memory is freed.
static void give_up_surplus(ScoutEngine *engine)
{
    EngineModel *old = NULL;
    while (count_models(engine) > engine->models_max && (old = unlink_idle(engine, INT64_MAX))) {
        pthread_mutex_unlock(&engine->lock);
        free_model(old);
        pthread_mutex_lock(&engine->lock);
    }
}

// The lock is held, and given up while the model loads. *loaded is set on success only.
static ScoutStatus load_model(ScoutEngine *engine, const char *name, const char *path,
                              EngineModel **loaded, ScoutError *error)
{
    EngineModel *model = claim_model(engine, path);
    if (!model)
        return error_no_memory(error);
    give_up_surplus(engine);
    pthread_mutex_unlock(&engine->lock);
    WhisperModel *whisper = NULL;
    Batch *batch = NULL;
    ScoutStatus status = load_whisper(engine, name, &whisper, &batch, error);
    pthread_mutex_lock(&engine->lock);
    pthread_cond_broadcast(&engine->loaded);
    if (status) {
        unlink_model(engine, model);
        free_model(model);
        return status;
    }
    model->whisper = whisper;
    model->batch = batch;
    *loaded = model;
    return SCOUT_OK;
}

ScoutStatus engine_whisper(ScoutEngine *engine, const char *name, EngineModel **model,
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
    EngineModel *found = find_model(engine, path);
    while (found && !found->whisper) {
        pthread_cond_wait(&engine->loaded, &engine->lock);
        found = find_model(engine, path);
    }
    if (!found)
        status = load_model(engine, name, path, &found, error);
    if (found) {
        found->users++;
        *model = found;
    }
    pthread_mutex_unlock(&engine->lock);
    return status;
}

void engine_release(ScoutEngine *engine, EngineModel *model)
{
    if (!model)
        return;
    pthread_mutex_lock(&engine->lock);
    model->used_ns = clock_monotonic_ns();
    if (--model->users == 0)
        batch_rest(model->batch);
    pthread_mutex_unlock(&engine->lock);
}

size_t scout_engine_trim(ScoutEngine *engine, double idle_s)
{
    if (!engine)
        return 0;
    const double idle_ns = BASE_MIN(BASE_MAX(idle_s, 0.0) * 1e9, 9e18);
    const int64_t since_ns = clock_monotonic_ns() - (int64_t)idle_ns;
    size_t count = 0;
    for (;;) {
        pthread_mutex_lock(&engine->lock);
        EngineModel *old = unlink_idle(engine, since_ns);
        pthread_mutex_unlock(&engine->lock);
        if (!old)
            break;
        free_model(old);
        count++;
    }
    mem_trim();
    return count;
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
    EngineModel *loaded = NULL;
    ScoutStatus status = engine_whisper(engine, model, &loaded, error);
    engine_release(engine, loaded);
    return status;
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
