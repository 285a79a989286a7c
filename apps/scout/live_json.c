// Events of a capture as JSON: see live_json.h.
#include "live_json.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "json_view.h"

static const char *const STATES[] = {
    [SCOUT_CAPTURE_STARTING] = "starting", [SCOUT_CAPTURE_RUNNING] = "running",
    [SCOUT_CAPTURE_LOST] = "lost",         [SCOUT_CAPTURE_PAUSED] = "paused",
    [SCOUT_CAPTURE_ENDED] = "ended",
};

static const char *const PACES[] = {
    [SCOUT_LIVE_FULL] = "full",
    [SCOUT_LIVE_SLOWER] = "slower",
    [SCOUT_LIVE_FINALS_ONLY] = "finals_only",
};

static json_t *rounded(double value, double digits)
{
    return isfinite(value) ? json_real(round(value * digits) / digits) : json_null();
}

static json_t *seconds(double value)
{
    return rounded(value, 1000);
}

static json_t *text_of(const char *text)
{
    if (!text)
        return json_null();
    return json_string(utf8_valid(text, strlen(text)) ? text : "");
}

// Takes the value; false when it is NULL.
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool put_name(json_t *object, const char *name)
{
    return put(object, "event", json_string(name));
}

// ---- Of a live stream

static bool put_speech(json_t *object, const char *name, const ScoutLiveSpeech *speech)
{
    return put_name(object, name) &&
           put(object, "utterance", json_integer((json_int_t)speech->utterance)) &&
           put(object, "time", seconds(speech->at_s)) &&
           put(object, "known", seconds(speech->known_s));
}

static bool put_segments(json_t *object, const ScoutLiveText *text)
{
    json_t *list = json_array();
    if (!put(object, "segments", list))
        return false;
    for (size_t i = 0; i < text->segment_count; i++) {
        if (json_array_append_new(list, json_of_segment(&text->segments[i])) != 0)
            return false;
    }
    return true;
}

static bool put_text(json_t *object, bool final, const ScoutLiveText *text)
{
    bool good = put_name(object, final ? "final" : "partial") &&
                put(object, "utterance", json_integer((json_int_t)text->utterance)) &&
                put(object, "start", seconds(text->start_s)) &&
                put(object, "end", seconds(text->end_s)) &&
                put(object, "text", text_of(text->text));
    if (!final)
        return good && put(object, "settled", json_stringn(text->text, text->settled_bytes));
    return good && put(object, "continues", json_boolean(text->continues)) &&
           put_segments(object, text);
}

static bool put_command(json_t *object, const ScoutLiveCommand *command)
{
    const bool scratch = command->type == SCOUT_LIVE_SCRATCH;
    return put_name(object, scratch ? "scratch" : "stop") &&
           put(object, "utterance", json_integer((json_int_t)command->utterance)) &&
           put(object, "at_bytes", json_integer((json_int_t)command->at_bytes)) &&
           (!scratch || put(object, "characters", json_integer((json_int_t)command->characters)));
}

static bool put_live(json_t *object, const ScoutLiveEvent *event)
{
    switch (event->type) {
    case SCOUT_LIVE_LANGUAGE:
        return put_name(object, "language") &&
               put(object, "language", text_of(event->u.language.code)) &&
               put(object, "probability", rounded((double)event->u.language.probability, 1e6));
    case SCOUT_LIVE_SPEECH_STARTED: return put_speech(object, "speech_started", &event->u.speech);
    case SCOUT_LIVE_SPEECH_ENDED: return put_speech(object, "speech_ended", &event->u.speech);
    case SCOUT_LIVE_PARTIAL: return put_text(object, false, &event->u.text);
    case SCOUT_LIVE_FINAL: return put_text(object, true, &event->u.text);
    case SCOUT_LIVE_COMMAND: return put_command(object, &event->u.command);
    case SCOUT_LIVE_SKIPPED: {
        json_t *skipped = json_of_skipped(&event->u.skipped);
        const bool good = skipped && json_object_update(object, skipped) == 0;
        json_decref(skipped);
        return good && put_name(object, "skipped");
    }
    case SCOUT_LIVE_DEGRADED:
        return put_name(object, "degraded") &&
               put(object, "pace", json_string(PACES[event->u.degraded.pace])) &&
               put(object, "backlog", seconds(event->u.degraded.backlog_s));
    case SCOUT_LIVE_PROGRESS:
        return put_name(object, "progress") &&
               put(object, "received", seconds(event->u.progress.received_s)) &&
               put(object, "settled", seconds(event->u.progress.settled_s));
    }
    return false;
}

// ---- Of the capture

static bool put_levels(json_t *object, const ScoutCaptureEvent *event)
{
    json_t *peak = json_array();
    json_t *rms = json_array();
    bool good = put_name(object, "level") && put(object, "peak", peak) && put(object, "rms", rms);
    for (size_t c = 0; good && c < event->u.level.channels; c++)
        good = json_array_append_new(peak, rounded((double)event->u.level.peak[c], 1e4)) == 0 &&
               json_array_append_new(rms, rounded((double)event->u.level.rms[c], 1e4)) == 0;
    return good;
}

static bool put_disk(json_t *object, const ScoutCaptureEvent *event)
{
    return put_name(object, "disk") && put(object, "full", json_boolean(event->u.disk.full)) &&
           put(object, "held", seconds(event->u.disk.held_s)) &&
           put(object, "lost", seconds(event->u.disk.lost_s)) &&
           put(object, "free_bytes", json_integer((json_int_t)event->u.disk.free_bytes)) &&
           put(object, "left", seconds(event->u.disk.left_s)) &&
           put(object, "message", text_of(event->u.disk.message));
}

static bool put_lost(json_t *object, const char *name, const ScoutCaptureEvent *event)
{
    return put_name(object, name) &&
           put(object, "channel", json_integer((json_int_t)event->u.lost.channel)) &&
           put(object, "seconds", seconds(event->u.lost.seconds)) &&
           put(object, "filled", json_boolean(event->u.lost.filled));
}

static bool put_event(json_t *object, const ScoutCaptureEvent *event)
{
    switch (event->type) {
    case SCOUT_CAPTURE_EVENT_STATE:
        return put_name(object, "state") &&
               put(object, "state", json_string(STATES[event->u.state.state])) &&
               put(object, "device", text_of(event->u.state.device)) &&
               put(object, "message", text_of(event->u.state.message));
    case SCOUT_CAPTURE_EVENT_LEVEL: return put_levels(object, event);
    case SCOUT_CAPTURE_EVENT_MUTED:
        return put_name(object, "muted") &&
               put(object, "channel", json_integer((json_int_t)event->u.muted.channel)) &&
               put(object, "muted", json_boolean(event->u.muted.muted));
    case SCOUT_CAPTURE_EVENT_OVERRUN: return put_lost(object, "overrun", event);
    case SCOUT_CAPTURE_EVENT_GAP: return put_lost(object, "gap", event);
    case SCOUT_CAPTURE_EVENT_DISK: return put_disk(object, event);
    case SCOUT_CAPTURE_EVENT_RECORDING_STARTED:
    case SCOUT_CAPTURE_EVENT_RECORDING_ENDED:
        return put_name(object, event->type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED
                                    ? "recording_started"
                                    : "recording_ended") &&
               put(object, "folder", text_of(event->u.recording.folder)) &&
               put(object, "start", seconds(event->u.recording.start_s));
    case SCOUT_CAPTURE_EVENT_LIVE:
        return put(object, "channel", json_integer((json_int_t)event->u.live.channel)) &&
               put_live(object, event->u.live.event);
    }
    return false;
}

json_t *live_json(const ScoutCaptureEvent *event)
{
    json_t *object = json_object();
    // Its name and when it was told come first.
    const bool good = object && put(object, "event", json_null()) &&
                      put(object, "at", seconds(event->at_s)) && put_event(object, event);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}
