// Live text, telling: from tokens and from what the passage says to events. See speech/live.h.
#include <string.h>

#include "base/attributes.h"
#include "live_internal.h"
#include "models/tokenizer.h"
#include "speech/keep.h"
#include "speech/live.h"
#include "text.h"

ScoutStatus live_send(Live *live, const ScoutLiveEvent *event, ScoutError *error)
{
    if (live->callback(live->context, event))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the receiver of events asked to stop");
    return SCOUT_OK;
}

ScoutStatus live_tell_language(Live *live, ScoutError *error)
{
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_LANGUAGE,
                                  .u.language = {.code = language_code(live->language),
                                                 .name = language_name(live->language),
                                                 .probability = live->language_probability}};
    return live_send(live, &event, error);
}

ScoutStatus live_tell_progress(Live *live, ScoutError *error)
{
    const int64_t settled = live->report.silent ? live->report.silence_start : live->report.told;
    const bool moved = settled != live->progress_settled;
    if (!moved && live->received - live->progress_received < SCOUT_SAMPLE_RATE)
        return SCOUT_OK;
    live->progress_settled = settled;
    live->progress_received = live->received;
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_PROGRESS,
                                  .u.progress = {.received_s = live_seconds(live, live->received),
                                                 .settled_s = live_seconds(live, settled)}};
    return live_send(live, &event, error);
}

// -------------------------------------------------------------------------------------------- text

bool live_tokens_text(Live *live, const int32_t *tokens, size_t count, Buffer *text)
{
    static const char CUT[] = "\xEF\xBF\xBD"; // a character that goes on in the next token
    const size_t size = sizeof CUT - 1;
    buffer_clear(text);
    if (!text_append_tokens(text, whisper_bpe(live->whisper), tokens, count, &live->scratch))
        return false;
    if (text->length >= size && memcmp(text->data + text->length - size, CUT, size) == 0)
        text->length -= size;
    return true;
}

// Those that were not events yet become some; all are put into `commands`.
static ScoutStatus tell_commands(Live *live, const Utterance *utterance, const PolishText *polished,
                                 ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    if (live->told_utterance != utterance->id + 1)
        live->told_commands = 0;
    for (size_t i = 0; i < polished->event_count && status == SCOUT_OK; i++) {
        const PolishEvent *said = &polished->events[i];
        live->commands[i] = (ScoutLiveCommand){
            .type = said->type == POLISH_STOP ? SCOUT_LIVE_STOP : SCOUT_LIVE_SCRATCH,
            .utterance = utterance->id,
            .at_bytes = said->at_bytes,
            .bytes = said->bytes,
            .characters = said->characters};
        if (i < live->told_commands)
            continue;
        const ScoutLiveEvent event = {.type = SCOUT_LIVE_COMMAND, .u.command = live->commands[i]};
        live->told_commands = i + 1;
        live->told_utterance = utterance->id + 1;
        status = live_send(live, &event, error);
    }
    return status;
}

// Whether the text is the one that was told last, of the same utterance.
static bool is_told(Live *live, const Utterance *utterance, const PolishText *polished)
{
    const Buffer *told = &live->told_text;
    return live->told_utterance == utterance->id + 1 && told->length == polished->length &&
           live->told_settled == polished->settled_bytes &&
           memcmp(buffer_text(told), polished->text, polished->length) == 0;
}

ScoutStatus live_tell_partial(Live *live, const Utterance *utterance, ScoutError *error)
{
    Buffer *settled = &live->raw, *all = &live->text;
    if (!live_tokens_text(live, utterance->tokens, utterance->settled_count, settled) ||
        !live_tokens_text(live, utterance->tokens, utterance->count, all) ||
        all->length < settled->length)
        return error_no_memory(error);
    PolishText polished;
    ScoutStatus status = polish_partial(live->polish, buffer_text(all), settled->length,
                                        buffer_text(all) + settled->length,
                                        all->length - settled->length, &polished, error);
    if (status != SCOUT_OK || is_told(live, utterance, &polished))
        return status;
    status = tell_commands(live, utterance, &polished, error);
    live->told_utterance = utterance->id + 1;
    live->told_settled = polished.settled_bytes;
    buffer_clear(&live->told_text);
    buffer_append(&live->told_text, polished.text, polished.length);
    if (live->told_text.failed)
        return error_no_memory(error);
    if (polished.length == 0 || status != SCOUT_OK)
        return status;
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_PARTIAL,
                                  .u.text = {.utterance = utterance->id,
                                             .start_s = live_seconds(live, utterance->onset),
                                             .end_s = live_seconds(live, utterance->heard),
                                             .text = polished.text,
                                             .settled_bytes = polished.settled_bytes,
                                             .commands = live->commands,
                                             .command_count = polished.event_count}};
    return live_send(live, &event, error);
}

// ----------------------------------------------------------------------------------------- finals

static ScoutStatus send_skipped(Live *live, const ScoutSkipped *skipped, ScoutError *error)
{
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_SKIPPED, .u.skipped = *skipped};
    return live_send(live, &event, error);
}

// While an utterance's text is taken, what the report says is kept until all of it is known.
int live_hear_report(void *context, const ScoutEvent *event)
{
    Live *live = context;
    bool kept = true;
    if (event->type == SCOUT_EVENT_SEGMENT) {
        ScoutSegment segment = event->u.segment;
        kept = keep_segment(&live->kept, &segment) &&
               buffer_append(&live->segments, &segment, sizeof segment);
    } else if (event->type == SCOUT_EVENT_SKIPPED && live->keeping) {
        ScoutSkipped skipped = event->u.skipped;
        kept = keep_skipped(&live->kept, &skipped) &&
               buffer_append(&live->skipped, &skipped, sizeof skipped);
    } else if (event->type == SCOUT_EVENT_SKIPPED) {
        return send_skipped(live, &event->u.skipped, NULL) != SCOUT_OK;
    }
    live->keep_failed |= !kept;
    return !kept;
}

// Whether live->text is a text of the utterance that begins with what is settled.
static bool text_is_settled(Live *live, const Utterance *utterance)
{
    const Buffer *settled = &live->raw, *text = &live->text;
    return live_tokens_text(live, utterance->tokens, utterance->settled_count, &live->raw) &&
           text->length >= settled->length &&
           memcmp(buffer_text(text), buffer_text(settled), settled->length) == 0;
}

bool live_begins_with_settled(Live *live, const Utterance *utterance, const int32_t *tokens,
                              size_t count)
{
    return utterance->settled_count == 0 ||
           (live_tokens_text(live, tokens, count, &live->text) && text_is_settled(live, utterance));
}

ScoutStatus live_take_final(Live *live, int64_t *rest, ScoutError *error)
{
    const Lane front = *lanes_front(live->final_lanes);
    WindowResult result;
    ScoutStatus status = window_result(front.window, &result, error);
    if (status != SCOUT_OK)
        return status;
    PassageOutcome outcome;
    live->keeping = true;
    status = passage_tell(live->passage, front.window, &live->job.plan, live->language, &result,
                          &outcome, error);
    live->keeping = false;
    turn_leave(&live->turn);
    if (status == SCOUT_OK)
        *rest = outcome.resume;
    return live->keep_failed ? error_no_memory(error) : status;
}

// The settled text of the utterance, where judgement came out against it afterwards: what was
// promised is kept.
static ScoutStatus keep_promise(Live *live, const Utterance *utterance, ScoutError *error)
{
    arena_reset(&live->kept);
    buffer_clear(&live->segments);
    if (!live_tokens_text(live, utterance->tokens, utterance->settled_count, &live->text))
        return error_no_memory(error);
    float max;
    ScoutSegment segment = {.id = live->report.segments,
                            .start_s = live_seconds(live, utterance->onset),
                            .end_s = live_seconds(live, utterance->end),
                            .text = buffer_text(&live->text),
                            .language = language_code(live->language),
                            .tokens = utterance->tokens,
                            .token_count = utterance->settled_count};
    track_probability(&live->track, utterance->onset, utterance->end, &max, &segment.speech_prob);
    if (!keep_segment(&live->kept, &segment) ||
        !buffer_append(&live->segments, &segment, sizeof segment))
        return error_no_memory(error);
    return SCOUT_OK;
}

// The text of all segments, as the model wrote it.
static bool join_segments(Live *live)
{
    const ScoutSegment *segments = (const ScoutSegment *)(const void *)live->segments.data;
    buffer_clear(&live->text);
    for (size_t i = 0; i < live->segments.length / sizeof *segments; i++)
        buffer_append_text(&live->text, segments[i].text);
    return !live->text.failed;
}

static ScoutStatus send_final(Live *live, const Utterance *utterance, ScoutError *error)
{
    const ScoutSegment *segments = (const ScoutSegment *)(const void *)live->segments.data;
    const size_t count = live->segments.length / sizeof *segments;
    PolishText polished;
    ScoutStatus status =
        polish_final(live->polish, buffer_text(&live->text), live->text.length, &polished, error);
    if (status == SCOUT_OK && count > 0)
        status = tell_commands(live, utterance, &polished, error);
    live->told_utterance = 0;
    if (status != SCOUT_OK || count == 0)
        return status;
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_FINAL,
                                  .u.text = {.utterance = utterance->id,
                                             .start_s = segments[0].start_s,
                                             .end_s = segments[count - 1].end_s,
                                             .text = polished.text,
                                             .settled_bytes = polished.length,
                                             .segments = segments,
                                             .segment_count = count,
                                             .commands = live->commands,
                                             .command_count = polished.event_count,
                                             .continues = utterance->continues}};
    return live_send(live, &event, error);
}

static ScoutStatus send_kept_skips(Live *live, ScoutError *error)
{
    const ScoutSkipped *skipped = (const ScoutSkipped *)(const void *)live->skipped.data;
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < live->skipped.length / sizeof *skipped && status == SCOUT_OK; i++)
        status = send_skipped(live, &skipped[i], error);
    return status;
}

ScoutStatus live_tell_final(Live *live, Utterance *utterance, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    if (!join_segments(live))
        status = error_no_memory(error);
    if (status == SCOUT_OK && utterance->settled_count > 0 && !text_is_settled(live, utterance)) {
        status = keep_promise(live, utterance, error);
        if (status == SCOUT_OK && !join_segments(live))
            status = error_no_memory(error);
    }
    if (status == SCOUT_OK)
        status = send_kept_skips(live, error);
    if (status == SCOUT_OK)
        status = send_final(live, utterance, error);
    arena_reset(&live->kept);
    buffer_clear(&live->segments);
    buffer_clear(&live->skipped);
    return status;
}

ScoutStatus live_tell_silence(Live *live, int64_t end, ScoutError *error)
{
    ScoutSkipped silence = {.reason = SCOUT_SKIP_NO_SPEECH, .no_speech_prob = -1};
    track_probability(&live->track, live->report.told, end, &silence.speech_prob_max,
                      &silence.speech_prob_mean);
    ScoutStatus status = report_skipped(&live->report, end, &silence, error);
    return status == SCOUT_OK && live->ending ? report_flush(&live->report, error) : status;
}
