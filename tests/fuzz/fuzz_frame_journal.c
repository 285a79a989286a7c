// Fuzzes the reader of recordings' journals. The first byte says what the others are: 0x80 set, a
// whole file; else records, which get a header and, with 0x01 set, checksums that are right, so
// that what lies behind those is reached. The rest of the byte, and the second one, say how much of
// the file is there at first: a journal may be read while it grows.
#include "audio/journal.h"

#include "audio/journal_disk.h"
#include "base/attributes.h"

#include "journal_format.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 512, INPUT_MAX = 64 * 1024 };

typedef struct Image {
    const uint8_t *bytes;
    size_t length;
} Image;

static void require(bool truth)
{
    if (!truth)
        abort();
}

static int open_image(void *context, const char *path, bool writable, int *handle)
{
    (void)context;
    (void)path;
    (void)writable;
    *handle = 1;
    return 0;
}

static void close_image(void *context, int handle)
{
    (void)context;
    (void)handle;
}

static int size_of_image(void *context, int handle, uint64_t *bytes)
{
    (void)handle;
    *bytes = ((const Image *)context)->length;
    return 0;
}

static int read_image(void *context, int handle, void *bytes, size_t length, uint64_t offset,
                      size_t *done)
{
    (void)handle;
    const Image *image = context;
    const size_t left = offset < image->length ? image->length - (size_t)offset : 0;
    *done = BASE_MIN(length, left);
    if (*done)
        memcpy(bytes, image->bytes + offset, *done);
    return 0;
}

typedef struct Told {
    size_t count;
    struct {
        JournalType type;
        uint64_t sequence, position, end;
        uint32_t sum;
    } records[RECORDS_MAX];
    uint64_t frames, present, gaps;
} Told;

static uint32_t sum_of(const void *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    return sum;
}

// Tells of one record, which holds what audio/journal.h promises.
static void add(Told *told, const JournalRecord *record, uint32_t channels)
{
    require(record->position <= record->end && record->end <= JOURNAL_POSITION_MAX);
    require(record->channel < channels);
    require(told->count == 0 || record->sequence > told->records[told->count - 1].sequence ||
            told->records[told->count - 1].type == JOURNAL_GAP || record->type == JOURNAL_GAP);
    const size_t samples = (size_t)(record->end - record->position) * channels;
    uint32_t sum = 0;
    if (record->type == JOURNAL_FRAMES) {
        require(record->position == told->frames && record->end > record->position);
        sum = sum_of(record->samples, samples * sizeof(int16_t));
        told->present += record->end - record->position;
        told->frames = record->end;
    } else if (record->type == JOURNAL_GAP) {
        require(record->position == told->frames);
        require(record->end > record->position || record->missing_records);
        told->frames = record->end;
        told->gaps++;
    } else {
        require(record->json[record->json_bytes] == '\0');
        sum = sum_of(record->json, record->json_bytes);
    }
    if (told->count == RECORDS_MAX)
        return;
    told->records[told->count].type = record->type;
    told->records[told->count].sequence = record->sequence;
    told->records[told->count].position = record->position;
    told->records[told->count].end = record->end;
    told->records[told->count++].sum = sum;
}

// Reads the image in two parts. False when it is no journal.
static bool read_in_parts(const uint8_t *bytes, size_t first, size_t length, Told *told)
{
    Image image = {.bytes = bytes, .length = first};
    const JournalDisk disk = {.context = &image,
                              .open = open_image,
                              .close = close_image,
                              .size = size_of_image,
                              .read = read_image};
    JournalReader *reader = NULL;
    ScoutError error = {0};
    ScoutStatus status = journal_open("journal", &disk, &reader, &error);
    if (status) {
        require(error.message[0] && !reader);
        return false;
    }
    *told = (Told){0};
    for (int part = 0; part < 2; part++) {
        JournalRecord record;
        for (;;) {
            require(journal_next(reader, &record, &error) == SCOUT_OK);
            if (record.type == JOURNAL_NONE)
                break;
            add(told, &record, journal_info(reader)->channels);
        }
        image.length = length;
    }
    journal_reader_free(reader);
    JournalSummary summary;
    require(journal_summary("journal", &disk, &summary, &error) == SCOUT_OK);
    require(summary.frames == told->frames && summary.present_frames == told->present);
    require(summary.gaps == told->gaps && summary.file_bytes == length);
    require(!summary.clean || summary.ended);
    return true;
}

static void seal_records(const uint8_t *id, uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at + JOURNAL_RECORD_HEAD_BYTES <= length;) {
        const uint8_t *head = bytes + at;
        const size_t payload = (size_t)head[32] | (size_t)head[33] << 8;
        const size_t size = journal_record_bytes(payload);
        if (memcmp(head, "\xF5rec", 4) != 0 || head[34] || head[35] || size > length - at) {
            at += JOURNAL_ALIGNMENT;
            continue;
        }
        journal_format_seal(id, bytes + at, payload);
        at += size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX)
        return 0;
    static uint8_t file[JOURNAL_BLOCK_BYTES + INPUT_MAX];
    const uint8_t how = data[0];
    size_t length = size - 2, start = 0;
    if (!(how & 0x80)) {
        JournalInfo info = {.version = JOURNAL_VERSION,
                            .rate_hz = 16000,
                            .channels = 1 + (how >> 1 & 1),
                            .id = "0123456789abcde"};
        journal_format_header(&info, file);
        start = JOURNAL_BLOCK_BYTES;
        memcpy(file + start, data + 2, length);
        if (how & 1)
            seal_records(info.id, file + start, length);
    } else {
        memcpy(file, data + 2, length);
    }
    static Told whole, parts;
    if (!read_in_parts(file, start + length, start + length, &whole))
        return 0;
    const size_t cut = start + length * data[1] / 256;
    if (cut < JOURNAL_BLOCK_BYTES)
        return 0;
    require(read_in_parts(file, cut, start + length, &parts));
    require(parts.count == whole.count && parts.frames == whole.frames);
    require(memcmp(parts.records, whole.records, sizeof whole.records) == 0);
    return 0;
}
