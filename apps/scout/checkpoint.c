// What --resume remembers: see checkpoint.h.
#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "json_view.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_MAX_BYTES = 1 << 30,
    LINE_MAX_BYTES = 64 << 20,
    SYNC_MS = 1000,
    TIME_MAX_S = 1000000000, // of a recording; no other time is believed
    MARK_DAYS = 90
};

// A file as it is now: enough to notice that it is another one.
static bool put_identity(Buffer *out, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    return buffer_printf(out, "%lld %lld.%09ld ", (long long)info.st_size,
                         (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// The name of the journal: a digest of everything the result depends on.
static ScoutStatus make_key(const char *input, const json_t *options, char hex[DIGEST_HEX],
                            ScoutError *error)
{
    char *real = realpath(input, NULL);
    if (!real)
        return error_set_errno(error, errno, "cannot open %s", input);
    Buffer text;
    buffer_init(&text, LINE_MAX_BYTES);
    buffer_printf(&text, "%d %s %s ", JOURNAL_VERSION, scout_version(), real);
    bool good = put_identity(&text, real) &&
                json_write(options, JSON_COMPACT | JSON_SORT_KEYS, &text) && !text.failed;
    mem_free(real);
    uint8_t digest[DIGEST_BYTES];
    digest_blake2b(buffer_text(&text), text.length, digest);
    digest_to_hex(digest, hex);
    buffer_done(&text);
    return good ? SCOUT_OK : error_no_memory(error);
}

// Forgets old marks, so that the folder does not grow for ever.
static void remove_old_marks(const char *folder)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return;
    int64_t oldest_s = clock_wall_ms() / 1000 - (int64_t)MARK_DAYS * 24 * 3600;
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
        struct stat info;
        if (entry->d_name[0] != '.' && fstatat(dirfd(stream), entry->d_name, &info, 0) == 0 &&
            S_ISREG(info.st_mode) && info.st_mtim.tv_sec < oldest_s)
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    }
    (void)closedir(stream);
}

static ScoutStatus make_paths(Checkpoint *checkpoint, const char *input, const char *output,
                              const json_t *options, ScoutError *error)
{
    char key[DIGEST_HEX];
    ScoutStatus status = make_key(input, options, key, error);
    if (status)
        return status;
    BASE_CLEANUP(mem_free_pointer) char *state = path_state_home();
    if (!state && errno == ENOMEM)
        return error_no_memory(error);
    if (!state)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no place for what --resume remembers: set HOME or XDG_STATE_HOME");
    BASE_CLEANUP(mem_free_pointer) char *journals = path_join(state, "resume");
    BASE_CLEANUP(mem_free_pointer) char *marks = path_join(state, "finished");
    char name[DIGEST_HEX + 8];
    (void)snprintf(name, sizeof(name), "%s.jsonl", key);
    if (!journals || !marks || !(checkpoint->path = path_join(journals, name)))
        return error_no_memory(error);
    status = file_make_folders(journals, error);
    if (!status)
        status = file_make_folders(marks, error);
    if (status || !output)
        return status;
    remove_old_marks(marks);
    checkpoint->output = mem_copy_text(output, strlen(output));
    // The mark is of this input in this output.
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    BASE_CLEANUP(mem_free_pointer) char *folder = realpath(".", NULL);
    Buffer text;
    buffer_init(&text, 1 << 16);
    buffer_printf(&text, "%s %s %s", key, *output == '/' || !folder ? "" : folder, output);
    digest_blake2b(buffer_text(&text), text.length, digest);
    buffer_done(&text);
    digest_to_hex(digest, hex);
    checkpoint->mark = path_join(marks, hex);
    return checkpoint->mark && checkpoint->output ? SCOUT_OK : error_no_memory(error);
}

static bool load_event(const json_t *line, Document *document)
{
    ScoutEvent event = {0};
    const json_t *value;
    if ((value = json_object_get(line, "segment"))) {
        event.type = SCOUT_EVENT_SEGMENT;
        if (!json_to_segment(value, &document->arena, &event.u.segment))
            return false;
    } else if ((value = json_object_get(line, "skipped"))) {
        event.type = SCOUT_EVENT_SKIPPED;
        if (!json_to_skipped(value, &document->arena, &event.u.skipped))
            return false;
    } else if ((value = json_object_get(line, "language"))) {
        event.type = SCOUT_EVENT_LANGUAGE;
        event.u.language = (ScoutLanguage){
            .code = json_string_value(json_object_get(value, "code")),
            .name = json_string_value(json_object_get(value, "name")),
            .probability = (float)json_number_value(json_object_get(value, "probability")),
        };
        if (!event.u.language.code || !event.u.language.name)
            return false;
    } else {
        return false;
    }
    return document_add(document, &event, NULL) == SCOUT_OK;
}

// Reads line after line; what comes after the last settled mark is forgotten, and a line that was
// cut off or damaged ends the reading. Returns the length of the part that counts.
static size_t load_lines(Checkpoint *checkpoint, const char *text, Document *document)
{
    size_t good_length = 0;
    size_t segments = 0;
    size_t skipped = 0;
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        const json_t *settled = json_object_get(line, "settled");
        const double settled_s = json_number_value(settled);
        bool good = settled ? settled_s > 0 && settled_s < TIME_MAX_S : load_event(line, document);
        if (good && settled) {
            checkpoint->settled_s = settled_s;
            good_length = (size_t)(end + 1 - text);
            segments = document->view.segment_count;
            skipped = document->view.skipped_count;
        }
        json_decref(line);
        if (!good)
            break;
    }
    document_cut(document, segments, skipped);
    return good_length;
}

static ScoutStatus open_journal(Checkpoint *checkpoint, Document *document, ScoutError *error)
{
    checkpoint->fd = open(checkpoint->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
    if (checkpoint->fd < 0)
        return error_set_errno(error, errno, "cannot open %s", checkpoint->path);
    if (flock(checkpoint->fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, SCOUT_ERROR_BUSY,
                         "another scout --resume is at work on this file: wait for it, or run "
                         "without --resume");
    Buffer text;
    buffer_init(&text, JOURNAL_MAX_BYTES);
    ScoutStatus status = file_read(checkpoint->path, JOURNAL_MAX_BYTES, &text, error);
    if (!status) {
        size_t length = load_lines(checkpoint, buffer_text(&text), document);
        if (ftruncate(checkpoint->fd, (off_t)length) != 0)
            status = error_set_errno(error, errno, "cannot write %s", checkpoint->path);
    }
    buffer_done(&text);
    return status;
}

ScoutStatus checkpoint_open(Checkpoint *checkpoint, const char *input, const char *output,
                            const json_t *options, Document *document, ScoutError *error)
{
    *checkpoint = (Checkpoint){.fd = -1};
    ScoutStatus status = make_paths(checkpoint, input, output, options, error);
    if (!status)
        status = open_journal(checkpoint, document, error);
    if (status)
        checkpoint_close(checkpoint, false);
    return status;
}

static bool output_identity(const Checkpoint *checkpoint, Buffer *out)
{
    buffer_init(out, 256);
    return put_identity(out, checkpoint->output);
}

bool checkpoint_is_finished(const Checkpoint *checkpoint)
{
    if (!checkpoint->mark)
        return false;
    Buffer now;
    Buffer then;
    buffer_init(&then, 256);
    bool same = output_identity(checkpoint, &now) &&
                file_read(checkpoint->mark, 256, &then, NULL) == SCOUT_OK &&
                str_equal(buffer_text(&now), buffer_text(&then));
    buffer_done(&now);
    buffer_done(&then);
    return same;
}

static json_t *event_line(const ScoutEvent *event)
{
    switch (event->type) {
    case SCOUT_EVENT_SEGMENT:
        return json_pack("{s:o}", "segment", json_of_segment(&event->u.segment));
    case SCOUT_EVENT_SKIPPED:
        return json_pack("{s:o}", "skipped", json_of_skipped(&event->u.skipped));
    case SCOUT_EVENT_LANGUAGE:
        return json_pack("{s:{s:s, s:s, s:f}}", "language", "code", event->u.language.code, "name",
                         event->u.language.name, "probability",
                         (double)event->u.language.probability);
    case SCOUT_EVENT_PROGRESS: return json_pack("{s:f}", "settled", event->u.progress.settled_s);
    }
    return NULL;
}

static ScoutStatus append(const Checkpoint *checkpoint, const Buffer *line, ScoutError *error)
{
    for (size_t done = 0; done < line->length;) {
        ssize_t written = write(checkpoint->fd, line->data + done, line->length - done);
        if (written < 0 && errno != EINTR)
            return error_set_errno(error, errno,
                                   "cannot write %s, so that a killed run would "
                                   "begin anew",
                                   checkpoint->path);
        done += written > 0 ? (size_t)written : 0;
    }
    return SCOUT_OK;
}

ScoutStatus checkpoint_add(Checkpoint *checkpoint, const ScoutEvent *event, ScoutError *error)
{
    if (checkpoint->fd < 0)
        return SCOUT_OK;
    bool settles = event->type == SCOUT_EVENT_PROGRESS;
    if (settles && event->u.progress.settled_s <= checkpoint->settled_s)
        return SCOUT_OK;
    Buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    json_t *value = event_line(event);
    ScoutStatus status = SCOUT_OK;
    if (!json_write(value, JSON_COMPACT, &line) || !buffer_append_char(&line, '\n'))
        status = error_no_memory(error);
    json_decref(value);
    if (!status)
        status = append(checkpoint, &line, error);
    buffer_done(&line);
    if (status) {
        // A journal with a hole would resume with text missing.
        (void)unlink(checkpoint->path);
        (void)close(checkpoint->fd);
        checkpoint->fd = -1;
        return status;
    }
    int64_t now_ns = clock_monotonic_ns();
    if (settles) {
        checkpoint->settled_s = event->u.progress.settled_s;
        if (now_ns - checkpoint->synced_ns > (int64_t)SYNC_MS * 1000000) {
            (void)fdatasync(checkpoint->fd);
            checkpoint->synced_ns = now_ns;
        }
    }
    return SCOUT_OK;
}

void checkpoint_close(Checkpoint *checkpoint, bool finished)
{
    if (checkpoint->fd >= 0) {
        Buffer identity;
        if (finished && checkpoint->mark && output_identity(checkpoint, &identity)) {
            (void)file_write(checkpoint->mark, identity.data, identity.length, true, NULL);
            buffer_done(&identity);
        }
        struct stat info;
        bool empty = fstat(checkpoint->fd, &info) == 0 && info.st_size == 0;
        if (finished || empty)
            (void)unlink(checkpoint->path);
        (void)close(checkpoint->fd);
    }
    mem_free(checkpoint->path);
    mem_free(checkpoint->mark);
    mem_free(checkpoint->output);
    *checkpoint = (Checkpoint){.fd = -1};
}
