// What `scout listen` writes: see listen_view.h.
#include "listen_view.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"
#include "json_view.h"
#include "live_json.h"

static const char *const LABELS[CAPTION_CHANNELS_MAX] = {"you", "they"};

static bool is_text(const ListenView *view)
{
    return view->options.writer.format == FORMAT_TEXT;
}

void listen_view_init(ListenView *view, const ListenViewOptions *options)
{
    *view = (ListenView){.options = *options};
    CaptionsOptions captions = {.live = options->terminal,
                                .colour = options->writer.colour,
                                .columns = options->columns,
                                .rows = options->rows,
                                .channels = options->two ? 2 : 1};
    if (options->two)
        memcpy(captions.labels, LABELS, sizeof LABELS);
    captions_init(&view->captions, &captions);
    writer_init(&view->writer, &options->writer);
    document_init(&view->document);
    view->document.view.file = "";
    view->document.view.model = options->model;
    view->document.view.task = options->task;
    view->document.view.options = options->told;
}

void listen_view_done(ListenView *view)
{
    captions_done(&view->captions);
    writer_done(&view->writer);
    document_done(&view->document);
}

Buffer *listen_view_out(ListenView *view)
{
    return is_text(view) ? &view->captions.out : &view->writer.out;
}

// ---- The line below the captions

static void show_status(ListenView *view, float peak)
{
    if (view->options.quiet || !is_text(view))
        return;
    char text[CAPTION_LABEL_MAX + sizeof view->device + sizeof view->message + 64];
    if (!view->running) {
        (void)snprintf(text, sizeof text, "%s", view->message[0] ? view->message : "starting");
        captions_status(&view->captions, text);
        return;
    }
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const signs[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
    // The square root spreads what is quiet; speech lies at 0.05 to 0.5.
    const float share = BASE_MIN(peak, 1.0F);
    const int bar = share <= 0.003F ? 0 : 1 + (int)(7.0F * BASE_MIN(share * 2, 1.0F));
    (void)snprintf(text, sizeof text, "%s listening to %s%s",
                   view->options.utf8 ? blocks[bar] : signs[bar], view->device,
                   view->muted[0] ? " (muted?)" : "");
    captions_status(&view->captions, text);
}

// ---- What happened to the sound

static void say(ListenSaying *saying, bool warning, const char *text)
{
    saying->warning = warning;
    (void)str_copy(saying->text, sizeof saying->text, text);
}

static void take_state(ListenView *view, const ScoutCaptureEvent *event, ListenSaying *saying)
{
    const ScoutCaptureState state = event->u.state.state;
    const bool ran = view->running;
    view->running = state == SCOUT_CAPTURE_RUNNING;
    view->message[0] = '\0';
    if (event->u.state.device)
        (void)str_copy(view->device, sizeof view->device, event->u.state.device);
    if (event->u.state.message)
        (void)str_copy(view->message, sizeof view->message, event->u.state.message);
    if (state == SCOUT_CAPTURE_LOST) {
        say(saying, true, view->message);
    } else if (view->running && !ran) {
        char text[sizeof view->device + 32];
        (void)snprintf(text, sizeof text, "listening to %s", view->device);
        say(saying, false, text);
    }
    show_status(view, 0);
}

static void take_trouble(ListenView *view, const ScoutCaptureEvent *event, ListenSaying *saying)
{
    char text[sizeof saying->text];
    if (event->type == SCOUT_CAPTURE_EVENT_MUTED) {
        view->muted[event->u.muted.channel % CAPTION_CHANNELS_MAX] = event->u.muted.muted != 0;
        (void)snprintf(text, sizeof text, "%s %s", view->device[0] ? view->device : "the source",
                       event->u.muted.muted ? "gives nothing but silence: it is probably muted; "
                                              "check its switch and the sound settings"
                                            : "gives sound again");
        say(saying, event->u.muted.muted != 0, text);
        return;
    }
    if (event->type == SCOUT_CAPTURE_EVENT_DISK) {
        if (event->u.disk.message)
            say(saying, true, event->u.disk.message);
        return;
    }
    const bool overrun = event->type == SCOUT_CAPTURE_EVENT_OVERRUN;
    (void)snprintf(text, sizeof text,
                   overrun ? "%.2f s of sound were lost at %.1f s: this machine was too busy"
                           : "%.1f s were not heard, at %.1f s",
                   event->u.lost.seconds, event->at_s);
    say(saying, true, text);
}

static void take_pace(const ScoutLiveEvent *event, ListenSaying *saying)
{
    static const char *const words[] = {
        [SCOUT_LIVE_FULL] = "the text is up to date again",
        [SCOUT_LIVE_SLOWER] = "this machine is busy: words appear less often",
        [SCOUT_LIVE_FINALS_ONLY] =
            ("this machine cannot keep up: text comes late, and only when it "
             "is final; a smaller --model would be faster"),
    };
    char text[sizeof saying->text];
    (void)snprintf(text, sizeof text, "%s (%.1f s behind)", words[event->u.degraded.pace],
                   event->u.degraded.backlog_s);
    say(saying, event->u.degraded.pace == SCOUT_LIVE_FINALS_ONLY,
        event->u.degraded.pace == SCOUT_LIVE_FULL ? words[SCOUT_LIVE_FULL] : text);
}

// ---- Text

static void begin(ListenView *view)
{
    if (!view->begun)
        writer_begin(&view->writer, &view->document.view);
    view->begun = true;
}

static ScoutStatus write_segment(ListenView *view, size_t channel, const ScoutSegment *segment,
                                 ScoutError *error)
{
    ScoutEvent event = {.type = SCOUT_EVENT_SEGMENT, .u.segment = *segment};
    Buffer labelled;
    buffer_init(&labelled, 1 << 20);
    if (view->options.two) {
        size_t length;
        const char *text = writer_trim(segment->text, &length);
        (void)buffer_printf(&labelled, " %s: %.*s", LABELS[channel], (int)length, text);
        event.u.segment.text = buffer_text(&labelled);
        // Lines are cut between words, which know nothing of labels.
        event.u.segment.words = NULL;
        event.u.segment.word_count = 0;
    }
    ScoutStatus status = labelled.failed ? error_no_memory(error) : SCOUT_OK;
    if (!status && view->options.writer.format == FORMAT_JSON)
        status = document_add(&view->document, &event, error);
    // Only JSON needs what was; for the others it would grow for hours.
    event.u.segment.id = view->segments++;
    if (!status) {
        begin(view);
        writer_segment(&view->writer, &view->document.view, &event.u.segment);
    }
    buffer_done(&labelled);
    return status;
}

static ScoutStatus write_final(ListenView *view, size_t channel, const ScoutLiveText *text,
                               ScoutError *error)
{
    size_t length;
    (void)writer_trim(text->text, &length);
    if (length == 0)
        return SCOUT_OK;
    if (view->options.polished && text->segment_count > 0) {
        ScoutSegment whole = text->segments[0];
        whole.start_s = text->start_s;
        whole.end_s = text->end_s;
        whole.text = text->text;
        whole.words = NULL;
        whole.word_count = 0;
        return write_segment(view, channel, &whole, error);
    }
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < text->segment_count && !status; i++)
        status = write_segment(view, channel, &text->segments[i], error);
    return status;
}

static ScoutStatus take_live(ListenView *view, size_t channel, const ScoutLiveEvent *event,
                             ListenSaying *saying, ScoutError *error)
{
    const bool captions = is_text(view);
    ScoutEvent kept;
    switch (event->type) {
    case SCOUT_LIVE_PARTIAL:
        if (captions)
            captions_partial(&view->captions, channel, event->u.text.text,
                             event->u.text.settled_bytes);
        return SCOUT_OK;
    case SCOUT_LIVE_FINAL:
        if (!captions)
            return write_final(view, channel, &event->u.text, error);
        captions_final(&view->captions, channel, event->u.text.text, event->u.text.continues != 0);
        return SCOUT_OK;
    case SCOUT_LIVE_COMMAND:
        if (captions && event->u.command.type == SCOUT_LIVE_SCRATCH)
            captions_note(&view->captions, "(taken back)");
        return SCOUT_OK;
    case SCOUT_LIVE_LANGUAGE:
        kept = (ScoutEvent){.type = SCOUT_EVENT_LANGUAGE, .u.language = event->u.language};
        return document_add(&view->document, &kept, error);
    case SCOUT_LIVE_SKIPPED:
        if (view->options.writer.format != FORMAT_JSON)
            return SCOUT_OK;
        kept = (ScoutEvent){.type = SCOUT_EVENT_SKIPPED, .u.skipped = event->u.skipped};
        return document_add(&view->document, &kept, error);
    case SCOUT_LIVE_DEGRADED: take_pace(event, saying); return SCOUT_OK;
    case SCOUT_LIVE_PROGRESS:
        view->duration_s = BASE_MAX(view->duration_s, event->u.progress.received_s);
        return SCOUT_OK;
    case SCOUT_LIVE_SPEECH_STARTED:
    case SCOUT_LIVE_SPEECH_ENDED: return SCOUT_OK;
    }
    return SCOUT_OK;
}

static ScoutStatus write_line(ListenView *view, const ScoutCaptureEvent *event, ScoutError *error)
{
    json_t *line = live_json(event);
    const bool good = line && json_write(line, JSON_COMPACT, &view->writer.out) &&
                      buffer_append_char(&view->writer.out, '\n');
    json_decref(line);
    return good ? SCOUT_OK : error_no_memory(error);
}

ScoutStatus listen_view_event(ListenView *view, const ScoutCaptureEvent *event,
                              ListenSaying *saying, ScoutError *error)
{
    saying->text[0] = '\0';
    ScoutStatus status = SCOUT_OK;
    switch (event->type) {
    case SCOUT_CAPTURE_EVENT_STATE: take_state(view, event, saying); break;
    case SCOUT_CAPTURE_EVENT_LEVEL:
        show_status(view, BASE_MAX(event->u.level.peak[0], event->u.level.peak[1]));
        break;
    case SCOUT_CAPTURE_EVENT_MUTED:
    case SCOUT_CAPTURE_EVENT_OVERRUN:
    case SCOUT_CAPTURE_EVENT_GAP:
    case SCOUT_CAPTURE_EVENT_DISK: take_trouble(view, event, saying); break;
    case SCOUT_CAPTURE_EVENT_RECORDING_STARTED:
    case SCOUT_CAPTURE_EVENT_RECORDING_ENDED: break;
    case SCOUT_CAPTURE_EVENT_LIVE: {
        const bool line = view->options.writer.format == FORMAT_JSONL;
        if (line && event->u.live.event->type != SCOUT_LIVE_DEGRADED)
            break;
        status = take_live(view, event->u.live.channel, event->u.live.event, saying, error);
        break;
    }
    }
    if (!status && view->options.writer.format == FORMAT_JSONL)
        status = write_line(view, event, error);
    return status;
}

void listen_view_end(ListenView *view)
{
    if (is_text(view)) {
        captions_end(&view->captions);
        return;
    }
    if (view->options.writer.format == FORMAT_JSONL)
        return;
    begin(view);
    view->document.view.duration_s = view->duration_s;
    writer_end(&view->writer, &view->document.view);
    writer_close(&view->writer);
}
