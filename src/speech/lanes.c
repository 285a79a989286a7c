// Windows in step: see lanes.h.
#include "lanes.h"

#include <assert.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"

struct Lanes {
    LanesSetup setup;
    Mel *mel, *draft_mel; // draft_*: where the draft's are of another size
    float *frames, *draft_frames;
    Window **idle; // made when they are needed; [queue + 1], as one may be for the language
    size_t idle_count, window_count;
    Window *heard;
    Lane *ring; // [capacity]
    size_t capacity, first, count, windows;
    // Of the step at hand:
    bool drafting;    // it is the draft's
    WhisperRow *rows; // [BATCH_ROWS_MAX]
    Window **part;    // [busy] windows with rows in it
    size_t *wanted;   // [busy] rows with logits of each
    size_t part_count;
};

void lanes_free(Lanes *lanes)
{
    if (!lanes)
        return;
    while (lanes->ring && lanes->count > 0)
        lanes_pop(lanes);
    lanes_drop_heard(lanes);
    for (size_t i = 0; i < lanes->idle_count; i++)
        window_free(lanes->idle[i]);
    mem_free(lanes->idle);
    mem_free(lanes->ring);
    mem_free(lanes->rows);
    mem_free(lanes->part);
    mem_free(lanes->wanted);
    mem_free(lanes->draft_frames);
    mel_free(lanes->draft_mel);
    mem_free(lanes->frames);
    mel_free(lanes->mel);
    mem_free(lanes);
}

static ScoutStatus make_mel(size_t n_mels, Mel **mel, float **frames, ScoutError *error)
{
    ScoutStatus status = mel_new(n_mels, mel, error);
    if (status != SCOUT_OK)
        return status;
    *frames = mem_aligned(mem_multiply(MEL_WINDOW_FRAMES, n_mels), sizeof(float));
    return *frames ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus make_mels(Lanes *lanes, ScoutError *error)
{
    WindowSetup *setup = &lanes->setup.window;
    const size_t n_mels = whisper_dims(batch_whisper(setup->batch))->n_mels;
    const size_t drafts = setup->draft ? whisper_dims(batch_whisper(setup->draft))->n_mels : n_mels;
    ScoutStatus status = make_mel(n_mels, &lanes->mel, &lanes->frames, error);
    if (status == SCOUT_OK && drafts != n_mels)
        status = make_mel(drafts, &lanes->draft_mel, &lanes->draft_frames, error);
    setup->mel = lanes->mel;
    setup->frames = lanes->frames;
    setup->draft_mel = drafts == n_mels ? lanes->mel : lanes->draft_mel;
    setup->draft_frames = drafts == n_mels ? lanes->frames : lanes->draft_frames;
    return status;
}

ScoutStatus lanes_new(const LanesSetup *setup, Lanes **lanes, ScoutError *error)
{
    assert(setup->busy >= 1 && setup->queue >= setup->busy);
    Lanes *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Lanes){.setup = *setup, .capacity = 3 * setup->queue + 4};
    ScoutStatus status = make_mels(made, error);
    if (status == SCOUT_OK) {
        made->idle = mem_array(setup->queue + 1, sizeof(Window *));
        made->ring = mem_array(made->capacity, sizeof *made->ring);
        made->rows = mem_array(BATCH_ROWS_MAX, sizeof *made->rows);
        made->part = mem_array(setup->busy, sizeof(Window *));
        made->wanted = mem_array(setup->busy, sizeof *made->wanted);
        if (!made->idle || !made->ring || !made->rows || !made->part || !made->wanted)
            status = error_no_memory(error);
    }
    if (status != SCOUT_OK) {
        lanes_free(made);
        return status;
    }
    *lanes = made;
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------- queue

size_t lanes_count(const Lanes *lanes)
{
    return lanes->windows;
}

bool lanes_have_room(const Lanes *lanes)
{
    return lanes->windows < lanes->setup.queue && lanes->count + 3 < lanes->capacity;
}

static Lane *lane_at(const Lanes *lanes, size_t index)
{
    return &lanes->ring[(lanes->first + index) % lanes->capacity];
}

const Lane *lanes_front(const Lanes *lanes)
{
    return lanes->count > 0 ? lane_at(lanes, 0) : NULL;
}

static ScoutStatus take_idle(Lanes *lanes, Window **window, ScoutError *error)
{
    if (lanes->idle_count > 0) {
        *window = lanes->idle[--lanes->idle_count];
        return SCOUT_OK;
    }
    assert(lanes->window_count <= lanes->setup.queue);
    ScoutStatus status = window_new(&lanes->setup.window, window, error);
    lanes->window_count += status == SCOUT_OK;
    return status;
}

static void put_idle(Lanes *lanes, Window *window)
{
    window_close(window);
    lanes->idle[lanes->idle_count++] = window;
}

void lanes_add_silence(Lanes *lanes, const Plan *plan)
{
    Lane *last = lanes->count > 0 ? lane_at(lanes, lanes->count - 1) : NULL;
    if (last && !last->window && last->plan.kind == plan->kind && last->plan.end == plan->start) {
        last->plan.end = plan->end;
        return;
    }
    assert(lanes->count < lanes->capacity);
    *lane_at(lanes, lanes->count++) = (Lane){.plan = *plan};
}

static void append_window(Lanes *lanes, const Plan *plan, Window *window)
{
    assert(lanes->count < lanes->capacity);
    *lane_at(lanes, lanes->count++) = (Lane){.plan = *plan, .window = window};
    lanes->windows++;
}

static ScoutStatus open_window(Lanes *lanes, const Plan *plan, const WindowTask *task,
                               Window **window, ScoutError *error)
{
    ScoutStatus status = take_idle(lanes, window, error);
    if (status != SCOUT_OK)
        return status;
    window_open(*window, plan->start, plan->end, false);
    window_begin(*window, task);
    return SCOUT_OK;
}

ScoutStatus lanes_add_window(Lanes *lanes, const Plan *plan, const WindowTask *task,
                             ScoutError *error)
{
    Window *window = NULL;
    ScoutStatus status = open_window(lanes, plan, task, &window, error);
    if (status == SCOUT_OK)
        append_window(lanes, plan, window);
    return status;
}

ScoutStatus lanes_add_rest(Lanes *lanes, const Plan *plan, const WindowTask *task,
                           ScoutError *error)
{
    Window *window = NULL;
    ScoutStatus status = open_window(lanes, plan, task, &window, error);
    if (status != SCOUT_OK)
        return status;
    lanes->first = (lanes->first + lanes->capacity - 1) % lanes->capacity;
    lanes->count++;
    lanes->windows++;
    *lane_at(lanes, 0) = (Lane){.plan = *plan, .window = window};
    return SCOUT_OK;
}

void lanes_pop(Lanes *lanes)
{
    assert(lanes->count > 0);
    Lane *front = lane_at(lanes, 0);
    if (front->window) {
        put_idle(lanes, front->window);
        lanes->windows--;
    }
    lanes->first = (lanes->first + 1) % lanes->capacity;
    lanes->count--;
}

// ---------------------------------------------------------------------------------------- language

ScoutStatus lanes_hear(Lanes *lanes, const Plan *plan, Window **window, ScoutError *error)
{
    assert(!lanes->heard);
    ScoutStatus status = take_idle(lanes, &lanes->heard, error);
    if (status != SCOUT_OK)
        return status;
    window_open(lanes->heard, plan->start, plan->end, true);
    status = window_take_place(lanes->heard, error);
    if (status == SCOUT_OK)
        status = window_encode(lanes->heard, error);
    *window = lanes->heard;
    return status;
}

void lanes_keep_heard(Lanes *lanes, const Plan *plan, const WindowTask *task)
{
    assert(lanes->heard && lanes->count == 0);
    window_begin(lanes->heard, task);
    append_window(lanes, plan, lanes->heard);
    lanes->heard = NULL;
}

void lanes_drop_heard(Lanes *lanes)
{
    if (lanes->heard)
        put_idle(lanes, lanes->heard);
    lanes->heard = NULL;
}

// -------------------------------------------------------------------------------------------- work

// Encodes what needs it, the front first, as long as no more than `busy` windows are at work and
// there are places. The front waits for its place, so that there always is work to go on with.
static ScoutStatus encode_some(Lanes *lanes, ScoutError *error)
{
    size_t busy = 0;
    for (size_t i = 0; i < lanes->count && busy < lanes->setup.busy; i++) {
        Window *window = lane_at(lanes, i)->window;
        if (!window || window_is_done(window))
            continue;
        busy++;
        if (!window_needs_encoding(window))
            continue;
        ScoutStatus status = SCOUT_OK;
        if (busy == 1)
            status = window_take_place(window, error);
        else if (!window_try_place(window))
            return SCOUT_OK;
        if (status == SCOUT_OK)
            status = window_encode(window, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

// Those of the model, or of the draft.
static size_t gather_rows(Lanes *lanes, bool drafting)
{
    size_t (*const rows_of)(const Window *, WhisperRow *, size_t) =
        drafting ? window_draft_rows : window_rows;
    lanes->drafting = drafting;
    size_t count = 0;
    lanes->part_count = 0;
    for (size_t i = 0; i < lanes->count && lanes->part_count < lanes->setup.busy; i++) {
        Window *window = lane_at(lanes, i)->window;
        if (!window)
            continue;
        const size_t added = rows_of(window, lanes->rows + count, BATCH_ROWS_MAX - count);
        if (added == 0)
            continue;
        size_t wanted = 0;
        for (size_t r = count; r < count + added; r++)
            wanted += lanes->rows[r].want_logits;
        lanes->wanted[lanes->part_count] = wanted;
        lanes->part[lanes->part_count++] = window;
        count += added;
    }
    return count;
}

static void look(void *context, size_t row, float *logits)
{
    const Lanes *lanes = context;
    size_t part = 0;
    while (row >= lanes->wanted[part])
        row -= lanes->wanted[part++];
    if (lanes->drafting)
        window_draft_look(lanes->part[part], logits);
    else
        window_look(lanes->part[part], row, logits);
}

static void advance(void *context)
{
    const Lanes *lanes = context;
    for (size_t i = 0; i < lanes->part_count; i++)
        (lanes->drafting ? window_draft_advance : window_advance)(lanes->part[i]);
}

// Computes the `count` rows that were gathered; *seconds is added to.
static ScoutStatus compute_rows(Lanes *lanes, Batch *batch, size_t count, double *seconds,
                                ScoutError *error)
{
    const BatchRows step = {
        .rows = lanes->rows, .count = count, .look = look, .advance = advance, .context = lanes};
    const int64_t start_ns = clock_monotonic_ns();
    ScoutStatus status = batch_decode(batch, lanes->setup.window.turn, &step, error);
    *seconds += clock_seconds_since(start_ns);
    return status;
}

// The windows' guesses, one after the other.
static ScoutStatus draft_some(Lanes *lanes, ScoutError *error)
{
    const WindowSetup *setup = &lanes->setup.window;
    ScoutStatus status = SCOUT_OK;
    while (setup->draft && status == SCOUT_OK) {
        const size_t count = gather_rows(lanes, true);
        if (count == 0)
            break;
        status = compute_rows(lanes, setup->draft, count, &setup->timings->draft_s, error);
    }
    return status;
}

ScoutStatus lanes_step(Lanes *lanes, ScoutError *error)
{
    const WindowSetup *setup = &lanes->setup.window;
    assert(lanes->count > 0 && lane_at(lanes, 0)->window);
    ScoutStatus status = encode_some(lanes, error);
    if (status == SCOUT_OK)
        status = draft_some(lanes, error);
    if (status == SCOUT_OK)
        status = compute_rows(lanes, setup->batch, gather_rows(lanes, false),
                              &setup->timings->decoder_s, error);
    return status;
}

ScoutStatus lanes_run(Lanes *lanes, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    while (status == SCOUT_OK && !window_is_done(lane_at(lanes, 0)->window))
        status = lanes_step(lanes, error);
    return status;
}
