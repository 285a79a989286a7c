// From a feed to 16 kHz frames: see capture_intake.h. Every break (frames lost, the machine asleep,
// the feed's end) is put between two samples: what the resampler still holds is drained before it,
// and it starts afresh behind it. So the count of frames stays that of the source's, at 16 kHz.
#include "capture_intake.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/library.h"

static const int64_t SECOND_NS = 1000000000;
// A jump of the times at which frames were heard, from one run to the next, that means that the
// server dropped some without a word. Below, it is an estimate that was corrected.
static const int64_t JUMP_NS = 500000000, JUMP_MAX_NS = 10000000000;
static const int64_t SLEPT_NS = 500000000;

ScoutStatus intake_begin(Intake *intake, CaptureFeed *feed, ScoutError *error)
{
    *intake = (Intake){0};
    ScoutStatus status = SCOUT_OK;
    if (feed->rate != AUDIO_CAPTURE_RATE) {
        const void *module = NULL;
        status =
            library_load_module(RESAMPLE_MODULE_FILE, RESAMPLE_MODULE_SYMBOL_NAME, &module, error);
        if (status)
            return status;
        intake->resample = module;
        status = intake->resample->begin(feed->rate, AUDIO_CAPTURE_RATE, &intake->resampler, error);
    }
    if (!status)
        intake->feed = feed;
    return status;
}

void intake_done(Intake *intake)
{
    if (intake->resample)
        intake->resample->end(intake->resampler);
    intake->resampler = NULL;
    intake->feed = NULL;
}

// n frames of the source, at 16 kHz.
static uint64_t at_16k(const Intake *intake, uint64_t n)
{
    const uint64_t rate = (uint64_t)intake->feed->rate;
    return n / rate * AUDIO_CAPTURE_RATE + (n % rate * AUDIO_CAPTURE_RATE + rate / 2) / rate;
}

static void keep(Intake *intake, const float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const long value = lrintf(samples[i] * 32768.0F);
        intake->pending[intake->pending_to++] =
            (int16_t)(value < INT16_MIN ? INT16_MIN : BASE_MIN(value, INT16_MAX));
    }
    intake->out += count;
}

// pending is empty, or has room for what the resampler can hold: a few hundred frames.
static ScoutStatus drain(Intake *intake, ScoutError *error)
{
    float out[512];
    if (!intake->resample)
        return SCOUT_OK;
    for (;;) {
        const size_t room = INTAKE_OUT - intake->pending_to;
        size_t given = 0;
        ScoutStatus status = intake->resample->finish(
            intake->resampler, out, BASE_MIN(BASE_COUNT(out), room), &given, error);
        if (status)
            return status;
        if (given == 0)
            break;
        keep(intake, out, given);
    }
    Resampler *fresh = NULL;
    ScoutStatus status =
        intake->resample->begin(intake->feed->rate, AUDIO_CAPTURE_RATE, &fresh, error);
    if (status)
        return status;
    intake->resample->end(intake->resampler);
    intake->resampler = fresh;
    return SCOUT_OK;
}

static ScoutStatus convert(Intake *intake, const int16_t *frames, size_t count, ScoutError *error)
{
    float in[INTAKE_RUN];
    float out[INTAKE_RUN];
    for (size_t i = 0; i < count; i++)
        in[i] = (float)frames[i] / 32768.0F;
    size_t at = 0;
    for (;;) {
        size_t taken = 0;
        size_t given = 0;
        const size_t room = BASE_MIN(INTAKE_OUT - intake->pending_to, BASE_COUNT(out));
        ScoutStatus status = intake->resample->process(intake->resampler, in + at, count - at,
                                                       &taken, out, room, &given, error);
        if (status)
            return status;
        keep(intake, out, given);
        at += taken;
        if ((at == count && given < room) || (taken == 0 && given == 0))
            return SCOUT_OK;
    }
}

static ScoutStatus take_run(Intake *intake, ScoutError *error)
{
    int16_t frames[INTAKE_RUN];
    const size_t count =
        ring_read(&intake->feed->frames, frames, BASE_MIN(intake->left, BASE_COUNT(frames)));
    wake_post(&intake->feed->room);
    intake->left -= count;
    intake->taken += count;
    intake->in += count;
    for (size_t i = 0; i < count; i++)
        intake->zeros = frames[i] ? 0 : intake->zeros + 1;
    if (intake->resample)
        return convert(intake, frames, count, error);
    memcpy(intake->pending + intake->pending_to, frames, count * sizeof *frames);
    intake->pending_to += count;
    intake->out += count;
    return SCOUT_OK;
}

// Puts silence where frames were lost. Rounding is made up for at the next such place.
static void lose(Intake *intake, uint64_t lost)
{
    intake->in += lost;
    const uint64_t should = at_16k(intake, intake->in);
    if (should > intake->out) {
        intake->silence = (size_t)(should - intake->out);
        intake->out = should;
    }
}

// Frames that the server dropped without telling, by the times at which the others were heard.
static uint64_t jumped(const Intake *intake, const CaptureMark *mark)
{
    const int64_t rate = intake->feed->rate;
    const int64_t frames = (int64_t)(mark->position - intake->mark.position);
    const int64_t jump = mark->captured_ns - intake->mark.captured_ns - frames * SECOND_NS / rate;
    if (jump < JUMP_NS || jump > JUMP_MAX_NS)
        return 0;
    return (uint64_t)(jump / 1000 * rate / 1000000);
}

// Before a break: what the resampler holds is drained, once. True when it has all been handed out.
static bool settle(Intake *intake, ScoutStatus *status, ScoutError *error)
{
    if (!intake->drained) {
        intake->drained = true;
        *status = drain(intake, error);
    }
    return !*status && intake->pending_to == 0;
}

static ScoutStatus take_mark(Intake *intake, ScoutError *error)
{
    CaptureMark mark;
    (void)ring_peek(&intake->feed->marks, &mark, 1);
    const bool slept = intake->marked && mark.slept_ns - intake->mark.slept_ns > SLEPT_NS;
    const bool may_jump = intake->marked && intake->feed->live && !slept;
    const uint64_t lost = mark.lost + (may_jump ? jumped(intake, &mark) : 0);
    ScoutStatus status = SCOUT_OK;
    if ((slept || lost > 0) && intake->in > 0 && !settle(intake, &status, error))
        return status;
    if (slept)
        intake->gap_ns = mark.captured_ns + mark.slept_ns - intake->mark.captured_ns -
                         intake->mark.slept_ns -
                         (int64_t)intake->mark.count * SECOND_NS / intake->feed->rate;
    if (lost > 0)
        lose(intake, lost);
    (void)ring_read(&intake->feed->marks, &mark, 1);
    intake->mark = mark;
    intake->left = mark.count;
    intake->marked = true;
    intake->drained = false;
    return SCOUT_OK;
}

// The time of the next frame to be handed out.
static int64_t time_of_next(const Intake *intake)
{
    const int64_t rate = intake->feed->rate;
    // How far the end of what was taken is ahead of it.
    const int64_t ahead = (int64_t)at_16k(intake, intake->in) - (int64_t)intake->given;
    const int64_t ahead_ns = ahead * SECOND_NS / AUDIO_CAPTURE_RATE;
    const int64_t end_ns =
        intake->mark.captured_ns + (int64_t)(intake->mark.count - intake->left) * SECOND_NS / rate;
    return end_ns - ahead_ns;
}

static void describe(Intake *intake, IntakeKind kind, size_t count, IntakePiece *piece)
{
    piece->kind = kind;
    piece->count = count;
    piece->captured_ns = time_of_next(intake);
    piece->slept_ns = intake->mark.slept_ns;
    intake->given += count;
}

static void give_pending(Intake *intake, int16_t *frames, size_t most, IntakePiece *piece)
{
    const size_t count = BASE_MIN(intake->pending_to - intake->pending_from, most);
    memcpy(frames, intake->pending + intake->pending_from, count * sizeof *frames);
    intake->pending_from += count;
    if (intake->pending_from == intake->pending_to)
        intake->pending_from = intake->pending_to = 0;
    describe(intake, INTAKE_FRAMES, count, piece);
}

static void give_silence(Intake *intake, int16_t *frames, size_t most, IntakePiece *piece)
{
    const size_t count = BASE_MIN(intake->silence, most);
    memset(frames, 0, count * sizeof *frames);
    intake->silence -= count;
    describe(intake, INTAKE_SILENCE, count, piece);
}

// The next note, if no frames lie before it.
static bool note_is_due(const Intake *intake, CaptureNote *note)
{
    return ring_peek(&intake->feed->notes, note, 1) == 1 && note->frames <= intake->taken;
}

static ScoutStatus take_note(Intake *intake, CaptureNote *note, IntakePiece *piece,
                             ScoutError *error)
{
    // What the resampler holds, and what was lost at the very end, comes before the END itself.
    if (note->kind == CAPTURE_NOTE_END && intake->in > 0) {
        ScoutStatus status = SCOUT_OK;
        if (!settle(intake, &status, error))
            return status;
        if (note->lost > intake->lost_at_end) {
            lose(intake, note->lost - intake->lost_at_end);
            intake->lost_at_end = note->lost;
            return SCOUT_OK;
        }
    }
    (void)ring_read(&intake->feed->notes, note, 1);
    piece->kind = INTAKE_NOTE;
    piece->note = *note;
    return SCOUT_OK;
}

ScoutStatus intake_next(Intake *intake, int16_t *frames, size_t most, IntakePiece *piece,
                        ScoutError *error)
{
    piece->kind = INTAKE_NOTHING;
    piece->count = 0;
    for (;;) {
        CaptureNote note;
        ScoutStatus status = SCOUT_OK;
        if (intake->pending_to > intake->pending_from) {
            give_pending(intake, frames, most, piece);
        } else if (intake->gap_ns > 0) {
            piece->kind = INTAKE_GAP;
            piece->gap_ns = intake->gap_ns;
            intake->gap_ns = 0;
        } else if (intake->silence > 0) {
            give_silence(intake, frames, most, piece);
        } else if (intake->left > 0) {
            status = take_run(intake, error);
        } else if (note_is_due(intake, &note)) {
            status = take_note(intake, &note, piece, error);
        } else if (ring_count(&intake->feed->marks) > 0) {
            status = take_mark(intake, error);
        } else {
            return SCOUT_OK;
        }
        if (status || piece->kind != INTAKE_NOTHING)
            return status;
    }
}
