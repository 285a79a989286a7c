// WAV headers: see wav.h.
#include "wav.h"

#include <string.h>

#include "base/attributes.h"

enum {
    RIFF_BYTES = 12,
    CHUNK_BYTES = 8,
    FORMAT_BYTES = 16,
    EXTENSIBLE_BYTES = 40,
    GUID_AT = 24,
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_EXTENSIBLE = 0xFFFE,
    PLAIN_CHANNELS_MAX = 32,
    PLAIN_RATE_MIN = 1000,
    PLAIN_RATE_MAX = 768000
};

// What "fmt " says.
typedef struct Format {
    uint32_t tag; // the one inside, if it is extensible
    uint32_t channels;
    uint32_t rate;
    uint32_t block_bytes;
    uint32_t bits;
    uint32_t valid_bits;
} Format;

static uint32_t u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static uint32_t u16(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8;
}

static bool is_chunk(const uint8_t *chunk, const char name[5])
{
    return memcmp(chunk, name, 4) == 0;
}

// False when it is none that counts its samples in bytes.
static bool take_format(const uint8_t *bytes, size_t size, Format *format)
{
    if (size < FORMAT_BYTES)
        return false;
    *format = (Format){
        .tag = u16(bytes),
        .channels = u16(bytes + 2),
        .rate = u32(bytes + 4),
        .block_bytes = u16(bytes + 12),
        .bits = u16(bytes + 14),
        .valid_bits = u16(bytes + 14),
    };
    if (format->rate == 0 || format->block_bytes == 0)
        return false;
    return format->tag == TAG_PCM || format->tag == TAG_FLOAT || format->tag == TAG_EXTENSIBLE;
}

// RFC 2361, appendix A: what a tag is as a GUID.
static void look_inside(const uint8_t *bytes, size_t size, Format *format)
{
    static const uint8_t tail[] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                   0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
    if (format->tag != TAG_EXTENSIBLE || size < EXTENSIBLE_BYTES ||
        memcmp(bytes + GUID_AT + 2, tail, sizeof tail) != 0)
        return;
    format->tag = u16(bytes + GUID_AT);
    format->valid_bits = u16(bytes + 18);
}

// 0, the largest number, and what is left of the largest signed one after the header.
static bool is_unfinished(uint32_t size)
{
    const uint32_t header_max = 4096;
    return size == 0 || size > UINT32_MAX - header_max ||
           (size <= INT32_MAX && size > (uint32_t)INT32_MAX - header_max);
}

// The chunks up to the samples. False when these do not begin within length.
static bool read_header(const uint8_t *head, size_t length, WavClaim *claim, Format *format)
{
    if (length < RIFF_BYTES || !is_chunk(head, "RIFF") || !is_chunk(head + 8, "WAVE"))
        return false;
    bool known = false;
    size_t at = RIFF_BYTES;
    while (length - at >= CHUNK_BYTES) {
        const uint8_t *chunk = head + at;
        uint32_t size = u32(chunk + 4);
        if (is_chunk(chunk, "data")) {
            claim->data_at = at + CHUNK_BYTES;
            claim->data_bytes = size;
            claim->bytes_per_s = (uint64_t)format->rate * format->block_bytes;
            return known;
        }
        if (size >= length - at - CHUNK_BYTES)
            return false;
        if (is_chunk(chunk, "fmt ")) {
            known = take_format(chunk + CHUNK_BYTES, size, format);
            look_inside(chunk + CHUNK_BYTES, size, format);
        }
        at += CHUNK_BYTES + size + (size & 1);
        if (at > length)
            return false;
    }
    return false;
}

bool wav_read_claim(const uint8_t *head, size_t length, WavClaim *claim)
{
    WavClaim found = {0};
    Format format = {0};
    if (!read_header(head, length, &found, &format) || is_unfinished((uint32_t)found.data_bytes))
        return false;
    *claim = found;
    return true;
}

// Names as FFmpeg's.
static const struct {
    uint32_t tag;
    uint32_t bits;
    PcmFormat format;
    const char *name;
} ENCODINGS[] = {
    {TAG_PCM, 8, PCM_U8, "pcm_u8"},        {TAG_PCM, 16, PCM_S16, "pcm_s16le"},
    {TAG_PCM, 24, PCM_S24, "pcm_s24le"},   {TAG_PCM, 32, PCM_S32, "pcm_s32le"},
    {TAG_FLOAT, 32, PCM_F32, "pcm_f32le"}, {TAG_FLOAT, 64, PCM_F64, "pcm_f64le"},
};

static bool take_encoding(const Format *format, WavPlain *plain)
{
    for (size_t i = 0; i < BASE_COUNT(ENCODINGS); i++) {
        if (ENCODINGS[i].tag == format->tag && ENCODINGS[i].bits == format->bits) {
            plain->format = ENCODINGS[i].format;
            plain->codec = ENCODINGS[i].name;
            return true;
        }
    }
    return false;
}

// Compressed sound goes as PCM where only PCM is let through: S/PDIF (IEC 61937) bursts of AC-3 and
// others, DTS in its four packings, bare AC-3. Samples may look like it by chance, which does no
// harm.
static bool may_be_disguised(const uint8_t *samples, size_t length)
{
    static const uint8_t marks[][4] = {
        {0x72, 0xF8, 0x1F, 0x4E}, {0xF8, 0x72, 0x4E, 0x1F}, {0x7F, 0xFE, 0x80, 0x01},
        {0xFE, 0x7F, 0x01, 0x80}, {0x1F, 0xFF, 0xE8, 0x00}, {0xFF, 0x1F, 0x00, 0xE8},
    };
    if (length >= 2 &&
        ((samples[0] == 0x0B && samples[1] == 0x77) || (samples[0] == 0x77 && samples[1] == 0x0B)))
        return true;
    for (size_t at = 0; at + sizeof *marks <= length; at++) {
        for (size_t i = 0; i < BASE_COUNT(marks); i++) {
            if (memcmp(samples + at, marks[i], sizeof *marks) == 0)
                return true;
        }
    }
    return false;
}

// A voice recorder's format (.act) begins with the header of a WAV, then zeros up to byte 256.
static bool may_be_act(const uint8_t *head, size_t length)
{
    enum { ZEROS_AT = 44, MARK_AT = 256, MARK = 0x84 };
    if (length <= MARK_AT || head[MARK_AT] != MARK)
        return false;
    for (size_t i = ZEROS_AT; i < MARK_AT; i++) {
        if (head[i])
            return false;
    }
    return true;
}

bool wav_read_plain(const uint8_t *head, size_t length, WavPlain *plain)
{
    WavPlain found = {0};
    Format format = {0};
    if (!read_header(head, length, &found.claim, &format) ||
        is_unfinished((uint32_t)found.claim.data_bytes) || !take_encoding(&format, &found))
        return false;
    size_t data_at = (size_t)found.claim.data_at;
    if (format.valid_bits != format.bits || format.channels < 1 ||
        format.channels > PLAIN_CHANNELS_MAX || format.rate < PLAIN_RATE_MIN ||
        format.rate > PLAIN_RATE_MAX || format.block_bytes != format.channels * format.bits / 8)
        return false;
    if (length - data_at < format.block_bytes || may_be_act(head, length) ||
        may_be_disguised(head + data_at, length - data_at))
        return false;
    found.rate = (int)format.rate;
    found.channels = (int)format.channels;
    found.block_bytes = format.block_bytes;
    *plain = found;
    return true;
}

uint32_t wav_chunk_bytes(const uint8_t bytes[8])
{
    return u32(bytes + 4);
}

bool wav_is_data(const uint8_t bytes[8])
{
    return is_chunk(bytes, "data");
}

bool wav_is_chunk(const uint8_t bytes[8])
{
    for (int i = 0; i < 4; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7E)
            return false;
    }
    return true;
}
