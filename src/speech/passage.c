// From a window's tokens to events: see passage.h.
#include "passage.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "pieces.h"
#include "text.h"
#include "words.h"

enum {
    TIMESTAMP_SAMPLES = 320,
    ADVANCE_MIN = 25, // in timestamps: a window moves on by at least half a second
    TOKENS_MAX = 448,
    MEMORY_MAX = 16 << 20,
    TEXT_BYTES_MAX = 1 << 20
};

// Less speech than this after the last text is not worth another window.
static const int64_t REST_MIN_SAMPLES = 8000;
// A frame this probable is speech rather than not.
static const float VOICED_PROBABILITY = 0.5f;
// Whisper's times are inexact: text this near to speech may belong to it.
static const int64_t NEAR_SAMPLES = 8000;
const PassageDoubt passage_doubt = {.speech = 0.4f, .logprob = -0.65f};

// A piece of the window on its way out.
typedef struct Part {
    size_t first, end;           // of the result's tokens
    size_t text_first, text_end; // of Passage.text_tokens
    size_t word_first, word_end; // of Passage.words
    int64_t start, end_sample;
    bool rejected;          // it lies where nobody speaks, or after the end of the sound
    ScoutSkipReason reason; // why it is rejected
} Part;

struct Passage {
    const Bpe *bpe;
    const ScoutTranscribeOptions *options;
    Window *window; // the one at hand
    const Track *track;
    Report *report;
    Turn *turn;
    PassageDoubt doubt;

    Pieces pieces;
    Part parts[PIECES_MAX];
    size_t part_count;
    int32_t text_tokens[TOKENS_MAX];
    size_t text_count;
    Word words[WORDS_MAX];
    size_t word_count;
    WordAlternatives others[WORDS_MAX]; // of the words
    size_t starts[TOKENS_MAX + 1];
    float probabilities[TOKENS_MAX];
    int32_t told[TOKENS_MAX];
    size_t told_count;
    double last_speech_s; // the end of the last word
    SpeechSpan *spans;
    Arena arena; // texts and words of one window
    Buffer text, scratch;
};

ScoutStatus passage_new(const PassageSetup *setup, Passage **passage, ScoutError *error)
{
    Passage *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->bpe = whisper_bpe(setup->whisper);
    made->options = setup->options;
    made->track = setup->track;
    made->report = setup->report;
    made->turn = setup->turn;
    made->doubt = setup->doubt;
    arena_init(&made->arena, MEMORY_MAX);
    buffer_init(&made->text, TEXT_BYTES_MAX);
    buffer_init(&made->scratch, TEXT_BYTES_MAX);
    made->spans = mem_array(setup->track->span_capacity, sizeof *made->spans);
    if (!made->spans) {
        passage_free(made);
        return error_no_memory(error);
    }
    *passage = made;
    return SCOUT_OK;
}

void passage_free(Passage *passage)
{
    if (!passage)
        return;
    mem_free(passage->spans);
    arena_done(&passage->arena);
    buffer_done(&passage->text);
    buffer_done(&passage->scratch);
    mem_free(passage);
}

// ------------------------------------------------------------------------------------------ pieces

static int64_t time_to_position(const Plan *plan, int32_t time, int64_t unknown)
{
    if (time == PIECES_UNKNOWN)
        return unknown;
    return BASE_MIN(plan->start + (int64_t)time * TIMESTAMP_SAMPLES, plan->end);
}

static void place_parts(Passage *passage, const Plan *plan, size_t count)
{
    passage->part_count = count;
    int64_t at = plan->start;
    for (size_t i = 0; i < count; i++) {
        const Piece *piece = &passage->pieces.piece[i];
        passage->parts[i] = (Part){
            .first = piece->first,
            .end = piece->end,
            .start = time_to_position(plan, piece->start_time, at),
            .end_sample = time_to_position(plan, piece->end_time, plan->end),
        };
        at = passage->parts[i].end_sample;
    }
}

// Whether what the window holds after `at`, where the model heard no text, is worth another window.
static bool rest_is_speech(const Passage *passage, const Plan *plan, int64_t at)
{
    if (!passage->options->vad)
        return !passage->pieces.closed;
    const float threshold = passage->options->vad_threshold;
    const float voiced =
        threshold > 0 ? BASE_MIN(threshold, VOICED_PROBABILITY) : VOICED_PROBABILITY;
    // Before a cut, the beginning of a word may be all there is of it.
    return plan->cut || track_voiced(passage->track, at, plan->end, voiced) >= REST_MIN_SAMPLES;
}

// The parts of the result that are taken, and where to go on after them.
static int64_t choose_parts(Passage *passage, const Plan *plan, const WindowResult *result)
{
    const BpeSpecial *special = bpe_special(passage->bpe);
    pieces_cut(result->tokens, result->count, special->timestamp_first, &passage->pieces);
    const PiecesWindow window = {
        .cut = plan->cut, .ended = result->ended, .advance_min = ADVANCE_MIN};
    const PiecesChoice choice = pieces_choose(&passage->pieces, &window);
    place_parts(passage, plan, choice.count);
    if (choice.rest == PIECES_REST_NONE)
        return plan->end;
    const int64_t resume = time_to_position(plan, choice.resume, plan->end);
    const bool again = choice.rest == PIECES_REST_AGAIN || rest_is_speech(passage, plan, resume);
    return again ? resume : plan->end;
}

static void collect_text_tokens(Passage *passage, const WindowResult *result)
{
    int32_t end = bpe_special(passage->bpe)->end;
    passage->text_count = 0;
    for (size_t i = 0; i < passage->part_count; i++) {
        Part *part = &passage->parts[i];
        part->text_first = passage->text_count;
        for (size_t t = part->first; t < part->end && !part->rejected; t++)
            if (result->tokens[t] < end && passage->text_count < TOKENS_MAX)
                passage->text_tokens[passage->text_count++] = result->tokens[t];
        part->text_end = passage->text_count;
    }
}

// Appends nothing to the arena when there is nothing but white space.
static ScoutStatus tokens_text(Passage *passage, const int32_t *tokens, size_t count,
                               const char **text, ScoutError *error)
{
    buffer_clear(&passage->text);
    if (!text_append_tokens(&passage->text, passage->bpe, tokens, count, &passage->scratch))
        return error_no_memory(error);
    const char *bare = buffer_text(&passage->text);
    size_t length = passage->text.length;
    text_trim(&bare, &length);
    *text = NULL;
    if (length == 0)
        return SCOUT_OK;
    *text = arena_copy_text(&passage->arena, buffer_text(&passage->text), passage->text.length);
    return *text ? SCOUT_OK : error_no_memory(error);
}

// ------------------------------------------------------------------------------------------- words

static bool wants_words(const Passage *passage)
{
    return passage->options->words || passage->options->alternatives > 0;
}

static void split_words(Passage *passage, bool spaces)
{
    passage->word_count = 0;
    for (size_t i = 0; i < passage->part_count; i++) {
        Part *part = &passage->parts[i];
        Word *words = passage->words + passage->word_count;
        // Never more words than tokens, so that all fit.
        size_t count = words_split(passage->bpe, passage->text_tokens + part->text_first,
                                   part->text_end - part->text_first, spaces, words);
        for (size_t w = 0; w < count; w++) {
            words[w].first += part->text_first;
            words[w].end += part->text_first;
        }
        part->word_first = passage->word_count;
        passage->word_count += count;
        part->word_end = passage->word_count;
    }
}

// Takes out the words that were joined to their neighbours.
static void drop_joined(Passage *passage)
{
    size_t kept = 0;
    for (size_t i = 0; i < passage->part_count; i++) {
        Part *part = &passage->parts[i];
        size_t first = kept;
        for (size_t w = part->word_first; w < part->word_end; w++)
            if (!passage->words[w].joined)
                passage->words[kept++] = passage->words[w];
        part->word_first = first;
        part->word_end = kept;
    }
    passage->word_count = kept;
}

// The window's speech in seconds of the stream; returns how many spans.
static size_t list_speech(Passage *passage, const Plan *plan)
{
    size_t count = 0;
    if (!passage->options->vad)
        return 0;
    for (size_t i = 0; i < passage->track->span_count; i++) {
        const TrackSpan *span = &passage->track->spans[i];
        int64_t low = BASE_MAX(span->start, plan->start), high = BASE_MIN(span->end, plan->end);
        if (low < high)
            passage->spans[count++] =
                (SpeechSpan){(double)low / SCOUT_SAMPLE_RATE, (double)high / SCOUT_SAMPLE_RATE};
    }
    return count;
}

// Gives the words of all parts their times, and the parts those of their words.
static ScoutStatus place_words(Passage *passage, const Plan *plan, size_t language, int64_t resume,
                               ScoutError *error)
{
    if (passage->text_count == 0)
        return SCOUT_OK;
    ScoutStatus status =
        window_align(passage->window, language, passage->text_tokens, passage->text_count,
                     passage->starts, passage->probabilities, error);
    if (status != SCOUT_OK)
        return status;
    split_words(passage, words_language_has_spaces(language_code(language)));
    Word *words = passage->words;
    words_place(words, passage->word_count, passage->starts, passage->probabilities);
    double offset_s = (double)plan->start / SCOUT_SAMPLE_RATE;
    for (size_t i = 0; i < passage->word_count; i++) {
        words[i].start_s += offset_s;
        words[i].end_s += offset_s;
    }
    double median_s = words_median_s(words, passage->word_count);
    words_cut_pauses(passage->bpe, passage->text_tokens, words, passage->word_count, median_s);
    for (size_t i = 0; i < passage->part_count; i++) {
        const Part *part = &passage->parts[i];
        if (part->word_first < part->word_end)
            words_join_punctuation(passage->bpe, passage->text_tokens, words + part->word_first,
                                   part->word_end - part->word_first);
    }
    drop_joined(passage);
    for (size_t i = 0; i < passage->part_count; i++) {
        const Part *part = &passage->parts[i];
        double start_s = (double)part->start / SCOUT_SAMPLE_RATE;
        double end_s = (double)part->end_sample / SCOUT_SAMPLE_RATE;
        words_fit_piece(words + part->word_first, part->word_end - part->word_first, median_s,
                        passage->last_speech_s, &start_s, &end_s);
        if (part->word_first < part->word_end)
            passage->last_speech_s = end_s;
    }
    words_hold_inside(words, passage->word_count, passage->spans, list_speech(passage, plan),
                      (double)BASE_MAX(plan->start, passage->report->told) / SCOUT_SAMPLE_RATE,
                      (double)resume / SCOUT_SAMPLE_RATE);
    for (size_t i = 0; i < passage->part_count; i++) {
        Part *part = &passage->parts[i];
        if (part->word_first == part->word_end)
            continue;
        part->start = llround(words[part->word_first].start_s * SCOUT_SAMPLE_RATE);
        part->end_sample = llround(words[part->word_end - 1].end_s * SCOUT_SAMPLE_RATE);
    }
    return SCOUT_OK;
}

static ScoutStatus find_alternatives(Passage *passage, size_t language, ScoutError *error)
{
    memset(passage->others, 0, passage->word_count * sizeof *passage->others);
    if (passage->options->alternatives == 0 || passage->text_count == 0)
        return SCOUT_OK;
    return window_alternatives(passage->window, language, passage->text_tokens, passage->text_count,
                               passage->words, passage->word_count, &passage->arena,
                               passage->others, error);
}

static ScoutStatus list_words(Passage *passage, const Part *part, ScoutSegment *segment,
                              ScoutError *error)
{
    size_t count = part->word_end - part->word_first;
    if (!wants_words(passage) || count == 0)
        return SCOUT_OK;
    ScoutWord *out = arena_alloc(&passage->arena, count, sizeof *out);
    if (!out)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        const Word *word = &passage->words[part->word_first + i];
        const WordAlternatives *others = &passage->others[part->word_first + i];
        buffer_clear(&passage->text);
        if (!text_append_tokens(&passage->text, passage->bpe, passage->text_tokens + word->first,
                                word->end - word->first, &passage->scratch))
            return error_no_memory(error);
        out[i] = (ScoutWord){
            .text =
                arena_copy_text(&passage->arena, buffer_text(&passage->text), passage->text.length),
            .start_s = word->start_s + passage->report->origin_s,
            .end_s = word->end_s + passage->report->origin_s,
            .probability = word->probability,
            .alternatives = others->items,
            .alternative_count = others->count,
        };
        if (!out[i].text)
            return error_no_memory(error);
    }
    segment->words = out;
    segment->word_count = count;
    return SCOUT_OK;
}

// ----------------------------------------------------------------------------------------
// reporting

// Told .. end gave no text.
static ScoutStatus tell_gap(Passage *passage, int64_t end, const WindowResult *result,
                            ScoutError *error)
{
    int64_t start = passage->report->told;
    ScoutSkipped gap = {.reason = SCOUT_SKIP_SILENT,
                        .no_speech_prob = result->no_speech_prob,
                        .avg_logprob = result->avg_logprob};
    track_probability(passage->track, start, end, &gap.speech_prob_max, &gap.speech_prob_mean);
    if (passage->options->vad && gap.speech_prob_mean < 0.5f) {
        gap.reason = SCOUT_SKIP_NO_SPEECH;
        gap.no_speech_prob = -1;
        gap.avg_logprob = 0;
    }
    return report_skipped(passage->report, end, &gap, error);
}

// The text of told .. end was written and is not believed.
static ScoutStatus tell_rejected(Passage *passage, int64_t end, const WindowResult *result,
                                 ScoutSkipReason reason, const int32_t *tokens, size_t count,
                                 ScoutError *error)
{
    ScoutSkipped skipped = {.reason = reason,
                            .no_speech_prob = result->no_speech_prob,
                            .avg_logprob = result->avg_logprob};
    track_probability(passage->track, passage->report->told, end, &skipped.speech_prob_max,
                      &skipped.speech_prob_mean);
    ScoutStatus status = tokens_text(passage, tokens, count, &skipped.text, error);
    return status == SCOUT_OK ? report_skipped(passage->report, end, &skipped, error) : status;
}

static ScoutStatus tell_part(Passage *passage, const Part *part, size_t language,
                             const WindowResult *result, ScoutError *error)
{
    const int32_t *tokens = result->tokens + part->first;
    size_t count = part->end - part->first;
    ScoutSegment segment = {
        .language = language_code(language),
        .tokens = tokens,
        .token_count = count,
        .temperature = result->temperature,
        .avg_logprob = result->avg_logprob,
        .compression_ratio = result->compression_ratio,
        .no_speech_prob = result->no_speech_prob,
    };
    ScoutStatus status = tokens_text(passage, tokens, count, &segment.text, error);
    if (status != SCOUT_OK || !segment.text)
        return status; // no text: the time goes to the gap that follows
    status = tell_gap(passage, part->start, result, error);
    if (status != SCOUT_OK)
        return status;
    if (part->rejected)
        return tell_rejected(passage, part->end_sample, result, part->reason, tokens, count, error);
    float max;
    track_probability(passage->track, part->start, part->end_sample, &max, &segment.speech_prob);
    status = list_words(passage, part, &segment, error);
    if (status != SCOUT_OK)
        return status;
    memcpy(passage->told + passage->told_count, tokens, count * sizeof *tokens);
    passage->told_count += count;
    return report_segment(passage->report, part->end_sample, &segment, error);
}

// Parts that have words know their times best: the others give way to them.
static void yield_to_words(Passage *passage)
{
    int64_t next = INT64_MAX; // where the words after a part begin
    for (size_t i = passage->part_count; i-- > 0;) {
        Part *part = &passage->parts[i];
        if (part->word_first < part->word_end) {
            next = part->start;
            continue;
        }
        part->end_sample = BASE_MIN(part->end_sample, next);
        part->start = BASE_MIN(part->start, part->end_sample);
    }
}

// Makes the parts follow one another inside told .. end, each with some length.
static void order_parts(Passage *passage, int64_t end)
{
    yield_to_words(passage);
    int64_t at = passage->report->told;
    int64_t count = (int64_t)passage->part_count;
    int64_t least = BASE_MIN((int64_t)TIMESTAMP_SAMPLES, (end - at) / BASE_MAX(count, (int64_t)1));
    for (int64_t i = 0; i < count; i++) {
        Part *part = &passage->parts[i];
        int64_t room = least * (count - i); // for this part and those after it
        part->start = BASE_MAX(at, BASE_MIN(part->start, end - room));
        part->end_sample = BASE_MAX(part->start + least, part->end_sample);
        part->end_sample = BASE_MIN(part->end_sample, end - (room - least));
        at = part->end_sample;
    }
}

// Neither the sound nor the text alone tells a cough from a word: where voice activity found hardly
// any speech *and* the model found its own text improbable, nobody spoke.
static bool evidence_is_weak(const Passage *passage, const Plan *plan, const Part *part,
                             float avg_logprob)
{
    float max, mean;
    track_probability(passage->track, part->start, part->end_sample, &max, &mean);
    if (passage->doubt.whole) {
        float whole;
        track_probability(passage->track, plan->start, plan->end, &max, &whole);
        mean = BASE_MIN(mean, whole);
    }
    return mean < passage->doubt.speech && avg_logprob < passage->doubt.logprob;
}

// Text is believed only if it lies in the sound and, with voice activity, where somebody speaks.
static void reject_parts(Passage *passage, const Plan *plan, float avg_logprob)
{
    for (size_t i = 0; i < passage->part_count; i++) {
        Part *part = &passage->parts[i];
        part->rejected = true;
        part->reason = SCOUT_SKIP_UNRELIABLE;
        if (part->start >= plan->end)
            continue;
        if (passage->options->vad && evidence_is_weak(passage, plan, part, avg_logprob))
            continue;
        part->reason = SCOUT_SKIP_NO_SPEECH;
        part->rejected =
            passage->options->vad && track_speech(passage->track, part->start - NEAR_SAMPLES,
                                                  part->end_sample + NEAR_SAMPLES) == 0;
    }
}

static ScoutStatus tell_parts(Passage *passage, const Plan *plan, size_t language,
                              const WindowResult *result, int64_t resume, ScoutError *error)
{
    reject_parts(passage, plan, result->avg_logprob);
    collect_text_tokens(passage, result);
    ScoutStatus status = SCOUT_OK;
    if (wants_words(passage))
        status = turn_step(passage->turn, error);
    if (wants_words(passage) && status == SCOUT_OK)
        status = place_words(passage, plan, language, resume, error);
    if (wants_words(passage) && status == SCOUT_OK)
        status = find_alternatives(passage, language, error);
    turn_leave(passage->turn);
    order_parts(passage, resume);
    for (size_t i = 0; i < passage->part_count && status == SCOUT_OK; i++)
        status = tell_part(passage, &passage->parts[i], language, result, error);
    return status;
}

ScoutStatus passage_tell(Passage *passage, Window *window, const Plan *plan, size_t language,
                         const WindowResult *result, PassageOutcome *outcome, ScoutError *error)
{
    passage->window = window;
    arena_reset(&passage->arena);
    passage->told_count = 0;
    int64_t resume = plan->end;
    ScoutStatus status;
    if (result->verdict == WINDOW_TEXT) {
        resume = choose_parts(passage, plan, result);
        status = tell_parts(passage, plan, language, result, resume, error);
        if (status == SCOUT_OK)
            status = tell_gap(passage, resume, result, error);
    } else {
        turn_leave(passage->turn);
        ScoutSkipReason reason =
            result->verdict == WINDOW_SILENT ? SCOUT_SKIP_SILENT : SCOUT_SKIP_UNRELIABLE;
        status =
            tell_rejected(passage, resume, result, reason, result->tokens, result->count, error);
    }
    // What is settled ends where the next window may begin, also when silence waits to be told of:
    // a run that resumes there hears no end of a word twice.
    if (status == SCOUT_OK)
        status = report_flush(passage->report, error);
    if (status != SCOUT_OK)
        return status;
    *outcome = (PassageOutcome){resume, passage->told, passage->told_count};
    return SCOUT_OK;
}
