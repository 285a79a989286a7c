// `scout dictate`: speech becomes text in the program that has the focus. One thread waits for the
// key, the socket and what was heard, and decides; the capture listens on threads of its own, and
// the delivery types on another.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <scout/capture.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "config/text_file.h"
#include "delivery.h"
#include "exits.h"
#include "listener.h"
#include "platform/control.h"
#include "platform/hotkey.h"
#include "request.h"
#include "signals.h"
#include "source.h"
#include "table.h"
#include "terminal.h"

#define SOCKET_NAME "dictate"

static const double DEFAULT_PRE_ROLL_S = 0.5;

enum { ASK_MS = 3000, HOTKEY_RETRY_MS = 5000 };

typedef struct Dictation {
    const Config *config;
    ModeId mode;
    double pre_roll_s, tail_s;
    Request request;
    ScoutTextOptions text_options;
    ConfigTextFile *text_file;
    ScoutTextRules *rules;
    ScoutEngine *engine;
    ScoutCapture *capture; // NULL: the microphone is closed
    Listener listener;
    Mailbox mail;
    Sounds *sounds; // NULL: silent
    Delivery *delivery;
    char *history, *typing_state;
    ControlServer *control;
    Hotkey *hotkey; // NULL: none, or lost
    bool wants_hotkey;
    int64_t hotkey_retry_ns; // 0: not to be tried again
    char key_words[128];
    bool listening;
    bool closing;            // the microphone is to be closed once what was said before is in
    bool cancelled;          // what was said before the pause that was asked for is not wanted
    double paused_s;         // where the sound was paused last
    double discard_before_s; // text of sound before it is not wanted
    char trouble[256];       // why nothing is heard; empty: all is well
    bool done;
    bool failed;
} Dictation;

// -------------------------------------------------------------------------------------- listening

static bool keeps_microphone_open(const Dictation *d)
{
    return d->pre_roll_s > 0 || d->mode == MODE_HANDS_FREE || config_text(d->config, OPTION_INPUT);
}

static ScoutStatus open_capture(Dictation *d, ScoutError *error)
{
    ScoutLiveOptions live;
    scout_live_options_init(&live);
    live.transcribe = &d->request.transcribe;
    live.rules = d->rules;
    live.partials = d->listener.settled;
    live.end_silence_s = config_number(d->config, OPTION_END_SILENCE);
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    options.live = &live;
    BASE_CLEANUP(mem_free_pointer) char *safe = NULL;
    const ScoutStatus status = source_set(d->config, &options, error);
    if (!status)
        source_keep_safe(d->config, &options, &safe);
    return status ? status
                  : scout_capture_new(d->engine, &options, listener_hear, &d->listener, &d->capture,
                                      error);
}

static void close_capture(Dictation *d)
{
    ScoutError error = {0};
    if (!d->capture)
        return;
    scout_capture_stop(d->capture);
    ScoutStatus status = scout_capture_wait(d->capture, &error);
    if (status && status != SCOUT_ERROR_CANCELLED) {
        terminal_error("%s", error.message);
        d->failed = true;
    }
    scout_capture_free(d->capture);
    d->capture = NULL;
    d->closing = false;
}

static ScoutStatus start(Dictation *d, ScoutError *error)
{
    if (d->listening)
        return SCOUT_OK;
    ScoutStatus status = SCOUT_OK;
    // Only where the microphone is closed between two times: the words of the last one come first.
    if (d->closing)
        close_capture(d);
    const bool fresh = !d->capture;
    if (fresh)
        status = open_capture(d, error);
    else
        status = scout_capture_resume(d->capture, d->pre_roll_s, error);
    if (status)
        return status;
    d->listening = true;
    delivery_begin(d->delivery, fresh);
    sounds_play(d->sounds, SOUND_START);
    if (d->trouble[0])
        terminal_warning("%s", d->trouble);
    return SCOUT_OK;
}

static ScoutStatus stop(Dictation *d, double after_s, ScoutError *error)
{
    if (!d->listening)
        return SCOUT_OK;
    ScoutStatus status = scout_capture_pause(d->capture, after_s, error);
    if (status)
        return status;
    d->listening = false;
    d->closing = !keeps_microphone_open(d);
    sounds_play(d->sounds, SOUND_STOP);
    return SCOUT_OK;
}

static ScoutStatus cancel(Dictation *d, ScoutError *error)
{
    if (d->listening) {
        d->cancelled = true;
        return stop(d, 0, error);
    }
    d->discard_before_s = d->paused_s; // what was said before, and is not told yet
    return SCOUT_OK;
}

static void act(Dictation *d, ScoutStatus (*action)(Dictation *d, ScoutError *error))
{
    ScoutError error = {0};
    if (action(d, &error) == SCOUT_OK)
        return;
    sounds_play(d->sounds, SOUND_ERROR);
    terminal_error("%s", error.message);
}

static ScoutStatus stop_after_tail(Dictation *d, ScoutError *error)
{
    return stop(d, d->tail_s, error);
}

static ScoutStatus toggle(Dictation *d, ScoutError *error)
{
    return d->listening ? stop_after_tail(d, error) : start(d, error);
}

// ----------------------------------------------------------------------------------------- heard

static void hear_state(Dictation *d, const Mail *mail)
{
    switch ((ScoutCaptureState)mail->number) {
    case SCOUT_CAPTURE_LOST:
        (void)str_copy(d->trouble, sizeof(d->trouble), mail->text);
        terminal_warning("%s", d->trouble);
        if (d->listening)
            sounds_play(d->sounds, SOUND_ERROR);
        break;
    case SCOUT_CAPTURE_RUNNING:
        if (d->trouble[0])
            terminal_note("the microphone is back");
        d->trouble[0] = '\0';
        break;
    case SCOUT_CAPTURE_PAUSED:
        d->paused_s = mail->at_s;
        if (d->cancelled)
            d->discard_before_s = mail->at_s;
        d->cancelled = false;
        if (d->closing)
            scout_capture_stop(d->capture);
        break;
    case SCOUT_CAPTURE_ENDED:
        if (d->closing)
            close_capture(d);
        else
            d->done = true; // a file, or the capture cannot go on
        break;
    case SCOUT_CAPTURE_STARTING: break;
    }
}

static void take_mail(Dictation *d, const Mail *mail)
{
    switch ((HeardKind)mail->kind) {
    case HEARD_TEXT:
        if (!d->cancelled && mail->at_s >= d->discard_before_s)
            delivery_text(d->delivery, mail->text, mail->length);
        break;
    case HEARD_SCRATCH:
        if (!d->cancelled)
            delivery_scratch(d->delivery, mail->number);
        break;
    case HEARD_STOP: act(d, stop_after_tail); break;
    case HEARD_STATE: hear_state(d, mail); break;
    case HEARD_MUTED:
        if (mail->number && d->listening)
            terminal_warning("nothing but zeros comes from the microphone: it may be muted");
        break;
    case HEARD_NOTE: terminal_note("%s", mail->text); break;
    case HEARD_WARNING: terminal_warning("%s", mail->text); break;
    case HEARD_ERROR: terminal_error("%s", mail->text); break;
    }
}

static void take_all_mail(Dictation *d)
{
    for (Mail *mail = mailbox_take(&d->mail); mail; mail = mailbox_take(&d->mail)) {
        take_mail(d, mail);
        mem_free(mail);
    }
}

// ------------------------------------------------------------------------------- key and socket

static ScoutStatus open_hotkey(Dictation *d, ScoutError *error)
{
    HotkeyOptions options = {.key = config_text(d->config, OPTION_KEY), .description = "Dictate"};
    (void)hotkey_source_named(config_text(d->config, OPTION_KEY_FROM), &options.source);
    const ScoutStatus status = hotkey_new(&options, &d->hotkey, error);
    if (!status)
        hotkey_describe(d->hotkey, d->key_words, sizeof(d->key_words));
    return status;
}

static void lose_hotkey(Dictation *d, const char *why)
{
    terminal_warning("the key %s does nothing now: %s; it is tried again", d->key_words, why);
    hotkey_free(d->hotkey);
    d->hotkey = NULL;
    d->hotkey_retry_ns = clock_monotonic_ns() + (int64_t)HOTKEY_RETRY_MS * 1000000;
    delivery_hold(d->delivery, false);
    if (d->mode == MODE_HOLD)
        act(d, stop_after_tail); // its release will never be told
}

static void retry_hotkey(Dictation *d)
{
    if (!d->hotkey_retry_ns || clock_monotonic_ns() < d->hotkey_retry_ns)
        return;
    d->hotkey_retry_ns = 0;
    if (open_hotkey(d, NULL))
        d->hotkey_retry_ns = clock_monotonic_ns() + (int64_t)HOTKEY_RETRY_MS * 1000000;
    else
        terminal_note("the key %s works again", d->key_words);
}

static void take_hotkey(Dictation *d)
{
    HotkeyEvent event;
    bool there = true;
    while (d->hotkey && hotkey_next(d->hotkey, &event, &there, NULL) == SCOUT_OK && there) {
        switch (event.kind) {
        case HOTKEY_PRESSED:
            delivery_hold(d->delivery, true);
            act(d, d->mode == MODE_HOLD ? start : toggle);
            break;
        case HOTKEY_RELEASED:
            if (d->mode == MODE_HOLD)
                act(d, stop_after_tail);
            delivery_hold(d->delivery, false);
            break;
        case HOTKEY_LOST: lose_hotkey(d, event.detail); break;
        }
    }
}

static void answer(void *context, const char *request, char *out, size_t size)
{
    Dictation *d = context;
    static const struct {
        const char *request;
        ScoutStatus (*action)(Dictation *d, ScoutError *error);
    } actions[] = {
        {"start", start}, {"stop", stop_after_tail}, {"toggle", toggle}, {"cancel", cancel}};
    ScoutError error = {0};
    ScoutStatus status = SCOUT_ERROR_INVALID_ARGUMENT;
    (void)str_copy(error.message, sizeof(error.message), "no such request");
    for (size_t i = 0; i < BASE_COUNT(actions); i++) {
        if (str_equal(request, actions[i].request))
            status = actions[i].action(d, &error);
    }
    if (str_equal(request, "status"))
        status = SCOUT_OK;
    if (status)
        (void)snprintf(out, size, "error: %s", error.message);
    else
        (void)snprintf(out, size, "%s%s%s", d->listening ? "listening" : "idle",
                       d->trouble[0] ? "; " : "", d->trouble);
}

// ---------------------------------------------------------------------------------------- the run

static int wait_ms(const Dictation *d)
{
    if (!d->hotkey_retry_ns)
        return -1;
    const int64_t left_ms = (d->hotkey_retry_ns - clock_monotonic_ns()) / 1000000 + 1;
    return (int)BASE_MAX(left_ms, 0);
}

// Signals are taken here and nowhere else, so that none is missed between a look and the wait.
static void run(Dictation *d, const sigset_t *signals)
{
    while (!d->done && !signals_interrupted()) {
        take_hotkey(d);
        take_all_mail(d);
        if (d->done)
            break;
        struct pollfd waits[] = {
            {.fd = control_server_descriptor(d->control), .events = POLLIN},
            {.fd = d->mail.event, .events = POLLIN},
            {.fd = d->hotkey ? hotkey_descriptor(d->hotkey) : -1, .events = POLLIN},
        };
        const int ms = wait_ms(d);
        const struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
        if (ppoll(waits, BASE_COUNT(waits), ms < 0 ? NULL : &limit, signals) < 0 && errno != EINTR)
            break;
        if (waits[0].revents)
            control_server_serve(d->control, answer, d);
        retry_hotkey(d);
    }
}

static void tell_how(const Dictation *d)
{
    const char *key = d->hotkey ? d->key_words : "scout dictate toggle";
    if (d->mode == MODE_HANDS_FREE)
        terminal_note("listening: speak; Ctrl-C ends");
    else if (d->mode == MODE_HOLD && d->hotkey)
        terminal_note("hold %s and speak; Ctrl-C ends", key);
    else
        terminal_note("%s begins and ends listening; Ctrl-C ends", key);
}

static ScoutStatus open_rules(Dictation *d, ScoutError *error)
{
    scout_text_options_init(&d->text_options);
    d->text_options.commands = config_flag(d->config, OPTION_SPOKEN_COMMANDS);
    d->text_options.profanity_filter = config_flag(d->config, OPTION_PROFANITY_FILTER);
    // One that is named or detected is told to the rules with the text; this is the one before.
    const char *language = config_text(d->config, OPTION_LANGUAGE);
    d->text_options.language = language && strlen(language) == 2 ? language : NULL;
    const char *path = config_text(d->config, OPTION_REPLACEMENTS);
    ScoutStatus status =
        path ? config_read_text_file(path, &d->text_options, &d->text_file, error) : SCOUT_OK;
    return status ? status : scout_text_rules_new(&d->text_options, &d->rules, error);
}

static ScoutStatus open_delivery(Dictation *d, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *state = path_state_home();
    if (state && file_make_folders(state, NULL) == SCOUT_OK) {
        d->typing_state = path_join(state, "typing-permission");
        d->history = path_join(state, "dictation.log");
    }
    const bool keeps = config_flag(d->config, OPTION_HISTORY);
    if (keeps && !d->history)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "--history: there is no folder for it, as neither XDG_STATE_HOME nor HOME "
                         "is set");
    if (config_flag(d->config, OPTION_SOUNDS)) {
        ScoutStatus status = sounds_new(&d->sounds, error);
        if (status)
            return status;
    }
    DeliveryOptions options = {.way = (DeliveryWay)config_choice(d->config, OPTION_OUTPUT),
                               .typing = {.state_path = d->typing_state},
                               .history = keeps ? d->history : NULL,
                               .sounds = d->sounds,
                               .notices = &d->mail,
                               .note_kind = HEARD_NOTE,
                               .warning_kind = HEARD_WARNING,
                               .error_kind = HEARD_ERROR};
    (void)typing_method_named(config_text(d->config, OPTION_TYPE_WITH), &options.typing.method);
    options.typing.key_pause_us = (int)(config_number(d->config, OPTION_KEY_PAUSE) * 1000.0);
    return delivery_new(&options, &d->delivery, error);
}

// A desktop without hotkeys has shortcuts of its own, which can call `scout dictate toggle`.
static ScoutStatus open_key(Dictation *d, ScoutError *error)
{
    const bool named = config_is_set(d->config, OPTION_KEY);
    const char *key = config_text(d->config, OPTION_KEY);
    if (str_equal(key, "none") || (d->mode == MODE_HANDS_FREE && !named))
        return SCOUT_OK;
    const ScoutStatus status = open_hotkey(d, error);
    if (status != SCOUT_ERROR_UNSUPPORTED && status != SCOUT_ERROR_PERMISSION)
        return status;
    terminal_warning("no key works here: %s; give your desktop a shortcut that runs `scout dictate "
                     "toggle`",
                     error->message);
    return SCOUT_OK;
}

static ScoutStatus open_all(Dictation *d, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    ScoutStatus status = control_path(SOCKET_NAME, &path, error);
    if (!status)
        status = control_server_new(path, &d->control, error);
    if (status == SCOUT_ERROR_BUSY)
        (void)error_set(error, status,
                        "dictation runs already: talk to it with `scout dictate toggle`");
    if (!status)
        status = request_init(&d->request, d->config, error);
    if (!status)
        status = open_rules(d, error);
    if (!status)
        status = mailbox_init(&d->mail, error);
    d->listener = (Listener){.mail = &d->mail,
                             .settled = config_flag(d->config, OPTION_AS_YOU_SPEAK),
                             .utterance = UINT64_MAX};
    if (!status)
        status = open_delivery(d, error);
    if (!status)
        status = open_key(d, error);
    if (!status)
        status = scout_engine_new(&d->request.engine, &d->engine, error);
    if (status || !keeps_microphone_open(d))
        return status;
    status = open_capture(d, error);
    if (!status && (d->mode == MODE_HANDS_FREE || config_text(d->config, OPTION_INPUT)))
        d->listening = true; // from the beginning
    else if (!status)
        status = scout_capture_pause(d->capture, 0, error);
    return status;
}

static void tell_hits(const Dictation *d)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < d->text_options.replacement_count; i++)
        hits += scout_text_rules_hits(d->rules, i);
    if (hits)
        terminal_note("replacements applied: %llu", (unsigned long long)hits);
    if (scout_text_rules_masked(d->rules))
        terminal_note("words masked: %llu", (unsigned long long)scout_text_rules_masked(d->rules));
}

// What was said before the end is still written down; what then cannot be delivered is said.
static void close_all(Dictation *d)
{
    hotkey_free(d->hotkey);
    close_capture(d);
    take_all_mail(d);
    delivery_free(d->delivery);
    take_all_mail(d);
    if (d->rules)
        tell_hits(d);
    sounds_free(d->sounds);
    mailbox_done(&d->mail);
    control_server_free(d->control);
    scout_engine_free(d->engine);
    scout_text_rules_free(d->rules);
    config_text_file_free(d->text_file);
    request_done(&d->request);
    mem_free(d->history);
    mem_free(d->typing_state);
}

static int serve(const Config *config)
{
    Dictation d = {.config = config,
                   .mode = (ModeId)config_choice(config, OPTION_MODE),
                   .pre_roll_s = config_is_set(config, OPTION_PRE_ROLL)
                                     ? config_number(config, OPTION_PRE_ROLL)
                                     : DEFAULT_PRE_ROLL_S,
                   .tail_s = config_number(config, OPTION_TAIL)};
    sigset_t ending;
    sigset_t before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    // Inherited by all threads made from here on.
    (void)pthread_sigmask(SIG_BLOCK, &ending, &before);
    ScoutError error = {0};
    const ScoutStatus status = open_all(&d, &error);
    if (status) {
        terminal_error("%s", error.message);
        d.failed = true;
    } else {
        tell_how(&d);
        run(&d, &before);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); // a second Ctrl-C ends it at once
    close_all(&d);
    if (status == SCOUT_ERROR_INVALID_ARGUMENT)
        return EXIT_WRONG_USE;
    return d.failed ? EXIT_FAILED : EXIT_DONE;
}

static int ask(const char *request)
{
    static const char *const requests[] = {"start", "stop", "toggle", "cancel", "status"};
    bool known = false;
    for (size_t i = 0; i < BASE_COUNT(requests); i++)
        known = known || str_equal(request, requests[i]);
    if (!known) {
        terminal_error("dictate: '%s' is none of start, stop, toggle, cancel, status", request);
        return EXIT_WRONG_USE;
    }
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    char told[CONTROL_ANSWER_MAX];
    ScoutError error = {0};
    ScoutStatus status = control_path(SOCKET_NAME, &path, &error);
    if (!status)
        status = control_ask(path, request, told, sizeof(told), ASK_MS, &error);
    if (status == SCOUT_ERROR_NOT_FOUND)
        (void)error_set(&error, status, "no dictation runs: start one with `scout dictate`");
    if (status) {
        terminal_error("%s", error.message);
        return EXIT_FAILED;
    }
    if (str_starts(told, "error: ")) {
        terminal_error("%s", told + strlen("error: "));
        return EXIT_FAILED;
    }
    (void)puts(told);
    return EXIT_DONE;
}

int command_dictate(const Config *config)
{
    size_t count = 0;
    const char *const *words = config_arguments(config, &count);
    if (config_flag(config, OPTION_LIST_DEVICES))
        return source_list(config);
    return count ? ask(words[0]) : serve(config);
}
