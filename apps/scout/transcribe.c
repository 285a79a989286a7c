// `scout transcribe`: inputs one after the other through one engine, results as they come.
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "checkpoint.h"
#include "commands.h"
#include "exits.h"
#include "output.h"
#include "request.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

// The whole run.
typedef struct Run {
    const Config *config;
    Request request;
    ScoutEngine *engine;
    ScoutCancel *cancel;
    Writer writer; // of standard output
    const char *const *inputs;
    size_t input_count;
    char **outputs; // NULL: standard output
    double load_s;
    size_t failed, damaged;
    bool pipe_closed;  // nobody reads any more
    bool cannot_go_on; // writing fails: more inputs would be lost work
} Run;

// One input.
typedef struct Input {
    Run *run;
    const char *file;
    const char *output;
    Document document;
    Writer own;     // of the output file
    Writer *writer; // where results go
    Checkpoint checkpoint;
    bool begun; // writer_begin was called
    double start_s;
    int64_t start_ns;
    ScoutStatus status; // of keeping and writing
    ScoutError error;
} Input;

// ------------------------------------------------------------------------------------ as it comes

static ScoutStatus flush(Input *input)
{
    if (input->output)
        return input->writer->out.failed ? error_no_memory(&input->error) : SCOUT_OK;
    return output_print(&input->writer->out, &input->run->pipe_closed, &input->error);
}

static void begin(Input *input)
{
    if (!input->begun)
        writer_begin(input->writer, &input->document.view);
    input->begun = true;
}

static void show_progress(const Input *input, const ScoutEvent *event)
{
    const ScoutTranscribeOptions *options = &input->run->request.transcribe;
    double total_s = event->u.progress.total_s;
    if (options->end_s > 0 && (total_s < 0 || options->end_s < total_s))
        total_s = options->end_s;
    double done_s = event->u.progress.settled_s - input->start_s;
    double whole_s = total_s - input->start_s;
    double fraction = whole_s > 0 ? BASE_MAX(done_s / whole_s, 0.0) : -1;
    double spent_s = clock_seconds_since(input->start_ns);
    double left_s =
        fraction > 0 && fraction <= 1 && spent_s > 0.5 ? spent_s / fraction * (1 - fraction) : -1;
    terminal_progress(path_base(input->file), fraction, left_s);
}

// What a resumed run tells again of the time before it began.
static bool is_old(const Input *input, const ScoutEvent *event)
{
    return event->type == SCOUT_EVENT_SKIPPED && input->checkpoint.settled_s > 0 &&
           event->u.skipped.reason == SCOUT_SKIP_OUTSIDE &&
           event->u.skipped.end_s <= input->start_s + 0.001;
}

static int on_event(void *context, const ScoutEvent *event)
{
    Input *input = context;
    // The language of a resumed run was given, not detected; what was detected stays.
    if (is_old(input, event) ||
        (event->type == SCOUT_EVENT_LANGUAGE && *input->document.view.language.code))
        return 0;
    input->status = document_add(&input->document, event, &input->error);
    if (input->status)
        return 1;
    const View *view = &input->document.view;
    if (event->type == SCOUT_EVENT_SEGMENT) {
        begin(input);
        writer_segment(input->writer, view, &view->segments[view->segment_count - 1]);
        input->status = flush(input);
    }
    ScoutError error;
    if (checkpoint_add(&input->checkpoint, event, &error))
        terminal_warning("%s", error.message);
    if (event->type == SCOUT_EVENT_PROGRESS)
        show_progress(input, event);
    return input->status != SCOUT_OK;
}

// ---------------------------------------------------------------------------------- before and
// after

// What the decoder would say less plainly.
static ScoutStatus check_input(const char *file, ScoutError *error)
{
    struct stat info;
    if (str_equal(file, "-"))
        return SCOUT_OK;
    if (stat(file, &info) != 0)
        return error_set_errno(error, errno, "cannot open %s", file);
    if (S_ISDIR(info.st_mode))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is a folder: give the files in it, such as %s/*.mp3", file, file);
    if (S_ISREG(info.st_mode) && info.st_size == 0)
        return error_set(error, SCOUT_ERROR_FORMAT, "%s is empty: there is nothing to hear", file);
    if (access(file, R_OK) != 0)
        return error_set_errno(error, errno, "cannot open %s", file);
    return SCOUT_OK;
}

// What the model wrote just before, which is what it would go on from: the tokens of the last
// segments, but for text that was too uncertain to go on from. A new array, or NULL.
static int32_t *recent_tokens(const View *view, size_t *count)
{
    enum { RECENT_MAX = 448 };
    static const float certain = 0.5F; // temperature, as in the engine
    size_t first = view->segment_count;
    *count = 0;
    while (first > 0 && *count < RECENT_MAX && view->segments[first - 1].temperature <= certain)
        *count += view->segments[--first].token_count;
    int32_t *tokens = *count ? mem_array(*count, sizeof(*tokens)) : NULL;
    if (!tokens) {
        *count = 0;
        return NULL;
    }
    int32_t *at = tokens;
    for (size_t i = first; i < view->segment_count; i++) {
        const ScoutSegment *segment = &view->segments[i];
        if (segment->token_count)
            memcpy(at, segment->tokens, segment->token_count * sizeof(*at));
        at += segment->token_count;
    }
    return tokens;
}

// Writes again what an earlier run had settled, and moves the beginning behind it.
static ScoutStatus resume(Input *input, ScoutTranscribeOptions *options, int32_t **tokens)
{
    const View *view = &input->document.view;
    double settled_s = input->checkpoint.settled_s;
    if (settled_s <= options->start_s)
        return SCOUT_OK;
    terminal_note("%s: going on at %.1f seconds", input->file, settled_s);
    options->start_s = settled_s;
    if (view->segment_count) // else the text has not begun
        options->prefix = NULL;
    if (*view->language.code)
        options->language = view->language.code;
    if (options->condition_on_previous)
        *tokens = recent_tokens(view, &options->previous_token_count);
    options->previous_tokens = *tokens;
    if (view->segment_count)
        begin(input);
    for (size_t i = 0; i < view->segment_count; i++)
        writer_segment(input->writer, view, &view->segments[i]);
    return flush(input);
}

static ScoutStatus finish_output(Input *input, ScoutError *error)
{
    begin(input);
    writer_end(input->writer, &input->document.view);
    if (!input->output) {
        ScoutStatus status = flush(input);
        return status ? error_set(error, status, "%s", input->error.message) : SCOUT_OK;
    }
    writer_close(input->writer);
    const Buffer *out = &input->writer->out;
    return out->failed ? error_no_memory(error)
                       : file_write(input->output, buffer_text(out), out->length, true, error);
}

static void clock_words(double seconds, char out[32])
{
    long long tenths = (long long)(seconds * 10.0 + 0.5);
    if (tenths < 36000)
        (void)snprintf(out, 32, "%lld:%02lld.%lld", tenths / 600, tenths / 10 % 60, tenths % 10);
    else
        (void)snprintf(out, 32, "%lld:%02lld:%02lld.%lld", tenths / 36000, tenths / 600 % 60,
                       tenths / 10 % 60, tenths % 10);
}

static void tell_damage(Input *input)
{
    enum { TOLD_MAX = 3 };
    const View *view = &input->document.view;
    for (size_t i = 0; i < view->damage_count && i < TOLD_MAX; i++) {
        const ScoutDamage *damage = &view->damage[i];
        char at[32];
        clock_words(damage->at_s, at);
        terminal_warning("%s is %s at %s (second %.1f)%s%s%s", input->file,
                         damage->to_end ? "cut short" : "damaged", at, damage->at_s,
                         *damage->message ? ": " : "", damage->message,
                         damage->to_end ? "; nothing after that could be read" : "");
    }
    if (view->damage_count > TOLD_MAX)
        terminal_warning("%s is damaged in %zu more places; --format json lists them", input->file,
                         view->damage_count - TOLD_MAX);
    input->run->damaged += view->damage_count > 0;
}

static void tell_timings(const Input *input)
{
    const Run *run = input->run;
    const ScoutTimings *timings = input->document.view.timings;
    if (!timings || !config_flag(run->config, OPTION_TIMINGS))
        return;
    int threads = scout_engine_threads(run->engine);
    double total_s = timings->total_s > 0.001 ? timings->total_s : 0.001;
    terminal_say("%s%s%.1f s of sound in %.2f s, %.1f times as fast as it was spoken (model %s "
                 "ready in %.2f s; %s, %d thread%s)",
                 run->input_count > 1 ? input->file : "", run->input_count > 1 ? ": " : "",
                 timings->audio_s, timings->total_s, timings->audio_s / total_s,
                 run->request.transcribe.model, run->load_s, scout_engine_kernels(run->engine),
                 threads, threads == 1 ? "" : "s");
    if (timings->drafted)
        terminal_say("%s%s%zu of %zu drafted tokens were right; the draft took %.2f s",
                     run->input_count > 1 ? input->file : "", run->input_count > 1 ? ": " : "",
                     timings->accepted, timings->drafted, timings->draft_s);
}

static void input_failed(Input *input, const char *message)
{
    Run *run = input->run;
    run->failed++;
    // The engine's sentence names the file already, most of the time.
    if (strstr(message, input->file) && !str_equal(input->file, "-"))
        terminal_error("%s", message);
    else
        terminal_error("%s: %s", str_equal(input->file, "-") ? "standard input" : input->file,
                       message);
}

static void cannot_write(Input *input, const ScoutError *error)
{
    Run *run = input->run;
    run->cannot_go_on = run->pipe_closed || !input->output;
    if (run->pipe_closed)
        return;
    run->failed++;
    terminal_error("%s", error->message);
}

// ---------------------------------------------------------------------------------------- one
// input

// What is to be told and written when the engine has come back. Returns whether all went well.
static bool settle(Input *input, ScoutStatus status, ScoutTranscript *transcript, ScoutError *error)
{
    View *view = &input->document.view;
    bool interrupted = signals_interrupted();
    terminal_progress_hide();
    if (input->status) { // of a callback
        cannot_write(input, &input->error);
        return false;
    }
    bool failed = status && !interrupted;
    if (failed)
        input_failed(input, error->message);
    if (!transcript && failed) {
        if (!input->output || input->writer->options.format == FORMAT_JSONL) {
            // A reader of the output learns of it too; a file of its own is not made for it.
            if (!input->output)
                writer_failed(input->writer, input->file, error->message);
        }
        if (!input->output && flush(input))
            cannot_write(input, &input->error);
        return false;
    }
    view->interrupted = interrupted;
    view->error = failed ? error->message : NULL;
    ScoutError write_error;
    ScoutStatus written = document_finish(&input->document, transcript, &write_error);
    bool nothing = input->output && (failed || interrupted) && !view->segment_count;
    if (!written && !nothing)
        written = finish_output(input, &write_error);
    if (written) {
        cannot_write(input, &write_error);
        return false;
    }
    tell_damage(input);
    if (interrupted)
        terminal_note("interrupted; %s%s",
                      nothing ? "nothing was written yet" : "what was done is in ",
                      nothing         ? ""
                      : input->output ? input->output
                                      : "the output");
    if (!failed && !interrupted)
        tell_timings(input);
    return !failed && !interrupted;
}

static void transcribe(Input *input)
{
    Run *run = input->run;
    ScoutTranscribeOptions options = run->request.transcribe;
    BASE_CLEANUP(mem_free_pointer) int32_t *tokens = NULL;
    input->status = resume(input, &options, &tokens);
    ScoutError error = {0};
    ScoutTranscript *transcript = NULL;
    ScoutStatus status = SCOUT_OK;
    input->start_s = options.start_s;
    input->start_ns = clock_monotonic_ns();
    // Killed after the last of it was settled, there is nothing left to hear.
    bool done = options.end_s > 0 && options.end_s <= options.start_s + 0.01;
    if (!input->status && done)
        input->document.view.duration_s = options.end_s;
    if (!input->status && !done) {
        terminal_progress(path_base(input->file), -1, -1);
        status = scout_transcribe_file(run->engine, input->file, &options, on_event, input,
                                       run->cancel, &transcript, &error);
    }
    bool finished = settle(input, status, transcript, &error);
    scout_transcript_free(transcript);
    checkpoint_close(&input->checkpoint, finished);
}

// Whether the input's output may be written, or is there already.
static bool output_is_free(Input *input)
{
    Run *run = input->run;
    if (!input->output || !file_exists(input->output) || config_flag(run->config, OPTION_FORCE))
        return true;
    if (checkpoint_is_finished(&input->checkpoint)) {
        terminal_note("%s: finished before, in %s", input->file, input->output);
        return false;
    }
    // What an interrupted run left there is the beginning of what comes now.
    if (input->checkpoint.settled_s > 0)
        return true;
    run->failed++;
    terminal_error("%s exists and is kept: --force replaces it", input->output);
    return false;
}

static void process(Run *run, size_t index)
{
    Input input = {.run = run,
                   .file = run->inputs[index],
                   .output = run->outputs ? run->outputs[index] : NULL,
                   .writer = &run->writer,
                   .checkpoint = {.fd = -1}};
    ScoutError error = {0};
    document_init(&input.document);
    input.document.view.file = input.file;
    input.document.view.model = run->request.transcribe.model;
    input.document.view.task =
        run->request.transcribe.task == SCOUT_TASK_TRANSLATE ? "translate" : "transcribe";
    input.document.view.options = run->request.told;
    if (input.output) {
        writer_init(&input.own, &run->request.writer);
        input.writer = &input.own;
    }
    ScoutStatus status = check_input(input.file, &error);
    if (!status && config_flag(run->config, OPTION_RESUME))
        status = checkpoint_open(&input.checkpoint, input.file, input.output, run->request.told,
                                 &input.document, &error);
    if (status)
        (void)settle(&input, status, NULL, &error);
    else if (output_is_free(&input))
        transcribe(&input);
    checkpoint_close(&input.checkpoint, false);
    if (input.output)
        writer_done(&input.own);
    document_done(&input.document);
}

// ------------------------------------------------------------------------------------------ the
// run

static int ignore_event(void *context, const ScoutEvent *event)
{
    (void)context;
    (void)event;
    return 0;
}

// Whether an input's name does not say that it is a WAV, which needs no decoder that takes long to
// start.
static bool has_foreign(const char *const *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(inputs[i], '.');
        if (!dot || strcasecmp(dot, ".wav") != 0)
            return true;
    }
    return false;
}

// Loads the models and lets the engine check the options, once and before any file is touched.
static ScoutStatus open_engine(Run *run, ScoutError *error)
{
    int64_t start_ns = clock_monotonic_ns();
    terminal_progress("loading the model", -1, -1);
    run->request.engine.decoder_ahead = has_foreign(run->inputs, run->input_count);
    ScoutStatus status = scout_engine_new(&run->request.engine, &run->engine, error);
    if (status)
        return status;
    ScoutStream *stream = NULL;
    ScoutTranscribeOptions options = run->request.transcribe;
    status = scout_stream_new(run->engine, &options, ignore_event, NULL, &stream, error);
    scout_stream_free(stream);
    run->load_s = clock_seconds_since(start_ns);
    return status;
}

static ScoutStatus check_plan(Run *run, ScoutError *error)
{
    FormatId format = run->request.writer.format;
    const char *folder = config_text(run->config, OPTION_OUTPUT_DIR);
    size_t standard_inputs = 0;
    for (size_t i = 0; i < run->input_count; i++)
        standard_inputs += str_equal(run->inputs[i], "-");
    if (standard_inputs > 1)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "standard input can be read only once");
    if (standard_inputs && config_flag(run->config, OPTION_RESUME))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "--resume needs files: standard input cannot be read again");
    if (!folder) {
        if (run->input_count > 1 && !writer_joins(format))
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s of several inputs cannot be told apart in one output: add "
                             "--output-dir FOLDER",
                             config_text(run->config, OPTION_FORMAT));
        run->request.writer.several = run->input_count > 1;
        return SCOUT_OK;
    }
    return output_plan(folder, run->inputs, run->input_count, writer_extension(format),
                       &run->outputs, error);
}

static ScoutStatus make_output_folder(const Run *run, ScoutError *error)
{
    const char *folder = config_text(run->config, OPTION_OUTPUT_DIR);
    if (!folder)
        return SCOUT_OK;
    ScoutStatus status = file_make_folders(folder, error);
    if (!status && access(folder, W_OK | X_OK) != 0)
        status = error_set_errno(error, errno, "cannot write into %s", folder);
    return status;
}

static int run_status(const Run *run)
{
    if (run->pipe_closed)
        return EXIT_PIPE_CLOSED;
    if (signals_interrupted())
        return EXIT_INTERRUPTED;
    if (run->failed)
        return EXIT_FAILED;
    return run->damaged ? EXIT_DAMAGED : EXIT_DONE;
}

static int run_inputs(Run *run)
{
    writer_init(&run->writer, &run->request.writer);
    for (size_t i = 0; i < run->input_count && !signals_interrupted() && !run->cannot_go_on; i++)
        process(run, i);
    if (!run->outputs && !run->cannot_go_on) {
        ScoutError error;
        writer_close(&run->writer);
        if (output_print(&run->writer.out, &run->pipe_closed, &error) && !run->pipe_closed) {
            run->failed++;
            terminal_error("%s", error.message);
        }
    }
    writer_done(&run->writer);
    return run_status(run);
}

int command_transcribe(const Config *config)
{
    Run run = {.config = config};
    run.inputs = config_arguments(config, &run.input_count);
    ScoutError error = {0};
    ScoutStatus status = request_init(&run.request, config, &error);
    int exit_status = EXIT_WRONG_USE;
    if (!status)
        status = check_plan(&run, &error);
    if (!status) {
        status = make_output_folder(&run, &error);
        if (!status)
            status = scout_cancel_new(&run.cancel, &error);
        signals_set_cancel(run.cancel);
        if (!status)
            status = open_engine(&run, &error);
        exit_status = status == SCOUT_ERROR_INVALID_ARGUMENT ? EXIT_WRONG_USE : EXIT_FAILED;
    }
    terminal_progress_hide();
    if (status)
        terminal_error("%s", error.message);
    else
        exit_status = run_inputs(&run);
    signals_set_cancel(NULL);
    scout_engine_free(run.engine);
    scout_cancel_free(run.cancel);
    output_plan_free(run.outputs, run.input_count);
    request_done(&run.request);
    return exit_status;
}
