// What `scout record` knows: see record_view.h.
#include "record_view.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/condition.h"
#include "base/memory.h"
#include "base/str.h"

enum { FOLDERS_MAX = 100000, METER_CELLS = 10 };

static const double METER_FLOOR_DB = -50;

void record_view_init(RecordView *view)
{
    *view = (RecordView){.left_s = -1};
    (void)pthread_mutex_init(&view->lock, NULL);
    condition_init(&view->more);
}

void record_view_done(RecordView *view)
{
    for (size_t i = 0; i < view->folder_count; i++)
        mem_free(view->folders[i]);
    mem_free(view->folders);
    (void)pthread_cond_destroy(&view->more);
    (void)pthread_mutex_destroy(&view->lock);
}

// --- Notes
// ---------------------------------------------------------------------------------------

// Locked.
static void note(RecordView *view, RecordTone tone, const char *text)
{
    if (view->note_count == RECORD_NOTES_MAX) {
        view->note_count--;
        memmove(view->notes, view->notes + 1, view->note_count * sizeof view->notes[0]);
    }
    RecordNote *added = &view->notes[view->note_count++];
    added->tone = tone;
    (void)str_copy(added->text, sizeof added->text, text);
}

void record_view_note(RecordView *view, RecordTone tone, const char *format, ...)
{
    char text[RECORD_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&view->lock);
    note(view, tone, text);
    (void)pthread_mutex_unlock(&view->lock);
}

bool record_view_take_note(RecordView *view, RecordNote *taken)
{
    (void)pthread_mutex_lock(&view->lock);
    const bool some = view->note_count > 0;
    if (some) {
        *taken = view->notes[0];
        view->note_count--;
        memmove(view->notes, view->notes + 1, view->note_count * sizeof view->notes[0]);
    }
    (void)pthread_mutex_unlock(&view->lock);
    return some;
}

// --- Events. All of these are called locked
// ---------------------------------------------------------------------------------------

static void see_state(RecordView *view, const ScoutCaptureEvent *event)
{
    char text[RECORD_TEXT_BYTES];
    const ScoutCaptureState before = view->state;
    const char *device = event->u.state.device ? event->u.state.device : "the microphone";
    view->state = event->u.state.state;
    view->message[0] = '\0';
    if (view->state == SCOUT_CAPTURE_LOST) {
        const char *message = event->u.state.message ? event->u.state.message : "no sound comes";
        (void)str_copy(view->message, sizeof view->message, message);
        (void)snprintf(text, sizeof text, "%.500s; it is tried again until it works", message);
        note(view, RECORD_WARNING, text);
    } else if (view->state == SCOUT_CAPTURE_RUNNING && before != view->state) {
        (void)snprintf(text, sizeof text, "listening to %.500s", device);
        note(view, RECORD_NOTE, text);
    }
}

static void see_disk(RecordView *view, const ScoutCaptureEvent *event)
{
    const bool full = event->u.disk.full != 0;
    view->left_s = event->u.disk.left_s;
    if (full && !view->disk_full)
        note(view, RECORD_WARNING,
             event->u.disk.message ? event->u.disk.message : "the disk is full");
    if (!full && view->disk_full)
        note(view, RECORD_NOTE, "the disk has room again: everything is written");
    view->disk_full = full;
}

static void see_lost(RecordView *view, const ScoutCaptureEvent *event)
{
    char text[RECORD_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%.1f s of sound are missing: %s", event->u.lost.seconds,
                   event->type == SCOUT_CAPTURE_EVENT_OVERRUN
                       ? "it came faster than this machine could take it"
                       : "the machine slept, or the device was away");
    note(view, RECORD_WARNING, text);
}

static void see_muted(RecordView *view, const ScoutCaptureEvent *event)
{
    if (event->u.muted.muted && !view->muted)
        note(view, RECORD_WARNING, "only zeros have come for three seconds: is it muted?");
    view->muted = event->u.muted.muted != 0;
}

static void begin_recording(RecordView *view, const ScoutCaptureEvent *event)
{
    char text[RECORD_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "recording %.500s", event->u.recording.folder);
    note(view, RECORD_NOTE, text);
    view->recording = true;
    view->start_s = event->u.recording.start_s;
    view->words[0] = view->partial[0] = '\0';
}

static void end_recording(RecordView *view, const ScoutCaptureEvent *event)
{
    view->recording = false;
    const char *folder = event->u.recording.folder;
    char *copy = mem_copy_text(folder, strlen(folder));
    char **folders = view->folder_count < FOLDERS_MAX
                         ? mem_resize(view->folders, view->folder_count + 1, sizeof *folders)
                         : NULL;
    if (!copy || !folders) {
        mem_free(copy);
        note(view, RECORD_ERROR, "not enough memory to finish a recording: scout recover does");
        return;
    }
    view->folders = folders;
    view->folders[view->folder_count++] = copy;
    (void)pthread_cond_broadcast(&view->more);
}

// The last bytes of before and text, from the beginning of a character on.
static void keep_last(char out[RECORD_WORDS_BYTES], const char *before, const char *text)
{
    char whole[4 * RECORD_WORDS_BYTES];
    const size_t length = strlen(text);
    const size_t most = sizeof whole - RECORD_WORDS_BYTES;
    (void)snprintf(whole, sizeof whole, "%s%s", before,
                   length > most ? text + length - most : text);
    const char *from = whole;
    if (strlen(whole) >= RECORD_WORDS_BYTES)
        from = whole + strlen(whole) - (RECORD_WORDS_BYTES - 1);
    while (((unsigned char)*from & 0xC0) == 0x80)
        from++;
    (void)str_copy(out, RECORD_WORDS_BYTES, from);
}

static void see_live(RecordView *view, const ScoutLiveEvent *event)
{
    if (event->type != SCOUT_LIVE_PARTIAL && event->type != SCOUT_LIVE_FINAL)
        return;
    const char *text = event->u.text.text ? event->u.text.text : "";
    if (event->type == SCOUT_LIVE_PARTIAL) {
        keep_last(view->partial, "", text);
        return;
    }
    char before[RECORD_WORDS_BYTES];
    (void)str_copy(before, sizeof before, view->words);
    keep_last(view->words, before, text);
    view->partial[0] = '\0';
}

int record_view_event(void *context, const ScoutCaptureEvent *event)
{
    RecordView *view = context;
    (void)pthread_mutex_lock(&view->lock);
    view->at_s = event->at_s > view->at_s ? event->at_s : view->at_s;
    switch (event->type) {
    case SCOUT_CAPTURE_EVENT_STATE: see_state(view, event); break;
    case SCOUT_CAPTURE_EVENT_LEVEL:
        view->peak = event->u.level.peak[0];
        if (event->u.level.channels > 1 && event->u.level.peak[1] > view->peak)
            view->peak = event->u.level.peak[1];
        break;
    case SCOUT_CAPTURE_EVENT_MUTED: see_muted(view, event); break;
    case SCOUT_CAPTURE_EVENT_OVERRUN:
    case SCOUT_CAPTURE_EVENT_GAP: see_lost(view, event); break;
    case SCOUT_CAPTURE_EVENT_DISK: see_disk(view, event); break;
    case SCOUT_CAPTURE_EVENT_RECORDING_STARTED: begin_recording(view, event); break;
    case SCOUT_CAPTURE_EVENT_RECORDING_ENDED: end_recording(view, event); break;
    case SCOUT_CAPTURE_EVENT_LIVE: see_live(view, event->u.live.event); break;
    }
    (void)pthread_mutex_unlock(&view->lock);
    return 0;
}

// --- The line
// ---------------------------------------------------------------------------------------

static void draw_meter(float peak, char out[METER_CELLS + 1])
{
    const double level_db = peak > 0 ? 20 * log10((double)peak) : METER_FLOOR_DB;
    const double share = (level_db - METER_FLOOR_DB) / -METER_FLOOR_DB;
    for (int i = 0; i < METER_CELLS; i++)
        out[i] = share * METER_CELLS > i ? '|' : '.';
    out[METER_CELLS] = '\0';
}

static void say_left(double left_s, char *out, size_t size)
{
    *out = '\0';
    if (left_s >= 48 * 3600)
        (void)snprintf(out, size, ", room for %.0f days", left_s / 86400);
    else if (left_s >= 3600)
        (void)snprintf(out, size, ", room for %.0f h", left_s / 3600);
    else if (left_s >= 0)
        (void)snprintf(out, size, ", room for %.0f min", left_s / 60);
}

// Locked.
static void say_state(const RecordView *view, char *out, size_t size)
{
    const long long seconds = (long long)(view->at_s - view->start_s);
    char left[48];
    say_left(view->left_s, left, sizeof left);
    if (view->message[0])
        (void)snprintf(out, size, "no sound: %.500s", view->message);
    else if (view->recording)
        (void)snprintf(out, size, "recording %lld:%02lld:%02lld%s", seconds / 3600,
                       seconds / 60 % 60, seconds % 60,
                       view->disk_full ? ", THE DISK IS FULL" : left);
    else if (view->finishing[0])
        (void)snprintf(out, size, "finishing %s %.0f %%", view->finishing, view->done * 100);
    else
        (void)snprintf(out, size, "waiting for speech");
}

void record_view_line(RecordView *view, char *out, size_t size)
{
    (void)pthread_mutex_lock(&view->lock);
    char state[RECORD_TEXT_BYTES], meter[METER_CELLS + 1], words[RECORD_WORDS_BYTES];
    say_state(view, state, sizeof state);
    draw_meter(view->peak, meter);
    keep_last(words, view->recording ? view->words : "", view->recording ? view->partial : "");
    // A line has room for the last of it.
    const char *shown = words;
    while (strlen(shown) > 60 || ((unsigned char)*shown & 0xC0) == 0x80)
        shown++;
    if (!view->ended)
        (void)snprintf(out, size, "%s [%s] %s", state, meter, shown);
    else
        (void)str_copy(out, size, state);
    (void)pthread_mutex_unlock(&view->lock);
}

// --- What is to be finished
// ---------------------------------------------------------------------------------------

char *record_view_take_folder(RecordView *view)
{
    (void)pthread_mutex_lock(&view->lock);
    while (view->folder_count == 0 && !view->ended)
        (void)pthread_cond_wait(&view->more, &view->lock);
    char *folder = NULL;
    if (view->folder_count) {
        folder = view->folders[0];
        view->folder_count--;
        memmove(view->folders, view->folders + 1, view->folder_count * sizeof *view->folders);
    }
    (void)pthread_mutex_unlock(&view->lock);
    return folder;
}

void record_view_end(RecordView *view)
{
    (void)pthread_mutex_lock(&view->lock);
    view->ended = true;
    (void)pthread_cond_broadcast(&view->more);
    (void)pthread_mutex_unlock(&view->lock);
}

void record_view_finishing(RecordView *view, const char *what, double done)
{
    (void)pthread_mutex_lock(&view->lock);
    (void)str_copy(view->finishing, sizeof view->finishing, what ? what : "");
    view->done = done;
    (void)pthread_mutex_unlock(&view->lock);
}
