// Steps of many windows at once: see batch.h.
#include "speech/batch.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/condition.h"
#include "base/memory.h"
#include <scout/speech.h>

enum {
    SEQUENCES = 1 + SCOUT_BEAM_MAX, // of a place: the prompt, and what is searched at once
    TOGETHER_ROWS_MAX = 64,         // rows of several streams in one step
    TOGETHER_MAX = 32,              // such streams
    PLACES_KEPT = 2,                // whose memory stays when nobody uses the batch
    // Places that are left free for those with a better claim.
    LEFT_BY_LATER = BATCH_PLACES_MAX - BATCH_PLACES_LATER,
    LEFT_BY_BACKGROUND = 16,
    LEFT_BY_NORMAL = 8
};

typedef struct PlaceWaiter {
    struct PlaceWaiter *next;
    pthread_cond_t given;
    SchedulePriority priority;
    bool has_place;
    size_t place;
} PlaceWaiter;

// A place. Under the batch's mutex.
typedef struct Place {
    bool taken;
    bool untidy;               // returned, and its sequences may still hold something
    WhisperEncoding *encoding; // likewise
} Place;

struct Batch {
    const WhisperModel *whisper;
    ThreadPool *pool;
    Schedule *schedule;
    pthread_mutex_t mutex; // guards what follows, up to `untidy`
    Place places[BATCH_PLACES_MAX];
    size_t taken;
    size_t places_used;   // those below may have memory
    PlaceWaiter *waiters; // longest first
    bool untidy;          // some place is
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
    assert(batch->taken == 0 && !batch->waiters);
    if (batch->run)
        batch_tidy(batch);
    whisper_run_free(batch->run);
    mem_free(batch->rows);
    mem_free(batch->logits);
    pthread_mutex_destroy(&batch->mutex);
    mem_free(batch);
}

void batch_rest(Batch *batch)
{
    batch_tidy(batch);
    if (batch->places_used <= PLACES_KEPT)
        return;
    for (size_t i = PLACES_KEPT; i < batch->places_used; i++)
        whisper_audio_drop(batch->run, i);
    whisper_run_trim(batch->run);
    batch->places_used = PLACES_KEPT;
}

// ------------------------------------------------------------------------------------------ places

// The mutex is held, in all that follows up to the public functions.

static bool find_place(Batch *batch, size_t left, size_t *place)
{
    if (BATCH_PLACES_MAX - batch->taken <= left)
        return false;
    size_t at = 0;
    while (batch->places[at].taken)
        at++;
    batch->places[at].taken = true;
    batch->taken++;
    batch->places_used = BASE_MAX(batch->places_used, at + 1);
    *place = at;
    return true;
}

static size_t left_by(SchedulePriority priority)
{
    switch (priority) {
    case SCHEDULE_LIVE: return 0;
    case SCHEDULE_NORMAL: return LEFT_BY_NORMAL;
    default: return LEFT_BY_BACKGROUND;
    }
}

// Whether somebody waits who comes before one of this priority.
static bool is_awaited(const Batch *batch, SchedulePriority priority)
{
    for (const PlaceWaiter *waiter = batch->waiters; waiter; waiter = waiter->next)
        if (waiter->priority <= priority)
            return true;
    return false;
}

static void remove_waiter(Batch *batch, const PlaceWaiter *waiter)
{
    PlaceWaiter **link = &batch->waiters;
    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
}

static void add_waiter(Batch *batch, PlaceWaiter *waiter)
{
    PlaceWaiter **link = &batch->waiters;
    while (*link)
        link = &(*link)->next;
    *link = waiter;
}

// Hands out what is free now.
static void serve_waiters(Batch *batch)
{
    for (;;) {
        PlaceWaiter *best = batch->waiters;
        for (PlaceWaiter *at = best; at; at = at->next)
            best = at->priority < best->priority ? at : best;
        if (!best || !find_place(batch, left_by(best->priority), &best->place))
            return;
        remove_waiter(batch, best);
        best->has_place = true;
        // Under the mutex: the waiter lives on its thread's stack only until it has seen that.
        pthread_cond_signal(&best->given);
    }
}

// Waits until the waiter has a place, or is to stop: then it is off the list.
static void await_place(Batch *batch, PlaceWaiter *waiter, const Turn *turn)
{
    condition_init(&waiter->given);
    add_waiter(batch, waiter);
    while (!waiter->has_place && !cancel_is_raised(turn->cancel))
        condition_wait(&waiter->given, &batch->mutex, turn->cancel);
    if (!waiter->has_place)
        remove_waiter(batch, waiter);
    pthread_cond_destroy(&waiter->given);
}

static bool try_place(Batch *batch, SchedulePriority priority, size_t left, size_t *place)
{
    pthread_mutex_lock(&batch->mutex);
    const bool found = !is_awaited(batch, priority) && find_place(batch, left, place);
    pthread_mutex_unlock(&batch->mutex);
    return found;
}

bool batch_try_place(Batch *batch, size_t *place)
{
    return try_place(batch, SCHEDULE_BACKGROUND, LEFT_BY_LATER, place);
}

ScoutStatus batch_take_place(Batch *batch, Turn *turn, size_t *place, ScoutError *error)
{
    const SchedulePriority priority = turn->client.priority;
    if (try_place(batch, priority, left_by(priority), place))
        return SCOUT_OK;
    turn_leave(turn); // those who have places need it
    PlaceWaiter me = {.priority = priority};
    pthread_mutex_lock(&batch->mutex);
    if (is_awaited(batch, priority) || !find_place(batch, left_by(priority), &me.place))
        await_place(batch, &me, turn);
    else
        me.has_place = true;
    pthread_mutex_unlock(&batch->mutex);
    if (!me.has_place)
        return turn_check(turn, error);
    *place = me.place;
    return SCOUT_OK;
}

void batch_return_place(Batch *batch, size_t place, WhisperEncoding *encoding)
{
    pthread_mutex_lock(&batch->mutex);
    assert(place < BATCH_PLACES_MAX && batch->places[place].taken);
    batch->places[place] = (Place){.untidy = true, .encoding = encoding};
    batch->taken--;
    batch->untidy = true;
    serve_waiters(batch);
    pthread_mutex_unlock(&batch->mutex);
}

void batch_tidy(Batch *batch)
{
    pthread_mutex_lock(&batch->mutex);
    for (size_t i = 0; batch->untidy && i < BATCH_PLACES_MAX; i++) {
        Place *place = &batch->places[i];
        if (!place->untidy)
            continue;
        whisper_encoding_free(place->encoding);
        for (size_t s = 0; s < SEQUENCES; s++)
            whisper_sequence_truncate(batch->run, batch_first_sequence(i) + s, 0);
        place->untidy = false;
        place->encoding = NULL;
    }
    batch->untidy = false;
    pthread_mutex_unlock(&batch->mutex);
}

// --------------------------------------------------------------------------------------- the model

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
    batch_tidy(batch);
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

// Takes the turn, or leaves the rows to whoever has it.
static ScheduleEntry take_turn(Batch *batch, Turn *turn, ScheduleErrand *errand)
{
    if (turn->held && schedule_is_wanted(batch->schedule, &turn->client))
        turn_leave(turn);
    if (turn->held)
        return SCHEDULE_HELD;
    const ScheduleEntry entry =
        schedule_enter(batch->schedule, &turn->client, errand, turn->cancel);
    turn->held = entry == SCHEDULE_HELD;
    return entry;
}

ScoutStatus batch_decode(Batch *batch, Turn *turn, const BatchRows *rows, ScoutError *error)
{
    assert(rows->count > 0 && rows->count <= BATCH_ROWS_MAX);
    ScoutStatus status = turn_check(turn, error);
    if (status != SCOUT_OK)
        return status;
    Request request = {.rows = rows, .error = error};
    ScheduleErrand errand = {.kind = batch, .size = rows->count, .work = &request};
    const ScheduleEntry entry = take_turn(batch, turn, &errand);
    if (entry == SCHEDULE_SERVED)
        return errand.status;
    if (entry == SCHEDULE_CANCELLED)
        return turn_check(turn, error);
    const size_t room = TOGETHER_ROWS_MAX - BASE_MIN(rows->count, (size_t)TOGETHER_ROWS_MAX);
    ScheduleErrand *errands =
        schedule_gather(batch->schedule, &turn->client, batch, room, TOGETHER_MAX - 1);
    status = errands ? compute_together(batch, &request, errands) : compute_alone(batch, &request);
    schedule_done(batch->schedule, &turn->client, rows->count, errands);
    return status;
}
