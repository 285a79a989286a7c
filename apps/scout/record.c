// `scout record`: keeps what is said, sound and text, a folder for each recording.
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <scout/capture.h>
#include <scout/recording.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "commands.h"
#include "exits.h"
#include "record_view.h"
#include "recordings.h"
#include "request.h"
#include "rules.h"
#include "signals.h"
#include "source.h"
#include "table.h"
#include "terminal.h"

enum { LOOK_MS = 100 };

typedef struct Record {
    const Config *config;
    Request request;
    Rules rules;
    ScoutEngine *engine;
    ScoutCapture *capture;
    char *folder; // where recordings go
    RecordView view;
    bool stopped;
    atomic_size_t failed; // recordings that could not be finished
} Record;

static atomic_bool asked_to_stop; // by SIGUSR1 or SIGHUP

static void on_stop_signal(int number)
{
    (void)number;
    atomic_store(&asked_to_stop, true);
}

// A terminal that is closed ends a recording in peace, unless it is to outlive it (nohup).
static void catch_stop_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART}, before;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGUSR1, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &action, NULL);
}

// --- Finishing, on a thread of its own: the next recording may have begun
// ---------------------------------------------------------------------------------------

typedef struct Finishing {
    Record *record;
    const char *name;
} Finishing;

static int show_finishing(void *context, const char *what, double done)
{
    const Finishing *finishing = context;
    char text[128];
    (void)snprintf(text, sizeof text, "%s: %s", finishing->name, what);
    record_view_finishing(&finishing->record->view, text, done);
    return 0;
}

static void finish_recording(Record *record, const char *folder)
{
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.sound = (ScoutSoundFormat)config_choice(record->config, OPTION_SOUND);
    options.transcribe = &record->request.transcribe;
    options.keep_journal = config_flag(record->config, OPTION_KEEP_JOURNAL);
    ScoutError error = {0};
    ScoutRecording *recording = NULL;
    Finishing finishing = {.record = record, .name = path_base(folder)};
    ScoutStatus status = scout_recording_open(folder, &recording, &error);
    if (!status)
        status = scout_recording_finish(record->engine, recording, &options, show_finishing,
                                        &finishing, &error);
    record_view_finishing(&record->view, NULL, 0);
    if (status) {
        atomic_fetch_add(&record->failed, 1);
        record_view_note(&record->view, RECORD_ERROR,
                         "%s: %s; nothing is lost: scout recover tries again", folder,
                         error.message);
    } else {
        const ScoutRecordingInfo *info = scout_recording_info(recording);
        record_view_note(&record->view, RECORD_NOTE, "finished %s, %.1f s", folder,
                         info->duration_s);
        // For programs: the folders that are finished, a line each.
        (void)printf("%s\n", folder);
        (void)fflush(stdout);
    }
    scout_recording_free(recording);
}

static void *finish_all(void *context)
{
    Record *record = context;
    for (;;) {
        char *folder = record_view_take_folder(&record->view);
        if (!folder)
            return NULL;
        finish_recording(record, folder);
        mem_free(folder);
    }
}

// --- The main thread
// ---------------------------------------------------------------------------------------

static void say_notes(Record *record)
{
    RecordNote note;
    while (record_view_take_note(&record->view, &note)) {
        if (note.tone == RECORD_NOTE)
            terminal_note("%s", note.text);
        else if (note.tone == RECORD_WARNING)
            terminal_warning("%s", note.text);
        else
            terminal_error("%s", note.text);
    }
}

static void show(Record *record)
{
    char line[RECORD_LINE_BYTES];
    say_notes(record);
    record_view_line(&record->view, line, sizeof line);
    terminal_progress(line, -1, -1);
}

// Waits a moment; true when Enter was pressed where somebody may press it.
static bool pressed_enter(bool may)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!may) {
        clock_sleep_ms(LOOK_MS);
        return false;
    }
    char bytes[256];
    return poll(&input, 1, LOOK_MS) == 1 && (input.revents & POLLIN) &&
           read(STDIN_FILENO, bytes, sizeof bytes) > 0;
}

typedef struct Waiting {
    Record *record;
    ScoutStatus status;
    ScoutError error;
    atomic_bool over;
} Waiting;

static void *wait_for_capture(void *context)
{
    Waiting *waiting = context;
    waiting->status = scout_capture_wait(waiting->record->capture, &waiting->error);
    atomic_store(&waiting->over, true);
    return NULL;
}

// Until the capture has ended.
static void watch(Record *record, const Waiting *waiting)
{
    const bool by_hand = config_flag(record->config, OPTION_MANUAL);
    const bool keyboard = by_hand && isatty(STDIN_FILENO) == 1;
    while (!atomic_load(&waiting->over)) {
        show(record);
        const bool enter = pressed_enter(keyboard && !record->stopped);
        if (!record->stopped && (enter || signals_interrupted() || atomic_load(&asked_to_stop))) {
            record->stopped = true;
            terminal_note("stopping; once more ends at once, and scout recover finishes what is "
                          "left");
            scout_capture_stop(record->capture);
        }
    }
}

static ScoutStatus busy(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_BUSY, "the system refuses another thread");
}

static ScoutStatus run(Record *record, ScoutError *error)
{
    pthread_t finisher, waiter;
    Waiting waiting = {.record = record};
    if (pthread_create(&finisher, NULL, finish_all, record) != 0)
        return busy(error);
    ScoutStatus status = SCOUT_OK;
    if (pthread_create(&waiter, NULL, wait_for_capture, &waiting) == 0) {
        watch(record, &waiting);
        (void)pthread_join(waiter, NULL);
        status = waiting.status;
        if (status && error)
            *error = waiting.error;
    } else {
        status = busy(error);
    }
    record_view_end(&record->view);
    // What is to be finished is shown while it is.
    while (pthread_tryjoin_np(finisher, NULL) != 0) {
        show(record);
        clock_sleep_ms(LOOK_MS / 4);
    }
    say_notes(record);
    terminal_progress_hide();
    return status;
}

// --- Options
// ---------------------------------------------------------------------------------------

static ScoutStatus find_folder(Record *record, ScoutError *error)
{
    size_t count;
    const char *const *named = config_arguments(record->config, &count);
    record->folder = count ? mem_copy_text(named[0], strlen(named[0])) : recordings_home();
    if (!record->folder)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no place for recordings: set HOME, or name a folder");
    return file_make_folders(record->folder, error);
}

static ScoutStatus open_capture(Record *record, ScoutError *error)
{
    const Config *config = record->config;
    ScoutLiveOptions live;
    scout_live_options_init(&live);
    live.transcribe = &record->request.transcribe;
    live.rules = record->rules.rules;
    live.end_silence_s = config_number(config, OPTION_END_SILENCE);
    live.partials = isatty(STDERR_FILENO) == 1 && !config_flag(config, OPTION_QUIET);
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    ScoutStatus status = source_set(config, &options, error);
    if (status)
        return status;
    options.live = &live;
    options.recording = config_flag(config, OPTION_MANUAL) ? SCOUT_RECORD_ALL : SCOUT_RECORD_VOICE;
    options.folder = record->folder;
    options.split_after_s = config_number(config, OPTION_SPLIT_AFTER);
    options.pre_roll_s = config_number(config, OPTION_PRE_ROLL);
    terminal_progress("loading the model", -1, -1);
    status = scout_engine_new(&record->request.engine, &record->engine, error);
    if (!status)
        status = scout_capture_new(record->engine, &options, record_view_event, &record->view,
                                   &record->capture, error);
    return status;
}

int command_record(const Config *config)
{
    if (config_flag(config, OPTION_LIST_DEVICES))
        return source_list(config);
    Record record = {.config = config};
    record_view_init(&record.view);
    ScoutError error = {0};
    catch_stop_signals();
    ScoutStatus status = request_init(&record.request, config, &error);
    if (!status)
        status = rules_read(&record.rules, config, &error);
    if (!status)
        status = find_folder(&record, &error);
    if (!status)
        status = open_capture(&record, &error);
    if (!status)
        status = run(&record, &error);
    terminal_progress_hide();
    if (status)
        terminal_error("%s", error.message);
    scout_capture_free(record.capture);
    scout_engine_free(record.engine);
    rules_done(&record.rules);
    record_view_done(&record.view);
    mem_free(record.folder);
    request_done(&record.request);
    if (status == SCOUT_ERROR_INVALID_ARGUMENT)
        return EXIT_WRONG_USE;
    return status || atomic_load(&record.failed) ? EXIT_FAILED : EXIT_DONE;
}
