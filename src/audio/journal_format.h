// The bytes of a journal: docs/journal-format.md. Builds and takes apart headers and records; no
// input or output.
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

#include "audio/journal.h"
#include "base/buffer.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_BLOCK_BYTES = 4096, // the header's; records begin after it
    JOURNAL_COPY_OFFSET = 2048, // of the header's second copy, in another sector
    JOURNAL_HEADER_BYTES = 64,
    JOURNAL_ALIGNMENT = 8, // of records, in the file
    JOURNAL_RECORD_HEAD_BYTES = 40,
    JOURNAL_RECORD_TAIL_BYTES = 8,
    JOURNAL_PAYLOAD_BYTES_MAX = JOURNAL_JSON_BYTES_MAX,
    JOURNAL_RECORD_BYTES_MAX =
        JOURNAL_RECORD_HEAD_BYTES + JOURNAL_PAYLOAD_BYTES_MAX + JOURNAL_RECORD_TAIL_BYTES,
};

void journal_format_header(const JournalInfo *info, uint8_t block[JOURNAL_BLOCK_BYTES]);
ScoutStatus journal_parse_header(const uint8_t *bytes, size_t length, JournalInfo *info,
                                 ScoutError *error);

// What stands before a record's payload.
typedef struct JournalHead {
    uint32_t type; // 1 to 255, known or not
    uint32_t channel;
    uint64_t sequence;
    uint64_t position;
    uint64_t end;
    size_t payload_bytes;
} JournalHead;

// The bytes of the whole record.
size_t journal_record_bytes(size_t payload_bytes);

// Appends a record of payload_bytes zeroed bytes but for its checks, and returns where the payload
// goes, or NULL when memory is out. journal_format_seal completes the record that ends the buffer.
uint8_t *journal_format_record(const JournalHead *head, Buffer *out);
void journal_format_seal(const uint8_t id[JOURNAL_ID_BYTES], uint8_t *record, size_t payload_bytes);

// Whether bytes, of JOURNAL_RECORD_HEAD_BYTES, begin a record of this journal.
bool journal_parse_head(const JournalInfo *info, const uint8_t *bytes, JournalHead *head);

// Whether the whole record that starts with that head is undamaged.
bool journal_check_record(const JournalInfo *info, const uint8_t *bytes, size_t payload_bytes);

// Samples to and from little-endian bytes, which may be the same memory.
void journal_samples_to_bytes(const int16_t *samples, size_t count, uint8_t *bytes);
void journal_bytes_to_samples(const uint8_t *bytes, size_t count, int16_t *samples);

#endif
