// The bytes of a journal: see journal_format.h.
#include "journal_format.h"

#include "base/digest.h"

#include <string.h>

// As in PNG: a transfer that changes line ends or drops the eighth bit is seen at once.
static const uint8_t MAGIC[8] = {0x89, 'S', 'C', 'J', '\r', '\n', 0x1A, '\n'};
static const uint8_t SYNC[4] = {0xF5, 'r', 'e', 'c'};

enum {
    HEADER_CHECK_OFFSET = JOURNAL_HEADER_BYTES - 8,
    HEAD_CHECK_OFFSET = JOURNAL_RECORD_HEAD_BYTES - 4,
};

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static void put_u64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint64_t get_u64(const uint8_t *bytes)
{
    return (uint64_t)get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32;
}

void journal_format_header(const JournalInfo *info, uint8_t block[JOURNAL_BLOCK_BYTES])
{
    memset(block, 0, JOURNAL_BLOCK_BYTES);
    memcpy(block, MAGIC, sizeof MAGIC);
    put_u32(block + 8, info->version);
    put_u32(block + 12, JOURNAL_BLOCK_BYTES);
    put_u32(block + 16, info->rate_hz);
    put_u32(block + 20, info->channels);
    put_u64(block + 24, (uint64_t)info->created_ms);
    memcpy(block + 32, info->id, JOURNAL_ID_BYTES);
    put_u64(block + HEADER_CHECK_OFFSET, digest_siphash(info->id, block, HEADER_CHECK_OFFSET));
    memcpy(block + JOURNAL_COPY_OFFSET, block, JOURNAL_HEADER_BYTES);
}

// One of the two copies. FORMAT and CORRUPT come without a sentence.
static ScoutStatus parse_copy(const uint8_t *bytes, JournalInfo *info, ScoutError *error)
{
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return SCOUT_ERROR_FORMAT;
    JournalInfo found = {.version = get_u32(bytes + 8),
                         .rate_hz = get_u32(bytes + 16),
                         .channels = get_u32(bytes + 20),
                         .created_ms = (int64_t)get_u64(bytes + 24)};
    memcpy(found.id, bytes + 32, JOURNAL_ID_BYTES);
    if (digest_siphash(found.id, bytes, HEADER_CHECK_OFFSET) !=
        get_u64(bytes + HEADER_CHECK_OFFSET))
        return SCOUT_ERROR_CORRUPT;
    if (found.version != JOURNAL_VERSION || get_u32(bytes + 12) != JOURNAL_BLOCK_BYTES)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "the journal is of version %u, which this scout cannot read: use a newer "
                         "one",
                         found.version);
    if (found.rate_hz < JOURNAL_RATE_MIN_HZ || found.rate_hz > JOURNAL_RATE_MAX_HZ ||
        found.channels < 1 || found.channels > JOURNAL_CHANNELS_MAX)
        return SCOUT_ERROR_CORRUPT;
    *info = found;
    return SCOUT_OK;
}

ScoutStatus journal_parse_header(const uint8_t *bytes, size_t length, JournalInfo *info,
                                 ScoutError *error)
{
    bool damaged = false;
    for (size_t at = 0; at <= JOURNAL_COPY_OFFSET && at + JOURNAL_HEADER_BYTES <= length;
         at += JOURNAL_COPY_OFFSET) {
        ScoutStatus status = parse_copy(bytes + at, info, error);
        if (status == SCOUT_OK || status == SCOUT_ERROR_UNSUPPORTED)
            return status;
        damaged = damaged || status == SCOUT_ERROR_CORRUPT;
    }
    if (damaged)
        return error_set(error, SCOUT_ERROR_CORRUPT, "the journal's header is damaged");
    return error_set(error, SCOUT_ERROR_FORMAT, "this is no journal of a recording");
}

static size_t padded(size_t payload_bytes)
{
    return BASE_ROUND_UP(payload_bytes, (size_t)JOURNAL_ALIGNMENT);
}

size_t journal_record_bytes(size_t payload_bytes)
{
    return JOURNAL_RECORD_HEAD_BYTES + padded(payload_bytes) + JOURNAL_RECORD_TAIL_BYTES;
}

uint8_t *journal_format_record(const JournalHead *head, Buffer *out)
{
    size_t bytes = journal_record_bytes(head->payload_bytes);
    uint8_t *record = buffer_reserve(out, bytes);
    if (!record)
        return NULL;
    memset(record, 0, bytes);
    memcpy(record, SYNC, sizeof SYNC);
    record[4] = (uint8_t)head->type;
    record[5] = (uint8_t)head->channel;
    put_u64(record + 8, head->sequence);
    put_u64(record + 16, head->position);
    put_u64(record + 24, head->end);
    put_u32(record + 32, (uint32_t)head->payload_bytes);
    buffer_commit(out, bytes);
    return record + JOURNAL_RECORD_HEAD_BYTES;
}

void journal_format_seal(const uint8_t id[JOURNAL_ID_BYTES], uint8_t *record, size_t payload_bytes)
{
    put_u32(record + HEAD_CHECK_OFFSET, (uint32_t)digest_siphash(id, record, HEAD_CHECK_OFFSET));
    size_t checked = JOURNAL_RECORD_HEAD_BYTES + padded(payload_bytes);
    put_u64(record + checked, digest_siphash(id, record, checked));
}

bool journal_parse_head(const JournalInfo *info, const uint8_t *bytes, JournalHead *head)
{
    if (memcmp(bytes, SYNC, sizeof SYNC) != 0 || bytes[6] || bytes[7])
        return false;
    const JournalHead found = {.type = bytes[4],
                               .channel = bytes[5],
                               .sequence = get_u64(bytes + 8),
                               .position = get_u64(bytes + 16),
                               .end = get_u64(bytes + 24),
                               .payload_bytes = get_u32(bytes + 32)};
    if (get_u32(bytes + HEAD_CHECK_OFFSET) !=
        (uint32_t)digest_siphash(info->id, bytes, HEAD_CHECK_OFFSET))
        return false;
    if (!found.type || !found.sequence || found.channel >= info->channels ||
        found.position > found.end || found.end > JOURNAL_POSITION_MAX ||
        found.payload_bytes > JOURNAL_PAYLOAD_BYTES_MAX)
        return false;
    // The range is at most 2^48 frames of 16 bytes: the product fits.
    if (found.type == JOURNAL_FRAMES &&
        (found.position == found.end ||
         (found.end - found.position) * info->channels * sizeof(int16_t) != found.payload_bytes))
        return false;
    *head = found;
    return true;
}

bool journal_check_record(const JournalInfo *info, const uint8_t *bytes, size_t payload_bytes)
{
    size_t checked = JOURNAL_RECORD_HEAD_BYTES + padded(payload_bytes);
    return digest_siphash(info->id, bytes, checked) == get_u64(bytes + checked);
}

void journal_samples_to_bytes(const int16_t *samples, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t sample = (uint16_t)samples[i];
        bytes[2 * i] = (uint8_t)sample;
        bytes[2 * i + 1] = (uint8_t)(sample >> 8);
    }
}

void journal_bytes_to_samples(const uint8_t *bytes, size_t count, int16_t *samples)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (int16_t)(uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
}
