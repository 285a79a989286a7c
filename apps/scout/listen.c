// `scout listen`: live captions of what is said, from a microphone, from what the machine plays,
// from a file or from raw sound.
#include <stdio.h>
#include <string.h>

#include <scout/capture.h>
#include <scout/recording.h>
#include <scout/text.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "exits.h"
#include "listen_view.h"
#include "output.h"
#include "request.h"
#include "rules.h"
#include "signals.h"
#include "source.h"
#include "table.h"
#include "terminal.h"

typedef struct Listen {
    const Config *config;
    Request request;
    Rules rules;
    ScoutEngine *engine;
    ScoutCapture *capture;
    ListenView view; // the capture's threads', one at a time, while it runs
    char *recording; // the folder of what is kept; NULL: none
    ScoutStatus status;
    ScoutError error; // of writing, when status is not OK
    bool pipe_closed;
} Listen;

// ---- Events

static void print(Listen *listen)
{
    if (!listen->status)
        listen->status =
            output_print(listen_view_out(&listen->view), &listen->pipe_closed, &listen->error);
}

// Captions go off the screen while something is said on standard error.
static void say(Listen *listen, const ListenSaying *saying)
{
    Captions *captions = &listen->view.captions;
    if (!saying->text[0])
        return;
    // The line below the captions tells the rest.
    if (captions->options.live && !saying->warning)
        return;
    captions_hide(captions);
    print(listen);
    if (saying->warning)
        terminal_warning("%s", saying->text);
    else
        terminal_note("%s", saying->text);
    captions_show(captions);
}

static void remember_recording(Listen *listen, const ScoutCaptureEvent *event)
{
    const char *folder = event->u.recording.folder;
    if (event->type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED && !listen->recording)
        listen->recording = mem_copy_text(folder, strlen(folder));
}

static int on_event(void *context, const ScoutCaptureEvent *event)
{
    Listen *listen = context;
    ListenSaying saying;
    if (listen->status)
        return 1;
    if (listen->view.captions.options.live)
        captions_resize(&listen->view.captions, terminal_output_columns(), terminal_output_rows());
    listen->status = listen_view_event(&listen->view, event, &saying, &listen->error);
    if (!listen->status)
        say(listen, &saying);
    remember_recording(listen, event);
    print(listen);
    return listen->status != SCOUT_OK;
}

static void stop(void *context)
{
    scout_capture_stop(context);
}

// ---- Options

static void begin_view(Listen *listen, const ScoutCaptureOptions *options)
{
    const Request *request = &listen->request;
    const ListenViewOptions view = {
        .writer = request->writer,
        .terminal = request->writer.format == FORMAT_TEXT && terminal_output_draws(),
        .quiet = config_flag(listen->config, OPTION_QUIET),
        .utf8 = terminal_output_utf8(),
        .columns = terminal_output_columns(),
        .rows = terminal_output_rows(),
        .two = options->source == SCOUT_SOURCE_DEVICE_AND_SYSTEM,
        .polished = listen->rules.rules != NULL,
        .model = request->transcribe.model,
        .task = config_text(listen->config, OPTION_TASK),
        .told = request->told,
    };
    listen_view_init(&listen->view, &view);
}

static ScoutStatus open_capture(Listen *listen, ScoutError *error)
{
    const Config *config = listen->config;
    ScoutLiveOptions live;
    scout_live_options_init(&live);
    live.transcribe = &listen->request.transcribe;
    live.rules = listen->rules.rules;
    const FormatId format = listen->request.writer.format;
    live.partials = config_flag(config, OPTION_PARTIALS) &&
                    (format == FORMAT_JSONL || listen->view.captions.options.live);
    live.end_silence_s = config_number(config, OPTION_END_SILENCE);
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    ScoutStatus status = source_set(config, &options, error);
    if (status)
        return status;
    options.live = &live;
    const char *folder = config_text(config, OPTION_SAVE);
    BASE_CLEANUP(mem_free_pointer) char *safe = NULL;
    if (folder && *folder) {
        options.recording = SCOUT_RECORD_ALL;
        options.folder = folder;
        status = file_make_folders(folder, error);
    } else {
        source_keep_safe(config, &options, &safe);
    }
    if (!status && listen->view.captions.options.live)
        terminal_progress("loading the model", -1, -1);
    if (!status)
        status = scout_engine_new(&listen->request.engine, &listen->engine, error);
    terminal_progress_hide();
    if (!status)
        status =
            scout_capture_new(listen->engine, &options, on_event, listen, &listen->capture, error);
    return status;
}

// ---- The end

static int show_finishing(void *context, const char *what, double done)
{
    (void)context;
    terminal_progress(what, done, -1);
    return 0;
}

// Of what was kept: the sound file and the texts.
static ScoutStatus finish_recording(Listen *listen, ScoutError *error)
{
    if (!listen->recording)
        return SCOUT_OK;
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.transcribe = &listen->request.transcribe;
    ScoutRecording *recording = NULL;
    ScoutStatus status = scout_recording_open(listen->recording, &recording, error);
    if (!status)
        status = scout_recording_finish(listen->engine, recording, &options, show_finishing, NULL,
                                        error);
    scout_recording_free(recording);
    terminal_progress_hide();
    if (status)
        error_prefix(error, "%s is kept, and `scout recover` finishes it", listen->recording);
    else
        terminal_note("kept in %s", listen->recording);
    return status;
}

static ScoutStatus run(Listen *listen, ScoutError *error)
{
    signals_set_stop(stop, listen->capture);
    ScoutStatus status = scout_capture_wait(listen->capture, error);
    signals_set_stop(NULL, NULL);
    listen_view_end(&listen->view);
    print(listen);
    if (listen->status) {
        *error = listen->error;
        return listen->status;
    }
    ScoutError second;
    ScoutStatus kept = finish_recording(listen, &second);
    if (kept && !status)
        *error = second;
    return status ? status : kept;
}

int command_listen(const Config *config)
{
    if (config_flag(config, OPTION_LIST_DEVICES))
        return source_list(config);
    Listen listen = {.config = config};
    ScoutError error = {0};
    ScoutStatus status = request_init(&listen.request, config, &error);
    if (!status)
        status = rules_read(&listen.rules, config, &error);
    ScoutCaptureOptions source;
    scout_capture_options_init(&source);
    if (!status)
        status = source_set(config, &source, &error);
    const bool wrong_use = status != SCOUT_OK;
    begin_view(&listen, &source);
    if (!status)
        status = open_capture(&listen, &error);
    if (!status)
        status = run(&listen, &error);
    terminal_progress_hide();
    if (status && !listen.pipe_closed)
        terminal_error("%s", error.message);
    scout_capture_free(listen.capture);
    scout_engine_free(listen.engine);
    rules_done(&listen.rules);
    listen_view_done(&listen.view);
    mem_free(listen.recording);
    request_done(&listen.request);
    if (listen.pipe_closed)
        return EXIT_PIPE_CLOSED;
    if (status == SCOUT_ERROR_INVALID_ARGUMENT || wrong_use)
        return EXIT_WRONG_USE;
    return status ? EXIT_FAILED : EXIT_DONE;
}
