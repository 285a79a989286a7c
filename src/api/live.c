// Live streams: sound is put where it can wait, and a thread of the stream's own listens to it.
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/cancel.h"
#include "base/memory.h"
#include "engine.h"
#include "speech/live.h"
#include "spool.h"
#include "stream.h"
#include <scout/live.h>

enum {
    PUSH_SAMPLES = SCOUT_SAMPLE_RATE / 10, // listened to between two units of work
    CONVERT_SAMPLES = 1024
};

struct ScoutLive {
    ScoutEngine *engine;
    EngineModel *model; // in use
    Live *live;         // the thread's
    bool patient;
    Cancel cancel;
    pthread_t thread;
    bool started, joined;
    // What the thread sleeps on, without a time-out: unlike a condition, a signal handler that
    // cancels may post it. base/wake.h lets a post go where one is pending, which needs a time-out.
    sem_t woken;

    pthread_mutex_t lock; // guards what follows
    bool sleeping;
    Spool *spool;
    uint64_t written, read; // samples so far
    uint64_t flush_at;      // an utterance ends there; 0: none does
    bool finishing;
    ScoutStatus failed;
    ScoutError error;
};

// ------------------------------------------------------------------------------------------ thread

// What the thread is to do next.
typedef struct Task {
    int16_t samples[PUSH_SAMPLES];
    float converted[PUSH_SAMPLES];
    size_t count;
    double waiting_s;
    bool flush, end;
} Task;

// The lock is held, but not while it sleeps. May return early.
static void sleep_until_woken(ScoutLive *live)
{
    live->sleeping = true;
    pthread_mutex_unlock(&live->lock);
    while (sem_wait(&live->woken) != 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&live->lock);
    live->sleeping = false;
}

// The lock is held.
static void wake(ScoutLive *live)
{
    if (live->sleeping)
        (void)sem_post(&live->woken);
    live->sleeping = false;
}

// Waits until there is something to do; `idle`: only new sound or another wish makes some.
static ScoutStatus take_task(ScoutLive *live, size_t room, bool idle, Task *task, ScoutError *error)
{
    pthread_mutex_lock(&live->lock);
    while (idle && live->written == live->read && live->flush_at == 0 && !live->finishing &&
           !cancel_is_raised(&live->cancel))
        sleep_until_woken(live);
    size_t most = live->patient && !idle ? 0 : BASE_MIN(room, (size_t)PUSH_SAMPLES);
    if (live->flush_at > 0)
        most = (size_t)BASE_MIN((uint64_t)most, live->flush_at - live->read);
    task->count = 0;
    ScoutStatus status = spool_read(live->spool, task->samples, most, &task->count, error);
    live->read += task->count;
    task->flush = live->flush_at > 0 && live->flush_at == live->read && (idle || !live->patient);
    if (task->flush)
        live->flush_at = 0;
    task->end = live->finishing && live->read == live->written && (idle || !live->patient);
    task->waiting_s = live->patient ? 0 : (double)(live->written - live->read) / SCOUT_SAMPLE_RATE;
    pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < task->count; i++)
        task->converted[i] = (float)task->samples[i] * (1.0f / 32768.0f);
    return status;
}

static ScoutStatus listen_to_all(ScoutLive *live, ScoutError *error)
{
    Task task;
    bool idle = true, ended = false;
    while (!(ended && idle)) {
        ScoutStatus status = take_task(live, live_room(live->live), idle, &task, error);
        if (status == SCOUT_OK)
            status = live_push(live->live, task.converted, task.count, error);
        if (status == SCOUT_OK && task.flush)
            status = live_flush(live->live, error);
        if (status == SCOUT_OK && task.end && !ended) {
            ended = true;
            status = live_end(live->live, error);
        }
        if (status == SCOUT_OK)
            status = live_work(live->live, task.waiting_s, &idle, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

static void *run_thread(void *context)
{
    ScoutLive *live = context;
    ScoutError error = {0};
    ScoutStatus status = listen_to_all(live, &error);
    pthread_mutex_lock(&live->lock);
    live->failed = status;
    live->error = error;
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

// ----------------------------------------------------------------------------------------- options

void scout_live_options_init(ScoutLiveOptions *options)
{
    if (options)
        live_options_init(options);
}

static ScoutStatus check_options(const ScoutLiveOptions *given, ScoutLiveOptions *options,
                                 ScoutTranscribeOptions *transcribe, ScoutError *error)
{
    static const EngineOptionsKind kind = {
        .name = "ScoutLiveOptions",
        .first_size = sizeof(ScoutLiveOptions),
        .size = sizeof(ScoutLiveOptions),
    };
    scout_live_options_init(options);
    ScoutStatus status = engine_copy_options(&kind, given, options, error);
    if (!status)
        status = live_options_check(options, error);
    if (!status)
        status = stream_options(options->transcribe, transcribe, error);
    if (!status && !transcribe->vad)
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                           "live text needs voice activity: vad cannot be 0");
    return status;
}

// ------------------------------------------------------------------------------------------ stream

static ScoutStatus open_live(ScoutLive *live, const ScoutLiveOptions *options,
                             const ScoutTranscribeOptions *transcribe, ScoutLiveCallback callback,
                             void *context, ScoutError *error)
{
    const Silero *silero = NULL;
    ScoutStatus status = engine_whisper(live->engine, transcribe->model, &live->model, error);
    if (!status)
        status = engine_silero(live->engine, &silero, error);
    if (!status)
        status = spool_new((uint64_t)(options->backlog_max_s * SCOUT_SAMPLE_RATE),
                           options->backlog_folder, &live->spool, error);
    if (status)
        return status;
    const LiveSetup setup = {.batch = live->model->batch,
                             .silero = silero,
                             .schedule = live->engine->schedule,
                             .threads = thread_pool_size(live->engine->pool),
                             .transcribe = transcribe,
                             .options = options,
                             .callback = callback,
                             .context = context,
                             .cancel = &live->cancel};
    return live_new(&setup, &live->live, error);
}

ScoutStatus scout_live_new(ScoutEngine *engine, const ScoutLiveOptions *options,
                           ScoutLiveCallback callback, void *context, ScoutLive **live,
                           ScoutError *error)
{
    if (!engine || !callback || !live)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         !engine     ? "engine"
                         : !callback ? "callback"
                                     : "live");
    ScoutLiveOptions checked;
    ScoutTranscribeOptions transcribe;
    ScoutStatus status = check_options(options, &checked, &transcribe, error);
    if (status)
        return status;
    ScoutLive *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    made->engine = engine;
    made->patient = checked.patient != 0;
    cancel_init(&made->cancel);
    pthread_mutex_init(&made->lock, NULL);
    (void)sem_init(&made->woken, 0, 0);
    status = open_live(made, &checked, &transcribe, callback, context, error);
    if (!status && pthread_create(&made->thread, NULL, run_thread, made) != 0)
        status =
            error_set(error, SCOUT_ERROR_BUSY, "the system gives no thread: close other programs");
    made->started = !status;
    if (status) {
        scout_live_free(made);
        return status;
    }
    *live = made;
    return SCOUT_OK;
}

static void join(ScoutLive *live)
{
    if (live->started && !live->joined)
        (void)pthread_join(live->thread, NULL);
    live->joined = true;
}

void scout_live_free(ScoutLive *live)
{
    if (!live)
        return;
    scout_live_cancel(live);
    join(live);
    live_free(live->live);
    engine_release(live->engine, live->model);
    spool_free(live->spool);
    (void)sem_destroy(&live->woken);
    pthread_mutex_destroy(&live->lock);
    mem_free(live);
}

void scout_live_cancel(ScoutLive *live)
{
    if (!live)
        return;
    cancel_raise(&live->cancel);
    (void)sem_post(&live->woken);
}

// The lock is held.
static ScoutStatus check_state(const ScoutLive *live, ScoutError *error)
{
    if (live->failed)
        return error_set(error, live->failed, "%s", live->error.message);
    if (live->finishing)
        return error_set(error, SCOUT_ERROR_STATE, "the stream is finished: make a new one");
    return SCOUT_OK;
}

ScoutStatus scout_live_push_s16(ScoutLive *live, const int16_t *samples, size_t count,
                                ScoutError *error)
{
    if (!live || (!samples && count))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         live ? "samples" : "live");
    pthread_mutex_lock(&live->lock);
    ScoutStatus status = check_state(live, error);
    if (!status)
        status = spool_write(live->spool, samples, count, error);
    if (!status)
        live->written += count;
    wake(live);
    pthread_mutex_unlock(&live->lock);
    return status;
}

static int16_t to_s16(float sample)
{
    if (!isfinite(sample))
        return 0;
    return (int16_t)lrintf(BASE_MAX(-32768.0f, BASE_MIN(32767.0f, sample * 32768.0f)));
}

ScoutStatus scout_live_push(ScoutLive *live, const float *samples, size_t count, ScoutError *error)
{
    if (!live || (!samples && count))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         live ? "samples" : "live");
    int16_t converted[CONVERT_SAMPLES];
    ScoutStatus status = SCOUT_OK;
    for (size_t done = 0; done < count && !status; done += CONVERT_SAMPLES) {
        const size_t part = BASE_MIN(count - done, (size_t)CONVERT_SAMPLES);
        for (size_t i = 0; i < part; i++)
            converted[i] = to_s16(samples[done + i]);
        status = scout_live_push_s16(live, converted, part, error);
    }
    return status;
}

double scout_live_backlog_s(ScoutLive *live)
{
    if (!live)
        return 0;
    pthread_mutex_lock(&live->lock);
    const uint64_t waiting = live->written - live->read;
    pthread_mutex_unlock(&live->lock);
    return (double)waiting / SCOUT_SAMPLE_RATE;
}

ScoutStatus scout_live_flush(ScoutLive *live, ScoutError *error)
{
    if (!live)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "live is NULL");
    pthread_mutex_lock(&live->lock);
    ScoutStatus status = check_state(live, error);
    // Of two that were not come to yet, the later one is enough: what lies between is one
    // utterance.
    if (!status && live->written > 0)
        live->flush_at = live->written;
    wake(live);
    pthread_mutex_unlock(&live->lock);
    return status;
}

ScoutStatus scout_live_finish(ScoutLive *live, ScoutError *error)
{
    if (!live)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "live is NULL");
    pthread_mutex_lock(&live->lock);
    ScoutStatus status = check_state(live, error);
    live->finishing = true;
    wake(live);
    pthread_mutex_unlock(&live->lock);
    if (status)
        return status;
    join(live);
    return live->failed ? error_set(error, live->failed, "%s", live->error.message) : SCOUT_OK;
}
