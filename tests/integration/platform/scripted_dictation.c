// A capture that follows a script on a thread of its own, so that keys can be pressed meanwhile,
// behind the headers of include/scout. The script is the file (or FIFO) that is to be captured, or
// $SCRIPTED_CAPTURE; a line each:
//
//   final START TEXT          a final text; \n in it is a line's end
//   settled START BYTES TEXT  a partial one
//   scratch CHARACTERS
//   stop                      "stop dictation"
//   lost MESSAGE
//   running
//   muted
//   sleep MILLISECONDS
//   end                       of the source; the end of the script is the same
//
// What it was asked for is written to $SCRIPTED_ENGINE_LOG.
#include <scout/capture.h>
#include <scout/text.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/status.h"

enum { LINE_BYTES = 4096 };

struct ScoutTextRules {
    int unused;
};

struct ScoutCapture {
    ScoutCaptureCallback callback;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex; // one event at a time
    int script;
    int stop;
    double at_s;
    uint64_t utterance;
    bool joined;
};

static void note(const char *format, ...) BASE_PRINTF(1, 2);

static void note(const char *format, ...)
{
    const char *path = getenv("SCRIPTED_ENGINE_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (!log)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(log, format, arguments);
    va_end(arguments);
    (void)fclose(log);
}

void scout_text_options_init(ScoutTextOptions *options)
{
    *options = (ScoutTextOptions){.size = sizeof(*options)};
}

ScoutStatus scout_text_rules_new(const ScoutTextOptions *options, ScoutTextRules **rules,
                                 ScoutError *error)
{
    note("rules %s commands=%d replacements=%zu profanity=%d\n",
         options->language ? options->language : "-", options->commands, options->replacement_count,
         options->profanity_filter);
    *rules = calloc(1, sizeof(**rules));
    return *rules ? SCOUT_OK : error_no_memory(error);
}

void scout_text_rules_free(ScoutTextRules *rules)
{
    free(rules);
}

uint64_t scout_text_rules_hits(const ScoutTextRules *rules, size_t replacement)
{
    (void)rules;
    return replacement == 0 ? 3 : 0;
}

uint64_t scout_text_rules_masked(const ScoutTextRules *rules)
{
    (void)rules;
    return 0;
}

void scout_live_options_init(ScoutLiveOptions *options)
{
    *options = (ScoutLiveOptions){.size = sizeof(*options), .partials = 1};
}

void scout_capture_options_init(ScoutCaptureOptions *options)
{
    *options = (ScoutCaptureOptions){.size = sizeof(*options)};
}

ScoutStatus scout_devices_new(const char *driver, ScoutDevices **devices, ScoutError *error)
{
    (void)driver;
    (void)devices;
    return error_set(error, SCOUT_ERROR_NOT_FOUND, "no sound server is running");
}

void scout_devices_free(ScoutDevices *devices)
{
    (void)devices;
}

const ScoutDevice *scout_devices_list(const ScoutDevices *devices, size_t *count)
{
    (void)devices;
    *count = 0;
    return NULL;
}

static void tell(ScoutCapture *capture, const ScoutCaptureEvent *given)
{
    pthread_mutex_lock(&capture->mutex);
    ScoutCaptureEvent event = *given;
    if (event.type == SCOUT_CAPTURE_EVENT_LIVE && event.u.live.event->type == SCOUT_LIVE_FINAL)
        capture->at_s = event.u.live.event->u.text.end_s;
    event.at_s = capture->at_s;
    (void)capture->callback(capture->context, &event);
    pthread_mutex_unlock(&capture->mutex);
}

static void tell_state(ScoutCapture *capture, ScoutCaptureState state, const char *message)
{
    const ScoutCaptureEvent event = {
        .type = SCOUT_CAPTURE_EVENT_STATE,
        .u.state = {.state = state, .device = "script", .message = message}};
    tell(capture, &event);
}

static void tell_live(ScoutCapture *capture, const ScoutLiveEvent *live)
{
    const ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_LIVE, .u.live = {.event = live}};
    tell(capture, &event);
}

static void tell_text(ScoutCapture *capture, char *words, bool final)
{
    char *rest = words;
    const double start_s = strtod(rest, &rest);
    const size_t settled = final ? 0 : strtoul(rest, &rest, 10);
    rest += *rest == ' ';
    char *out = rest;
    for (const char *in = rest; *in; in++) {
        const bool newline = in[0] == '\\' && in[1] == 'n';
        *out++ = newline ? '\n' : *in;
        in += newline;
    }
    *out = '\0';
    const ScoutLiveEvent event = {.type = final ? SCOUT_LIVE_FINAL : SCOUT_LIVE_PARTIAL,
                                  .u.text = {.utterance = capture->utterance,
                                             .start_s = start_s,
                                             .end_s = start_s + 1,
                                             .text = rest,
                                             .settled_bytes = final ? strlen(rest) : settled}};
    tell_live(capture, &event);
    capture->utterance += final;
}

// False at the end.
static bool follow(ScoutCapture *capture, char *line)
{
    char *words = strchr(line, ' ');
    if (words)
        *words++ = '\0';
    else
        words = line + strlen(line);
    ScoutLiveEvent command = {.type = SCOUT_LIVE_COMMAND};
    const ScoutCaptureEvent muted = {.type = SCOUT_CAPTURE_EVENT_MUTED, .u.muted = {.muted = 1}};
    if (strcmp(line, "end") == 0)
        return false;
    if (strcmp(line, "final") == 0 || strcmp(line, "settled") == 0)
        tell_text(capture, words, line[0] == 'f');
    else if (strcmp(line, "sleep") == 0)
        clock_sleep_ms(strtol(words, NULL, 10));
    else if (strcmp(line, "lost") == 0)
        tell_state(capture, SCOUT_CAPTURE_LOST, words);
    else if (strcmp(line, "running") == 0)
        tell_state(capture, SCOUT_CAPTURE_RUNNING, NULL);
    else if (strcmp(line, "muted") == 0)
        tell(capture, &muted);
    else if (strcmp(line, "scratch") == 0) {
        command.u.command.type = SCOUT_LIVE_SCRATCH;
        command.u.command.characters = strtoul(words, NULL, 10);
        tell_live(capture, &command);
    } else if (strcmp(line, "stop") == 0) {
        command.u.command.type = SCOUT_LIVE_STOP;
        tell_live(capture, &command);
    }
    return true;
}

// The next byte of the script; false at its end, or when the capture was stopped.
static bool next_byte(ScoutCapture *capture, char *byte)
{
    struct pollfd waits[] = {{.fd = capture->stop, .events = POLLIN},
                             {.fd = capture->script, .events = POLLIN}};
    for (;;) {
        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            return false;
        if (waits[0].revents)
            return false;
        if (waits[1].revents)
            return read(capture->script, byte, 1) == 1;
    }
}

static void *play(void *context)
{
    ScoutCapture *capture = context;
    char line[LINE_BYTES];
    size_t length = 0;
    char byte;
    tell_state(capture, SCOUT_CAPTURE_RUNNING, NULL);
    while (next_byte(capture, &byte)) {
        if (byte != '\n') {
            line[length] = byte;
            length += length < sizeof(line) - 1;
            continue;
        }
        line[length] = '\0';
        length = 0;
        if (!follow(capture, line))
            break;
    }
    tell_state(capture, SCOUT_CAPTURE_ENDED, NULL);
    return NULL;
}

ScoutStatus scout_capture_new(ScoutEngine *engine, const ScoutCaptureOptions *options,
                              ScoutCaptureCallback callback, void *context, ScoutCapture **capture,
                              ScoutError *error)
{
    const char *path = options->path ? options->path : getenv("SCRIPTED_CAPTURE");
    (void)engine;
    if (!path)
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "there is no script to capture");
    ScoutCapture *made = calloc(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    made->callback = callback;
    made->context = context;
    made->script =
        open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK); // a FIFO without a writer does not end
    made->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->script < 0) {
        (void)close(made->stop);
        free(made);
        return error_set_errno(error, errno, "%s", path);
    }
    note("capture %s partials=%d\n", options->path ? "file" : "device", options->live->partials);
    pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_create(&made->thread, NULL, play, made);
    *capture = made;
    return SCOUT_OK;
}

ScoutStatus scout_capture_pause(ScoutCapture *capture, double after_s, ScoutError *error)
{
    (void)error;
    note("pause %.2f\n", after_s);
    tell_state(capture, SCOUT_CAPTURE_PAUSED, NULL);
    return SCOUT_OK;
}

ScoutStatus scout_capture_resume(ScoutCapture *capture, double pre_roll_s, ScoutError *error)
{
    (void)error;
    note("resume %.2f\n", pre_roll_s);
    tell_state(capture, SCOUT_CAPTURE_RUNNING, NULL);
    return SCOUT_OK;
}

void scout_capture_stop(ScoutCapture *capture)
{
    const uint64_t one = 1;
    (void)!write(capture->stop, &one, sizeof(one));
}

ScoutStatus scout_capture_wait(ScoutCapture *capture, ScoutError *error)
{
    (void)error;
    if (!capture->joined)
        pthread_join(capture->thread, NULL);
    capture->joined = true;
    note("closed\n");
    return SCOUT_OK;
}

void scout_capture_cancel(ScoutCapture *capture)
{
    scout_capture_stop(capture);
}

void scout_capture_free(ScoutCapture *capture)
{
    if (!capture)
        return;
    scout_capture_stop(capture);
    (void)scout_capture_wait(capture, NULL);
    (void)close(capture->script);
    (void)close(capture->stop);
    pthread_mutex_destroy(&capture->mutex);
    free(capture);
}
