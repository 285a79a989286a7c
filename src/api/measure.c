// How fast an engine is, stage by stage, and how fast the machine could be: see measure.h. All is
// done on threads and with a copy of the model that belong to the call, so that an engine in use is
// slowed down and not disturbed.
#include <scout/measure.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "dsp/mel.h"
#include "engine.h"
#include "kernels/cpu.h"
#include "kernels/peak.h"
#include "models/registry.h"

enum {
    RUNS_MAX = 1000,
    WINDOWS_MAX = 16,
    PROMPT_TOKENS = 4, // start, language, task, first timestamp
    STAGES = 12,
    BATCH_PATIENCE = 10,            // how many times stage_s the windows of a batch may take
    PEAK_PARTS = 8,                 // tasks a thread, so that one that comes late costs little
    MEMORY_BLOCK_BYTES = 256 << 20, // read to learn the bandwidth of memory
};

static const double STAGE_MAX_S = 3600.0;
static const double PEAK_RUN_S = 0.01;  // of one run of a peak loop, about
static const double PEAK_STAGE_S = 0.2; // of all its runs

typedef struct Measuring {
    ScoutEngine *engine;
    ScoutMeasureOptions options;
    ScoutMeasureProgress progress;
    void *context;
    int stage; // counts up to STAGES
    ThreadPool *pool;
    char *path; // of the packed file
    WhisperModel *model;
    WhisperRun *run;
    Mel *mel;
    float *samples, *frames, *logits;
    WhisperRow *rows;
    double *times; // [options.runs]
    ScoutMeasurements found;
} Measuring;

void scout_measure_options_init(ScoutMeasureOptions *options)
{
    if (options)
        *options = (ScoutMeasureOptions){.size = sizeof(*options),
                                         .runs = 7,
                                         .stage_s = 0.7,
                                         .beam = 5,
                                         .windows = 4,
                                         .stages = SCOUT_MEASURE_ALL};
}

static ScoutStatus next_stage(Measuring *m, const char *stage, ScoutError *error)
{
    double fraction = (double)m->stage++ / STAGES;
    if (m->progress && m->progress(m->context, stage, fraction))
        return error_set(error, SCOUT_ERROR_CANCELLED, "measuring was stopped");
    return SCOUT_OK;
}

static ScoutStatus still_wanted(Measuring *m, const char *stage, ScoutError *error)
{
    m->stage--;
    return next_stage(m, stage, error);
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

// One run of a stage; *seconds is what it took, of which it may leave out preparations.
typedef ScoutStatus (*Run)(Measuring *m, double *seconds, ScoutError *error);

static bool is_asked(const Measuring *m, int stage)
{
    return (m->options.stages & stage) != 0;
}

static ScoutStatus measure_stage(Measuring *m, int which, const char *stage, Run run,
                                 ScoutDuration *duration, ScoutError *error)
{
    // What later stages need is done in any case.
    const int needed = SCOUT_MEASURE_LOAD | SCOUT_MEASURE_MEL | SCOUT_MEASURE_ENCODER;
    if (!is_asked(m, which)) {
        double unused;
        m->stage++;
        return which & needed ? run(m, &unused, error) : SCOUT_OK;
    }
    ScoutStatus status = next_stage(m, stage, error);
    int64_t start_ns = clock_monotonic_ns();
    int count = 0;
    while (!status && count < m->options.runs &&
           (count == 0 || clock_seconds_since(start_ns) < m->options.stage_s)) {
        if (count > 0)
            status = still_wanted(m, stage, error);
        if (!status)
            status = run(m, &m->times[count], error);
        count++;
    }
    if (status)
        return status;
    qsort(m->times, (size_t)count, sizeof(*m->times), compare_times);
    *duration = (ScoutDuration){
        .min_ms = m->times[0] * 1e3,
        .median_ms = m->times[count / 2] * 1e3,
        .runs = count,
    };
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------ stages

static ScoutStatus run_load(Measuring *m, double *seconds, ScoutError *error)
{
    whisper_close(m->model);
    m->model = NULL;
    int64_t start_ns = clock_monotonic_ns();
    PackedFile *file = NULL;
    ScoutStatus status = packed_open(m->path, &file, error);
    if (status)
        return status;
    if (packed_kind(file) != PACKED_WHISPER) {
        packed_close(file);
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "model '%s' is not a speech recognition model: choose another",
                         m->options.model);
    }
    status = whisper_open(file, m->engine->compute, &m->engine->kernels, NULL, &m->model, error);
    *seconds = clock_seconds_since(start_ns);
    return status;
}

static size_t window_frames(const Measuring *m)
{
    return 2 * whisper_dims(m->model)->n_audio_ctx;
}

static ScoutStatus run_mel(Measuring *m, double *seconds, ScoutError *error)
{
    (void)error;
    int64_t start_ns = clock_monotonic_ns();
    mel_compute(m->mel, m->samples, window_frames(m) * MEL_HOP_SAMPLES, window_frames(m),
                m->frames);
    *seconds = clock_seconds_since(start_ns);
    return SCOUT_OK;
}

static ScoutStatus run_encoder(Measuring *m, double *seconds, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    ScoutStatus status = whisper_encode(m->run, 0, m->frames, window_frames(m), error);
    *seconds = clock_seconds_since(start_ns);
    return status;
}

// Begins the texts of so many windows, `beam` each, by decoding their prompts. Which tokens they
// are makes no difference to the time.
static ScoutStatus begin_texts(Measuring *m, size_t windows, size_t beam, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; !status && i < windows; i++) {
        size_t first = i * beam;
        whisper_sequence_start(m->run, first, i);
        for (size_t j = 0; j < PROMPT_TOKENS; j++)
            m->rows[j] = (WhisperRow){
                .sequence = first, .token = (int32_t)j, .want_logits = j == PROMPT_TOKENS - 1};
        status = whisper_decode(m->run, m->rows, PROMPT_TOKENS, m->logits, error);
        for (size_t j = 1; !status && j < beam; j++)
            whisper_sequence_copy(m->run, first + j, first);
    }
    return status;
}

static ScoutStatus run_prompt(Measuring *m, double *seconds, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    ScoutStatus status = begin_texts(m, 1, 1, error);
    *seconds = clock_seconds_since(start_ns);
    return status;
}

// Mean time of a step of some texts, over half the tokens that a text can have.
static ScoutStatus run_steps(Measuring *m, size_t windows, size_t beam, double *seconds,
                             ScoutError *error)
{
    const WhisperDims *dims = whisper_dims(m->model);
    size_t steps = BASE_MAX((dims->n_text_ctx - PROMPT_TOKENS) / 2, (size_t)1);
    ScoutStatus status = begin_texts(m, windows, beam, error);
    int64_t start_ns = clock_monotonic_ns();
    for (size_t step = 0; !status && step < steps; step++) {
        for (size_t i = 0; i < windows * beam; i++)
            m->rows[i] = (WhisperRow){
                .sequence = i, .token = (int32_t)((step + i) % dims->n_vocab), .want_logits = true};
        status = whisper_decode(m->run, m->rows, windows * beam, m->logits, error);
    }
    *seconds = clock_seconds_since(start_ns) / (double)steps;
    return status;
}

static ScoutStatus run_token(Measuring *m, double *seconds, ScoutError *error)
{
    return run_steps(m, 1, 1, seconds, error);
}

static ScoutStatus run_beam(Measuring *m, double *seconds, ScoutError *error)
{
    return run_steps(m, 1, (size_t)m->options.beam, seconds, error);
}

static ScoutStatus run_batch(Measuring *m, double *seconds, ScoutError *error)
{
    return run_steps(m, (size_t)m->options.windows, (size_t)m->options.beam, seconds, error);
}

// Memory for runs of so many windows with so many texts each.
static ScoutStatus make_run(Measuring *m, size_t windows, size_t beam, ScoutError *error)
{
    whisper_run_free(m->run);
    m->run = NULL;
    WhisperRunLimits limits = {
        .audios = windows,
        .sequences = windows * beam,
        .rows = BASE_MAX(windows * beam, (size_t)PROMPT_TOKENS),
    };
    return whisper_run_new(m->model, m->pool, &limits, &m->run, error);
}

static uint64_t peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

static ScoutStatus measure_window(Measuring *m, ScoutError *error)
{
    ScoutMeasurements *found = &m->found;
    ScoutStatus status =
        measure_stage(m, SCOUT_MEASURE_MEL, "log-mel", run_mel, &found->mel, error);
    if (!status)
        status = make_run(m, 1, (size_t)m->options.beam, error);
    if (!status)
        status =
            measure_stage(m, SCOUT_MEASURE_ENCODER, "encoder", run_encoder, &found->encoder, error);
    if (!status)
        status =
            measure_stage(m, SCOUT_MEASURE_PROMPT, "prompt", run_prompt, &found->prompt, error);
    if (!status)
        status = measure_stage(m, SCOUT_MEASURE_TOKEN, "decoder", run_token, &found->token, error);
    found->peak_memory_bytes = peak_memory();
    return status ? status
                  : measure_stage(m, SCOUT_MEASURE_BEAM, "decoder with beams", run_beam,
                                  &found->beam_step, error);
}

static ScoutStatus measure_batch(Measuring *m, ScoutError *error)
{
    static const char stage[] = "decoder with a batch";
    size_t windows = (size_t)m->options.windows;
    double encoding_s = m->found.encoder.min_ms * 1e-3 * (double)windows;
    if (!is_asked(m, SCOUT_MEASURE_BATCH) || encoding_s > BATCH_PATIENCE * m->options.stage_s)
        return next_stage(m, stage, error);
    ScoutStatus status = make_run(m, windows, (size_t)m->options.beam, error);
    for (size_t i = 0; !status && i < windows; i++)
        status = whisper_encode(m->run, i, m->frames, window_frames(m), error);
    return status ? status
                  : measure_stage(m, SCOUT_MEASURE_BATCH, stage, run_batch, &m->found.batch_step,
                                  error);
}

// ------------------------------------------------------------------------------------------- peaks

typedef struct PeakJob {
    KernelsPeak loop; // or NULL: read
    uint64_t rounds;
    uint64_t operations; // of one task
    const KernelsPeaks *peaks;
    const char *block;
    size_t part_bytes;
    uint64_t *sums; // of what was read, a task each: somebody has to want them
} PeakJob;

static void peak_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    const PeakJob *job = context;
    if (job->loop)
        (void)job->loop(job->rounds);
    else
        job->sums[index] = job->peaks->read(job->block + index * job->part_bytes, job->part_bytes);
}

static size_t peak_tasks(const Measuring *m)
{
    return PEAK_PARTS * thread_pool_size(m->pool);
}

// The fastest run of the job in seconds.
static ScoutStatus fastest(Measuring *m, const char *stage, PeakJob *job, double *seconds,
                           ScoutError *error)
{
    double limit_s = BASE_MIN(PEAK_STAGE_S, m->options.stage_s);
    int64_t start_ns = clock_monotonic_ns();
    double best_s = 0;
    do {
        int64_t run_ns = clock_monotonic_ns();
        thread_pool_run(m->pool, peak_tasks(m), peak_task, job);
        double run_s = clock_seconds_since(run_ns);
        if (best_s <= 0 || run_s < best_s)
            best_s = run_s;
        ScoutStatus status = still_wanted(m, stage, error);
        if (status)
            return status;
    } while (best_s <= 0 || clock_seconds_since(start_ns) < limit_s);
    *seconds = best_s;
    return SCOUT_OK;
}

static ScoutStatus measure_loop(Measuring *m, const char *stage, KernelsPeak loop, double *gops,
                                ScoutError *error)
{
    ScoutStatus status = next_stage(m, stage, error);
    if (status || !loop)
        return status;
    PeakJob job = {.loop = loop, .rounds = 1000};
    double part_s = 0;
    while (part_s < PEAK_RUN_S / PEAK_PARTS / 2) {
        job.rounds *= 2;
        int64_t start_ns = clock_monotonic_ns();
        job.operations = loop(job.rounds);
        part_s = clock_seconds_since(start_ns);
    }
    double seconds = 0;
    status = fastest(m, stage, &job, &seconds, error);
    if (!status)
        *gops = (double)job.operations * (double)peak_tasks(m) / seconds * 1e-9;
    return status;
}

// bytes is rounded up to what all tasks read as much of.
static ScoutStatus measure_reading(Measuring *m, const char *stage, const KernelsPeaks *peaks,
                                   size_t bytes, double *gbs, ScoutError *error)
{
    ScoutStatus status = next_stage(m, stage, error);
    if (status)
        return status;
    size_t tasks = peak_tasks(m);
    size_t part_bytes = BASE_ROUND_UP(bytes / tasks + 1, (size_t)KERNELS_READ_UNIT);
    char *block BASE_CLEANUP(mem_free_pointer) = mem_aligned(tasks, part_bytes);
    uint64_t *sums BASE_CLEANUP(mem_free_pointer) = mem_array(tasks, sizeof(*sums));
    if (!block || !sums)
        return error_no_memory(error);
    memset(block, 1, tasks * part_bytes);
    PeakJob job = {.peaks = peaks, .block = block, .part_bytes = part_bytes, .sums = sums};
    double seconds = 0;
    status = fastest(m, stage, &job, &seconds, error);
    if (!status)
        *gbs = (double)(tasks * part_bytes) / seconds * 1e-9;
    return status;
}

static ScoutStatus measure_peaks(Measuring *m, ScoutError *error)
{
    ScoutMeasurements *found = &m->found;
    uint32_t features = 0;
    KernelsPeaks peaks = {.f32 = NULL};
    ScoutStatus status = cpu_limit(m->engine->kernels.tier, cpu_detect(), &features, error);
    if (status)
        return status;
    kernels_peaks_init(&peaks, features);
    status = measure_loop(m, "peak of f32", peaks.f32, &found->f32_peak_gops, error);
    if (!status)
        status = measure_loop(m, "peak of bf16", peaks.bf16, &found->bf16_peak_gops, error);
    if (!status)
        status = measure_loop(m, "peak of int8", peaks.u8s8, &found->int8_peak_gops, error);
    if (!status)
        status = measure_reading(m, "memory", &peaks, (size_t)found->token_bytes,
                                 &found->weights_read_gbs, error);
    return status ? status
                  : measure_reading(m, "memory", &peaks, MEMORY_BLOCK_BYTES,
                                    &found->memory_read_gbs, error);
}

// --------------------------------------------------------------------------------------- the whole

static double linear_peak(const ScoutMeasurements *found)
{
    switch (found->compute) {
    case SCOUT_COMPUTE_INT8: return found->int8_peak_gops;
    case SCOUT_COMPUTE_BF16:
        return found->bf16_peak_gops > 0 ? found->bf16_peak_gops : found->f32_peak_gops;
    default: return found->f32_peak_gops;
    }
}

static void hold_against_limits(Measuring *m)
{
    ScoutMeasurements *found = &m->found;
    WhisperCost cost;
    whisper_cost(m->model, &cost);
    double int8_gop = (double)cost.int8_operations * 1e-9;
    double bf16_gop = (double)cost.bf16_operations * 1e-9;
    double f32_gop = (double)cost.f32_operations * 1e-9;
    double bf16_peak = found->bf16_peak_gops > 0 ? found->bf16_peak_gops : found->f32_peak_gops;
    found->encoder_gop = int8_gop + bf16_gop + f32_gop;
    found->encoder_limit_ms = 1e3 * (int8_gop / found->int8_peak_gops + bf16_gop / bf16_peak +
                                     f32_gop / found->f32_peak_gops);
    found->token_limit_ms = (double)found->token_bytes / found->weights_read_gbs * 1e-6;
    if (found->encoder.runs) {
        found->encoder_gops = found->encoder_gop / (found->encoder.min_ms * 1e-3);
        found->encoder_peak_share = found->encoder_gops / linear_peak(found);
    }
    if (found->token.runs)
        found->token_bandwidth_share = found->token_limit_ms / found->token.min_ms;
}

// Noise whose loudness goes up and down; a generator's, so that every run hears the same.
static void make_sound(float *samples, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        float loudness = (float)(i / 800 % 7 + 1) / 14.0f;
        samples[i] = loudness * (float)(int32_t)state * 0x1p-31f;
    }
}

static ScoutStatus prepare(Measuring *m, ScoutError *error)
{
    const WhisperDims *dims = whisper_dims(m->model);
    size_t rows =
        BASE_MAX((size_t)m->options.windows * (size_t)m->options.beam, (size_t)PROMPT_TOKENS);
    if (dims->n_text_ctx <= PROMPT_TOKENS || dims->n_vocab <= PROMPT_TOKENS)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "model '%s' is too small to measure: %zu tokens of %zu", m->options.model,
                         dims->n_text_ctx, dims->n_vocab);
    size_t samples = window_frames(m) * MEL_HOP_SAMPLES;
    m->samples = mem_aligned(samples, sizeof(*m->samples));
    m->frames = mem_aligned(window_frames(m), dims->n_mels * sizeof(*m->frames));
    m->logits = mem_aligned(rows, dims->n_vocab * sizeof(*m->logits));
    m->rows = mem_array(rows, sizeof(*m->rows));
    if (!m->samples || !m->frames || !m->logits || !m->rows)
        return error_no_memory(error);
    make_sound(m->samples, samples);
    m->found.window_s = (double)samples / SCOUT_SAMPLE_RATE;
    m->found.compute = (ScoutCompute)whisper_compute(m->model);
    m->found.beam = m->options.beam;
    m->found.windows = m->options.windows;
    WhisperCost cost;
    whisper_cost(m->model, &cost);
    m->found.token_bytes = cost.step_weight_bytes + cost.step_audio_bytes;
    return mel_new(dims->n_mels, &m->mel, error);
}

static ScoutStatus measure_all(Measuring *m, ScoutError *error)
{
    ScoutStatus status = registry_find(m->engine->models_folder, m->options.model, &m->path, error);
    if (!status)
        status = thread_pool_new((size_t)scout_engine_threads(m->engine), &m->pool, error);
    if (!status && !(m->times = mem_array((size_t)m->options.runs, sizeof(*m->times))))
        status = error_no_memory(error);
    if (!status)
        status = measure_stage(m, SCOUT_MEASURE_LOAD, "load", run_load, &m->found.load, error);
    if (!status)
        status = prepare(m, error);
    if (!status)
        status = measure_window(m, error);
    if (!status)
        status = measure_batch(m, error);
    if (!status && is_asked(m, SCOUT_MEASURE_MACHINE)) {
        status = measure_peaks(m, error);
        hold_against_limits(m);
    }
    return status;
}

static void let_go(Measuring *m)
{
    whisper_run_free(m->run);
    whisper_close(m->model);
    mel_free(m->mel);
    thread_pool_free(m->pool);
    mem_free(m->path);
    mem_free(m->samples);
    mem_free(m->frames);
    mem_free(m->logits);
    mem_free(m->rows);
    mem_free(m->times);
}

static ScoutStatus check_options(const ScoutMeasureOptions *options, ScoutError *error)
{
    const struct {
        const char *name;
        int value, high;
    } ranges[] = {
        {"runs", options->runs, RUNS_MAX},
        {"beam", options->beam, SCOUT_BEAM_MAX},
        {"windows", options->windows, WINDOWS_MAX},
    };
    for (size_t i = 0; i < BASE_COUNT(ranges); i++)
        if (ranges[i].value < 1 || ranges[i].value > ranges[i].high)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is %d, not 1 to %d",
                             ranges[i].name, ranges[i].value, ranges[i].high);
    if (options->stages < 1 || options->stages > SCOUT_MEASURE_ALL)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "stages is %d, not some of SCOUT_MEASURE_ALL", options->stages);
    if (!(options->stage_s >= 0 && options->stage_s <= STAGE_MAX_S))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "stage_s is %g, not 0 to %g",
                         options->stage_s, STAGE_MAX_S);
    return SCOUT_OK;
}

ScoutStatus scout_engine_measure(ScoutEngine *engine, const ScoutMeasureOptions *options,
                                 ScoutMeasureProgress progress, void *context,
                                 ScoutMeasurements **measured, ScoutError *error)
{
    if (!engine || !measured)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         engine ? "measured" : "engine");
    static const EngineOptionsKind kind = {
        .name = "ScoutMeasureOptions",
        .first_size = offsetof(ScoutMeasureOptions, stages) + sizeof(int),
        .size = sizeof(ScoutMeasureOptions),
    };
    Measuring m = {.engine = engine, .progress = progress, .context = context};
    scout_measure_options_init(&m.options);
    ScoutStatus status = engine_copy_options(&kind, options, &m.options, error);
    if (!status)
        status = check_options(&m.options, error);
    if (status)
        return status;
    if (!m.options.model)
        m.options.model = "base";
    status = measure_all(&m, error);
    ScoutMeasurements *made = status ? NULL : malloc(sizeof(*made));
    let_go(&m);
    if (status)
        return status;
    if (!made)
        return error_no_memory(error);
    *made = m.found;
    *measured = made;
    return SCOUT_OK;
}
