// FFmpeg's byte source: see bytes.h.
#include "bytes.h"

#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <string.h>

enum { AVIO_BUFFER_BYTES = 64 * 1024, GATHER_STEP_BYTES = 1 << 20, BOX_HEADER_BYTES = 8 };

// A pipe that is longer than this and needs its end first does not fit the memory limit.
static const size_t GATHER_MAX_BYTES = (size_t)512 << 20;

// ---- What FFmpeg calls

static int read_packet(void *opaque, uint8_t *buffer, int size)
{
    Bytes *bytes = opaque;
    Input *input = bytes->input;
    size_t head_left = input->head_bytes - bytes->head_given;
    if (head_left) {
        size_t taken = (size_t)size < head_left ? (size_t)size : head_left;
        memcpy(buffer, input->head + bytes->head_given, taken);
        bytes->head_given += taken;
        return (int)taken;
    }
    ssize_t count = input_read(input, buffer, (size_t)size);
    if (count < 0)
        return input->over_limit ? AVERROR(EFBIG) : AVERROR(input->failure);
    return count ? (int)count : AVERROR_EOF;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    Bytes *bytes = opaque;
    if (whence & AVSEEK_SIZE)
        return bytes->input->size_bytes;
    // FFmpeg's own layer turns the other kinds into this one.
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || !input_seek(bytes->input, offset))
        return AVERROR(EINVAL);
    bytes->head_given = bytes->input->head_bytes;
    return offset;
}

static int read_gathered(void *opaque, uint8_t *buffer, int size)
{
    Bytes *bytes = opaque;
    size_t left = bytes->whole_bytes - bytes->whole_at;
    size_t taken = (size_t)size < left ? (size_t)size : left;
    if (taken == 0)
        return AVERROR_EOF;
    memcpy(buffer, bytes->whole + bytes->whole_at, taken);
    bytes->whole_at += taken;
    return (int)taken;
}

static int64_t seek_gathered(void *opaque, int64_t offset, int whence)
{
    Bytes *bytes = opaque;
    if (whence & AVSEEK_SIZE)
        return (int64_t)bytes->whole_bytes;
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    bytes->whole_at = (uint64_t)offset < bytes->whole_bytes ? (size_t)offset : bytes->whole_bytes;
    return offset;
}

// ---- Pipes that must be gathered

static uint64_t box_size(const uint8_t *box)
{
    return (uint64_t)box[0] << 24 | (uint64_t)box[1] << 16 | (uint64_t)box[2] << 8 | box[3];
}

static bool is_box(const uint8_t *box, const char type[5])
{
    return memcmp(box + 4, type, 4) == 0;
}

// An MP4 whose sound (mdat) comes before the index that says where in it what lies (moov); a CAF,
// whose packet table may come last.
static bool needs_its_end(const uint8_t *head, size_t length)
{
    if (length >= 4 && memcmp(head, "caff", 4) == 0)
        return true;
    size_t at = 0;
    while (length - at >= BOX_HEADER_BYTES) {
        const uint8_t *box = head + at;
        uint64_t size = box_size(box);
        if (is_box(box, "mdat"))
            return true;
        bool may_precede = is_box(box, "ftyp") || is_box(box, "wide") || is_box(box, "free") ||
                           is_box(box, "skip") || is_box(box, "pnot");
        if (!may_precede || size < BOX_HEADER_BYTES || size > length - at)
            return false;
        at += (size_t)size;
    }
    return false;
}

static bool grow(Bytes *bytes, size_t *capacity)
{
    if (*capacity - bytes->whole_bytes >= GATHER_STEP_BYTES)
        return true;
    size_t larger = *capacity ? 2 * *capacity : 4 * (size_t)GATHER_STEP_BYTES;
    bytes->too_large = larger > GATHER_MAX_BYTES;
    uint8_t *grown = bytes->too_large ? NULL : av_realloc(bytes->whole, larger);
    if (!grown)
        return false;
    bytes->whole = grown;
    *capacity = larger;
    return true;
}

// Reads the whole pipe, or what the limit lets through.
static bool gather(Bytes *bytes)
{
    size_t capacity = 0;
    if (!grow(bytes, &capacity))
        return false;
    memcpy(bytes->whole, bytes->input->head, bytes->input->head_bytes);
    bytes->whole_bytes = bytes->input->head_bytes;
    for (;;) {
        if (!grow(bytes, &capacity))
            return false;
        ssize_t count =
            input_read(bytes->input, bytes->whole + bytes->whole_bytes, GATHER_STEP_BYTES);
        if (count <= 0)
            break;
        bytes->whole_bytes += (size_t)count;
    }
    bytes->seekable = true;
    return true;
}

bool bytes_open(Bytes *bytes, Input *input)
{
    *bytes = (Bytes){.input = input, .seekable = input->seekable};
    bool gathered = !input->seekable && needs_its_end(input->head, input->head_bytes);
    if (gathered && !gather(bytes))
        return false;
    uint8_t *buffer = av_malloc(AVIO_BUFFER_BYTES);
    if (!buffer)
        return false;
    bytes->avio = avio_alloc_context(buffer, AVIO_BUFFER_BYTES, 0, bytes,
                                     gathered ? read_gathered : read_packet, NULL,
                                     gathered          ? seek_gathered
                                     : input->seekable ? seek
                                                       : NULL);
    if (!bytes->avio) {
        av_free(buffer);
        return false;
    }
    bytes->avio->seekable = bytes->seekable ? AVIO_SEEKABLE_NORMAL : 0;
    return true;
}
