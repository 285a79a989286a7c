// The transcriber: sound is appended a frame at a time, voice activity looks at it, and as soon as
// it is clear what the next window is, the window is decoded and told of. Work is triggered by
// positions in the stream alone, so the chunks in which it is pushed change nothing.
#include "speech/transcriber.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "draft.h"
#include "hints.h"
#include "lanes.h"
#include "passage.h"
#include "plan.h"
#include "report.h"
#include "speech/turn.h"
#include "speech/vad.h"
#include "track.h"
#include "votes.h"

enum {
    GROUP_FRAMES = 8, // voice activity looks at so many at once where nobody waits for each
    GROUP_SAMPLES = GROUP_FRAMES * VAD_FRAME_SAMPLES,
    VAD_PIECE_MS = 1000, // speech and silence are told of at least this often
    VAD_PIECE_SAMPLES = VAD_PIECE_MS * 16,
    PREVIOUS_MAX = 223, // tokens of earlier text that a prompt holds
    WINDOW_MIN_SAMPLES = 320,
    QUEUE_MORE = 1 // windows that are done, or wait, beside those that are decoded
};

// Above this temperature, text is no prompt for what follows it.
static const float PROMPT_TEMPERATURE_MAX = 0.5f;
// A window that others may be decoded with waits so long for them.
static const int64_t PATIENCE_NS = 1000000000;

struct Transcriber {
    const WhisperModel *whisper;
    ScoutTranscribeOptions options;
    const Cancel *cancel;
    Turn turn;
    ScoutTimings timings;
    Hints hints;
    Vad *vad;
    Track track;
    Lanes *lanes;
    Passage *passage;
    Report report;

    // Positions count from the beginning of the wanted part: negative before it.
    int64_t received; // position after the last sample pushed
    int64_t end;      // of the wanted part
    int64_t origin;   // samples of the recording before it
    int64_t cursor;   // what lies before is told of
    int64_t planned;  // what lies before is told of or in the lanes
    int64_t since_ns; // a window waits to be worked on since then
    bool cut;         // the last window in the lanes says where the next one begins
    bool ended;       // the wanted part is done
    float group[GROUP_SAMPLES];
    size_t group_samples, group_fill; // taken in when it is full

    int32_t previous[PREVIOUS_MAX];
    size_t previous_count;
    size_t prefix_count;   // of the hints' prefix: 0 once there is a text that began with it
    bool previous_written; // some of `previous` by the model, not by the caller

    bool language_known, language_told;
    size_t language;
    float language_probability;
    Votes votes;
    int64_t language_heard; // of the track: windows before it were listened to

    ScoutStatus failed; // a call failed: only transcriber_free is left
    bool finished;
};

void transcriber_free(Transcriber *transcriber)
{
    if (!transcriber)
        return;
    passage_free(transcriber->passage);
    lanes_free(transcriber->lanes);
    vad_free(transcriber->vad);
    track_done(&transcriber->track);
    votes_done(&transcriber->votes);
    hints_done(&transcriber->hints);
    mem_free(transcriber);
}

// ------------------------------------------------------------------------------------------ set-up

static void remember(Transcriber *transcriber, const int32_t *tokens, size_t count)
{
    if (count == 0)
        return;
    if (count > PREVIOUS_MAX) {
        tokens += count - PREVIOUS_MAX;
        count = PREVIOUS_MAX;
    }
    size_t kept = BASE_MIN(transcriber->previous_count, PREVIOUS_MAX - count);
    memmove(transcriber->previous, transcriber->previous + transcriber->previous_count - kept,
            kept * sizeof *tokens);
    memcpy(transcriber->previous + kept, tokens, count * sizeof *tokens);
    transcriber->previous_count = kept + count;
}

static ScoutStatus take_previous(Transcriber *transcriber, ScoutError *error)
{
    const ScoutTranscribeOptions *options = &transcriber->options;
    size_t n_vocab = whisper_dims(transcriber->whisper)->n_vocab;
    for (size_t i = 0; i < options->previous_token_count; i++) {
        int32_t token = options->previous_tokens[i];
        if (token < 0 || (size_t)token >= n_vocab)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "previous token %zu is %d, which this model does not have", i, token);
    }
    if (options->condition_on_previous && options->previous_token_count > 0) {
        remember(transcriber, options->previous_tokens, options->previous_token_count);
        transcriber->previous_written = true;
    }
    return SCOUT_OK;
}

static ScoutStatus take_texts(Transcriber *transcriber, ScoutError *error)
{
    Hints *hints = &transcriber->hints;
    ScoutStatus status = hints_init(hints, transcriber->whisper, &transcriber->options, error);
    if (status != SCOUT_OK)
        return status;
    remember(transcriber, hints->prompt, hints->prompt_count);
    status = take_previous(transcriber, error);
    transcriber->prefix_count = hints->prefix_count;
    transcriber->language = hints->language;
    transcriber->language_known = hints->language_known;
    transcriber->language_probability = hints->language_known ? 1 : 0;
    // Nothing of the caller's is kept.
    transcriber->options.prompt = transcriber->options.prefix = NULL;
    transcriber->options.language = transcriber->options.model = NULL;
    transcriber->options.draft = NULL;
    transcriber->options.hotwords = NULL;
    transcriber->options.previous_tokens = NULL;
    return status;
}

static ScoutStatus hear_span(void *context, const VadSpan *span)
{
    Transcriber *transcriber = context;
    return track_add_span(&transcriber->track, span, NULL);
}

// Windows whose text is no prompt for the next may be decoded together.
static LanesSetup lanes_of(const ScoutTranscribeOptions *options)
{
    size_t busy = options->condition_on_previous ? 1 : (size_t)BASE_MAX(options->batch_size, 1);
    return (LanesSetup){.busy = busy, .queue = busy == 1 ? 1 : busy + QUEUE_MORE};
}

static ScoutStatus make_track(Transcriber *transcriber, const TranscriberSetup *setup,
                              ScoutError *error)
{
    size_t room = (lanes_of(&transcriber->options).queue + 1) * WINDOW_SAMPLES_MAX +
                  (size_t)2 * GROUP_SAMPLES;
    if (transcriber->options.vad) {
        VadOptions vad;
        vad_options_init(&vad);
        vad.max_span_ms = VAD_PIECE_MS;
        if (transcriber->options.vad_threshold > 0)
            vad_options_set_onset(&vad, transcriber->options.vad_threshold);
        ScoutStatus status =
            vad_new(setup->silero, &vad, hear_span, transcriber, &transcriber->vad, error);
        if (status != SCOUT_OK)
            return status;
        room += vad_delay_samples(transcriber->vad) + VAD_PIECE_SAMPLES;
    }
    return track_init(&transcriber->track, room, transcriber->options.vad != 0, error);
}

static ScoutStatus make_parts(Transcriber *transcriber, const TranscriberSetup *setup,
                              ScoutError *error)
{
    LanesSetup lanes = lanes_of(&transcriber->options);
    lanes.window = (WindowSetup){.batch = setup->batch,
                                 .draft = setup->draft,
                                 .options = &transcriber->options,
                                 .hotwords = transcriber->hints.hotwords,
                                 .track = &transcriber->track,
                                 .turn = &transcriber->turn,
                                 .timings = &transcriber->timings};
    ScoutStatus status = lanes_new(&lanes, &transcriber->lanes, error);
    if (status != SCOUT_OK)
        return status;
    PassageSetup passage = {.whisper = transcriber->whisper,
                            .options = &transcriber->options,
                            .track = &transcriber->track,
                            .report = &transcriber->report,
                            .turn = &transcriber->turn,
                            .doubt = passage_doubt};
    status = passage_new(&passage, &transcriber->passage, error);
    if (status != SCOUT_OK)
        return status;
    return votes_init(&transcriber->votes, error);
}

// The part of the recording that the options ask for, in positions; the stream may begin inside it.
static void set_range(Transcriber *transcriber, const TranscriberSetup *setup)
{
    const ScoutTranscribeOptions *options = &transcriber->options;
    double before_s = BASE_MAX(options->start_s - setup->origin_s, 0.0);
    int64_t before = llround(before_s * SCOUT_SAMPLE_RATE);
    transcriber->end = INT64_MAX;
    if (options->end_s > 0) {
        double wanted_s = BASE_MAX(options->end_s - setup->origin_s, 0.0);
        transcriber->end = BASE_MAX(llround(wanted_s * SCOUT_SAMPLE_RATE) - before, (int64_t)0);
    }
    transcriber->received = -before;
    transcriber->origin = llround(setup->origin_s * SCOUT_SAMPLE_RATE) + before;
    report_init(&transcriber->report, setup->callback, setup->context,
                setup->origin_s + (double)before / SCOUT_SAMPLE_RATE, -before);
}

static SchedulePriority priority_of(ScoutPriority priority)
{
    switch (priority) {
    case SCOUT_PRIORITY_LIVE: return SCHEDULE_LIVE;
    case SCOUT_PRIORITY_BACKGROUND: return SCHEDULE_BACKGROUND;
    default: return SCHEDULE_NORMAL;
    }
}

ScoutStatus transcriber_new(const TranscriberSetup *setup, Transcriber **transcriber,
                            ScoutError *error)
{
    Transcriber *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->whisper = batch_whisper(setup->batch);
    made->options = *setup->options;
    made->cancel = setup->cancel;
    made->turn = (Turn){.schedule = setup->schedule,
                        .client = schedule_client(priority_of(setup->options->priority)),
                        .cancel = setup->cancel};
    made->group_samples = lanes_of(setup->options).busy > 1 ? GROUP_SAMPLES : VAD_FRAME_SAMPLES;
    set_range(made, setup);
    ScoutStatus status = hints_check_model(made->whisper, error);
    if (status == SCOUT_OK && setup->draft)
        status = draft_check(made->whisper, batch_whisper(setup->draft), error);
    if (status == SCOUT_OK)
        status = take_texts(made, error);
    if (status == SCOUT_OK)
        status = make_track(made, setup, error);
    if (status == SCOUT_OK)
        status = make_parts(made, setup, error);
    if (status != SCOUT_OK) {
        transcriber_free(made);
        return status;
    }
    *transcriber = made;
    return SCOUT_OK;
}

const ScoutTimings *transcriber_timings(const Transcriber *transcriber)
{
    return &transcriber->timings;
}

// ---------------------------------------------------------------------------------------- language

// The receiver may do anything, also with other streams: the turn is not held.
static ScoutStatus tell_language(Transcriber *transcriber, ScoutError *error)
{
    transcriber->language_told = true;
    ScoutLanguage language = {.code = language_code(transcriber->language),
                              .name = language_name(transcriber->language),
                              .probability = transcriber->language_probability};
    return report_language(&transcriber->report, &language, error);
}

// Takes the language that all windows heard so far make most probable. `sure`: only if that is
// certain enough.
static void settle_language(Transcriber *transcriber, bool sure)
{
    size_t language;
    float probability;
    if (!votes_choose(&transcriber->votes, &language, &probability) && sure)
        return;
    transcriber->language = language;
    transcriber->language_probability = probability;
    transcriber->language_known = true;
}

// ----------------------------------------------------------------------------------------- windows

static ScoutStatus tell_silence(Transcriber *transcriber, const Plan *plan, ScoutSkipReason reason,
                                ScoutError *error)
{
    ScoutSkipped silence = {.reason = reason, .no_speech_prob = -1};
    track_probability(&transcriber->track, plan->start, plan->end, &silence.speech_prob_max,
                      &silence.speech_prob_mean);
    transcriber->cursor = plan->end;
    return report_skipped(&transcriber->report, plan->end, &silence, error);
}

// Too short for the model to hear anything.
static bool is_sliver(const Plan *plan)
{
    return plan->end - plan->start < WINDOW_MIN_SAMPLES;
}

static WindowTask task_of(const Transcriber *transcriber, const Plan *plan)
{
    return (WindowTask){.previous = transcriber->previous,
                        .previous_count = transcriber->previous_count,
                        .prefix = transcriber->hints.prefix,
                        .prefix_count = transcriber->prefix_count,
                        .language = transcriber->language,
                        .place = (uint64_t)(transcriber->origin + plan->start)};
}

static void note_planned(Transcriber *transcriber, const Plan *plan)
{
    transcriber->planned = plan->end;
    transcriber->cut = plan->kind == PLAN_DECODE && plan->cut;
    if (plan->kind == PLAN_DECODE && lanes_count(transcriber->lanes) == 1)
        transcriber->since_ns = clock_monotonic_ns();
}

// The text of the front window is known: what the caller said of it stays until there is some; what
// the model wrote is dropped when it may be the cause of a loop.
static void learn_from(Transcriber *transcriber, const WindowResult *result,
                       const PassageOutcome *outcome)
{
    const bool text = result->verdict == WINDOW_TEXT;
    if (text)
        transcriber->prefix_count = 0;
    if (!transcriber->options.condition_on_previous)
        return;
    bool suspect = result->verdict == WINDOW_LOOP && transcriber->previous_written;
    if (text) {
        remember(transcriber, outcome->tokens, outcome->token_count);
        transcriber->previous_written = true;
    }
    if (suspect || (text && (!result->reliable || result->temperature > PROMPT_TEMPERATURE_MAX)))
        transcriber->previous_count = 0;
}

// Where the front window's text ended before its sound, the rest becomes a window of its own. Where
// the window had been cut, the next one begins there.
static ScoutStatus go_on_after(Transcriber *transcriber, const Plan *plan, int64_t resume,
                               ScoutError *error)
{
    transcriber->cursor = resume;
    if (plan->cut) {
        transcriber->planned = resume;
        transcriber->cut = false;
        return SCOUT_OK;
    }
    const Plan rest = {PLAN_DECODE, resume, plan->end, false};
    if (resume >= plan->end)
        return SCOUT_OK;
    if (is_sliver(&rest))
        return tell_silence(transcriber, &rest, SCOUT_SKIP_SILENT, error);
    const WindowTask task = task_of(transcriber, &rest);
    return lanes_add_rest(transcriber->lanes, &rest, &task, error);
}

// Decodes the front window and tells of it.
static ScoutStatus finish_front(Transcriber *transcriber, ScoutError *error)
{
    ScoutStatus status = lanes_run(transcriber->lanes, error);
    const Lane front = *lanes_front(transcriber->lanes);
    WindowResult result;
    PassageOutcome outcome;
    if (status == SCOUT_OK)
        status = window_result(front.window, &result, error);
    if (status == SCOUT_OK)
        status = passage_tell(transcriber->passage, front.window, &front.plan,
                              transcriber->language, &result, &outcome, error);
    turn_leave(&transcriber->turn);
    if (status != SCOUT_OK)
        return status;
    learn_from(transcriber, &result, &outcome);
    lanes_pop(transcriber->lanes);
    status = go_on_after(transcriber, &front.plan, outcome.resume, error);
    transcriber->since_ns = clock_monotonic_ns();
    return status;
}

// Puts what is clear of the sound into the lanes; *full says that only their work can lead further.
static ScoutStatus plan_ahead(Transcriber *transcriber, bool finished, bool *full,
                              ScoutError *error)
{
    Lanes *lanes = transcriber->lanes;
    ScoutStatus status = SCOUT_OK;
    *full = false;
    while (status == SCOUT_OK) {
        // A text that the caller has begun belongs to the first window that has any.
        const bool room =
            transcriber->prefix_count > 0 ? lanes_count(lanes) == 0 : lanes_have_room(lanes);
        *full = transcriber->cut || !room;
        if (*full)
            return SCOUT_OK;
        const Plan plan = plan_next(&transcriber->track, transcriber->planned, finished);
        if (plan.kind == PLAN_WAIT)
            return SCOUT_OK;
        const WindowTask task = task_of(transcriber, &plan);
        if (plan.kind == PLAN_SKIP || is_sliver(&plan))
            lanes_add_silence(lanes, &plan);
        else
            status = lanes_add_window(lanes, &plan, &task, error);
        note_planned(transcriber, &plan);
    }
    return status;
}

static ScoutStatus tell_front_silences(Transcriber *transcriber, ScoutError *error)
{
    const Lane *front = lanes_front(transcriber->lanes);
    for (; front && !front->window; front = lanes_front(transcriber->lanes)) {
        const ScoutSkipReason reason =
            front->plan.kind == PLAN_SKIP ? SCOUT_SKIP_NO_SPEECH : SCOUT_SKIP_SILENT;
        ScoutStatus status = tell_silence(transcriber, &front->plan, reason, error);
        if (status != SCOUT_OK)
            return status;
        lanes_pop(transcriber->lanes);
    }
    return SCOUT_OK;
}

// Whether windows that could wait for others to be decoded with have waited long enough: the sound
// comes slowly, or there is no more room for it.
static bool is_urgent(const Transcriber *transcriber)
{
    const Track *track = &transcriber->track;
    const size_t room = track->capacity - (size_t)(track->end - track->base);
    return room < (size_t)2 * GROUP_SAMPLES ||
           clock_monotonic_ns() - transcriber->since_ns > PATIENCE_NS;
}

// ---------------------------------------------------------------------------------------- language

// Adds what the model thinks of the window, and decides if that is enough.
static ScoutStatus ask_language(Transcriber *transcriber, Window *window, const Plan *plan,
                                ScoutError *error)
{
    const int64_t speech = track_speech(&transcriber->track, plan->start, plan->end);
    ScoutStatus status = votes_add(&transcriber->votes, window, speech, error);
    if (status != SCOUT_OK)
        return status;
    transcriber->language_heard = plan->end;
    settle_language(transcriber, true);
    return SCOUT_OK;
}

// Listens to a window for its language. If that is clear then, and the window is the next to be
// told of, it goes on into the lanes.
static ScoutStatus hear_language(Transcriber *transcriber, const Plan *plan, ScoutError *error)
{
    const bool ahead = plan->start > transcriber->cursor; // an earlier window has no language yet
    if (is_sliver(plan)) {
        transcriber->language_heard = plan->end;
        transcriber->planned = ahead ? transcriber->planned : plan->end;
        return ahead ? SCOUT_OK : tell_silence(transcriber, plan, SCOUT_SKIP_SILENT, error);
    }
    Window *window;
    ScoutStatus status = lanes_hear(transcriber->lanes, plan, &window, error);
    if (status == SCOUT_OK)
        status = ask_language(transcriber, window, plan, error);
    turn_leave(&transcriber->turn);
    if (status == SCOUT_OK && transcriber->language_known)
        status = tell_language(transcriber, error);
    if (status != SCOUT_OK || !transcriber->language_known || ahead) {
        lanes_drop_heard(transcriber->lanes);
        return status;
    }
    const WindowTask task = task_of(transcriber, plan);
    lanes_keep_heard(transcriber->lanes, plan, &task);
    note_planned(transcriber, plan);
    return SCOUT_OK;
}

// A step towards the language; *waits says that it takes more sound.
static ScoutStatus seek_language(Transcriber *transcriber, bool finished, bool *waits,
                                 ScoutError *error)
{
    const Track *track = &transcriber->track;
    const int64_t from = BASE_MAX(transcriber->cursor, transcriber->language_heard);
    const bool ahead = from > transcriber->cursor;
    const Plan plan = plan_next(track, from, finished);
    *waits = false;
    if (ahead && (track->end - transcriber->cursor >= WINDOW_SAMPLES_MAX ||
                  (finished && plan.kind == PLAN_WAIT))) {
        settle_language(transcriber, false);
        return tell_language(transcriber, error);
    }
    *waits = plan.kind == PLAN_WAIT;
    if (*waits)
        return SCOUT_OK;
    if (plan.kind == PLAN_DECODE)
        return hear_language(transcriber, &plan, error);
    if (ahead) {
        transcriber->language_heard = plan.end;
        return SCOUT_OK;
    }
    transcriber->planned = plan.end;
    return tell_silence(transcriber, &plan, SCOUT_SKIP_NO_SPEECH, error);
}

// ------------------------------------------------------------------------------------------ course

// Does what can be done with the sound there is.
static ScoutStatus advance(Transcriber *transcriber, bool finished, ScoutError *error)
{
    bool waits = false;
    while (!waits) {
        ScoutStatus status;
        if (!transcriber->language_known) {
            status = seek_language(transcriber, finished, &waits, error);
        } else {
            bool full;
            status = plan_ahead(transcriber, finished, &full, error);
            if (status == SCOUT_OK)
                status = tell_front_silences(transcriber, error);
            waits = lanes_count(transcriber->lanes) == 0 ||
                    !(full || finished || is_urgent(transcriber));
            if (status == SCOUT_OK && !waits)
                status = finish_front(transcriber, error);
        }
        if (status != SCOUT_OK)
            return status;
        track_forget(&transcriber->track, transcriber->cursor);
    }
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------- sound

static ScoutStatus check_cancel(const Transcriber *transcriber, ScoutError *error)
{
    if (cancel_is_raised(transcriber->cancel))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the transcription was cancelled");
    return SCOUT_OK;
}

static ScoutStatus check_vad(ScoutStatus status, ScoutError *error)
{
    return status == SCOUT_OK ? status
                              : error_set(error, status, "voice activity holds too much sound");
}

// Takes in the group as far as it is filled.
static ScoutStatus take_group(Transcriber *transcriber, ScoutError *error)
{
    size_t count = transcriber->group_fill;
    transcriber->group_fill = 0;
    ScoutStatus status = check_cancel(transcriber, error);
    if (status == SCOUT_OK)
        status = track_append(&transcriber->track, transcriber->group, count, error);
    if (status != SCOUT_OK || !transcriber->vad)
        return status;
    int64_t start_ns = clock_monotonic_ns();
    status = vad_push(transcriber->vad, transcriber->group, count);
    transcriber->timings.vad_s += clock_seconds_since(start_ns);
    return check_vad(status, error);
}

// The wanted part is over: does what is left.
static ScoutStatus end_part(Transcriber *transcriber, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    transcriber->ended = true;
    if (transcriber->group_fill > 0)
        status = take_group(transcriber, error);
    if (status == SCOUT_OK && transcriber->vad)
        status = check_vad(vad_flush(transcriber->vad), error);
    return status == SCOUT_OK ? advance(transcriber, true, error) : status;
}

static ScoutStatus tell_outside(Transcriber *transcriber, int64_t end, ScoutError *error)
{
    ScoutSkipped outside = {.reason = SCOUT_SKIP_OUTSIDE,
                            .speech_prob_max = -1,
                            .speech_prob_mean = -1,
                            .no_speech_prob = -1};
    return report_skipped(&transcriber->report, end, &outside, error);
}

// Takes some of the samples; *taken says how many.
static ScoutStatus take_some(Transcriber *transcriber, const float *samples, size_t count,
                             size_t *taken, ScoutError *error)
{
    int64_t received = transcriber->received;
    if (received < 0) { // before the wanted part
        *taken = BASE_MIN(count, (size_t)-received);
        transcriber->received += (int64_t)*taken;
        return transcriber->received == 0 ? tell_outside(transcriber, 0, error) : SCOUT_OK;
    }
    if (received >= transcriber->end) {
        *taken = count;
        transcriber->received += (int64_t)count;
        return transcriber->ended ? SCOUT_OK : end_part(transcriber, error);
    }
    size_t room = transcriber->group_samples - transcriber->group_fill;
    *taken = BASE_MIN(BASE_MIN(count, room), (size_t)(transcriber->end - received));
    for (size_t i = 0; i < *taken; i++) // a sample that is no number must not stay in any state
        transcriber->group[transcriber->group_fill++] = isfinite(samples[i]) ? samples[i] : 0.0f;
    transcriber->received += (int64_t)*taken;
    ScoutStatus status = SCOUT_OK;
    if (transcriber->group_fill == transcriber->group_samples) {
        status = take_group(transcriber, error);
        if (status == SCOUT_OK)
            status = advance(transcriber, false, error);
    }
    if (status == SCOUT_OK && transcriber->received == transcriber->end)
        status = end_part(transcriber, error);
    return status;
}

static ScoutStatus check_state(const Transcriber *transcriber, ScoutError *error)
{
    if (transcriber->finished)
        return error_set(error, SCOUT_ERROR_STATE, "the stream was finished already");
    ScoutStatus status = check_cancel(transcriber, error);
    if (status == SCOUT_OK && transcriber->failed != SCOUT_OK)
        status = error_set(error, transcriber->failed, "the stream has failed before");
    return status;
}

static ScoutStatus begin_call(Transcriber *transcriber, ScoutError *error)
{
    ScoutStatus status = check_state(transcriber, error);
    if (status == SCOUT_OK && transcriber->language_known && !transcriber->language_told)
        status = tell_language(transcriber, error);
    return status;
}

ScoutStatus transcriber_push(Transcriber *transcriber, const float *samples, size_t count,
                             ScoutError *error)
{
    ScoutStatus status = begin_call(transcriber, error);
    while (count > 0 && status == SCOUT_OK) {
        size_t taken = 0;
        status = take_some(transcriber, samples, count, &taken, error);
        if (status == SCOUT_OK)
            status = report_progress(&transcriber->report, transcriber->received, error);
        samples += taken;
        count -= taken;
    }
    if (status != SCOUT_OK && status != SCOUT_ERROR_STATE)
        transcriber->failed = status;
    return status;
}

ScoutStatus transcriber_finish(Transcriber *transcriber, ScoutError *error)
{
    ScoutStatus status = begin_call(transcriber, error);
    if (status == SCOUT_OK && transcriber->received >= 0 && !transcriber->ended)
        status = end_part(transcriber, error);
    if (status == SCOUT_OK)
        status = tell_outside(transcriber, transcriber->received, error);
    if (status == SCOUT_OK)
        status = report_flush(&transcriber->report, error);
    if (status == SCOUT_OK)
        status = report_progress(&transcriber->report, transcriber->received, error);
    if (status != SCOUT_OK && status != SCOUT_ERROR_STATE)
        transcriber->failed = status;
    else
        transcriber->finished = true;
    return status;
}
