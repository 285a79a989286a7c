// `scout bench`: how fast Scout is on this machine, stage by stage, and how fast it could be.
#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <scout/measure.h>
#include <scout/models.h>
#include <scout/system.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "commands.h"
#include "exits.h"
#include "json_view.h"
#include "models_common.h"
#include "output.h"
#include "request.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

enum {
    REPORT_MAX_BYTES = 1 << 20,
    WHOLE_RUNS_MAX = 1000, // of a recording
    WHOLE_RUNS = 5,
    TOKENS_A_WINDOW = 75, // of English speech, for the estimate
};

static const double WHOLE_S = 4.0; // no run of a recording begins later
static const double UNLIMITED_S = 3600.0;

// A recording from file to text, with everything loaded.
typedef struct Whole {
    int runs;
    double first_s, min_s, median_s;
    ScoutTimings timings; // of the fastest run
} Whole;

typedef struct Bench {
    const Config *config;
    Request request;
    ScoutCancel *cancel;
    ScoutEngine *engine;
    ScoutMeasurements *measured;
    ScoutSystem system;
    Whole whole;
    uint64_t peak_memory_bytes;
} Bench;

// --------------------------------------------------------------------------------------- measuring

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int on_event(void *context, const ScoutEvent *event)
{
    (void)context;
    if (event->type == SCOUT_EVENT_PROGRESS && event->u.progress.total_s > 0)
        terminal_progress("file to text", event->u.progress.received_s / event->u.progress.total_s,
                          -1);
    return signals_interrupted();
}

static ScoutStatus run_whole(Bench *bench, const char *file, ScoutTimings *timings,
                             ScoutError *error)
{
    ScoutTranscript *transcript = NULL;
    ScoutStatus status = scout_transcribe_file(bench->engine, file, &bench->request.transcribe,
                                               on_event, NULL, bench->cancel, &transcript, error);
    if (!status)
        *timings = *scout_transcript_timings(transcript);
    scout_transcript_free(transcript);
    return status;
}

// The first run warms up and counts only where there is no time for another.
static ScoutStatus measure_whole(Bench *bench, const char *file, ScoutError *error)
{
    Whole *whole = &bench->whole;
    int runs = (int)config_integer(bench->config, OPTION_RUNS);
    double limit_s = runs ? UNLIMITED_S : WHOLE_S;
    double times[WHOLE_RUNS_MAX];
    ScoutTimings timings;
    ScoutStatus status = run_whole(bench, file, &timings, error);
    if (status)
        return status;
    whole->timings = timings;
    whole->first_s = times[0] = timings.total_s;
    double spent_s = timings.total_s;
    while (whole->runs < (runs ? runs : WHOLE_RUNS) && spent_s < limit_s) {
        status = run_whole(bench, file, &timings, error);
        if (status)
            return status;
        if (!whole->runs || timings.total_s < whole->timings.total_s)
            whole->timings = timings;
        times[whole->runs++] = timings.total_s;
        spent_s += timings.total_s;
    }
    if (!whole->runs)
        whole->runs = 1;
    qsort(times, (size_t)whole->runs, sizeof(*times), compare_times);
    whole->min_s = times[0];
    whole->median_s = times[whole->runs / 2];
    return SCOUT_OK;
}

static int on_stage(void *context, const char *stage, double fraction)
{
    (void)context;
    terminal_progress(stage, fraction, -1);
    return signals_interrupted();
}

static ScoutStatus measure_stages(Bench *bench, ScoutError *error)
{
    ScoutMeasureOptions options;
    scout_measure_options_init(&options);
    options.model = bench->request.transcribe.model;
    options.beam = bench->request.transcribe.beam_size;
    int runs = (int)config_integer(bench->config, OPTION_RUNS);
    if (runs) {
        options.runs = runs;
        options.stage_s = UNLIMITED_S;
    }
    return scout_engine_measure(bench->engine, &options, on_stage, NULL, &bench->measured, error);
}

// The recording first, as its peak of memory is that of a user's, and not that of measuring.
static ScoutStatus measure(Bench *bench, ScoutError *error)
{
    const char *file = config_text(bench->config, OPTION_AUDIO);
    ScoutStatus status = scout_engine_new(&bench->request.engine, &bench->engine, error);
    if (!status && file)
        status = measure_whole(bench, file, error);
    struct rusage usage;
    if (!status && file && getrusage(RUSAGE_SELF, &usage) == 0)
        bench->peak_memory_bytes = (uint64_t)usage.ru_maxrss * 1024;
    if (!status)
        status = measure_stages(bench, error);
    if (!status && !file)
        bench->peak_memory_bytes = bench->measured->peak_memory_bytes;
    if (!status)
        scout_system_probe(config_text(bench->config, OPTION_DECODER),
                           config_text(bench->config, OPTION_CPU), &bench->system);
    return status;
}

// ----------------------------------------------------------------------------------------
// reporting

static const char *compute_name(ScoutCompute compute)
{
    switch (compute) {
    case SCOUT_COMPUTE_F32: return "f32";
    case SCOUT_COMPUTE_BF16: return "bf16";
    case SCOUT_COMPUTE_INT8: return "int8";
    case SCOUT_COMPUTE_AUTO: break;
    }
    return "auto";
}

// Time of processing to time of sound.
static double real_time_factor(const Bench *bench)
{
    const ScoutMeasurements *m = bench->measured;
    if (bench->whole.runs && bench->whole.timings.audio_s > 0)
        return bench->whole.min_s / bench->whole.timings.audio_s;
    double window_ms = m->mel.min_ms + m->encoder.min_ms + m->prompt.min_ms +
                       TOKENS_A_WINDOW * m->beam_step.min_ms;
    return window_ms / (m->window_s * 1e3);
}

static json_t *duration_json(const ScoutDuration *duration)
{
    return json_pack("{s:f, s:f, s:i}", "min_ms", duration->min_ms, "median_ms",
                     duration->median_ms, "runs", duration->runs);
}

static json_t *stages_json(const ScoutMeasurements *m)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "load", duration_json(&m->load), "mel",
                     duration_json(&m->mel), "encoder", duration_json(&m->encoder), "prompt",
                     duration_json(&m->prompt), "token", duration_json(&m->token), "beam_step",
                     duration_json(&m->beam_step), "batch_step", duration_json(&m->batch_step));
}

// 0 stands for "the kernels have no such instruction".
static json_t *peak_json(double gops)
{
    return gops > 0 ? json_real(gops) : json_null();
}

static json_t *peaks_json(const ScoutMeasurements *m)
{
    return json_pack("{s:o, s:o, s:o, s:f, s:f}", "f32_gops", peak_json(m->f32_peak_gops),
                     "bf16_gops", peak_json(m->bf16_peak_gops), "int8_gops",
                     peak_json(m->int8_peak_gops), "weights_gb_per_s", m->weights_read_gbs,
                     "memory_gb_per_s", m->memory_read_gbs);
}

static json_t *whole_json(const Bench *bench)
{
    const Whole *whole = &bench->whole;
    const ScoutTimings *t = &whole->timings;
    if (!whole->runs)
        return json_null();
    json_t *parts = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "decode_s", t->decode_s, "vad_s",
                              t->vad_s, "mel_s", t->mel_s, "encoder_s", t->encoder_s, "decoder_s",
                              t->decoder_s, "align_s", t->align_s);
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:I, s:I, s:I, s:o}", "file",
                     config_text(bench->config, OPTION_AUDIO), "audio_s", t->audio_s, "seconds",
                     whole->min_s, "median_s", whole->median_s, "first_s", whole->first_s, "rtf",
                     real_time_factor(bench), "runs", whole->runs, "beam_size",
                     bench->request.transcribe.beam_size, "windows", (json_int_t)t->windows,
                     "tokens", (json_int_t)t->tokens, "fallbacks", (json_int_t)t->fallbacks,
                     "parts", parts);
}

static json_t *report_json(const Bench *bench)
{
    const ScoutMeasurements *m = bench->measured;
    const ScoutSystem *system = &bench->system;
    json_t *report =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "scout_version", scout_version(),
                  "processor", system->processor_name, "features", system->features, "processors",
                  system->processors, "threads", scout_engine_threads(bench->engine), "kernels",
                  scout_engine_kernels(bench->engine), "compute", compute_name(m->compute), "model",
                  bench->request.transcribe.model);
    json_t *figures = json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:o, s:i, s:f, s:b, s:f}", "load_ms", m->load.min_ms,
        "mel_ms", m->mel.min_ms, "encoder_ms", m->encoder.min_ms, "prompt_ms", m->prompt.min_ms,
        "decoder_ms_per_token", m->token.min_ms, "decoder_ms_per_step", m->beam_step.min_ms,
        "rows_per_step", m->beam, "decoder_ms_per_batch_step",
        m->batch_step.runs ? json_real(m->batch_step.min_ms) : json_null(), "rows_per_batch_step",
        m->windows * m->beam, "rtf", real_time_factor(bench), "rtf_is_estimated",
        !bench->whole.runs, "peak_rss_mb", (double)bench->peak_memory_bytes * 1e-6);
    json_t *limits =
        json_pack("{s:f, s:f, s:f, s:f, s:I, s:f, s:f}", "encoder_gop", m->encoder_gop,
                  "encoder_gops", m->encoder_gops, "encoder_limit_ms", m->encoder_limit_ms,
                  "encoder_peak_share", m->encoder_peak_share, "decoder_bytes_per_token",
                  (json_int_t)m->token_bytes, "decoder_limit_ms_per_token", m->token_limit_ms,
                  "decoder_bandwidth_share", m->token_bandwidth_share);
    bool good = report && figures && limits && json_object_update(report, figures) == 0 &&
                json_object_update(report, limits) == 0 &&
                json_object_set_new(report, "stages", stages_json(m)) == 0 &&
                json_object_set_new(report, "peaks", peaks_json(m)) == 0 &&
                json_object_set_new(report, "end_to_end", whole_json(bench)) == 0;
    json_decref(figures);
    json_decref(limits);
    if (good)
        return report;
    json_decref(report);
    return NULL;
}

static void write_json(const Bench *bench, Buffer *out)
{
    json_t *report = report_json(bench);
    if (!report || !json_write(report, JSON_INDENT(2), out))
        out->failed = true;
    json_decref(report);
    buffer_append_char(out, '\n');
}

static void write_stage(Buffer *out, const char *name, const ScoutDuration *duration)
{
    if (duration->runs)
        buffer_printf(out, "  %-34s %10.2f ms %10.2f ms\n", name, duration->min_ms,
                      duration->median_ms);
    else
        buffer_printf(out, "  %-34s %13s\n", name, "takes too long here");
}

static void write_stages(const ScoutMeasurements *m, Buffer *out)
{
    char window[64];
    char beam[64];
    char batch[64];
    (void)snprintf(window, sizeof(window), "encode %.0f s of sound", m->window_s);
    (void)snprintf(beam, sizeof(beam), "a step of %d text%s", m->beam, m->beam > 1 ? "s" : "");
    (void)snprintf(batch, sizeof(batch), "a step of %d windows, %d text%s each", m->windows,
                   m->beam, m->beam > 1 ? "s" : "");
    buffer_printf(out, "\n  %-34s %13s %13s\n", "", "fastest", "median");
    write_stage(out, "load the model", &m->load);
    write_stage(out, "log-mel spectrogram", &m->mel);
    write_stage(out, window, &m->encoder);
    write_stage(out, "begin a text", &m->prompt);
    write_stage(out, "a token of one text", &m->token);
    write_stage(out, beam, &m->beam_step);
    write_stage(out, batch, &m->batch_step);
}

static void write_peak(Buffer *out, const char *name, double gops)
{
    if (gops > 0)
        buffer_printf(out, "%s%.0f (%s)", *name == 'f' ? "" : ", ", gops, name);
}

static void write_limits(const ScoutMeasurements *m, Buffer *out)
{
    buffer_append_text(out, "\nThe machine, G operations a second: ");
    write_peak(out, "f32", m->f32_peak_gops);
    write_peak(out, "bf16", m->bf16_peak_gops);
    write_peak(out, "int8", m->int8_peak_gops);
    buffer_printf(out, "; reads %.1f GB/s (%.1f GB/s of as much as a token needs)\n",
                  m->memory_read_gbs, m->weights_read_gbs);
    buffer_printf(out,
                  "The encoder: %.1f G operations, %.0f a second, %.0f %% of the peak of its "
                  "linear layers; with all at their peak %.1f ms\n",
                  m->encoder_gop, m->encoder_gops, m->encoder_peak_share * 100.0,
                  m->encoder_limit_ms);
    buffer_printf(out, "A token: reads %.1f MB, %.0f %% of what reading reaches; at that %.2f ms\n",
                  (double)m->token_bytes * 1e-6, m->token_bandwidth_share * 100.0,
                  m->token_limit_ms);
}

static void write_whole(const Bench *bench, Buffer *out)
{
    const Whole *whole = &bench->whole;
    double factor = real_time_factor(bench);
    if (whole->runs)
        buffer_printf(out,
                      "File to text: %.1f s of sound in %.3f s (median of %d: %.3f s, the first "
                      "%.3f s), %.0f times as fast as it was spoken\n",
                      whole->timings.audio_s, whole->min_s, whole->runs, whole->median_s,
                      whole->first_s, 1.0 / factor);
    else
        buffer_printf(out,
                      "About %.0f times as fast as speech; --audio FILE measures it from file to "
                      "text\n",
                      1.0 / factor);
    char memory[32];
    models_size_text(bench->peak_memory_bytes, memory);
    buffer_printf(out, "Most memory in use: %s\n", memory);
}

static void write_table(const Bench *bench, Buffer *out)
{
    const ScoutSystem *system = &bench->system;
    int threads = scout_engine_threads(bench->engine);
    buffer_printf(out, "scout %s, model %s, %s, kernels %s, %d thread%s\n", scout_version(),
                  bench->request.transcribe.model, compute_name(bench->measured->compute),
                  scout_engine_kernels(bench->engine), threads, threads == 1 ? "" : "s");
    buffer_printf(out, "%s%s%d for this process\n", system->processor_name,
                  *system->processor_name ? ", " : "", system->processors);
    write_stages(bench->measured, out);
    write_limits(bench->measured, out);
    write_whole(bench, out);
}

static int report(const Bench *bench)
{
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    if (config_flag(bench->config, OPTION_JSON))
        write_json(bench, &out);
    else
        write_table(bench, &out);
    int status = output_report(&out);
    buffer_done(&out);
    return status;
}

static int failed(ScoutStatus status, const ScoutError *error)
{
    if (signals_interrupted()) {
        terminal_note("interrupted; nothing was measured");
        return EXIT_INTERRUPTED;
    }
    terminal_error("%s", error->message);
    return status == SCOUT_ERROR_INVALID_ARGUMENT ? EXIT_WRONG_USE : EXIT_FAILED;
}

int command_bench(const Config *config)
{
    Bench bench = {.config = config};
    ScoutError error = {0};
    ScoutStatus status = request_init(&bench.request, config, &error);
    if (!status)
        status = scout_cancel_new(&bench.cancel, &error);
    signals_set_cancel(bench.cancel);
    if (!status)
        status = measure(&bench, &error);
    terminal_progress_hide();
    int exit_status = status ? failed(status, &error) : report(&bench);
    signals_set_cancel(NULL);
    scout_free(bench.measured);
    scout_engine_free(bench.engine);
    scout_cancel_free(bench.cancel);
    request_done(&bench.request);
    return exit_status;
}
