// Steps of many windows at once: see batch.h.
#include "speech/batch.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include <scout/speech.h>

enum {
    SEQUENCES = 1 + SCOUT_BEAM_MAX, // of a place: the prompt, and what is searched at once
    TOGETHER_ROWS_MAX = 64,         // rows of several streams in one step
    TOGETHER_MAX = 32,              // such streams
    PLACE_WAIT_MS = 5,
    PLACES_KEPT = 2 // whose memory stays when nobody uses the batch
};

struct Batch {
    const WhisperModel *whisper;
    ThreadPool *pool;
    Schedule *schedule;
    pthread_mutex_t mutex; // guards `taken`
    bool taken[BATCH_PLACES_MAX];
    size_t places_used; // those below may have memory
    // With the turn held:
    WhisperRun *run;
    WhisperRow *rows; // [BATCH_ROWS_MAX]
    float *logits;    // [BATCH_LOGITS_MAX][n_vocab]
    size_t n_vocab;
};

ScoutStatus batch_new(const WhisperModel *whisper, ThreadPool *pool, Schedule *schedule,
                      Batch **batch, ScoutError *error)
{
    Batch *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Batch){.whisper = whisper,
                    .pool = pool,
                    .schedule = schedule,
                    .n_vocab = whisper_dims(whisper)->n_vocab};
    pthread_mutex_init(&made->mutex, NULL);
    const WhisperRunLimits limits = {.audios = BATCH_PLACES_MAX,
                                     .sequences = (size_t)BATCH_PLACES_MAX * SEQUENCES,
                                     .rows = BATCH_ROWS_MAX};
    ScoutStatus status = whisper_run_new(whisper, pool, &limits, &made->run, error);
    if (status == SCOUT_OK) {
        made->rows = mem_array(BATCH_ROWS_MAX, sizeof *made->rows);
        made->logits = mem_aligned(mem_multiply(BATCH_LOGITS_MAX, made->n_vocab), sizeof(float));
        if (!made->rows || !made->logits)
            status = error_no_memory(error);
    }
    if (status != SCOUT_OK) {
        batch_free(made);
        return status;
    }
    *batch = made;
    return SCOUT_OK;
}

void batch_free(Batch *batch)
{
    if (!batch)
        return;
    whisper_run_free(batch->run);
    mem_free(batch->rows);
    mem_free(batch->logits);
    pthread_mutex_destroy(&batch->mutex);
    mem_free(batch);
}

void batch_rest(Batch *batch)
{
    if (batch->places_used <= PLACES_KEPT)
        return;
    for (size_t i = PLACES_KEPT; i < batch->places_used; i++)
        whisper_audio_drop(batch->run, i);
    whisper_run_trim(batch->run);
    batch->places_used = PLACES_KEPT;
}

bool batch_try_place(Batch *batch, size_t *place)
{
    size_t at = 0;
    pthread_mutex_lock(&batch->mutex);
    while (at < BATCH_PLACES_MAX && batch->taken[at])
        at++;
    bool found = at < BATCH_PLACES_MAX;
    if (found) {
        batch->taken[at] = true;
        batch->places_used = BASE_MAX(batch->places_used, at + 1);
    }
    pthread_mutex_unlock(&batch->mutex);
    if (found)
        *place = at;
    return found;
}

ScoutStatus batch_take_place(Batch *batch, Turn *turn, size_t *place, ScoutError *error)
{
    while (!batch_try_place(batch, place)) {
        turn_leave(turn); // those who have places need it
        clock_sleep_ms(PLACE_WAIT_MS);
        ScoutStatus status = turn_check(turn, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

void batch_return_place(Batch *batch, size_t place)
{
    assert(place < BATCH_PLACES_MAX && batch->taken[place]);
    for (size_t i = 0; i < SEQUENCES; i++)
        whisper_sequence_truncate(batch->run, batch_first_sequence(place) + i, 0);
    pthread_mutex_lock(&batch->mutex);
    batch->taken[place] = false;
    pthread_mutex_unlock(&batch->mutex);
}

WhisperRun *batch_run(const Batch *batch)
{
    return batch->run;
}

const WhisperModel *batch_whisper(const Batch *batch)
{
    return batch->whisper;
}

size_t batch_first_sequence(size_t place)
{
    return place * SEQUENCES;
}

// ------------------------------------------------------------------------------------------- steps

// What one stream asks for.
typedef struct Request {
    const BatchRows *rows;
    ScoutError *error;
} Request;

// The rows of several requests, one after the other.
typedef struct Step {
    const Batch *batch;
    const Request *parts[TOGETHER_MAX];
    size_t wanted[TOGETHER_MAX]; // rows with logits of each
    size_t count;
} Step;

static void look_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    const Step *step = context;
    float *logits = step->batch->logits + index * step->batch->n_vocab;
    size_t part = 0;
    while (index >= step->wanted[part])
        index -= step->wanted[part++];
    const BatchRows *rows = step->parts[part]->rows;
    rows->look(rows->context, index, logits);
}

// All or nothing.
static ScoutStatus compute(Batch *batch, Step *step, ScoutError *error)
{
    size_t count = 0, wanted = 0;
    for (size_t i = 0; i < step->count; i++) {
        const BatchRows *rows = step->parts[i]->rows;
        memcpy(batch->rows + count, rows->rows, rows->count * sizeof *rows->rows);
        step->wanted[i] = 0;
        for (size_t r = 0; r < rows->count; r++)
            step->wanted[i] += rows->rows[r].want_logits;
        count += rows->count;
        wanted += step->wanted[i];
    }
    assert(count <= BATCH_ROWS_MAX && wanted <= BATCH_LOGITS_MAX);
    ScoutStatus status = whisper_decode(batch->run, batch->rows, count, batch->logits, error);
    if (status != SCOUT_OK)
        return status;
    thread_pool_run(batch->pool, wanted, look_task, step);
    for (size_t i = 0; i < step->count; i++)
        step->parts[i]->rows->advance(step->parts[i]->rows->context);
    return SCOUT_OK;
}

static ScoutStatus compute_alone(Batch *batch, const Request *request)
{
    Step step = {.batch = batch, .parts = {request}, .count = 1};
    return compute(batch, &step, request->error);
}

// The holder's rows with those of the errands. If they cannot be computed together, each is alone:
// what one stream asks for is not another's failure.
static ScoutStatus compute_together(Batch *batch, const Request *own, ScheduleErrand *errands)
{
    Step step = {.batch = batch, .parts = {own}, .count = 1};
    for (ScheduleErrand *errand = errands; errand; errand = errand->next)
        step.parts[step.count++] = errand->work;
    ScoutStatus status = compute(batch, &step, NULL);
    for (ScheduleErrand *errand = errands; errand; errand = errand->next)
        errand->status = status == SCOUT_OK ? status : compute_alone(batch, errand->work);
    return status == SCOUT_OK ? status : compute_alone(batch, own);
}

// Takes the turn, or leaves the rows to whoever has it; then true.
static bool left_to_another(Batch *batch, Turn *turn, ScheduleErrand *errand)
{
    if (turn->held && schedule_is_wanted(batch->schedule, &turn->client))
        turn_leave(turn);
    if (turn->held)
        return false;
    turn->held = schedule_enter(batch->schedule, &turn->client, errand);
    return !turn->held;
}

ScoutStatus batch_decode(Batch *batch, Turn *turn, const BatchRows *rows, ScoutError *error)
{
    assert(rows->count > 0 && rows->count <= BATCH_ROWS_MAX);
    ScoutStatus status = turn_check(turn, error);
    if (status != SCOUT_OK)
        return status;
    Request request = {.rows = rows, .error = error};
    ScheduleErrand errand = {.kind = batch, .size = rows->count, .work = &request};
    if (left_to_another(batch, turn, &errand))
        return errand.status;
    const size_t room = TOGETHER_ROWS_MAX - BASE_MIN(rows->count, (size_t)TOGETHER_ROWS_MAX);
    ScheduleErrand *errands =
        schedule_gather(batch->schedule, &turn->client, batch, room, TOGETHER_MAX - 1);
    status = errands ? compute_together(batch, &request, errands) : compute_alone(batch, &request);
    schedule_done(batch->schedule, &turn->client, rows->count, errands);
    return status;
}
