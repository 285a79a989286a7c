// `scout recover`: finishes what a crash or a power cut interrupted.
#include <stdio.h>
#include <string.h>

#include <scout/recording.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "commands.h"
#include "exits.h"
#include "recordings.h"
#include "request.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

typedef struct Recover {
    const Config *config;
    Request request;
    Recordings found;
    ScoutEngine *engine; // NULL until sound without text is found
    bool told;           // that something was there
    size_t failed, damaged;
} Recover;

// "1:02:03", "2:03", "3.2 s"
static const char *length_words(double seconds, char *out, size_t size)
{
    const long long whole = (long long)seconds;
    if (whole >= 3600)
        (void)snprintf(out, size, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    else if (whole >= 60)
        (void)snprintf(out, size, "%lld:%02lld", whole / 60, whole % 60);
    else
        (void)snprintf(out, size, "%.1f s", seconds);
    return out;
}

enum { LENGTH_BYTES = 48 };

static void list(const char *folder, const ScoutRecordingInfo *info)
{
    static const char *const states[] = {
        [SCOUT_RECORDING_LIVE] = "being recorded now, left alone",
        [SCOUT_RECORDING_CLOSED] = "complete, not finished",
        [SCOUT_RECORDING_INTERRUPTED] = "interrupted",
        [SCOUT_RECORDING_FINISHED] = "finished",
    };
    char length[LENGTH_BYTES], rest[LENGTH_BYTES], missing[LENGTH_BYTES];
    printf("%s: %s, %s", folder, states[info->state],
           length_words(info->duration_s, length, sizeof length));
    const double rest_s = info->duration_s - info->settled_s;
    if (info->state != SCOUT_RECORDING_FINISHED && rest_s > 0.05)
        printf(", %s without text", length_words(rest_s, rest, sizeof rest));
    if (info->missing_s > 0)
        printf(", %s missing", length_words(info->missing_s, missing, sizeof missing));
    if (info->skipped)
        printf(", %zu skipped span%s", info->skipped, info->skipped == 1 ? "" : "s");
    printf("\n");
}

typedef struct Showing {
    const char *name;
    const char *what;
    int64_t start_ns;
} Showing;

static int show(void *context, const char *what, double done)
{
    Showing *showing = context;
    if (showing->what != what) {
        showing->what = what;
        showing->start_ns = clock_monotonic_ns();
    }
    const double spent_s = clock_seconds_since(showing->start_ns);
    char label[256];
    (void)snprintf(label, sizeof label, "%s: %s", showing->name, what);
    terminal_progress(label, done, done > 0.01 ? spent_s / done * (1 - done) : -1);
    return signals_interrupted();
}

// Models are loaded when the first recording needs them.
static ScoutStatus need_engine(Recover *recover, ScoutError *error)
{
    if (recover->engine)
        return SCOUT_OK;
    terminal_progress("loading the model", -1, -1);
    return scout_engine_new(&recover->request.engine, &recover->engine, error);
}

static void tell_finished(Recover *recover, const char *folder, const ScoutRecordingInfo *before,
                          const ScoutRecordingInfo *info)
{
    char length[LENGTH_BYTES], missing[LENGTH_BYTES];
    terminal_note("%s: %s, %zu text%s%s", folder,
                  length_words(info->duration_s, length, sizeof length), info->texts,
                  info->texts == 1 ? "" : "s",
                  before->state == SCOUT_RECORDING_INTERRUPTED ? "; it was interrupted there" : "");
    if (info->missing_s > 0) {
        recover->damaged++;
        terminal_warning("%s: %s of sound %s missing: silence stands in the place of it, and "
                         "recording.json says where",
                         folder, length_words(info->missing_s, missing, sizeof missing), "is");
    }
}

static ScoutStatus finish(Recover *recover, const char *folder, ScoutRecording *recording,
                          ScoutError *error)
{
    const ScoutRecordingInfo before = *scout_recording_info(recording);
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.sound = (ScoutSoundFormat)config_choice(recover->config, OPTION_SOUND);
    options.transcribe = &recover->request.transcribe;
    options.skipped = config_flag(recover->config, OPTION_SKIPPED);
    options.keep_journal = config_flag(recover->config, OPTION_KEEP_JOURNAL);
    ScoutStatus status = SCOUT_OK;
    if (options.skipped || before.settled_s < before.duration_s)
        status = need_engine(recover, error);
    Showing showing = {.name = path_base(folder)};
    if (!status)
        status =
            scout_recording_finish(recover->engine, recording, &options, show, &showing, error);
    terminal_progress_hide();
    if (!status)
        tell_finished(recover, folder, &before, scout_recording_info(recording));
    return status;
}

static bool is_wanted(const Recover *recover, const ScoutRecordingInfo *info)
{
    return info->state != SCOUT_RECORDING_FINISHED ||
           (config_flag(recover->config, OPTION_SKIPPED) && info->skipped);
}

static void look_at(Recover *recover, const char *folder)
{
    ScoutError error = {0};
    ScoutRecording *recording = NULL;
    ScoutStatus status = scout_recording_open(folder, &recording, &error);
    const bool only_list =
        config_flag(recover->config, OPTION_LIST) || config_flag(recover->config, OPTION_DRY_RUN);
    if (!status) {
        const ScoutRecordingInfo *info = scout_recording_info(recording);
        const bool wanted = config_flag(recover->config, OPTION_LIST) || is_wanted(recover, info);
        recover->told = recover->told || wanted;
        if (wanted && only_list)
            list(folder, info);
        else if (wanted && info->state == SCOUT_RECORDING_LIVE)
            terminal_note("%s: being recorded now, left alone", folder);
        else if (wanted)
            status = finish(recover, folder, recording, &error);
    }
    scout_recording_free(recording);
    if (status == SCOUT_ERROR_CANCELLED)
        terminal_note("%s: stopped; what was done is kept, and the next scout recover goes on "
                      "there",
                      folder);
    else if (status) {
        recover->told = true;
        recover->failed++;
        terminal_error("%s%s%s", strstr(error.message, folder) ? "" : folder,
                       strstr(error.message, folder) ? "" : ": ", error.message);
    }
}

static ScoutStatus find(Recover *recover, ScoutError *error)
{
    size_t count;
    const char *const *paths = config_arguments(recover->config, &count);
    const bool finished =
        config_flag(recover->config, OPTION_LIST) || config_flag(recover->config, OPTION_SKIPPED);
    for (size_t i = 0; i < count; i++) {
        ScoutStatus status = recordings_find(&recover->found, paths[i], finished, error);
        if (status)
            return status;
    }
    if (count)
        return SCOUT_OK;
    BASE_CLEANUP(mem_free_pointer) char *home = recordings_home();
    if (!home)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no place for recordings: set HOME, or name a folder");
    return file_exists(home) ? recordings_find(&recover->found, home, finished, error) : SCOUT_OK;
}

static int exit_status(const Recover *recover)
{
    if (signals_interrupted())
        return EXIT_INTERRUPTED;
    if (recover->failed)
        return EXIT_FAILED;
    return recover->damaged ? EXIT_DAMAGED : EXIT_DONE;
}

int command_recover(const Config *config)
{
    Recover recover = {.config = config};
    ScoutError error = {0};
    ScoutStatus status = request_init(&recover.request, config, &error);
    if (!status)
        status = find(&recover, &error);
    if (status)
        terminal_error("%s", error.message);
    for (size_t i = 0; !status && i < recover.found.count && !signals_interrupted(); i++)
        look_at(&recover, recover.found.folders[i]);
    if (!status && !recover.told && !signals_interrupted())
        terminal_note("nothing to recover");
    const int result = status == SCOUT_ERROR_INVALID_ARGUMENT ? EXIT_WRONG_USE
                       : status                               ? EXIT_FAILED
                                                              : exit_status(&recover);
    scout_engine_free(recover.engine);
    recordings_done(&recover.found);
    request_done(&recover.request);
    return result;
}
