// From events to mail: see listener.h.
#include "listener.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

enum { SENTENCE_SIZE = 512 };

static void post(const Listener *listener, HeardKind kind, double at_s, size_t number,
                 const char *text)
{
    (void)mailbox_post(listener->mail, kind, at_s, number, text, text ? strlen(text) : 0);
}

static void say(const Listener *listener, HeardKind kind, const char *format, ...)
    BASE_PRINTF(3, 4);

static void say(const Listener *listener, HeardKind kind, const char *format, ...)
{
    char text[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    post(listener, kind, 0, 0, text);
}

// Settled text is the beginning of every later text of its utterance, so what is new is its end.
static void tell_text(Listener *listener, const ScoutLiveText *text, size_t length)
{
    if (text->utterance != listener->utterance)
        listener->told = 0;
    listener->utterance = text->utterance;
    if (length <= listener->told)
        return;
    (void)mailbox_post(listener->mail, HEARD_TEXT, text->start_s, 0, text->text + listener->told,
                       length - listener->told);
    listener->told = length;
}

static void hear_live(Listener *listener, const ScoutLiveEvent *event)
{
    switch (event->type) {
    case SCOUT_LIVE_PARTIAL:
        if (listener->settled)
            tell_text(listener, &event->u.text, event->u.text.settled_bytes);
        break;
    case SCOUT_LIVE_FINAL:
        tell_text(listener, &event->u.text, strlen(event->u.text.text));
        listener->told = 0;
        listener->utterance = UINT64_MAX;
        break;
    case SCOUT_LIVE_COMMAND:
        if (event->u.command.type == SCOUT_LIVE_STOP)
            post(listener, HEARD_STOP, 0, 0, NULL);
        else
            post(listener, HEARD_SCRATCH, 0, event->u.command.characters, NULL);
        break;
    case SCOUT_LIVE_DEGRADED:
        if (event->u.degraded.pace == SCOUT_LIVE_FINALS_ONLY)
            say(listener, HEARD_WARNING, "this machine is too slow or busy: text comes %.0f s late",
                event->u.degraded.backlog_s);
        break;
    case SCOUT_LIVE_LANGUAGE:
    case SCOUT_LIVE_SPEECH_STARTED:
    case SCOUT_LIVE_SPEECH_ENDED:
    case SCOUT_LIVE_SKIPPED:
    case SCOUT_LIVE_PROGRESS: break;
    }
}

int listener_hear(void *context, const ScoutCaptureEvent *event)
{
    Listener *listener = context;
    switch (event->type) {
    case SCOUT_CAPTURE_EVENT_STATE:
        post(listener, HEARD_STATE, event->at_s, event->u.state.state,
             event->u.state.message ? event->u.state.message : event->u.state.device);
        break;
    case SCOUT_CAPTURE_EVENT_MUTED:
        post(listener, HEARD_MUTED, 0, event->u.muted.muted != 0, NULL);
        break;
    case SCOUT_CAPTURE_EVENT_OVERRUN:
        say(listener, HEARD_WARNING, "%.1f s of sound came too fast and are lost",
            event->u.lost.seconds);
        break;
    case SCOUT_CAPTURE_EVENT_DISK:
        if (event->u.disk.message)
            say(listener, HEARD_WARNING, "%s", event->u.disk.message);
        break;
    case SCOUT_CAPTURE_EVENT_LIVE: hear_live(listener, event->u.live.event); break;
    case SCOUT_CAPTURE_EVENT_LEVEL:
    case SCOUT_CAPTURE_EVENT_GAP:
    case SCOUT_CAPTURE_EVENT_RECORDING_STARTED:
    case SCOUT_CAPTURE_EVENT_RECORDING_ENDED: break;
    }
    return 0;
}
