// A capture that only follows a script, beside the engine that does (scripted_engine.c). The file
// that is listened to is a text file, whose lines are events:
//
//   state running|lost|ended DEVICE MESSAGE       the names without spaces
//   level PEAK
//   started|ended CHANNEL UTTERANCE AT KNOWN
//   partial CHANNEL UTTERANCE START END SETTLED_BYTES TEXT
//   final CHANNEL UTTERANCE START END CONTINUES TEXT
//   scratch CHANNEL UTTERANCE CHARACTERS
//   language CODE
//   skipped CHANNEL START END
//   degraded PACE BACKLOG
//   muted 0|1
//   gap|overrun SECONDS
//   sleep MILLISECONDS
//   fail MESSAGE
//
// "\n" in a text is a newline. A stop ends the script at once. The options it was given are written
// to $SCRIPTED_CAPTURE_LOG.
#include <scout/capture.h>
#include <scout/text.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"

enum { LINE_BYTES = 4096 };

struct ScoutCapture {
    FILE *script;
    ScoutCaptureCallback callback;
    void *context;
    atomic_int stopped;
    double at_s;
};
struct ScoutDevices {
    ScoutDevice list[3];
};

void scout_live_options_init(ScoutLiveOptions *options)
{
    *options = (ScoutLiveOptions){.size = sizeof *options, .partials = 1};
}

void scout_capture_options_init(ScoutCaptureOptions *options)
{
    *options = (ScoutCaptureOptions){.size = sizeof *options, .rate = 16000, .channels = 1};
}

ScoutStatus scout_devices_new(const char *driver, ScoutDevices **devices, ScoutError *error)
{
    if (getenv("SCRIPTED_NO_SERVER"))
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "no sound server is running");
    *devices = calloc(1, sizeof **devices);
    if (!*devices)
        return error_no_memory(error);
    (*devices)->list[0] = (ScoutDevice){"alsa.headset", "Headset", driver ? driver : "pulse", 1, 0};
    (*devices)->list[1] = (ScoutDevice){"alsa.webcam", "Webcam", driver ? driver : "pulse", 0, 0};
    (*devices)->list[2] =
        (ScoutDevice){"alsa.out.monitor", "Monitor of Headset", driver ? driver : "pulse", 1, 1};
    return SCOUT_OK;
}

void scout_devices_free(ScoutDevices *devices)
{
    free(devices);
}

const ScoutDevice *scout_devices_list(const ScoutDevices *devices, size_t *count)
{
    *count = 3;
    return devices->list;
}

static void log_options(const ScoutCaptureOptions *options)
{
    const char *path = getenv("SCRIPTED_CAPTURE_LOG");
    FILE *log = path ? fopen(path, "w") : NULL;
    if (!log)
        return;
    (void)fprintf(log,
                  "source %d device %s driver %s real_time %d rate %d channels %d format %d\n"
                  "recording %d folder %s partials %d end_silence %.2f model %s rules %d\n",
                  (int)options->source, options->device ? options->device : "-",
                  options->driver ? options->driver : "-", options->real_time, options->rate,
                  options->channels, (int)options->format, (int)options->recording,
                  options->folder ? options->folder : "-", options->live->partials,
                  options->live->end_silence_s, options->live->transcribe->model,
                  options->live->rules != NULL);
    (void)fclose(log);
}

ScoutStatus scout_capture_new(ScoutEngine *engine, const ScoutCaptureOptions *options,
                              ScoutCaptureCallback callback, void *context, ScoutCapture **capture,
                              ScoutError *error)
{
    (void)engine;
    log_options(options);
    const bool file = options->source == SCOUT_SOURCE_FILE;
    FILE *script = file ? fopen(options->path, "r") : NULL;
    if (!script && (file || !(script = fopen("script", "r"))))
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "%s is not there", options->path);
    ScoutCapture *made = calloc(1, sizeof *made);
    if (!made) {
        (void)fclose(script);
        return error_no_memory(error);
    }
    made->script = script;
    made->callback = callback;
    made->context = context;
    *capture = made;
    return SCOUT_OK;
}

static void unescape(char *text)
{
    for (char *at = strstr(text, "\\n"); at; at = strstr(at, "\\n")) {
        *at = '\n';
        memmove(at + 1, at + 2, strlen(at + 2) + 1);
    }
}

static int tell(ScoutCapture *capture, ScoutCaptureEvent event)
{
    event.at_s = capture->at_s;
    return capture->callback(capture->context, &event);
}

static int tell_live(ScoutCapture *capture, size_t channel, const ScoutLiveEvent *event)
{
    return tell(capture, (ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_LIVE,
                                             .u.live = {.channel = channel, .event = event}});
}

static int tell_text(ScoutCapture *capture, bool final, const char *rest)
{
    unsigned channel, utterance, number;
    double start, end;
    int used = 0;
    if (sscanf(rest, "%u %u %lf %lf %u%n", &channel, &utterance, &start, &end, &number, &used) != 5)
        return 1;
    const ScoutSegment segment = {.start_s = start,
                                  .end_s = end,
                                  .text = rest + used,
                                  .language = "en",
                                  .compression_ratio = 1,
                                  .speech_prob = 0.9F};
    ScoutLiveEvent event = {.type = final ? SCOUT_LIVE_FINAL : SCOUT_LIVE_PARTIAL};
    event.u.text = (ScoutLiveText){.utterance = utterance,
                                   .start_s = start,
                                   .end_s = end,
                                   .text = rest + used,
                                   .settled_bytes = final ? strlen(rest + used) : number,
                                   .segments = final ? &segment : NULL,
                                   .segment_count = final,
                                   .continues = final && number};
    capture->at_s = end;
    return tell_live(capture, channel, &event);
}

static int tell_state(ScoutCapture *capture, const char *rest)
{
    char state[32] = "", device[64] = "";
    int used = 0;
    (void)sscanf(rest, "%31s %63s%n", state, device, &used);
    ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_STATE};
    event.u.state.state = str_equal(state, "running") ? SCOUT_CAPTURE_RUNNING
                          : str_equal(state, "lost")  ? SCOUT_CAPTURE_LOST
                                                      : SCOUT_CAPTURE_ENDED;
    event.u.state.device = device;
    event.u.state.message = rest[used] ? rest + used + 1 : NULL;
    return tell(capture, event);
}

static int tell_other(ScoutCapture *capture, const char *kind, const char *rest)
{
    double a = 0, b = 0, c = 0, d = 0;
    (void)sscanf(rest, "%lf %lf %lf %lf", &a, &b, &c, &d);
    ScoutCaptureEvent event = {0};
    ScoutLiveEvent live = {0};
    if (str_equal(kind, "sleep")) {
        for (int left = (int)a; left > 0 && !capture->stopped; left -= 10)
            clock_sleep_ms(10);
        return 0;
    }
    if (str_equal(kind, "level")) {
        event.type = SCOUT_CAPTURE_EVENT_LEVEL;
        event.u.level.channels = 1;
        event.u.level.peak[0] = event.u.level.rms[0] = (float)a;
        return tell(capture, event);
    }
    if (str_equal(kind, "muted")) {
        event.type = SCOUT_CAPTURE_EVENT_MUTED;
        event.u.muted.muted = a > 0;
        return tell(capture, event);
    }
    if (str_equal(kind, "gap") || str_equal(kind, "overrun")) {
        const bool gap = str_equal(kind, "gap");
        event.type = gap ? SCOUT_CAPTURE_EVENT_GAP : SCOUT_CAPTURE_EVENT_OVERRUN;
        event.u.lost.seconds = a;
        event.u.lost.filled = !gap;
        return tell(capture, event);
    }
    if (str_equal(kind, "started") || str_equal(kind, "ended")) {
        live.type =
            str_equal(kind, "started") ? SCOUT_LIVE_SPEECH_STARTED : SCOUT_LIVE_SPEECH_ENDED;
        live.u.speech = (ScoutLiveSpeech){(uint64_t)b, c, d};
    } else if (str_equal(kind, "scratch")) {
        live.type = SCOUT_LIVE_COMMAND;
        live.u.command = (ScoutLiveCommand){
            .type = SCOUT_LIVE_SCRATCH, .utterance = (uint64_t)b, .characters = (size_t)c};
    } else if (str_equal(kind, "skipped")) {
        live.type = SCOUT_LIVE_SKIPPED;
        live.u.skipped = (ScoutSkipped){.start_s = b, .end_s = c, .no_speech_prob = -1};
    } else if (str_equal(kind, "degraded")) {
        live.type = SCOUT_LIVE_DEGRADED;
        live.u.degraded.pace = (ScoutLivePace)a;
        live.u.degraded.backlog_s = b;
        a = 0;
    } else {
        live.type = SCOUT_LIVE_LANGUAGE;
        live.u.language = (ScoutLanguage){"en", "english", 0.99F};
        a = 0;
    }
    return tell_live(capture, (size_t)a, &live);
}

ScoutStatus scout_capture_wait(ScoutCapture *capture, ScoutError *error)
{
    char line[LINE_BYTES];
    while (!capture->stopped && fgets(line, sizeof line, capture->script)) {
        char kind[32] = "";
        int used = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%31s%n", kind, &used) != 1)
            continue;
        unescape(line);
        const char *rest = line + used + (line[used] == ' ');
        int ends = 0;
        if (str_equal(kind, "fail"))
            return error_set(error, SCOUT_ERROR_IO, "%s", rest);
        if (str_equal(kind, "state"))
            ends = tell_state(capture, rest);
        else if (str_equal(kind, "partial") || str_equal(kind, "final"))
            ends = tell_text(capture, str_equal(kind, "final"), rest);
        else
            ends = tell_other(capture, kind, rest);
        if (ends)
            break;
    }
    return SCOUT_OK;
}

ScoutStatus scout_capture_pause(ScoutCapture *capture, double after_s, ScoutError *error)
{
    (void)capture;
    (void)after_s;
    (void)error;
    return SCOUT_OK;
}

ScoutStatus scout_capture_resume(ScoutCapture *capture, double pre_roll_s, ScoutError *error)
{
    (void)capture;
    (void)pre_roll_s;
    (void)error;
    return SCOUT_OK;
}

void scout_capture_stop(ScoutCapture *capture)
{
    capture->stopped = 1;
}

void scout_capture_cancel(ScoutCapture *capture)
{
    capture->stopped = 1;
}

void scout_capture_free(ScoutCapture *capture)
{
    if (!capture)
        return;
    (void)fclose(capture->script);
    free(capture);
}

// ---- Rules of text: any are taken

struct ScoutTextRules {
    int unused;
};

void scout_text_options_init(ScoutTextOptions *options)
{
    *options = (ScoutTextOptions){.size = sizeof *options};
}

ScoutStatus scout_text_rules_new(const ScoutTextOptions *options, ScoutTextRules **rules,
                                 ScoutError *error)
{
    (void)options;
    *rules = calloc(1, sizeof **rules);
    return *rules ? SCOUT_OK : error_no_memory(error);
}

void scout_text_rules_free(ScoutTextRules *rules)
{
    free(rules);
}

uint64_t scout_text_rules_hits(const ScoutTextRules *rules, size_t replacement)
{
    (void)rules;
    (void)replacement;
    return 0;
}

uint64_t scout_text_rules_masked(const ScoutTextRules *rules)
{
    (void)rules;
    return 0;
}
