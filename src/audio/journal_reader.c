// Reads a journal, whatever has happened to it. What does not check is passed over until the next
// record that does; what came before is told as a gap. See audio/journal.h.
#include "journal_reader.h"

#include "audio/journal_disk.h"
#include "base/memory.h"
#include "base/str.h"

#include "journal_format.h"

#include <errno.h>
#include <string.h>

enum { READ_BYTES = 2 * JOURNAL_RECORD_BYTES_MAX };

_Static_assert(READ_BYTES % JOURNAL_ALIGNMENT == 0, "a full buffer must end between two records");

struct JournalReader {
    const JournalDisk *disk;
    char *path;
    int handle;
    JournalInfo info;
    uint8_t *buffer;        // READ_BYTES and one for a NUL
    uint64_t buffer_offset; // in the file; a multiple of JOURNAL_ALIGNMENT, as every offset here
    size_t buffer_length;
    uint64_t offset;      // where the next record is looked for
    uint64_t tail_offset; // after the last one that was good
    uint64_t sequence;    // of the last one
    uint64_t frames;      // position after the last frame
    uint64_t stray_bytes; // passed over before tail_offset
    bool damaged;         // records are missing, and no frames have come since
    bool ended;
};

static ScoutStatus read_failed(const JournalReader *reader, int failure, ScoutError *error)
{
    return error_set_errno(error, failure, "cannot read %s", reader->path);
}

// Makes [offset, offset + length) available as far as the file goes.
static ScoutStatus load(JournalReader *reader, uint64_t offset, size_t length,
                        const uint8_t **bytes, size_t *available, ScoutError *error)
{
    const bool inside =
        offset >= reader->buffer_offset && offset - reader->buffer_offset <= reader->buffer_length;
    size_t skip = inside ? (size_t)(offset - reader->buffer_offset) : 0;
    if (!inside || reader->buffer_length - skip < length) {
        size_t kept = inside ? reader->buffer_length - skip : 0;
        memmove(reader->buffer, reader->buffer + skip, kept);
        reader->buffer_offset = offset;
        reader->buffer_length = kept;
        skip = 0;
        while (reader->buffer_length < READ_BYTES) {
            size_t done = 0;
            int failure = reader->disk->read(
                reader->disk->context, reader->handle, reader->buffer + reader->buffer_length,
                READ_BYTES - reader->buffer_length, offset + reader->buffer_length, &done);
            if (failure)
                return read_failed(reader, failure, error);
            if (done == 0)
                break;
            reader->buffer_length += done;
        }
    }
    *bytes = reader->buffer + skip;
    *available = reader->buffer_length - skip;
    return SCOUT_OK;
}

typedef enum Found { FOUND_RECORD, FOUND_DAMAGE, FOUND_END } Found;

// What stands at an offset. FOUND_END: the file ends before a record could.
static ScoutStatus look_at(JournalReader *reader, uint64_t offset, JournalHead *head,
                           uint8_t **payload, Found *found, ScoutError *error)
{
    const uint8_t *bytes = NULL;
    size_t available = 0;
    ScoutStatus status = load(reader, offset, JOURNAL_RECORD_HEAD_BYTES, &bytes, &available, error);
    if (status)
        return status;
    *found = available < JOURNAL_RECORD_HEAD_BYTES ? FOUND_END : FOUND_DAMAGE;
    if (*found == FOUND_END || !journal_parse_head(&reader->info, bytes, head))
        return SCOUT_OK;
    const size_t size = journal_record_bytes(head->payload_bytes);
    status = load(reader, offset, size, &bytes, &available, error);
    if (status)
        return status;
    if (available < size)
        *found = FOUND_END;
    else if (journal_check_record(&reader->info, bytes, head->payload_bytes))
        *found = FOUND_RECORD;
    *payload = reader->buffer + (offset - reader->buffer_offset) + JOURNAL_RECORD_HEAD_BYTES;
    return SCOUT_OK;
}

// The next record that is undamaged and new, from reader->offset on. The offset moves only past
// what is known to be old; *at is where the record begins.
static ScoutStatus find_record(JournalReader *reader, JournalHead *head, uint8_t **payload,
                               uint64_t *at, bool *more, ScoutError *error)
{
    for (*at = reader->offset;;) {
        Found found;
        ScoutStatus status = look_at(reader, *at, head, payload, &found, error);
        if (status)
            return status;
        if (found == FOUND_RECORD && head->sequence > reader->sequence &&
            (head->type != JOURNAL_FRAMES || head->position >= reader->frames)) {
            *more = true;
            return SCOUT_OK;
        }
        if (found == FOUND_END) {
            *more = false;
            return SCOUT_OK;
        }
        *at += found == FOUND_RECORD ? journal_record_bytes(head->payload_bytes)
                                     : (size_t)JOURNAL_ALIGNMENT;
    }
}

// Whether something is missing before the record: fills in the gap, and takes it as told.
static bool is_gap(JournalReader *reader, const JournalHead *head, JournalRecord *record)
{
    const uint64_t missing = head->sequence - reader->sequence - 1;
    const bool frames = head->type == JOURNAL_FRAMES;
    const bool jumps = frames && head->position > reader->frames;
    if (!missing && !jumps)
        return false;
    const uint64_t end = jumps ? head->position : reader->frames;
    *record = (JournalRecord){.type = JOURNAL_GAP,
                              .sequence = head->sequence - 1,
                              .position = reader->frames,
                              .end = end,
                              .damaged = missing || reader->damaged,
                              .missing_records = missing};
    reader->damaged = record->damaged && !frames;
    reader->sequence = head->sequence - 1;
    reader->frames = end;
    return true;
}

static void deliver(JournalReader *reader, const JournalHead *head, uint8_t *payload,
                    JournalRecord *record)
{
    *record = (JournalRecord){.type = (JournalType)head->type,
                              .channel = head->channel,
                              .sequence = head->sequence,
                              .position = head->position,
                              .end = head->end};
    if (head->type == JOURNAL_FRAMES) {
        int16_t *samples = (int16_t *)(void *)payload; // offsets are multiples of 8
        journal_bytes_to_samples(payload, head->payload_bytes / sizeof(int16_t), samples);
        record->samples = samples;
        reader->frames = head->end;
        reader->damaged = false;
        return;
    }
    payload[head->payload_bytes] = '\0'; // in the padding, or in the checksum, which has been read
    record->json = (const char *)payload;
    record->json_bytes = head->payload_bytes;
}

static bool is_known(uint32_t type)
{
    return type >= JOURNAL_FRAMES && type <= JOURNAL_END;
}

ScoutStatus journal_next(JournalReader *reader, JournalRecord *record, ScoutError *error)
{
    for (;;) {
        JournalHead head = {0};
        uint8_t *payload = NULL;
        uint64_t at;
        bool more = false;
        ScoutStatus status = find_record(reader, &head, &payload, &at, &more, error);
        if (status)
            return status;
        if (!more) {
            // It may grow, and what looks torn may be on its way.
            reader->buffer_length = 0;
            *record = (JournalRecord){.type = JOURNAL_NONE};
            return SCOUT_OK;
        }
        if (is_gap(reader, &head, record))
            return SCOUT_OK;
        reader->stray_bytes += at - reader->tail_offset;
        reader->offset = reader->tail_offset = at + journal_record_bytes(head.payload_bytes);
        reader->sequence = head.sequence;
        reader->ended = head.type == JOURNAL_END;
        if (!is_known(head.type))
            continue;
        deliver(reader, &head, payload, record);
        return SCOUT_OK;
    }
}

static ScoutStatus read_header(JournalReader *reader, ScoutError *error)
{
    const uint8_t *bytes = NULL;
    size_t available = 0;
    ScoutStatus status = load(reader, 0, JOURNAL_BLOCK_BYTES, &bytes, &available, error);
    if (status)
        return status;
    status = journal_parse_header(bytes, BASE_MIN(available, (size_t)JOURNAL_BLOCK_BYTES),
                                  &reader->info, error);
    if (status)
        error_prefix(error, "%s", reader->path);
    return status;
}

ScoutStatus journal_open(const char *path, const JournalDisk *disk, JournalReader **reader,
                         ScoutError *error)
{
    JournalReader *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->disk = disk ? disk : &journal_files;
    made->handle = -1;
    made->path = mem_copy_text(path, strlen(path));
    made->buffer = mem_aligned(READ_BYTES + 1, 1);
    made->offset = made->tail_offset = JOURNAL_BLOCK_BYTES;
    ScoutStatus status = SCOUT_OK;
    if (!made->path || !made->buffer)
        status = error_no_memory(error);
    if (!status) {
        int failure = made->disk->open(made->disk->context, path, false, &made->handle);
        if (failure)
            status = error_set_errno(error, failure, "cannot open %s", path);
    }
    if (!status)
        status = read_header(made, error);
    if (status) {
        journal_reader_free(made);
        return status;
    }
    *reader = made;
    return SCOUT_OK;
}

void journal_reader_free(JournalReader *reader)
{
    if (!reader)
        return;
    if (reader->handle >= 0)
        reader->disk->close(reader->disk->context, reader->handle);
    mem_free(reader->buffer);
    mem_free(reader->path);
    mem_free(reader);
}

const JournalInfo *journal_info(const JournalReader *reader)
{
    return &reader->info;
}

void journal_reader_tail(const JournalReader *reader, JournalTail *tail)
{
    uint64_t size = 0;
    if (reader->disk->size(reader->disk->context, reader->handle, &size) != 0)
        size = reader->tail_offset;
    *tail = (JournalTail){.offset = reader->tail_offset,
                          .sequence = reader->sequence,
                          .frames = reader->frames,
                          .size = size,
                          .stray_bytes = reader->stray_bytes,
                          .ended = reader->ended};
}

static void count_record(const JournalRecord *record, JournalSummary *summary, bool *damaged)
{
    switch (record->type) {
    case JOURNAL_FRAMES: summary->present_frames += record->end - record->position; break;
    case JOURNAL_TEXT: summary->texts++; break;
    case JOURNAL_SKIPPED: summary->skipped++; break;
    case JOURNAL_MARK: summary->marks++; break;
    case JOURNAL_SETTLED:
        if (!*damaged)
            summary->settled_frames[record->channel] =
                BASE_MAX(summary->settled_frames[record->channel], record->position);
        break;
    case JOURNAL_GAP:
        summary->gaps++;
        summary->missing_records += record->missing_records;
        *damaged = *damaged || record->damaged;
        break;
    case JOURNAL_END:
    case JOURNAL_NONE: break;
    }
}

ScoutStatus journal_summary(const char *path, const JournalDisk *disk, JournalSummary *summary,
                            ScoutError *error)
{
    JournalReader *reader;
    ScoutStatus status = journal_open(path, disk, &reader, error);
    if (status)
        return status;
    JournalSummary found = {.info = *journal_info(reader)};
    bool damaged = false;
    for (;;) {
        JournalRecord record;
        status = journal_next(reader, &record, error);
        if (status || record.type == JOURNAL_NONE)
            break;
        count_record(&record, &found, &damaged);
    }
    JournalTail tail;
    journal_reader_tail(reader, &tail);
    journal_reader_free(reader);
    if (status)
        return status;
    found.frames = tail.frames;
    found.ended = tail.ended;
    found.clean = tail.ended && !damaged;
    found.live = !disk && journal_is_live(path);
    found.file_bytes = tail.size;
    found.stray_bytes = tail.stray_bytes + (tail.size - BASE_MIN(tail.size, tail.offset));
    *summary = found;
    return SCOUT_OK;
}
