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
#include "dsp/mel.h"
#include "rules.h"
#include "search.h"
#include "text.h"
#include "words.h"

enum {
    PROMPT_SEQUENCE = 0,
    WORK_SEQUENCE = 1,
    MARKS_MAX = 8, // of a prompt: previous, start, language, task, no timestamps, a timestamp
    POSITION_SAMPLES = 320,
    TEXT_BYTES_MAX = 1 << 20
};

// Silence after the samples that the encoder sees, in frames of 10 ms.
static const size_t MARGIN_FRAMES = 100;

static const size_t END_SLACK = 0;
static const size_t REPEAT_BYTES = 12;

// The outcome of one search, kept while others are tried.
typedef struct Pass {
    int32_t *tokens;
    size_t count;
    float avg_logprob, compression_ratio, temperature;
    bool ended;
} Pass;

struct Window {
    const WhisperModel *whisper;
    const ScoutTranscribeOptions *options;
    const Hotwords *hotwords;
    Turn *turn;
    ScoutTimings *timings;

    Mel *mel;
    WhisperRun *run;
    Search *search;
    Alternatives *alternatives; // NULL where none are asked for
    size_t width;               // work sequences
    Rules rules;
    float *frames; // [MEL_WINDOW_FRAMES][n_mels]
    float *logits; // [2][n_vocab]: after the start token, after the prompt
    WhisperRow *rows;
    int32_t *prompt;
    size_t prompt_count, start_at, begun_count; // begun: tokens of the text itself, at the end
    size_t tokens_max;                          // of a text, with what is begun
    int32_t *memory;                            // of the two passes
    Pass best, current;
    Buffer text, scratch;

    const float *samples;
    size_t sample_count;
    size_t frame_count; // encoded
};

void window_free(Window *window)
{
    if (!window)
        return;
    buffer_done(&window->text);
    buffer_done(&window->scratch);
    mem_free(window->memory);
    mem_free(window->prompt);
    mem_free(window->rows);
    mem_free(window->logits);
    mem_free(window->frames);
    alternatives_free(window->alternatives);
    search_free(window->search);
    whisper_run_free(window->run);
    mel_free(window->mel);
    mem_free(window);
}

static size_t finished_count(const ScoutTranscribeOptions *options)
{
    return (size_t)BASE_MAX(1.0, round((double)options->beam_size * (double)options->patience));
}

static ScoutStatus make_parts(Window *window, const WindowSetup *setup, ScoutError *error)
{
    const WhisperDims *dims = whisper_dims(setup->whisper);
    const ScoutTranscribeOptions *options = setup->options;
    size_t width = (size_t)BASE_MAX(options->beam_size, options->best_of);
    WhisperRunLimits limits = {
        .audios = 1,
        .sequences = WORK_SEQUENCE + BASE_MAX(width, (size_t)options->alternatives + 1),
        .rows = dims->n_text_ctx,
    };
    window->width = limits.sequences - WORK_SEQUENCE;
    ScoutStatus status = mel_new(dims->n_mels, &window->mel, error);
    if (status == SCOUT_OK)
        status = whisper_run_new(setup->whisper, setup->pool, &limits, &window->run, error);
    window->tokens_max = dims->n_text_ctx / 2 + WINDOW_PREFIX_MAX + 1;
    if (status == SCOUT_OK && options->alternatives > 0)
        status = alternatives_new(setup->whisper, (size_t)options->alternatives,
                                  &window->alternatives, error);
    if (status == SCOUT_OK)
        status = search_new(dims->n_vocab, width, finished_count(options), window->tokens_max,
                            &window->search, error);
    if (status != SCOUT_OK)
        return status;
    window->frames = mem_aligned(mem_multiply(MEL_WINDOW_FRAMES, dims->n_mels), sizeof(float));
    window->logits = mem_aligned(mem_multiply(2, dims->n_vocab), sizeof(float));
    window->rows = mem_array(dims->n_text_ctx, sizeof *window->rows);
    window->prompt = mem_array(dims->n_text_ctx, sizeof *window->prompt);
    window->memory = mem_array(mem_multiply(2, window->tokens_max), sizeof *window->memory);
    if (!window->frames || !window->logits || !window->rows || !window->prompt || !window->memory)
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
    *made = (Window){.whisper = setup->whisper,
                     .options = setup->options,
                     .hotwords = setup->hotwords,
                     .turn = setup->turn,
                     .timings = setup->timings};
    buffer_init(&made->text, TEXT_BYTES_MAX);
    buffer_init(&made->scratch, TEXT_BYTES_MAX);
    ScoutStatus status = make_parts(made, setup, error);
    if (status != SCOUT_OK) {
        window_free(made);
        return status;
    }
    rules_init(&made->rules, whisper_kernels(setup->whisper), whisper_bpe(setup->whisper),
               setup->options->timestamps != 0, setup->options->suppress_non_speech != 0);
    *window = made;
    return SCOUT_OK;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) * 1e-9;
}

// ---------------------------------------------------------------------------------------- encoding

static ScoutStatus encode(Window *window, size_t frames, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    mel_compute(window->mel, window->samples, window->sample_count, frames, window->frames);
    window->timings->mel_s += seconds_since(start_ns);
    start_ns = clock_monotonic_ns();
    ScoutStatus status = whisper_encode(window->run, 0, window->frames, frames, error);
    window->timings->encoder_s += seconds_since(start_ns);
    window->timings->windows++;
    window->frame_count = status == SCOUT_OK ? frames : 0;
    if (status == SCOUT_OK)
        status = turn_step(window->turn, error);
    return status;
}

ScoutStatus window_load(Window *window, const float *samples, size_t count, bool whole,
                        ScoutError *error)
{
    assert(count <= WINDOW_SAMPLES_MAX);
    window->samples = samples;
    window->sample_count = count;
    if (whole)
        return encode(window, MEL_WINDOW_FRAMES, error);
    size_t frames = (count + MEL_HOP_SAMPLES - 1) / MEL_HOP_SAMPLES + MARGIN_FRAMES;
    frames = BASE_MIN(BASE_ROUND_UP(frames, 2), (size_t)MEL_WINDOW_FRAMES);
    return encode(window, frames, error);
}

// ----------------------------------------------------------------------------------------- prompt

static void add_mark(Window *window, int32_t token)
{
    if (token >= 0)
        window->prompt[window->prompt_count++] = token;
}

static void add_language_and_task(Window *window, size_t language)
{
    const Bpe *bpe = whisper_bpe(window->whisper);
    const BpeSpecial *special = bpe_special(bpe);
    if (!special->multilingual)
        return;
    add_mark(window, bpe_language_token(bpe, language));
    add_mark(window, window->options->task == SCOUT_TASK_TRANSLATE ? special->translate
                                                                   : special->transcribe);
}

// Earlier text, start, language, task, and how the text begins.
static void build_prompt(Window *window, const WindowTask *task)
{
    const BpeSpecial *special = bpe_special(whisper_bpe(window->whisper));
    window->prompt_count = 0;
    if (task->previous_count > 0) {
        size_t room = whisper_dims(window->whisper)->n_text_ctx / 2 - 1 - task->prefix_count;
        size_t used = BASE_MIN(task->previous_count, room);
        add_mark(window, special->start_of_prev);
        memcpy(window->prompt + window->prompt_count, task->previous + task->previous_count - used,
               used * sizeof *window->prompt);
        window->prompt_count += used;
    }
    window->start_at = window->prompt_count;
    add_mark(window, special->start);
    add_language_and_task(window, task->language);
    if (!window->options->timestamps)
        add_mark(window, special->no_timestamps);
    size_t marks = window->prompt_count;
    if (task->prefix_count > 0) {
        if (window->options->timestamps)
            add_mark(window, special->timestamp_first);
        memcpy(window->prompt + window->prompt_count, task->prefix,
               task->prefix_count * sizeof *window->prompt);
        window->prompt_count += task->prefix_count;
    }
    window->begun_count = window->prompt_count - marks;
}

// Runs the prompt through the decoder, in one pass; *no_speech_prob is the model's for the window.
static ScoutStatus decode_prompt(Window *window, float *no_speech_prob, ScoutError *error)
{
    size_t count = window->prompt_count, n_vocab = window->rules.n_vocab;
    for (size_t i = 0; i < count; i++)
        window->rows[i] = (WhisperRow){.sequence = PROMPT_SEQUENCE,
                                       .token = window->prompt[i],
                                       .want_logits = i == window->start_at || i + 1 == count};
    whisper_sequence_start(window->run, PROMPT_SEQUENCE, 0);
    window->timings->tokens += count;
    ScoutStatus status = whisper_decode(window->run, window->rows, count, window->logits, error);
    if (status != SCOUT_OK)
        return status;
    int32_t no_speech = bpe_special(whisper_bpe(window->whisper))->no_speech;
    LogitRanges all = {{{0, n_vocab}}, 1};
    *no_speech_prob =
        no_speech < 0 ? 0.0f
                      : (float)exp((double)window->logits[no_speech] -
                                   logits_log_sum_exp(window->rules.kernels, window->logits, &all));
    return SCOUT_OK;
}

static const float *prompt_logits(const Window *window)
{
    bool alone = window->start_at + 1 == window->prompt_count;
    return alone ? window->logits : window->logits + window->rules.n_vocab;
}

ScoutStatus window_detect_language(Window *window, float *logprobs, ScoutError *error)
{
    assert(window->frame_count == MEL_WINDOW_FRAMES);
    const Bpe *bpe = whisper_bpe(window->whisper);
    int64_t start_ns = clock_monotonic_ns();
    WhisperRow row = {PROMPT_SEQUENCE, bpe_special(bpe)->start, true};
    whisper_sequence_start(window->run, PROMPT_SEQUENCE, 0);
    window->timings->tokens++;
    ScoutStatus status = whisper_decode(window->run, &row, 1, window->logits, error);
    window->timings->decoder_s += seconds_since(start_ns);
    if (status != SCOUT_OK)
        return status;
    double sum = 0;
    float high = -INFINITY;
    size_t count = language_count();
    for (size_t i = 0; i < count; i++) {
        int32_t token = bpe_language_token(bpe, i);
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

// One search; its outcome is window->current.
static ScoutStatus search_at(Window *window, const WindowTask *task, size_t temperature_index,
                             ScoutError *error)
{
    const ScoutTranscribeOptions *options = window->options;
    float temperature = options->temperatures[temperature_index];
    size_t n_text_ctx = whisper_dims(window->whisper)->n_text_ctx;
    SearchTask search = {
        .run = window->run,
        .prompt_sequence = PROMPT_SEQUENCE,
        .work_sequence = WORK_SEQUENCE,
        .logits = prompt_logits(window),
        .begun = window->prompt + window->prompt_count - window->begun_count,
        .begun_count = window->begun_count,
        .rules = &window->rules,
        .hotwords = window->hotwords,
        .turn = window->turn,
        .width = (size_t)(temperature > 0 ? options->best_of : options->beam_size),
        .finished = finished_count(options),
        .temperature = temperature,
        .chance =
            chance_start(options->seed, task->place * SCOUT_TEMPERATURES_MAX + temperature_index),
        .length_penalty = options->length_penalty,
        .tokens_max = BASE_MIN(n_text_ctx / 2, n_text_ctx - window->prompt_count),
    };
    SearchResult found;
    ScoutStatus status = search_run(window->search, &search, &found, error);
    if (status != SCOUT_OK)
        return status;
    window->timings->tokens += found.rows;
    Pass *pass = &window->current;
    memcpy(pass->tokens, found.tokens, found.count * sizeof *pass->tokens);
    pass->count = found.count;
    pass->avg_logprob = (float)search_mean_logprob(&found);
    pass->temperature = temperature;
    pass->ended = found.ended;
    buffer_clear(&window->text);
    if (!text_append_tokens(&window->text, whisper_bpe(window->whisper), pass->tokens, pass->count,
                            &window->scratch))
        return error_no_memory(error);
    return text_compression_ratio(buffer_text(&window->text), window->text.length,
                                  &pass->compression_ratio, error);
}

// Best first.
typedef enum PassGrade { PASS_GOOD, PASS_SILENT, PASS_IMPROBABLE, PASS_REPEATS } PassGrade;

static PassGrade grade(const Window *window, const Pass *pass, float no_speech_prob)
{
    const ScoutTranscribeOptions *options = window->options;
    bool improbable = pass->avg_logprob < options->logprob_threshold;
    if (improbable && no_speech_prob > options->no_speech_threshold)
        return PASS_SILENT;
    if (pass->compression_ratio > options->compression_ratio_threshold)
        return PASS_REPEATS;
    return improbable ? PASS_IMPROBABLE : PASS_GOOD;
}

static void keep_current(Window *window)
{
    Pass spare = window->best;
    window->best = window->current;
    window->current = spare;
}

// The best pass of all temperatures, as far as they are needed, becomes window->best.
static ScoutStatus search_best(Window *window, const WindowTask *task, float *no_speech_prob,
                               PassGrade *best_grade, ScoutError *error)
{
    ScoutStatus status = decode_prompt(window, no_speech_prob, error);
    for (size_t i = 0; status == SCOUT_OK && i < window->options->temperature_count; i++) {
        status = search_at(window, task, i, error);
        PassGrade found = grade(window, &window->current, *no_speech_prob);
        bool good = found == PASS_GOOD || found == PASS_SILENT;
        good = good && window->current.ended &&
               !text_repeats(buffer_text(&window->text), window->text.length, REPEAT_BYTES,
                             &window->scratch);
        if (status == SCOUT_OK && !good && window->frame_count < MEL_WINDOW_FRAMES) {
            // Perhaps the shortened window is to blame: once more with the one of the training.
            status = encode(window, MEL_WINDOW_FRAMES, error);
            if (status == SCOUT_OK)
                status = decode_prompt(window, no_speech_prob, error);
            if (status == SCOUT_OK)
                status = search_at(window, task, i, error);
            found = grade(window, &window->current, *no_speech_prob);
        }
        if (status != SCOUT_OK)
            return status;
        window->timings->fallbacks += i > 0;
        bool better =
            i == 0 || found < *best_grade ||
            (found == *best_grade && window->current.avg_logprob > window->best.avg_logprob);
        if (better) {
            keep_current(window);
            *best_grade = found;
        }
        if (found <= PASS_SILENT)
            break;
    }
    return status;
}

ScoutStatus window_decode(Window *window, const WindowTask *task, WindowResult *result,
                          ScoutError *error)
{
    assert(task->prefix_count <= WINDOW_PREFIX_MAX && window->frame_count > 0);
    build_prompt(window, task);
    size_t positions = (window->sample_count + POSITION_SAMPLES - 1) / POSITION_SAMPLES;
    window->rules.last_timestamp =
        (int32_t)BASE_MIN(positions + END_SLACK, (size_t)BPE_TIMESTAMPS - 1);
    int64_t start_ns = clock_monotonic_ns();
    double encoder_s = window->timings->encoder_s + window->timings->mel_s;
    float no_speech_prob = 0;
    PassGrade best_grade = PASS_REPEATS;
    ScoutStatus status = search_best(window, task, &no_speech_prob, &best_grade, error);
    encoder_s = window->timings->encoder_s + window->timings->mel_s - encoder_s;
    window->timings->decoder_s += seconds_since(start_ns) - encoder_s;
    if (status != SCOUT_OK)
        return status;
    static const WindowVerdict VERDICTS[] = {[PASS_GOOD] = WINDOW_TEXT,
                                             [PASS_SILENT] = WINDOW_SILENT,
                                             [PASS_IMPROBABLE] = WINDOW_TEXT,
                                             [PASS_REPEATS] = WINDOW_LOOP};
    *result = (WindowResult){.verdict = VERDICTS[best_grade],
                             .tokens = window->best.tokens,
                             .count = window->best.count,
                             .ended = window->best.ended,
                             .reliable = best_grade == PASS_GOOD,
                             .avg_logprob = window->best.avg_logprob,
                             .compression_ratio = window->best.compression_ratio,
                             .no_speech_prob = no_speech_prob,
                             .temperature = window->best.temperature};
    return SCOUT_OK;
}

// --------------------------------------------------------------------------------------- alignment

// The marks that a text without timestamps follows become the prompt.
static void build_plain_prompt(Window *window, size_t language)
{
    const BpeSpecial *special = bpe_special(whisper_bpe(window->whisper));
    window->prompt_count = 0;
    add_mark(window, special->start);
    add_language_and_task(window, language);
    add_mark(window, special->no_timestamps);
}

ScoutStatus window_align(Window *window, size_t language, const int32_t *tokens, size_t count,
                         size_t *starts, float *probabilities, ScoutError *error)
{
    const BpeSpecial *special = bpe_special(whisper_bpe(window->whisper));
    int64_t start_ns = clock_monotonic_ns();
    build_plain_prompt(window, language);
    size_t marks = window->prompt_count - 1;
    if (window->prompt_count + count + 1 > whisper_dims(window->whisper)->n_text_ctx)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu tokens are too many to align", count);
    memcpy(window->prompt + window->prompt_count, tokens, count * sizeof *tokens);
    window->prompt_count += count;
    add_mark(window, special->end);

    size_t total = window->prompt_count, stride = window->frame_count / 2;
    size_t heads = whisper_alignment_heads(window->whisper);
    BASE_CLEANUP(mem_free_pointer)
    float *weights = mem_array(mem_multiply(mem_multiply(heads, total), stride), sizeof *weights);
    BASE_CLEANUP(mem_free_pointer) float *chances = mem_array(total, sizeof *chances);
    if (!weights || !chances)
        return error_no_memory(error);
    ScoutStatus status = whisper_align(window->run, 0, WORK_SEQUENCE, window->prompt, total,
                                       weights, chances, error);
    if (status != SCOUT_OK)
        return status;
    // The row of the mark before the text is the one that writes its first token.
    size_t positions = (window->sample_count + POSITION_SAMPLES - 1) / POSITION_SAMPLES;
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
    window->timings->tokens += total;
    window->timings->align_s += seconds_since(start_ns);
    return status == SCOUT_OK ? turn_step(window->turn, error) : status;
}

ScoutStatus window_alternatives(Window *window, size_t language, const int32_t *tokens,
                                size_t count, const Word *words, size_t word_count, Arena *arena,
                                WordAlternatives *found, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    build_plain_prompt(window, language);
    if (window->prompt_count + count > whisper_dims(window->whisper)->n_text_ctx)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu tokens are too many for alternatives",
                         count);
    AlternativesTask task = {
        .run = window->run,
        .sequence = WORK_SEQUENCE,
        .width = window->width - 1,
        .rules = &window->rules,
        .prompt = window->prompt,
        .prompt_count = window->prompt_count,
        .tokens = tokens,
        .count = count,
        .words = words,
        .word_count = word_count,
        .spaces = words_language_has_spaces(language_code(language)),
        .turn = window->turn,
    };
    ScoutStatus status = alternatives_find(window->alternatives, &task, arena, found,
                                           &window->timings->tokens, error);
    window->timings->align_s += seconds_since(start_ns);
    return status;
}
