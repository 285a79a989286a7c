// Live text, listening: frames go through voice activity, and utterances begin and end with it. See
// speech/live.h.
#include "speech/live.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "live_internal.h"

enum {
    PIECE_MS = 32, // what is decided is wanted at once
    HOLD_MS = 224, // a shorter silence belongs to the speech around it
    PAD_AFTER_MS = 400,
    TEXT_MAX = 1 << 20,
    KEPT_MAX = 16 << 20
};

// An utterance is never longer, however it goes on: a window holds 30 s.
static const int64_t UTTERANCE_LIMIT = (int64_t)28 * SCOUT_SAMPLE_RATE;
// Long before it is full an utterance is divided where the speaker pauses, but not before so much.
static const double DIVIDE_FROM = 0.6;
static const int64_t DIVIDE_AFTER = (int64_t)5 * SCOUT_SAMPLE_RATE;
static const int64_t DIVIDE_BEFORE = (int64_t)SCOUT_SAMPLE_RATE / 4;
// Utterances have less silence around them than windows of files, so a mean over them is higher.
// A cry at its beginning is no speech if what follows is none.
const PassageDoubt live_doubt = {.speech = 0.42f, .logprob = -0.55f, .whole = true};
// Sound that may be held beside an utterance: what came while its text was found.
static const int64_t SLACK = (int64_t)6 * SCOUT_SAMPLE_RATE;

void live_options_init(ScoutLiveOptions *options)
{
    *options = (ScoutLiveOptions){
        .size = sizeof(*options),
        .partials = 1,
        .partial_interval_s = 0.3,
        .partial_share = 0.35,
        .end_silence_s = 0.48,
        .utterance_max_s = 24,
        .pre_roll_s = 0.5,
        .backlog_max_s = 86400,
    };
}

ScoutStatus live_options_check(const ScoutLiveOptions *options, ScoutError *error)
{
    const struct {
        const char *name;
        double value, low, high;
    } numbers[] = {
        {"partial_interval_s", options->partial_interval_s, 0.1, 10},
        {"partial_share", options->partial_share, 0.05, 1},
        {"end_silence_s", options->end_silence_s, 0.2, 5},
        {"utterance_max_s", options->utterance_max_s, 5, 28},
        {"pre_roll_s", options->pre_roll_s, 0, 2},
        {"backlog_max_s", options->backlog_max_s, 1, 1e6},
        {"start_s", options->start_s, 0, 1e9},
    };
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        if (!(numbers[i].value >= numbers[i].low && numbers[i].value <= numbers[i].high))
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is %g; it must be %g to %g",
                             numbers[i].name, numbers[i].value, numbers[i].low, numbers[i].high);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------ set-up

void live_free(Live *live)
{
    if (!live)
        return;
    turn_leave(&live->turn);
    polish_free(live->polish);
    polish_rules_free(live->plain_rules);
    passage_free(live->passage);
    lanes_free(live->partial_lanes);
    lanes_free(live->final_lanes);
    vad_free(live->vad);
    votes_done(&live->votes);
    track_done(&live->track);
    hints_done(&live->hints);
    arena_done(&live->kept);
    buffer_done(&live->segments);
    buffer_done(&live->skipped);
    buffer_done(&live->text);
    buffer_done(&live->raw);
    buffer_done(&live->scratch);
    buffer_done(&live->told_text);
    mem_free(live);
}

static ScoutStatus hear_span(void *context, const VadSpan *span)
{
    Live *live = context;
    VadSpan placed = *span;
    placed.start_samples += live->vad_origin;
    placed.end_samples += live->vad_origin;
    return track_add_span(&live->track, &placed, NULL);
}

static ScoutStatus make_listening(Live *live, const Silero *silero, ScoutError *error)
{
    VadOptions vad;
    vad_options_init(&vad);
    vad.hold_ms = HOLD_MS;
    vad.pad_before_ms = (int)(live->options.pre_roll_s * 1000);
    vad.pad_after_ms = PAD_AFTER_MS;
    vad.max_span_ms = PIECE_MS;
    if (live->finals.vad_threshold > 0)
        vad_options_set_onset(&vad, live->finals.vad_threshold);
    ScoutStatus status = vad_new(silero, &vad, hear_span, live, &live->vad, error);
    if (status != SCOUT_OK)
        return status;
    const size_t room = (size_t)(UTTERANCE_LIMIT + SLACK) + vad_delay_samples(live->vad) +
                        (size_t)(live->options.pre_roll_s * SCOUT_SAMPLE_RATE);
    return track_init(&live->track, room, true, error);
}

// A guess that is looked at for a moment: one search, no second thoughts.
static void set_options(Live *live, const LiveSetup *setup)
{
    live->options = *setup->options;
    live->options.transcribe = NULL;
    live->finals = *setup->transcribe;
    live->finals.condition_on_previous = 0;
    live->finals.batch_size = 1;
    live->finals.draft = NULL;
    live->finals.start_s = live->finals.end_s = 0;
    live->partials = live->finals;
    live->partials.beam_size = 1;
    live->partials.temperatures[0] = 0;
    live->partials.temperature_count = 1;
    live->partials.words = live->partials.alternatives = 0;
    live->partials.full_window = 0;
}

static void forget_texts(ScoutTranscribeOptions *options)
{
    options->model = options->language = options->prompt = options->prefix = NULL;
    options->hotwords = NULL;
    options->previous_tokens = NULL;
    options->draft = NULL;
}

static ScoutStatus make_work(Live *live, const LiveSetup *setup, ScoutError *error)
{
    LanesSetup lanes = {.busy = 1,
                        .queue = 1,
                        .window = {.batch = setup->batch,
                                   .options = &live->finals,
                                   .hotwords = live->hints.hotwords,
                                   .track = &live->track,
                                   .turn = &live->turn,
                                   .timings = &live->timings}};
    ScoutStatus status = lanes_new(&lanes, &live->final_lanes, error);
    if (status != SCOUT_OK)
        return status;
    lanes.window.options = &live->partials;
    lanes.window.sized_only = true;
    status = lanes_new(&lanes, &live->partial_lanes, error);
    if (status != SCOUT_OK)
        return status;
    const PassageSetup passage = {.whisper = live->whisper,
                                  .options = &live->finals,
                                  .track = &live->track,
                                  .report = &live->report,
                                  .turn = &live->turn,
                                  .doubt = live_doubt};
    status = passage_new(&passage, &live->passage, error);
    return status == SCOUT_OK ? votes_init(&live->votes, error) : status;
}

static ScoutStatus make_polish(Live *live, ScoutError *error)
{
    const PolishRules *rules = live->options.rules;
    ScoutStatus status = SCOUT_OK;
    if (!rules) {
        const ScoutTextOptions plain = {.size = sizeof plain};
        status = polish_rules_new(&plain, &live->plain_rules, error);
        rules = live->plain_rules;
    }
    if (status == SCOUT_OK)
        status = polish_new(rules, &live->polish, error);
    if (status == SCOUT_OK && live->language_known)
        polish_set_language(live->polish, language_code(live->language));
    return status;
}

ScoutStatus live_new(const LiveSetup *setup, Live **live, ScoutError *error)
{
    Live *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->whisper = batch_whisper(setup->batch);
    made->callback = setup->callback;
    made->context = setup->context;
    made->cancel = setup->cancel;
    made->threads = (double)setup->threads;
    const bool background = setup->transcribe->priority == SCOUT_PRIORITY_BACKGROUND;
    made->turn = (Turn){.schedule = setup->schedule,
                        .client = schedule_client(background ? SCHEDULE_BACKGROUND : SCHEDULE_LIVE),
                        .cancel = setup->cancel};
    set_options(made, setup);
    arena_init(&made->kept, KEPT_MAX);
    Buffer *const buffers[] = {&made->segments, &made->skipped, &made->text,
                               &made->raw,      &made->scratch, &made->told_text};
    for (size_t i = 0; i < BASE_COUNT(buffers); i++)
        buffer_init(buffers[i], TEXT_MAX);
    report_init(&made->report, live_hear_report, made, setup->options->start_s, 0);
    ScoutStatus status = hints_check_model(made->whisper, error);
    if (status == SCOUT_OK)
        status = hints_init(&made->hints, made->whisper, &made->finals, error);
    made->language = made->hints.language;
    made->language_known = made->language_guessed = made->hints.language_known;
    made->language_probability = 1;
    forget_texts(&made->finals);
    forget_texts(&made->partials);
    if (status == SCOUT_OK)
        status = make_listening(made, setup->silero, error);
    if (status == SCOUT_OK)
        status = make_work(made, setup, error);
    if (status == SCOUT_OK)
        status = make_polish(made, error);
    if (status != SCOUT_OK) {
        live_free(made);
        return status;
    }
    *live = made;
    return SCOUT_OK;
}

const ScoutTimings *live_timings(const Live *live)
{
    return &live->timings;
}

// -------------------------------------------------------------------------------------- utterances

double live_seconds(const Live *live, int64_t position)
{
    return live->options.start_s + (double)position / SCOUT_SAMPLE_RATE;
}

int64_t live_silence(const Live *live)
{
    return vad_silence_samples(live->vad);
}

int64_t live_end_silence(const Live *live)
{
    const double frames = live->options.end_silence_s * SCOUT_SAMPLE_RATE / VAD_FRAME_SAMPLES;
    return llround(frames) * VAD_FRAME_SAMPLES;
}

static Utterance *add_utterance(Live *live, int64_t start, int64_t onset)
{
    Utterance *utterance = live_at(live, live->count++);
    *utterance = (Utterance){
        .id = live->utterances++, .start = start, .onset = onset, .voice_end = live->received};
    live->open = true;
    return utterance;
}

static ScoutStatus begin_utterance(Live *live, ScoutError *error)
{
    const int64_t onset = live->vad_origin + vad_onset_samples(live->vad);
    const int64_t pre_roll = llround(live->options.pre_roll_s * SCOUT_SAMPLE_RATE);
    const int64_t start = BASE_MAX(BASE_MAX(onset - pre_roll, live->last_voice), live->track.base);
    const Utterance *utterance = add_utterance(live, start, BASE_MAX(onset, start));
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_SPEECH_STARTED,
                                  .u.speech = {.utterance = utterance->id,
                                               .at_s = live_seconds(live, utterance->onset),
                                               .known_s = live_seconds(live, live->received)}};
    return live_send(live, &event, error);
}

static void close_utterance(Live *live, int64_t end)
{
    Utterance *utterance = live_at(live, live->count - 1);
    utterance->end = end;
    utterance->ended = true;
    live->open = false;
    live->last_voice = BASE_MIN(utterance->voice_end, end);
}

ScoutStatus live_end_utterance(Live *live, int64_t end, ScoutError *error)
{
    close_utterance(live, end);
    const Utterance *utterance = live_at(live, live->count - 1);
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_SPEECH_ENDED,
                                  .u.speech = {.utterance = utterance->id,
                                               .at_s = live_seconds(live, utterance->voice_end),
                                               .known_s = live_seconds(live, live->received)}};
    return live_send(live, &event, error);
}

// The speaker goes on; what was said before `at` becomes an utterance of its own.
static void divide_utterance(Live *live, int64_t at, bool cut)
{
    Utterance *before = live_at(live, live->count - 1);
    before->voice_end = at;
    before->continues = true;
    before->cut = cut;
    close_utterance(live, at);
    add_utterance(live, at, at);
}

// A long utterance is divided where the speaker pauses, after what is settled.
static void limit_utterance(Live *live)
{
    const Utterance *utterance = live_at(live, live->count - 1);
    const int64_t length = live->received - utterance->start;
    const double most = live->options.utterance_max_s * SCOUT_SAMPLE_RATE;
    int64_t middle;
    if (live->count == LIVE_UTTERANCES_MAX || (double)length < DIVIDE_FROM * most)
        return;
    const int64_t low = BASE_MAX(utterance->settled_until, utterance->start + DIVIDE_AFTER);
    if (plan_find_pause(&live->track, low, live->received - DIVIDE_BEFORE, &middle))
        divide_utterance(live, middle, false);
    else if ((double)length >= most)
        divide_utterance(live, live->received, true);
}

// A frame more was heard.
static ScoutStatus follow_voice(Live *live, ScoutError *error)
{
    const bool speaking = vad_is_speaking(live->vad);
    const int64_t silence = live_silence(live);
    ScoutStatus status = SCOUT_OK;
    if (!live->open && speaking)
        status = begin_utterance(live, error);
    if (!live->open || status != SCOUT_OK)
        return status;
    Utterance *utterance = live_at(live, live->count - 1);
    utterance->voice_end = BASE_MAX(live->received - silence, utterance->start);
    if (!speaking && silence >= live_end_silence(live))
        return live_end_utterance(live, live->received, error);
    limit_utterance(live);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------- sound

size_t live_room(const Live *live)
{
    const size_t held = (size_t)(live->track.end - live->track.base);
    const size_t room = live->track.capacity - held;
    if (live->count + 2 > LIVE_UTTERANCES_MAX || room < (size_t)2 * VAD_FRAME_SAMPLES)
        return 0;
    return room - VAD_FRAME_SAMPLES;
}

static ScoutStatus check_vad(ScoutStatus status, ScoutError *error)
{
    return status == SCOUT_OK ? status
                              : error_set(error, status, "voice activity holds too much sound");
}

static ScoutStatus take_frame(Live *live, ScoutError *error)
{
    const size_t count = live->frame_fill;
    live->frame_fill = 0;
    ScoutStatus status = track_append(&live->track, live->frame, count, error);
    if (status == SCOUT_OK)
        status = check_vad(vad_push(live->vad, live->frame, count), error);
    live->received += (int64_t)count;
    return status;
}

ScoutStatus live_push(Live *live, const float *samples, size_t count, ScoutError *error)
{
    ScoutStatus status = turn_check(&live->turn, error);
    for (size_t i = 0; i < count && status == SCOUT_OK; i++) {
        // A sample that is no number must not stay in any state.
        live->frame[live->frame_fill++] = isfinite(samples[i]) ? samples[i] : 0.0f;
        if (live->frame_fill < VAD_FRAME_SAMPLES)
            continue;
        status = take_frame(live, error);
        if (status == SCOUT_OK)
            status = follow_voice(live, error);
    }
    return status;
}

// The voice activity's stream ends here, and another may begin.
static ScoutStatus end_stream(Live *live, ScoutError *error)
{
    ScoutStatus status = check_vad(vad_flush(live->vad), error);
    live->vad_origin = live->received;
    if (status == SCOUT_OK && live->open)
        status = live_end_utterance(live, live->received, error);
    return status;
}

ScoutStatus live_flush(Live *live, ScoutError *error)
{
    ScoutStatus status = turn_check(&live->turn, error);
    return status == SCOUT_OK && live->open ? end_stream(live, error) : status;
}

ScoutStatus live_end(Live *live, ScoutError *error)
{
    ScoutStatus status = turn_check(&live->turn, error);
    if (status == SCOUT_OK && live->frame_fill > 0)
        status = take_frame(live, error);
    if (status == SCOUT_OK)
        status = end_stream(live, error);
    live->ending = true;
    return status;
}
