// Recordings in folders: see scout/recording.h.
#include <scout/recording.h>

#include "engine.h"
#include "recording_content.h"
#include "recording_json.h"
#include "recording_listen.h"
#include "recording_notes.h"

#include "audio/journal_disk.h"
#include "audio/journal_export.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ABOUT_BYTES_MAX = 16 << 20,
    TEXT_BYTES_MAX = 256 << 20,
    FLUSH_MS = 10000,
    // So much sound without text at the end is the rest of a frame, not speech.
    REST_FRAMES = SCOUT_SAMPLE_RATE / 20,
};

struct ScoutRecording {
    char *folder;
    ScoutRecordingInfo info;
    RecordingContent content; // of the journal; empty when there is none
    bool has_journal;
};

static const char *const sound_names[] = {
    [SCOUT_SOUND_FLAC] = RECORDING_SOUND ".flac",
    [SCOUT_SOUND_OPUS] = RECORDING_SOUND ".opus",
    [SCOUT_SOUND_WAV] = RECORDING_SOUND ".wav",
};

static const SoundFormat sound_formats[] = {
    [SCOUT_SOUND_FLAC] = SOUND_FLAC,
    [SCOUT_SOUND_OPUS] = SOUND_OPUS,
    [SCOUT_SOUND_WAV] = SOUND_WAV,
};

// --- Opening
// ---------------------------------------------------------------------------------------

static ScoutStatus path_in(const ScoutRecording *recording, const char *name, char **path,
                           ScoutError *error)
{
    *path = path_join(recording->folder, name);
    return *path ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus load_json(const ScoutRecording *recording, const char *name, size_t limit,
                             json_t **json, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    ScoutStatus status = path_in(recording, name, &path, error);
    if (status)
        return status;
    Buffer text;
    buffer_init(&text, limit);
    status = file_read(path, limit, &text, error);
    if (!status) {
        bool no_memory;
        *json = recording_json_read(buffer_text(&text), text.length, &no_memory);
        if (!*json)
            status = no_memory ? error_no_memory(error)
                               : error_set(error, SCOUT_ERROR_FORMAT, "%s is not what scout writes",
                                           path);
    }
    buffer_done(&text);
    return status;
}

static uint64_t settled_of(const RecordingContent *content)
{
    uint64_t settled = content->summary.frames;
    for (uint32_t c = 0; c < content->summary.info.channels; c++)
        settled = BASE_MIN(settled, content->settled[c]);
    return settled;
}

static void describe_journal(ScoutRecording *recording)
{
    const RecordingContent *content = &recording->content;
    const JournalSummary *summary = &content->summary;
    const double rate = summary->info.rate_hz;
    recording->info = (ScoutRecordingInfo){
        .state = summary->live                        ? SCOUT_RECORDING_LIVE
                 : summary->ended && content->trusted ? SCOUT_RECORDING_CLOSED
                                                      : SCOUT_RECORDING_INTERRUPTED,
        .created_ms = summary->info.created_ms,
        .duration_s = (double)summary->frames / rate,
        .channels = summary->info.channels,
        .settled_s = (double)settled_of(content) / rate,
        .missing_s = (double)(summary->frames - summary->present_frames) / rate,
        .texts = recording_content_count(content, true),
        .skipped = recording_content_count(content, false),
    };
}

static ScoutStatus open_finished(ScoutRecording *recording, ScoutError *error)
{
    json_t *about = NULL;
    ScoutStatus status = load_json(recording, RECORDING_ABOUT, ABOUT_BYTES_MAX, &about, error);
    if (status == SCOUT_ERROR_NOT_FOUND)
        return error_set(error, status, "%s holds no recording", recording->folder);
    if (status)
        return status;
    const double duration_s = json_number_value(json_object_get(about, "duration"));
    recording->info = (ScoutRecordingInfo){
        .state = SCOUT_RECORDING_FINISHED,
        .created_ms = json_integer_value(json_object_get(about, "created_ms")),
        .duration_s = duration_s,
        .channels = (size_t)json_integer_value(json_object_get(about, "channels")),
        .settled_s = duration_s,
        .missing_s = json_number_value(json_object_get(about, "missing")),
        .texts = (size_t)json_integer_value(json_object_get(about, "utterances")),
        .skipped = (size_t)json_integer_value(json_object_get(about, "skipped")),
    };
    json_decref(about);
    return SCOUT_OK;
}

// Whether the journal is there only because somebody wanted to keep it.
static bool is_kept(const ScoutRecording *recording)
{
    json_t *about = NULL;
    if (load_json(recording, RECORDING_ABOUT, ABOUT_BYTES_MAX, &about, NULL) != SCOUT_OK)
        return false;
    const bool kept = json_is_true(json_object_get(about, "journal_kept"));
    json_decref(about);
    return kept;
}

static ScoutStatus look(ScoutRecording *recording, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    ScoutStatus status = path_in(recording, RECORDING_JOURNAL, &path, error);
    if (status)
        return status;
    recording_content_done(&recording->content);
    recording->has_journal = file_exists(path);
    if (!recording->has_journal || is_kept(recording))
        return open_finished(recording, error);
    status = recording_content_load(path, &recording->content, error);
    if (status == SCOUT_ERROR_FORMAT) // made, and nothing was written yet
        status = error_set(error, SCOUT_ERROR_CORRUPT, "%s is empty or no journal", path);
    if (!status)
        describe_journal(recording);
    return status;
}

ScoutStatus scout_recording_open(const char *folder, ScoutRecording **recording, ScoutError *error)
{
    if (!folder || !recording)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "folder or recording is NULL");
    ScoutRecording *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->folder = mem_copy_text(folder, strlen(folder));
    ScoutStatus status = made->folder ? look(made, error) : error_no_memory(error);
    if (status) {
        scout_recording_free(made);
        return status;
    }
    *recording = made;
    return SCOUT_OK;
}

void scout_recording_free(ScoutRecording *recording)
{
    if (!recording)
        return;
    recording_content_done(&recording->content);
    mem_free(recording->folder);
    mem_free(recording);
}

const ScoutRecordingInfo *scout_recording_info(const ScoutRecording *recording)
{
    return &recording->info;
}

// --- Finishing
// ---------------------------------------------------------------------------------------

void scout_recording_options_init(ScoutRecordingOptions *options)
{
    if (options)
        *options = (ScoutRecordingOptions){.size = sizeof *options};
}

typedef struct Finish {
    ScoutRecording *recording;
    ScoutRecordingOptions options;
    RecordingListen listen;
    Cancel cancel; // raised when the progress callback says so
    const char *what;
    bool interrupted; // as it was found
} Finish;

static void tell_progress(void *context, double done)
{
    Finish *finish = context;
    if (finish->listen.progress &&
        finish->listen.progress(finish->listen.context, finish->what, done) != 0)
        cancel_raise(&finish->cancel);
}

static bool needs_text(const RecordingContent *content, uint32_t channel)
{
    return content->settled[channel] + REST_FRAMES < content->summary.frames;
}

// Listens to what no text tells of, channel by channel.
static ScoutStatus add_texts(Finish *finish, Journal *journal, const char *path, ScoutError *error)
{
    const RecordingContent *content = &finish->recording->content;
    // A recording that ended well may have some silence at its end that nothing tells of yet; that
    // is no recovery.
    bool begun = !content->interrupted && !recording_content_unsettled(content);
    for (uint32_t c = 0; c < content->summary.info.channels; c++) {
        if (!needs_text(content, c))
            continue;
        if (!finish->listen.engine)
            return error_set(error, SCOUT_ERROR_STATE,
                             "%s has sound without text: an engine is needed",
                             finish->recording->folder);
        if (content->summary.info.rate_hz != SCOUT_SAMPLE_RATE)
            return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                             "%s is not sampled at %d Hz: its sound is kept, but has no text", path,
                             SCOUT_SAMPLE_RATE);
        ScoutStatus status = begun ? SCOUT_OK : recording_note_recovery(journal, error);
        begun = true;
        finish->listen.language = content->language[c];
        if (!status)
            status = recording_listen_journal(&finish->listen, journal, path, c,
                                              content->settled[c], error);
        if (status)
            return status;
    }
    return SCOUT_OK;
}

// What was being written in another format when somebody was killed.
static void remove_drafts(const ScoutRecording *recording)
{
    for (size_t i = 0; i < BASE_COUNT(sound_names); i++) {
        char *path = path_join(recording->folder, sound_names[i]);
        if (path)
            sound_file_clean(path);
        mem_free(path);
    }
}

static ScoutStatus write_sound(Finish *finish, const char *journal, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *sound = NULL;
    ScoutStatus status =
        path_in(finish->recording, sound_names[finish->options.sound], &sound, error);
    const JournalExport job = {.journal = journal,
                               .sound = sound,
                               .format = sound_formats[finish->options.sound],
                               .progress = tell_progress,
                               .context = finish,
                               .cancel = &finish->cancel};
    finish->what = "sound";
    if (!status)
        status = journal_export(&job, NULL, error);
    finish->what = "check";
    if (!status)
        status = journal_verify(&job, error);
    if (!status)
        remove_drafts(finish->recording);
    return status;
}

static ScoutStatus write_json(const ScoutRecording *recording, const char *name, const json_t *json,
                              ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    ScoutStatus status = path_in(recording, name, &path, error);
    if (status)
        return status;
    Buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    if (recording_json_write(json, JSON_INDENT(1), &text) && buffer_append_char(&text, '\n'))
        status = file_write(path, text.data, text.length, true, error);
    else
        status = error_no_memory(error);
    buffer_done(&text);
    return status;
}

static ScoutStatus write_texts(const ScoutRecording *recording, const json_t *text_json,
                               ScoutError *error)
{
    ScoutStatus status = write_json(recording, RECORDING_JSON, text_json, error);
    if (status)
        return status;
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    status = path_in(recording, RECORDING_TEXT, &path, error);
    if (status)
        return status;
    Buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    if (recording_text_of(text_json, &text))
        status = file_write(path, buffer_text(&text), text.length, true, error);
    else
        status = error_no_memory(error);
    buffer_done(&text);
    return status;
}

// "2026-11-21T15:04:05+01:00"
static json_t *local_time(int64_t wall_ms)
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local = {0};
    char text[64];
    if (!localtime_r(&seconds, &local) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local) < 5)
        return json_null();
    // ISO 8601 has a colon between the hours and minutes of the zone.
    const size_t length = strlen(text);
    return json_sprintf("%.*s:%s", (int)length - 2, text, text + length - 2);
}

static json_t *about_json(const Finish *finish, const json_t *text_json)
{
    const RecordingContent *content = &finish->recording->content;
    const JournalSummary *summary = &content->summary;
    const double rate = summary->info.rate_hz;
    return json_pack("{s:i, s:o, s:I, s:f, s:i, s:i, s:s, s:b, s:b, s:f, s:O, s:O, s:I, s:I, s:s}",
                     "version", 1, "created", local_time(summary->info.created_ms), "created_ms",
                     (json_int_t)summary->info.created_ms, "duration",
                     (double)summary->frames / rate, "rate", (int)summary->info.rate_hz, "channels",
                     (int)summary->info.channels, "sound", sound_names[finish->options.sound],
                     "journal_kept", finish->options.keep_journal != 0, "interrupted",
                     finish->interrupted, "missing",
                     (double)(summary->frames - summary->present_frames) / rate, "gaps",
                     content->gaps, "marks", content->marks, "utterances",
                     (json_int_t)json_array_size(json_object_get(text_json, "utterances")),
                     "skipped", (json_int_t)json_array_size(json_object_get(text_json, "skipped")),
                     "scout_version", SCOUT_VERSION);
}

static ScoutStatus write_files(Finish *finish, ScoutError *error)
{
    const ScoutRecording *recording = finish->recording;
    json_t *text_json = recording_content_json(&recording->content);
    json_t *about = text_json ? about_json(finish, text_json) : NULL;
    ScoutStatus status = about ? write_texts(recording, text_json, error) : error_no_memory(error);
    // Last: where it is, everything is.
    if (!status)
        status = write_json(recording, RECORDING_ABOUT, about, error);
    json_decref(about);
    json_decref(text_json);
    return status;
}

static ScoutStatus remove_journal(const char *path, ScoutError *error)
{
    if (unlink(path) != 0)
        return error_set_errno(error, errno, "cannot remove %s", path);
    (void)journal_files.sync_folder(journal_files.context, path);
    return SCOUT_OK;
}

// The journal stays open, and with it locked, until everything else is on the disk.
static ScoutStatus finish_open(Finish *finish, Journal *journal, const char *path,
                               ScoutError *error)
{
    ScoutStatus status = add_texts(finish, journal, path, error);
    // What was found is kept, whatever comes after.
    const ScoutStatus flushed = journal_flush(journal, FLUSH_MS, NULL, status ? NULL : error);
    if (!status)
        status = flushed;
    if (!status) {
        recording_content_done(&finish->recording->content);
        status = recording_content_load(path, &finish->recording->content, error);
    }
    if (!status)
        status = write_sound(finish, path, error);
    if (!status)
        status = write_files(finish, error);
    if (!status && !finish->options.keep_journal)
        status = remove_journal(path, error);
    return status;
}

static ScoutStatus finish_journal(Finish *finish, ScoutError *error)
{
    ScoutRecording *recording = finish->recording;
    BASE_CLEANUP(mem_free_pointer) char *path = NULL;
    ScoutStatus status = path_in(recording, RECORDING_JOURNAL, &path, error);
    if (status)
        return status;
    Journal *journal = NULL;
    status = journal_reopen(path, &(JournalOptions){0}, &journal, error);
    if (status == SCOUT_ERROR_BUSY)
        return error_set(error, status, "%s is being recorded, or finished by another scout",
                         recording->folder);
    if (status)
        return status;
    // Its writer may have been at work when it was looked at.
    recording_content_done(&recording->content);
    status = recording_content_load(path, &recording->content, error);
    finish->interrupted = recording->content.interrupted;
    if (!status)
        status = finish_open(finish, journal, path, error);
    const bool ends = !status && !recording->content.summary.ended;
    const ScoutStatus closed = journal_close(journal, ends, FLUSH_MS, status ? NULL : error);
    return status ? status : closed;
}

// Which sound file a finished recording has.
static ScoutStatus find_sound(const ScoutRecording *recording, char **path, ScoutError *error)
{
    for (size_t i = 0; i < BASE_COUNT(sound_names); i++) {
        ScoutStatus status = path_in(recording, sound_names[i], path, error);
        if (status || file_exists(*path))
            return status;
        mem_free(*path);
        *path = NULL;
    }
    return error_set(error, SCOUT_ERROR_NOT_FOUND, "%s has no sound file any more",
                     recording->folder);
}

static ScoutStatus listen_to_skipped(Finish *finish, ScoutError *error)
{
    const ScoutRecording *recording = finish->recording;
    if (!finish->listen.engine)
        return error_set(error, SCOUT_ERROR_STATE, "skipped spans need an engine");
    BASE_CLEANUP(mem_free_pointer) char *sound = NULL;
    ScoutStatus status = find_sound(recording, &sound, error);
    json_t *text_json = NULL, *about = NULL;
    if (!status)
        status = load_json(recording, RECORDING_JSON, TEXT_BYTES_MAX, &text_json, error);
    if (!status)
        status = load_json(recording, RECORDING_ABOUT, ABOUT_BYTES_MAX, &about, error);
    if (!status) {
        finish->listen.language = json_string_value(json_object_get(text_json, "language"));
        status = recording_listen_skipped(&finish->listen, sound, text_json, error);
        // What was found is kept, whether all spans were listened to or not.
        const size_t utterances = json_array_size(json_object_get(text_json, "utterances"));
        ScoutStatus written = write_texts(recording, text_json, status ? NULL : error);
        if (!written &&
            recording_json_put(about, "utterances", json_integer((json_int_t)utterances)))
            written = write_json(recording, RECORDING_ABOUT, about, status ? NULL : error);
        status = status ? status : written;
    }
    json_decref(text_json);
    json_decref(about);
    return status;
}

static ScoutStatus copy_options(const ScoutRecordingOptions *given, ScoutRecordingOptions *options,
                                ScoutError *error)
{
    static const EngineOptionsKind kind = {.name = "ScoutRecordingOptions",
                                           .first_size = sizeof(ScoutRecordingOptions),
                                           .size = sizeof(ScoutRecordingOptions)};
    scout_recording_options_init(options);
    ScoutStatus status = given ? engine_copy_options(&kind, given, options, error) : SCOUT_OK;
    if (!status && (size_t)options->sound >= BASE_COUNT(sound_names))
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "there is no sound format %d",
                           (int)options->sound);
    return status;
}

ScoutStatus scout_recording_finish(ScoutEngine *engine, ScoutRecording *recording,
                                   const ScoutRecordingOptions *options,
                                   ScoutRecordingProgress progress, void *context,
                                   ScoutError *error)
{
    if (!recording)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "recording is NULL");
    Finish finish = {.recording = recording};
    ScoutStatus status = copy_options(options, &finish.options, error);
    if (status)
        return status;
    finish.listen = (RecordingListen){.engine = engine,
                                      .transcribe = finish.options.transcribe,
                                      .progress = progress,
                                      .context = context};
    cancel_init(&finish.cancel);
    if (recording->has_journal && recording->info.state != SCOUT_RECORDING_FINISHED)
        status = finish_journal(&finish, error);
    if (!status && finish.options.skipped)
        status = listen_to_skipped(&finish, error);
    // As it is now, whether that went well or not.
    const ScoutStatus looked = look(recording, NULL);
    return status ? status : looked;
}
