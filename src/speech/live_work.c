// Live text, working: partial texts of the utterance that is being spoken, and final ones, the
// first of which are begun as soon as the speaker pauses. See speech/live.h.
#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "live_internal.h"
#include "speech/live.h"
#include "text.h"
#include "words.h"

enum {
    GUARD_WORDS = 2, // at the end of a text: never settled
    WINDOW_MIN_SAMPLES = 320,
    TOKENS_LEAST = 6,
    TOKEN_SAMPLES = SCOUT_SAMPLE_RATE / 10, // of sound for each token, at least
    REPEAT_BYTES = 12
};

static int64_t samples_of(double seconds)
{
    return llround(seconds * SCOUT_SAMPLE_RATE);
}

// The first partial text takes so much speech, and a language so much.
static const double FIRST_S = 0.3, LANGUAGE_FIRST_S = 1.5, LANGUAGE_NEXT_S = 4;
// A pause after which the final text is begun, in case it is the last.
static const double PAUSE_S = 0.16;
// A language is taken after so much speech, however unsure.
static const double LANGUAGE_ENOUGH_S = 30;
// Sound that waits: no partial texts above the first, all of them again below the second.
static const double BEHIND_S = 1, CAUGHT_UP_S = 0.2;
// What is shown before it is final has to be this probable.
static const float PARTIAL_LOGPROB = -1;
// What is settled has stood in every text for so long.
static const double STAYS_S = 1.6;
// Only text this probable is settled.
static const float SETTLE_LOGPROB = -0.8F;
// An utterance that is to be divided has to have a part that is not settled.
static const double SETTLE_UNTIL = 0.55;

// -------------------------------------------------------------------------------------------- jobs

static Lanes *lanes_of_job(const Live *live)
{
    return live->job.kind == JOB_PARTIAL ? live->partial_lanes : live->final_lanes;
}

static void drop_job(Live *live)
{
    if (live->job.kind == JOB_NONE)
        return;
    if (lanes_count(lanes_of_job(live)) > 0)
        lanes_pop(lanes_of_job(live));
    live->job = (Job){0};
}

// More than anybody says in that time: what goes on longer has lost its way.
static size_t most_tokens(const Plan *plan)
{
    return (size_t)(TOKENS_LEAST + (plan->end - plan->start) / TOKEN_SAMPLES);
}

static ScoutStatus begin_job(Live *live, JobKind kind, const Utterance *utterance, Plan plan,
                             bool forced, ScoutError *error)
{
    live->job =
        (Job){.kind = kind, .plan = plan, .voice_end = utterance->voice_end, .forced = forced};
    const bool begun = forced || kind == JOB_PARTIAL;
    const WindowTask task = {.previous = live->hints.prompt,
                             .previous_count = live->hints.prompt_count,
                             .prefix = utterance->tokens,
                             .prefix_count = begun ? utterance->settled_count : 0,
                             .language = live->language,
                             .place = (uint64_t)plan.start,
                             // Times that follow a text without any are wrong.
                             .plain = begun && utterance->settled_count > 0,
                             .tokens_max = kind == JOB_PARTIAL ? most_tokens(&plan) : 0};
    if (kind == JOB_PARTIAL)
        live->partial_begun = live->received;
    else
        live->final_begun = live->received;
    return lanes_add_window(lanes_of_job(live), &live->job.plan, &task, error);
}

static Plan plan_of(const Utterance *utterance, int64_t end)
{
    return (Plan){PLAN_DECODE, utterance->start, end, utterance->ended && utterance->cut};
}

// After a text of that cost, how much sound passes until the next.
static int64_t rest_after(const Live *live, double cost_s)
{
    const double share_s = cost_s / live->options.partial_share;
    return samples_of(BASE_MAX(share_s, live->options.partial_interval_s));
}

static bool wants_partial(const Live *live, const Utterance *utterance)
{
    if (!live->options.partials || live->pace == SCOUT_LIVE_FINALS_ONLY || !live->language_guessed)
        return false;
    if (live->received - utterance->onset < samples_of(FIRST_S) ||
        utterance->voice_end <= utterance->heard)
        return false;
    return utterance->heard == 0 ||
           live->received - live->partial_begun >= rest_after(live, live->partial_cost_s);
}

// The speaker pauses, and may have stopped.
static bool wants_final(const Live *live, const Utterance *utterance)
{
    const int64_t silence = live->received - utterance->voice_end;
    if (!live->language_guessed || silence < samples_of(PAUSE_S))
        return false;
    return silence >= live_end_silence(live) / 2 ||
           live->received - live->final_begun >= rest_after(live, live->final_cost_s);
}

// Whether the job at hand is still worth its work.
static bool job_is_current(const Live *live, const Utterance *utterance)
{
    const Job *job = &live->job;
    if (job->kind == JOB_FINAL)
        return job->voice_end == utterance->voice_end;
    return !utterance->ended && !wants_final(live, utterance);
}

// ---------------------------------------------------------------------------------------- language

// Asks the model what language the utterance is in; that takes a window of 30 s.
static ScoutStatus ask_language(Live *live, const Utterance *utterance, int64_t end,
                                ScoutError *error)
{
    const Plan plan = {PLAN_DECODE, utterance->start, end, false};
    const int64_t from = BASE_MAX(live->language_heard, utterance->start);
    Window *window;
    ScoutStatus status = lanes_hear(live->final_lanes, &plan, &window, error);
    if (status == SCOUT_OK)
        status = votes_add(&live->votes, window, track_speech(&live->track, from, end), error);
    turn_leave(&live->turn);
    lanes_drop_heard(live->final_lanes);
    live->language_heard = end;
    if (status != SCOUT_OK)
        return status;
    const bool sure = votes_choose(&live->votes, &live->language, &live->language_probability);
    live->language_guessed = true;
    polish_set_language(live->polish, language_code(live->language));
    live->language_known = sure || live->votes.speech >= samples_of(LANGUAGE_ENOUGH_S);
    return SCOUT_OK;
}

static bool wants_language(const Live *live, const Utterance *utterance)
{
    if (live->language_known)
        return false;
    const int64_t end = utterance->ended ? utterance->end : live->received;
    if (live->language_heard <= utterance->start)
        return utterance->ended || end - utterance->onset >= samples_of(LANGUAGE_FIRST_S);
    return end - live->language_heard >= samples_of(LANGUAGE_NEXT_S);
}

// ------------------------------------------------------------------------------------ partial text

// The same evidence that a final text needs (docs/decisions/0008-evidence-of-speech.md).
static bool may_be_shown(Live *live, const Utterance *utterance, const WindowResult *result)
{
    float max, mean;
    track_probability(&live->track, utterance->onset, live->job.plan.end, &max, &mean);
    if (result->verdict != WINDOW_TEXT || !result->ended || result->avg_logprob < PARTIAL_LOGPROB ||
        (mean < live_doubt.speech && result->avg_logprob < live_doubt.logprob))
        return false;
    buffer_clear(&live->raw);
    if (!text_append_tokens(&live->raw, whisper_bpe(live->whisper), result->tokens, result->count,
                            &live->scratch))
        return false;
    return !text_repeats(buffer_text(&live->raw), live->raw.length, REPEAT_BYTES, &live->scratch);
}

static bool may_settle(const Live *live, const Utterance *utterance, const WindowResult *result)
{
    float max, mean;
    track_probability(&live->track, utterance->onset, live->job.plan.end, &max, &mean);
    const double length = (double)(live->job.plan.end - utterance->start);
    return live->language_known && mean >= live_doubt.speech &&
           result->avg_logprob >= SETTLE_LOGPROB &&
           length < SETTLE_UNTIL * live->options.utterance_max_s * SCOUT_SAMPLE_RATE;
}

// The text tokens of a result, without times.
static size_t text_tokens(const Live *live, const WindowResult *result, int32_t *tokens)
{
    const int32_t end = bpe_special(whisper_bpe(live->whisper))->end;
    size_t count = 0;
    for (size_t i = 0; i < result->count && count < UTTERANCE_TOKENS_MAX; i++)
        if (result->tokens[i] < end)
            tokens[count++] = result->tokens[i];
    return count;
}

// What was heard in the window that is done becomes the text of the open utterance.
static ScoutStatus take_partial(Live *live, Utterance *utterance, ScoutError *error)
{
    WindowResult result;
    ScoutStatus status = window_result(lanes_front(lanes_of_job(live))->window, &result, error);
    if (status != SCOUT_OK)
        return status;
    int32_t tokens[UTTERANCE_TOKENS_MAX];
    const size_t count = text_tokens(live, &result, tokens);
    const bool goes_on =
        count >= utterance->settled_count &&
        memcmp(tokens, utterance->tokens, utterance->settled_count * sizeof *tokens) == 0;
    const bool shown = goes_on && may_be_shown(live, utterance, &result);
    const UtteranceHearing hearing = {
        .tokens = tokens,
        .count = count,
        .heard = live->job.plan.end,
        .may_settle = may_settle(live, utterance, &result),
        .spaces = words_language_has_spaces(language_code(live->language)),
        .guard = GUARD_WORDS,
        .stays = samples_of(STAYS_S),
    };
    if (shown)
        utterance_hear(utterance, whisper_bpe(live->whisper), &hearing);
    else
        utterance->heard = live->job.plan.end;
    drop_job(live);
    return shown ? live_tell_partial(live, utterance, error) : SCOUT_OK;
}

// -------------------------------------------------------------------------------------- final text

// The text of the window that is done, which has to begin with what is settled: if it does not, it
// is made to. If it may end a sentence, the speaker has probably stopped.
static ScoutStatus note_done(Live *live, const Utterance *utterance, ScoutError *error)
{
    WindowResult result;
    ScoutStatus status = window_result(lanes_front(live->final_lanes)->window, &result, error);
    if (status != SCOUT_OK)
        return status;
    int32_t tokens[UTTERANCE_TOKENS_MAX];
    const size_t count = text_tokens(live, &result, tokens);
    live->final_cost_s = live->job.cost_s;
    if (!live->job.forced && !live_begins_with_settled(live, utterance, tokens, count)) {
        const Plan plan = live->job.plan;
        drop_job(live);
        return begin_job(live, JOB_FINAL, utterance, plan, true, error);
    }
    if (!live_tokens_text(live, tokens, count, &live->raw))
        return error_no_memory(error);
    live->job.done = true;
    live->job.sentence = result.verdict == WINDOW_TEXT && result.ended && result.reliable &&
                         utterance_is_sentence(buffer_text(&live->raw), live->raw.length);
    return SCOUT_OK;
}

static void remove_front(Live *live)
{
    live->first = (live->first + 1) % LIVE_UTTERANCES_MAX;
    live->count--;
}

// What the utterance's end left over belongs to the one that goes on after it.
static void hand_over(Live *live, const Utterance *utterance, int64_t from)
{
    if (!utterance->cut || live->count < 2)
        return;
    Utterance *next = live_at(live, 1);
    next->start = next->onset = from;
}

// The utterance has ended, and its text, or that of its next part, is known.
static ScoutStatus take_final(Live *live, Utterance *utterance, ScoutError *error)
{
    int64_t rest;
    const bool cut = utterance->cut;
    ScoutStatus status = live_take_final(live, &rest, error);
    const Plan plan = live->job.plan;
    drop_job(live);
    if (status != SCOUT_OK)
        return status;
    if (!cut && plan.end - rest >= WINDOW_MIN_SAMPLES && rest > plan.start)
        return begin_job(live, JOB_FINAL, utterance, (Plan){PLAN_DECODE, rest, plan.end, false},
                         false, error);
    hand_over(live, utterance, rest);
    utterance->end = cut ? rest : utterance->end;
    status = live_tell_final(live, utterance, error);
    remove_front(live);
    track_forget(&live->track, BASE_MIN(live->report.told,
                                        live->count > 0 ? live_at(live, 0)->start : INT64_MAX));
    return status;
}

// A final text that waits is taken when the utterance ends; if the speaker goes on, it is as good
// as any partial one.
static ScoutStatus use_done(Live *live, Utterance *utterance, bool *idle, ScoutError *error)
{
    const int64_t silence = live->received - utterance->voice_end;
    if (!utterance->ended && live->job.sentence && !vad_is_speaking(live->vad) &&
        silence >= live_end_silence(live) / 2) {
        ScoutStatus status = live_end_utterance(live, live->received, error);
        if (status != SCOUT_OK)
            return status;
    }
    if (utterance->ended)
        return take_final(live, utterance, error);
    *idle = true;
    return SCOUT_OK;
}

// -------------------------------------------------------------------------------------------- pace

static ScoutStatus keep_pace(Live *live, double waiting_s, ScoutError *error)
{
    const double interval_s = live->partial_cost_s / live->options.partial_share;
    const double slow_s = 3 * live->options.partial_interval_s;
    ScoutLivePace pace = live->pace;
    if (waiting_s > BEHIND_S)
        pace = SCOUT_LIVE_FINALS_ONLY;
    else if (pace != SCOUT_LIVE_FINALS_ONLY || waiting_s < CAUGHT_UP_S)
        pace = interval_s > (pace == SCOUT_LIVE_SLOWER ? slow_s / 2 : slow_s) ? SCOUT_LIVE_SLOWER
                                                                              : SCOUT_LIVE_FULL;
    if (pace == live->pace || !live->options.partials)
        return SCOUT_OK;
    live->pace = pace;
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_DEGRADED,
                                  .u.degraded = {.pace = pace, .backlog_s = waiting_s}};
    return live_send(live, &event, error);
}

// -------------------------------------------------------------------------------------------- work

// One unit of the job's work; what it costs is known when it is done.
static ScoutStatus step_job(Live *live, ScoutError *error)
{
    const int64_t start_ns = clock_monotonic_ns();
    ScoutStatus status = lanes_step(lanes_of_job(live), error);
    turn_leave(&live->turn);
    live->job.cost_s += clock_seconds_since(start_ns) * live->threads;
    return status;
}

static ScoutStatus choose_job(Live *live, Utterance *utterance, bool *idle, ScoutError *error)
{
    const int64_t end = utterance->ended ? utterance->end : live->received;
    if (utterance->ended && end - utterance->start < WINDOW_MIN_SAMPLES) {
        ScoutStatus status = live_tell_final(live, utterance, error);
        remove_front(live);
        return status;
    }
    if (wants_language(live, utterance))
        return ask_language(live, utterance, end, error);
    if (live->language_known && !live->language_told) {
        live->language_told = true;
        return live_tell_language(live, error);
    }
    if (utterance->ended || wants_final(live, utterance))
        return begin_job(live, JOB_FINAL, utterance, plan_of(utterance, end), false, error);
    if (wants_partial(live, utterance))
        return begin_job(live, JOB_PARTIAL, utterance, plan_of(utterance, end), false, error);
    *idle = true;
    return SCOUT_OK;
}

static ScoutStatus work_on(Live *live, Utterance *utterance, bool *idle, ScoutError *error)
{
    Job *job = &live->job;
    if (job->kind == JOB_NONE)
        return choose_job(live, utterance, idle, error);
    if (!job_is_current(live, utterance)) {
        // A text that is known already is worth showing.
        if (job->done && !utterance->ended)
            return take_partial(live, utterance, error);
        drop_job(live);
        return SCOUT_OK;
    }
    if (job->done)
        return use_done(live, utterance, idle, error);
    if (!window_is_done(lanes_front(lanes_of_job(live))->window))
        return step_job(live, error);
    if (job->kind == JOB_FINAL)
        return note_done(live, utterance, error);
    live->partial_cost_s = job->cost_s;
    return take_partial(live, utterance, error);
}

// No utterance waits: the silence is told of as it becomes certain.
static ScoutStatus tell_silence(Live *live, ScoutError *error)
{
    int64_t end = live->ending ? live->received : BASE_MIN(live->track.decided, live->received);
    if (!live->ending && end - live->report.told < SCOUT_SAMPLE_RATE)
        return SCOUT_OK;
    ScoutStatus status = live_tell_silence(live, end, error);
    const int64_t kept = samples_of(live->options.pre_roll_s);
    track_forget(&live->track, BASE_MIN(live->report.told, live->track.decided) - kept);
    return status;
}

ScoutStatus live_work(Live *live, double waiting_s, bool *idle, ScoutError *error)
{
    *idle = false;
    ScoutStatus status = turn_check(&live->turn, error);
    if (status == SCOUT_OK)
        status = keep_pace(live, waiting_s, error);
    if (status != SCOUT_OK)
        return status;
    if (live->count > 0) {
        status = work_on(live, live_at(live, 0), idle, error);
    } else {
        *idle = true;
        status = tell_silence(live, error);
    }
    return status == SCOUT_OK ? live_tell_progress(live, error) : status;
}
