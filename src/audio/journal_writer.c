// From pieces to bytes on disk: see journal_writer.h.
#include "journal_writer.h"

#include "journal_format.h"
#include "journal_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LOST_JSON_BYTES = 96 };

static const int64_t MS_NS = 1000000;

static ScoutStatus init(JournalWriter *writer, const JournalDisk *disk, const char *path,
                        ScoutError *error)
{
    *writer = (JournalWriter){.disk = disk, .path = path, .handle = -1, .since_ns = INT64_MAX};
    // All that is ever needed at once, so that a record is never in want of memory.
    const size_t room = JOURNAL_PENDING_BYTES + JOURNAL_RECORD_BYTES_MAX + JOURNAL_BLOCK_BYTES;
    buffer_init(&writer->pending, room);
    if (buffer_reserve(&writer->pending, room))
        return SCOUT_OK;
    journal_writer_done(writer);
    return error_no_memory(error);
}

ScoutStatus journal_writer_init(JournalWriter *writer, const JournalDisk *disk, const char *path,
                                const JournalInfo *info, ScoutError *error)
{
    ScoutStatus status = init(writer, disk, path, error);
    if (status)
        return status;
    writer->info = *info;
    uint8_t block[JOURNAL_BLOCK_BYTES];
    journal_format_header(info, block);
    (void)buffer_append(&writer->pending, block, sizeof block);
    writer->since_ns = 0; // overdue
    return SCOUT_OK;
}

// Reads what is there, and sets where it is to go on.
static ScoutStatus find_tail(JournalWriter *writer, JournalTail *tail, ScoutError *error)
{
    JournalReader *reader;
    ScoutStatus status = journal_open(writer->path, writer->disk, &reader, error);
    if (status)
        return status;
    JournalRecord record;
    do
        status = journal_next(reader, &record, error);
    while (!status && record.type != JOURNAL_NONE);
    journal_reader_tail(reader, tail);
    writer->info = *journal_info(reader);
    journal_reader_free(reader);
    return status;
}

static ScoutStatus continue_file(JournalWriter *writer, ScoutError *error)
{
    const JournalDisk *disk = writer->disk;
    int failure = disk->open(disk->context, writer->path, true, &writer->handle);
    if (failure == EWOULDBLOCK)
        return error_set(error, SCOUT_ERROR_BUSY, "%s is being written by another scout",
                         writer->path);
    if (failure)
        return error_set_errno(error, failure, "cannot open %s", writer->path);
    JournalTail tail;
    ScoutStatus status = find_tail(writer, &tail, error);
    if (status)
        return status;
    if (tail.size > tail.offset) {
        failure = disk->truncate(disk->context, writer->handle, tail.offset);
        if (failure)
            return error_set_errno(error, failure, "cannot write %s", writer->path);
    }
    writer->sequence = tail.sequence;
    writer->base = tail.offset;
    writer->made_frames = writer->written_frames = writer->synced_frames = tail.frames;
    return SCOUT_OK;
}

ScoutStatus journal_writer_reopen(JournalWriter *writer, const JournalDisk *disk, const char *path,
                                  ScoutError *error)
{
    ScoutStatus status = init(writer, disk, path, error);
    if (status)
        return status;
    status = continue_file(writer, error);
    if (status)
        journal_writer_done(writer);
    return status;
}

void journal_writer_done(JournalWriter *writer)
{
    if (writer->handle >= 0)
        writer->disk->close(writer->disk->context, writer->handle);
    writer->handle = -1;
    buffer_done(&writer->pending);
}

bool journal_writer_has_room(const JournalWriter *writer)
{
    return writer->pending.length < JOURNAL_PENDING_BYTES;
}

void journal_writer_add(JournalWriter *writer, const JournalPiece *piece)
{
    char lost[LOST_JSON_BYTES];
    const uint8_t *payload = piece->data;
    size_t bytes = piece->bytes;
    if (piece->lost) {
        bytes = (size_t)snprintf(lost, sizeof lost,
                                 "{\"kind\":\"lost\",\"frames\":%" PRIu64
                                 ",\"reason\":\"disk and memory full\"}",
                                 piece->end - piece->position);
        payload = (const uint8_t *)lost;
    }
    const JournalHead head = {.type = piece->type,
                              .channel = piece->channel,
                              .sequence = ++writer->sequence,
                              .position = piece->position,
                              .end = piece->end,
                              .payload_bytes = bytes};
    uint8_t *at = journal_format_record(&head, &writer->pending);
    if (!at) // excluded: there was room
        return;
    memcpy(at, payload, bytes);
    journal_format_seal(writer->info.id, at - JOURNAL_RECORD_HEAD_BYTES, bytes);
    if (piece->type == JOURNAL_FRAMES || piece->lost)
        writer->made_frames = piece->end;
    writer->since_ns = BASE_MIN(writer->since_ns, piece->since_ns);
}

int64_t journal_writer_due_ns(const JournalWriter *writer)
{
    if (writer->failure)
        return writer->retry_ns;
    if (writer->pending.length == 0)
        return INT64_MAX;
    if (!journal_writer_has_room(writer))
        return 0;
    return writer->since_ns + JOURNAL_SYNC_AFTER_MS * MS_NS;
}

static int write_pending(JournalWriter *writer)
{
    const JournalDisk *disk = writer->disk;
    if (writer->base + writer->pending.length > JOURNAL_FILE_BYTES_MAX)
        return EFBIG;
    while (writer->written < writer->pending.length) {
        size_t done = 0;
        int failure = disk->write(
            disk->context, writer->handle, writer->pending.data + writer->written,
            writer->pending.length - writer->written, writer->base + writer->written, &done);
        if (failure)
            return failure;
        if (done == 0)
            return ENOSPC;
        writer->written += done;
    }
    writer->written_frames = writer->made_frames;
    return 0;
}

static int sync_pending(JournalWriter *writer)
{
    const JournalDisk *disk = writer->disk;
    int failure = disk->sync(disk->context, writer->handle);
    if (!failure && !writer->folder_synced)
        failure = disk->sync_folder(disk->context, writer->path);
    if (failure)
        return failure;
    writer->folder_synced = true;
    writer->base += writer->pending.length;
    buffer_clear(&writer->pending);
    writer->written = 0;
    writer->since_ns = INT64_MAX;
    writer->synced_frames = writer->written_frames;
    return 0;
}

static int flush(JournalWriter *writer, int64_t now_ns, bool sync_now)
{
    const JournalDisk *disk = writer->disk;
    if (writer->handle < 0) {
        int failure = disk->create(disk->context, writer->path, &writer->handle);
        if (failure)
            return failure;
    }
    // After a sync that failed nobody knows which of the bytes since the last one are there.
    if (writer->failure)
        writer->written = 0;
    int failure = write_pending(writer);
    if (failure)
        return failure;
    writer->failure = 0;
    if (writer->pending.length && (sync_now || journal_writer_due_ns(writer) <= now_ns))
        return sync_pending(writer);
    return 0;
}

bool journal_writer_flush(JournalWriter *writer, int64_t now_ns, bool sync_now)
{
    const bool failed_before = writer->failure != 0;
    // What was refused counts as written again only when it is synced.
    writer->failure = flush(writer, now_ns, sync_now || failed_before);
    if (writer->failure)
        writer->retry_ns = now_ns + JOURNAL_RETRY_MS * MS_NS;
    return writer->failure == 0;
}
