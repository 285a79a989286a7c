// WAV headers: see wav.h.
#include "wav.h"

#include <string.h>

enum {
    RIFF_BYTES = 12,
    CHUNK_BYTES = 8,
    FORMAT_BYTES = 16,
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_EXTENSIBLE = 0xFFFE
};

static uint32_t u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static bool is_chunk(const uint8_t *chunk, const char name[5])
{
    return memcmp(chunk, name, 4) == 0;
}

static bool take_format(const uint8_t *format, WavClaim *claim)
{
    uint32_t tag = u32(format) & 0xFFFF;
    uint32_t rate = u32(format + 4);
    uint32_t block_bytes = u32(format + 12) & 0xFFFF;
    claim->bytes_per_s = (uint64_t)rate * block_bytes;
    return (tag == TAG_PCM || tag == TAG_FLOAT || tag == TAG_EXTENSIBLE) && claim->bytes_per_s > 0;
}

// 0, the largest number, and what is left of the largest signed one after the header.
static bool is_unfinished(uint32_t size)
{
    const uint32_t header_max = 4096;
    return size == 0 || size > UINT32_MAX - header_max ||
           (size <= INT32_MAX && size > (uint32_t)INT32_MAX - header_max);
}

bool wav_read_claim(const uint8_t *head, size_t length, WavClaim *claim)
{
    if (length < RIFF_BYTES || !is_chunk(head, "RIFF") || !is_chunk(head + 8, "WAVE"))
        return false;
    WavClaim found = {0};
    bool known = false;
    size_t at = RIFF_BYTES;
    while (length - at >= CHUNK_BYTES) {
        const uint8_t *chunk = head + at;
        uint32_t size = u32(chunk + 4);
        if (is_chunk(chunk, "data")) {
            found.data_at = at + CHUNK_BYTES;
            found.data_bytes = size;
            *claim = found;
            return known && !is_unfinished(size);
        }
        if (size >= length - at - CHUNK_BYTES)
            return false;
        if (is_chunk(chunk, "fmt "))
            known = size >= FORMAT_BYTES && take_format(chunk + CHUNK_BYTES, &found);
        at += CHUNK_BYTES + size + (size & 1);
        if (at > length)
            return false;
    }
    return false;
}

bool wav_is_chunk(const uint8_t bytes[8])
{
    for (int i = 0; i < 4; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7E)
            return false;
    }
    return true;
}
