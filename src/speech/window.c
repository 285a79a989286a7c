// Decoding of one window: see window.h.
#include "window.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "align.h"
#include "alternatives.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "draft.h"
#include "rules.h"
#include "search.h"
#include "text.h"
#include "words.h"

enum {
    MARKS_MAX = 8, // of a prompt: previous, start, language, task, no timestamps, a timestamp
    POSITION_SAMPLES = 320,
    TEXT_BYTES_MAX = 1 << 20
};

// Silence after the samples that the encoder sees, in frames of 10 ms.
static const size_t MARGIN_FRAMES = 100;
// What a sample's mean log probability may owe to chance.
static const float CHANCE_LOGPROB = 0.1F;
// A text that ends in so many bytes again and again has lost its way.
static const size_t REPEAT_BYTES = 12;

// The outcome of one search, kept while others are tried.
typedef struct Pass {
    int32_t *tokens;
    size_t count;
    float avg_logprob, compression_ratio, temperature;
    bool ended;
} Pass;

// Best first.
typedef enum PassGrade { PASS_GOOD, PASS_SILENT, PASS_IMPROBABLE, PASS_REPEATS } PassGrade;

typedef enum WindowState {
    WINDOW_CLOSED,
    WINDOW_UNENCODED, // needs window_encode
    WINDOW_ENCODED,   // needs window_begin
    WINDOW_PROMPT,    // the rows are those of the prompt
    WINDOW_SEARCH,    // the rows are those of the search
    WINDOW_DONE
} WindowState;

struct Window {
    WindowSetup setup;
    const Bpe *bpe;
    Search *search;
    Alternatives *alternatives; // NULL where none are asked for
    Draft draft;
    SearchGuess guess;       // by the draft's row
    float *ahead[DRAFT_MAX]; // logits after each of the draft's guesses, of the step at hand
    Rules rules;
    float *logits; // [n_vocab], after the prompt
    int32_t *prompt;
    size_t prompt_count, start_at, begun_count; // begun: tokens of the text itself, at the end
    size_t tokens_max;                          // of a text, with what is begun
    int32_t *memory;                            // of the two passes
    Pass best, current;
    Buffer text, scratch;

    WindowState state;
    bool has_place, begun;
    size_t place;
    WhisperEncoding *encoding; // in progress; NULL when none is
    int64_t start, end;        // of the sound, in the track
    size_t frame_count;        // encoded, or to be encoded
    uint64_t seed_place;       // of the task
    size_t tokens_limit;       // likewise; 0: none
    size_t temperature;        // index of the pass at hand
    bool again;                // the pass at hand repeats one of a shortened window
    bool has_best;
    PassGrade best_grade;
    float no_speech_prob;
    ScoutStatus failed; // in window_advance
};

void window_free(Window *window)
{
    if (!window)
        return;
    window_close(window);
    buffer_done(&window->text);
    buffer_done(&window->scratch);
    mem_free(window->memory);
    mem_free(window->prompt);
    mem_free(window->logits);
    alternatives_free(window->alternatives);
    search_free(window->search);
    mem_free(window);
}

static size_t finished_count(const ScoutTranscribeOptions *options)
{
    return (size_t)BASE_MAX(1.0, round((double)options->beam_size * (double)options->patience));
}

static ScoutStatus make_parts(Window *window, ScoutError *error)
{
    const WhisperModel *whisper = batch_whisper(window->setup.batch);
    const WhisperDims *dims = whisper_dims(whisper);
    const ScoutTranscribeOptions *options = window->setup.options;
    size_t width = (size_t)BASE_MAX(options->beam_size, options->best_of);
    window->tokens_max = dims->n_text_ctx / 2 + WINDOW_PREFIX_MAX + 1;
    ScoutStatus status = SCOUT_OK;
    if (options->alternatives > 0)
        status =
            alternatives_new(whisper, (size_t)options->alternatives, &window->alternatives, error);
    if (status == SCOUT_OK)
        status = search_new(whisper, width, finished_count(options), window->tokens_max,
                            &window->search, error);
    if (status != SCOUT_OK)
        return status;
    window->logits = mem_aligned(dims->n_vocab, sizeof(float));
    window->prompt = mem_array(dims->n_text_ctx, sizeof *window->prompt);
    window->memory = mem_array(mem_multiply(2, window->tokens_max), sizeof *window->memory);
    if (!window->logits || !window->prompt || !window->memory)
        return error_no_memory(error);
    window->best.tokens = window->memory;
    window->current.tokens = window->memory + window->tokens_max;
    return SCOUT_OK;
}

ScoutStatus window_new(const WindowSetup *setup, Window **window, ScoutError *error)
{
    Window *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Window){.setup = *setup,
                     .bpe = whisper_bpe(batch_whisper(setup->batch)),
                     .draft.batch = setup->draft};
    buffer_init(&made->text, TEXT_BYTES_MAX);
    buffer_init(&made->scratch, TEXT_BYTES_MAX);
    ScoutStatus status = make_parts(made, error);
    if (status != SCOUT_OK) {
        window_free(made);
        return status;
    }
    rules_init(&made->rules, whisper_kernels(batch_whisper(setup->batch)), made->bpe,
               setup->options->timestamps != 0, setup->options->suppress_non_speech != 0);
    *window = made;
    return SCOUT_OK;
}

static WhisperRun *run_of(const Window *window)
{
    return batch_run(window->setup.batch);
}

static size_t prompt_sequence(const Window *window)
{
    return batch_first_sequence(window->place);
}

static size_t work_sequence(const Window *window)
{
    return batch_first_sequence(window->place) + 1;
}

static size_t sample_count(const Window *window)
{
    return (size_t)(window->end - window->start);
}

static size_t position_count(const Window *window)
{
    return (sample_count(window) + POSITION_SAMPLES - 1) / POSITION_SAMPLES;
}

// ---------------------------------------------------------------------------------------- encoding

void window_open(Window *window, int64_t start, int64_t end, bool whole)
{
    assert(window->state == WINDOW_CLOSED && end > start && end - start <= WINDOW_SAMPLES_MAX);
    window->begun = false;
    window->state = WINDOW_UNENCODED;
    draft_open(&window->draft);
    window->start = start;
    window->end = end;
    window->frame_count = MEL_WINDOW_FRAMES;
    if (whole || window->setup.options->full_window)
        return;
    size_t frames = (sample_count(window) + MEL_HOP_SAMPLES - 1) / MEL_HOP_SAMPLES + MARGIN_FRAMES;
    window->frame_count = BASE_MIN(BASE_ROUND_UP(frames, 2), (size_t)MEL_WINDOW_FRAMES);
}

ScoutStatus window_take_place(Window *window, ScoutError *error)
{
    if (window->has_place)
        return SCOUT_OK;
    ScoutStatus status =
        batch_take_place(window->setup.batch, window->setup.turn, &window->place, error);
    window->has_place = status == SCOUT_OK;
    return status;
}

bool window_try_place(Window *window)
{
    if (!window->has_place)
        window->has_place = batch_try_place(window->setup.batch, &window->place);
    return window->has_place;
}

static void return_place(Window *window)
{
    if (window->has_place)
        batch_return_place(window->setup.batch, window->place, window->encoding);
    window->has_place = false;
    window->encoding = NULL;
}

void window_close(Window *window)
{
    return_place(window);
    draft_close(&window->draft);
    window->state = WINDOW_CLOSED;
}

// Only a search for one text, at temperature 0, can be guessed ahead.
static bool is_drafted(const Window *window)
{
    return window->begun && window->setup.options->beam_size == 1 &&
           window->setup.options->temperatures[window->temperature] <= 0;
}

bool window_needs_encoding(const Window *window)
{
    return window->state == WINDOW_UNENCODED ||
           (window->state == WINDOW_PROMPT && is_drafted(window) &&
            draft_wants_encoding(&window->draft));
}

// Layer by layer, so that others get in between. A stream that stops there may not have the turn
// any more, which the encoding needs to be freed: *encoding then is left to whoever gets the place.
static ScoutStatus encode_frames(const Window *window, Batch *batch, size_t place,
                                 const float *frames, WhisperEncoding **encoding, ScoutError *error)
{
    Turn *turn = window->setup.turn;
    ScoutStatus status = turn_step(turn, error);
    if (status != SCOUT_OK)
        return status;
    batch_tidy(batch);
    status =
        whisper_encoding_new(batch_run(batch), place, frames, window->frame_count, encoding, error);
    while (status == SCOUT_OK && whisper_encoding_step(*encoding))
        status = turn_step(turn, error);
    if (status != SCOUT_OK)
        return status;
    whisper_encoding_free(*encoding);
    *encoding = NULL;
    return SCOUT_OK;
}

static void compute_mel(const Window *window, Mel *mel, float *frames)
{
    mel_compute(mel, track_samples(window->setup.track, window->start), sample_count(window),
                window->frame_count, frames);
}

static ScoutStatus encode_for_model(Window *window, ScoutError *error)
{
    const WindowSetup *setup = &window->setup;
    int64_t start_ns = clock_monotonic_ns();
    compute_mel(window, setup->mel, setup->frames);
    setup->timings->mel_s += clock_seconds_since(start_ns);
    start_ns = clock_monotonic_ns();
    ScoutStatus status =
        encode_frames(window, setup->batch, window->place, setup->frames, &window->encoding, error);
    setup->timings->encoder_s += clock_seconds_since(start_ns);
    if (status != SCOUT_OK)
        return status;
    setup->timings->windows++;
    whisper_sequence_start(run_of(window), prompt_sequence(window), window->place);
    window->state = window->begun ? WINDOW_PROMPT : WINDOW_ENCODED;
    return SCOUT_OK;
}

// The frames may be those of the model, just computed, but need not be.
static ScoutStatus encode_for_draft(Window *window, ScoutError *error)
{
    const WindowSetup *setup = &window->setup;
    Draft *draft = &window->draft;
    if (!draft_try_place(draft))
        return SCOUT_OK;
    int64_t start_ns = clock_monotonic_ns();
    compute_mel(window, setup->draft_mel, setup->draft_frames);
    ScoutStatus status = encode_frames(window, draft->batch, draft->place, setup->draft_frames,
                                       &draft->encoding, error);
    setup->timings->draft_s += clock_seconds_since(start_ns);
    if (status == SCOUT_OK)
        draft_note_encoded(draft);
    return status;
}

ScoutStatus window_encode(Window *window, ScoutError *error)
{
    assert(window_needs_encoding(window) && window->has_place);
    ScoutStatus status = SCOUT_OK;
    if (window->state == WINDOW_UNENCODED)
        status = encode_for_model(window, error);
    if (status == SCOUT_OK && window_needs_encoding(window))
        status = encode_for_draft(window, error);
    return status;
}

// ----------------------------------------------------------------------------------------- prompt

static void add_mark(Window *window, int32_t token)
{
    if (token >= 0)
        window->prompt[window->prompt_count++] = token;
}

static void add_language_and_task(Window *window, size_t language)
{
    const BpeSpecial *special = bpe_special(window->bpe);
    if (!special->multilingual)
        return;
    bool translate = window->setup.options->task == SCOUT_TASK_TRANSLATE;
    add_mark(window, bpe_language_token(window->bpe, language));
    add_mark(window, translate ? special->translate : special->transcribe);
}

// Earlier text, start, language, task, and how the text begins.
static void build_prompt(Window *window, const WindowTask *task)
{
    const BpeSpecial *special = bpe_special(window->bpe);
    const bool timestamps = window->rules.timestamps;
    window->prompt_count = 0;
    if (task->previous_count > 0) {
        size_t n_text_ctx = whisper_dims(batch_whisper(window->setup.batch))->n_text_ctx;
        size_t room = n_text_ctx / 2 - 1 - task->prefix_count;
        size_t used = BASE_MIN(task->previous_count, room);
        add_mark(window, special->start_of_prev);
        memcpy(window->prompt + window->prompt_count, task->previous + task->previous_count - used,
               used * sizeof *window->prompt);
        window->prompt_count += used;
    }
    window->start_at = window->prompt_count;
    add_mark(window, special->start);
    add_language_and_task(window, task->language);
    if (!timestamps)
        add_mark(window, special->no_timestamps);
    size_t marks = window->prompt_count;
    if (task->prefix_count > 0) {
        if (timestamps)
            add_mark(window, special->timestamp_first);
        memcpy(window->prompt + window->prompt_count, task->prefix,
               task->prefix_count * sizeof *window->prompt);
        window->prompt_count += task->prefix_count;
    }
    window->begun_count = window->prompt_count - marks;
}

void window_begin(Window *window, const WindowTask *task)
{
    assert(task->prefix_count <= WINDOW_PREFIX_MAX && !window->begun &&
           window->state != WINDOW_CLOSED);
    window->rules.timestamps = window->setup.options->timestamps && !task->plain;
    build_prompt(window, task);
    window->rules.last_timestamp =
        (int32_t)BASE_MIN(position_count(window), (size_t)BPE_TIMESTAMPS - 1);
    window->seed_place = task->place;
    window->tokens_limit = task->tokens_max;
    window->temperature = 0;
    window->again = window->has_best = false;
    window->failed = SCOUT_OK;
    window->begun = true;
    if (window->state == WINDOW_ENCODED)
        window->state = WINDOW_PROMPT;
}

// Those of the search, and after them the guesses for its one text.
static size_t search_and_draft_rows(const Window *window, WhisperRow *rows)
{
    const Draft *draft = &window->draft;
    const size_t count = search_rows(window->search, rows);
    assert(draft->count == 0 || count == 1);
    for (size_t i = 0; i < draft->count; i++)
        rows[count + i] = (WhisperRow){rows[0].sequence, draft->guesses[i], true};
    return count + draft->count;
}

size_t window_rows(const Window *window, WhisperRow *rows, size_t room)
{
    const ScoutTranscribeOptions *options = window->setup.options;
    const size_t most = (size_t)BASE_MAX(options->beam_size, options->best_of);
    if (window->state == WINDOW_SEARCH && BASE_MAX(most, 1 + window->draft.count) <= room)
        return search_and_draft_rows(window, rows);
    if (window->state != WINDOW_PROMPT || window->prompt_count > room)
        return 0;
    for (size_t i = 0; i < window->prompt_count; i++)
        rows[i] =
            (WhisperRow){.sequence = prompt_sequence(window),
                         .token = window->prompt[i],
                         .want_logits = i == window->start_at || i + 1 == window->prompt_count};
    return window->prompt_count;
}

// The model's probability that nobody speaks, from what it would write after the start.
static float no_speech_of(const Window *window, const float *logits)
{
    const int32_t no_speech = bpe_special(window->bpe)->no_speech;
    const LogitRanges all = {{{0, window->rules.n_vocab}}, 1};
    if (no_speech < 0)
        return 0;
    return (float)exp((double)logits[no_speech] -
                      logits_log_sum_exp(window->rules.kernels, logits, &all));
}

static void look_at_prompt(Window *window, size_t row, const float *logits)
{
    const bool alone = window->start_at + 1 == window->prompt_count;
    if (row == 0)
        window->no_speech_prob = no_speech_of(window, logits);
    if (row == 1 || alone)
        memcpy(window->logits, logits, window->rules.n_vocab * sizeof *logits);
}

void window_look(Window *window, size_t row, float *logits)
{
    if (window->state == WINDOW_PROMPT)
        look_at_prompt(window, row, logits);
    else if (row == 0 || window->draft.count == 0)
        search_look(window->search, row, logits);
    else
        window->ahead[row - 1] = logits; // the search does not know yet whether it comes to that
}

ScoutStatus window_detect_language(Window *window, float *logprobs, ScoutError *error)
{
    assert(window->state == WINDOW_ENCODED && window->frame_count == MEL_WINDOW_FRAMES);
    int64_t start_ns = clock_monotonic_ns();
    WhisperRow row = {prompt_sequence(window), bpe_special(window->bpe)->start, true};
    window->setup.timings->tokens++;
    ScoutStatus status = whisper_decode(run_of(window), &row, 1, window->logits, error);
    whisper_sequence_start(run_of(window), row.sequence, window->place); // the prompt's again
    window->setup.timings->decoder_s += clock_seconds_since(start_ns);
    if (status != SCOUT_OK)
        return status;
    double sum = 0;
    float high = -INFINITY;
    size_t count = language_count();
    for (size_t i = 0; i < count; i++) {
        int32_t token = bpe_language_token(window->bpe, i);
        logprobs[i] = token < 0 ? -INFINITY : window->logits[token];
        high = BASE_MAX(high, logprobs[i]);
    }
    for (size_t i = 0; i < count; i++)
        sum += exp((double)(logprobs[i] - high));
    for (size_t i = 0; i < count; i++)
        logprobs[i] -= high + (float)log(sum);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------ temperatures

// From the prompt, whose keys, values and logits serve all temperatures.
static void start_search(Window *window)
{
    const ScoutTranscribeOptions *options = window->setup.options;
    const float temperature = options->temperatures[window->temperature];
    const size_t n_text_ctx = whisper_dims(batch_whisper(window->setup.batch))->n_text_ctx;
    SearchTask task = {
        .run = run_of(window),
        .prompt_sequence = prompt_sequence(window),
        .work_sequence = work_sequence(window),
        .logits = window->logits,
        .begun = window->prompt + window->prompt_count - window->begun_count,
        .begun_count = window->begun_count,
        .rules = &window->rules,
        .hotwords = window->setup.hotwords,
        .width = (size_t)(temperature > 0 ? options->best_of : options->beam_size),
        .finished = finished_count(options),
        .temperature = temperature,
        .chance = chance_start(options->seed,
                               window->seed_place * SCOUT_TEMPERATURES_MAX + window->temperature),
        .length_penalty = options->length_penalty,
        .tokens_max = BASE_MIN(n_text_ctx / 2, n_text_ctx - window->prompt_count),
    };
    if (window->tokens_limit > 0)
        task.tokens_max = BASE_MIN(task.tokens_max, window->tokens_limit);
    search_begin(window->search, &task);
    draft_start(&window->draft, window->prompt_count);
    window->state = WINDOW_SEARCH;
}

// The search that is over becomes window->current.
static ScoutStatus take_pass(Window *window)
{
    SearchResult found;
    search_result(window->search, &found);
    window->setup.timings->tokens += found.rows;
    Pass *pass = &window->current;
    memcpy(pass->tokens, found.tokens, found.count * sizeof *pass->tokens);
    pass->count = found.count;
    pass->avg_logprob = (float)search_mean_logprob(&found);
    pass->temperature = window->setup.options->temperatures[window->temperature];
    pass->ended = found.ended;
    buffer_clear(&window->text);
    if (!text_append_tokens(&window->text, window->bpe, pass->tokens, pass->count,
                            &window->scratch))
        return SCOUT_ERROR_OUT_OF_MEMORY;
    return text_compression_ratio(buffer_text(&window->text), window->text.length,
                                  &pass->compression_ratio, NULL);
}

static PassGrade grade(const Window *window, const Pass *pass)
{
    const ScoutTranscribeOptions *options = window->setup.options;
    bool improbable = pass->avg_logprob < options->logprob_threshold;
    if (improbable && window->no_speech_prob > options->no_speech_threshold)
        return PASS_SILENT;
    if (pass->compression_ratio > options->compression_ratio_threshold)
        return PASS_REPEATS;
    return improbable ? PASS_IMPROBABLE : PASS_GOOD;
}

// Of equally good passes the more probable is kept, and rather the one that saw 30 s. Chance alone
// makes some samples more probable than what was searched for: to replace it takes more.
static void keep_better(Window *window, PassGrade found)
{
    const float least = window->best.avg_logprob + (window->temperature > 0 ? CHANCE_LOGPROB : 0);
    bool better =
        !window->has_best || found < window->best_grade ||
        (found == window->best_grade && (window->again || window->current.avg_logprob > least));
    if (!better)
        return;
    Pass spare = window->best;
    window->best = window->current;
    window->current = spare;
    window->best_grade = found;
    window->has_best = true;
}

// Whether the pass at hand could be better if the model saw 30 s, as in its training.
static bool wants_whole(Window *window, PassGrade found)
{
    if (window->frame_count == MEL_WINDOW_FRAMES || window->setup.sized_only)
        return false;
    return found > PASS_SILENT || !window->current.ended ||
           text_repeats(buffer_text(&window->text), window->text.length, REPEAT_BYTES,
                        &window->scratch);
}

// The search is over: keeps its text, and goes on to another pass, or is done.
static ScoutStatus end_pass(Window *window)
{
    ScoutStatus status = take_pass(window);
    if (status != SCOUT_OK)
        return status;
    const PassGrade found = grade(window, &window->current);
    const bool whole = wants_whole(window, found);
    keep_better(window, found);
    window->setup.timings->fallbacks += window->temperature > 0 && !whole;
    window->again = whole;
    if (whole) {
        window->frame_count = MEL_WINDOW_FRAMES;
        window->state = WINDOW_UNENCODED;
        draft_forget_encoded(&window->draft);
    } else if (found <= PASS_SILENT ||
               window->temperature + 1 == window->setup.options->temperature_count) {
        window->state = WINDOW_DONE;
    } else {
        window->temperature++;
        start_search(window);
    }
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------- draft

// The text that the search goes on with.
static DraftText draft_text(const Window *window)
{
    SearchText text;
    search_text(window->search, &text);
    return (DraftText){.prompt = window->prompt,
                       .prompt_count = window->prompt_count,
                       .text = text.tokens + window->begun_count};
}

static void begin_round(Window *window)
{
    if (window->state != WINDOW_SEARCH || !is_drafted(window))
        return;
    SearchText text;
    search_text(window->search, &text);
    draft_begin_round(&window->draft, window->prompt_count + text.count - window->begun_count,
                      text.room);
}

size_t window_draft_rows(const Window *window, WhisperRow *rows, size_t room)
{
    if (window->state != WINDOW_SEARCH || !is_drafted(window))
        return 0;
    const DraftText text = draft_text(window);
    return draft_rows(&window->draft, &text, rows, room);
}

void window_draft_look(Window *window, float *logits)
{
    window->guess =
        search_guess(window->search, window->draft.guesses, window->draft.count, logits);
}

void window_draft_advance(Window *window)
{
    draft_advance(&window->draft, window->guess, window->rules.end);
}

// The search has gone a token further: goes on with the guesses, whose rows are computed too, as
// long as they are what it has written, and takes back the rest.
static void follow_guesses(Window *window)
{
    Draft *draft = &window->draft;
    WhisperRow row;
    size_t right = 0;
    while (right < draft->count && search_rows(window->search, &row) == 1 &&
           row.token == draft->guesses[right]) {
        search_look(window->search, 0, window->ahead[right++]);
        search_advance(window->search);
    }
    whisper_sequence_truncate(run_of(window), work_sequence(window), draft->known + right);
    window->setup.timings->drafted += draft->count;
    window->setup.timings->accepted += right;
    window->setup.timings->tokens += draft->count - right; // the search knows of the others
    draft_end_round(draft, right);
}

void window_advance(Window *window)
{
    if (window->state == WINDOW_PROMPT) {
        window->setup.timings->tokens += window->prompt_count;
        start_search(window);
    } else {
        search_advance(window->search);
        if (window->draft.count > 0)
            follow_guesses(window);
    }
    WhisperRow rows[SCOUT_BEAM_MAX];
    while (window->state == WINDOW_SEARCH && search_rows(window->search, rows) == 0) {
        window->failed = end_pass(window);
        if (window->failed != SCOUT_OK)
            window->state = WINDOW_DONE;
    }
    begin_round(window);
    // Only what is still to be asked of the sound needs the place of a window that is done.
    const ScoutTranscribeOptions *options = window->setup.options;
    if (window->state == WINDOW_DONE && !options->words && options->alternatives == 0)
        return_place(window);
}

bool window_is_done(const Window *window)
{
    return window->state == WINDOW_DONE;
}

ScoutStatus window_result(const Window *window, WindowResult *result, ScoutError *error)
{
    assert(window->state == WINDOW_DONE);
    if (window->failed == SCOUT_ERROR_OUT_OF_MEMORY)
        return error_no_memory(error);
    if (window->failed != SCOUT_OK)
        return error_set(error, window->failed, "the text of a window could not be judged");
    static const WindowVerdict VERDICTS[] = {[PASS_GOOD] = WINDOW_TEXT,
                                             [PASS_SILENT] = WINDOW_SILENT,
                                             [PASS_IMPROBABLE] = WINDOW_TEXT,
                                             [PASS_REPEATS] = WINDOW_LOOP};
    *result = (WindowResult){.verdict = VERDICTS[window->best_grade],
                             .tokens = window->best.tokens,
                             .count = window->best.count,
                             .ended = window->best.ended,
                             .reliable = window->best_grade == PASS_GOOD,
                             .avg_logprob = window->best.avg_logprob,
                             .compression_ratio = window->best.compression_ratio,
                             .no_speech_prob = window->no_speech_prob,
                             .temperature = window->best.temperature};
    return SCOUT_OK;
}

// --------------------------------------------------------------------------------------- alignment

// The marks that a text without timestamps follows become the prompt.
static void build_plain_prompt(Window *window, size_t language)
{
    const BpeSpecial *special = bpe_special(window->bpe);
    window->prompt_count = 0;
    add_mark(window, special->start);
    add_language_and_task(window, language);
    add_mark(window, special->no_timestamps);
}

ScoutStatus window_align(Window *window, size_t language, const int32_t *tokens, size_t count,
                         size_t *starts, float *probabilities, ScoutError *error)
{
    const BpeSpecial *special = bpe_special(window->bpe);
    int64_t start_ns = clock_monotonic_ns();
    build_plain_prompt(window, language);
    size_t marks = window->prompt_count - 1;
    if (window->prompt_count + count + 1 >
        whisper_dims(batch_whisper(window->setup.batch))->n_text_ctx)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu tokens are too many to align", count);
    memcpy(window->prompt + window->prompt_count, tokens, count * sizeof *tokens);
    window->prompt_count += count;
    add_mark(window, special->end);

    size_t total = window->prompt_count, stride = window->frame_count / 2;
    size_t heads = whisper_alignment_heads(batch_whisper(window->setup.batch));
    BASE_CLEANUP(mem_free_pointer)
    float *weights = mem_array(mem_multiply(mem_multiply(heads, total), stride), sizeof *weights);
    BASE_CLEANUP(mem_free_pointer) float *chances = mem_array(total, sizeof *chances);
    if (!weights || !chances)
        return error_no_memory(error);
    ScoutStatus status = whisper_align(run_of(window), window->place, work_sequence(window),
                                       window->prompt, total, weights, chances, error);
    if (status != SCOUT_OK)
        return status;
    // The row of the mark before the text is the one that writes its first token.
    size_t positions = position_count(window);
    AlignTask task = {
        .weights = weights,
        .heads = heads,
        .tokens = total,
        .stride = stride,
        .positions = BASE_MAX(BASE_MIN(positions, stride), (size_t)1),
        .first = marks,
        .last = total - 1,
    };
    status = align_tokens(&task, starts, error);
    memcpy(probabilities, chances + marks, count * sizeof *probabilities);
    window->setup.timings->tokens += total;
    window->setup.timings->align_s += clock_seconds_since(start_ns);
    return status == SCOUT_OK ? turn_step(window->setup.turn, error) : status;
}

ScoutStatus window_alternatives(Window *window, size_t language, const int32_t *tokens,
                                size_t count, const Word *words, size_t word_count, Arena *arena,
                                WordAlternatives *found, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    build_plain_prompt(window, language);
    if (window->prompt_count + count > whisper_dims(batch_whisper(window->setup.batch))->n_text_ctx)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu tokens are too many for alternatives",
                         count);
    AlternativesTask task = {
        .run = run_of(window),
        .audio = window->place,
        .sequence = work_sequence(window),
        .width = SCOUT_BEAM_MAX - 1,
        .rules = &window->rules,
        .prompt = window->prompt,
        .prompt_count = window->prompt_count,
        .tokens = tokens,
        .count = count,
        .words = words,
        .word_count = word_count,
        .spaces = words_language_has_spaces(language_code(language)),
        .turn = window->setup.turn,
    };
    ScoutStatus status = alternatives_find(window->alternatives, &task, arena, found,
                                           &window->setup.timings->tokens, error);
    window->setup.timings->align_s += clock_seconds_since(start_ns);
    return status;
}
