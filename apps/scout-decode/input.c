// FFmpeg's byte source: see input.h.
#include "input.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AVIO_BUFFER_BYTES = 64 * 1024, GATHER_STEP_BYTES = 1 << 20, BOX_HEADER_BYTES = 8 };

// A pipe that is longer than this and needs its end first does not fit the memory limit.
static const size_t GATHER_MAX_BYTES = (size_t)512 << 20;

void input_init(Input *input, int fd, uint64_t max_bytes)
{
    *input = (Input){.fd = fd, .size_bytes = -1, .max_bytes = max_bytes};
    struct stat info;
    if (fstat(fd, &info) != 0)
        return;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (S_ISREG(info.st_mode) && at >= 0) {
        input->seekable = true;
        input->origin_bytes = at;
        input->size_bytes = info.st_size > at ? info.st_size - at : 0;
    }
}

// Waits for bytes. A FIFO that nobody has opened for writing yet would read as ended otherwise.
static void wait_for_bytes(int fd)
{
    struct pollfd source = {.fd = fd, .events = POLLIN};
    while (poll(&source, 1, -1) < 0 && errno == EINTR) {
    }
}

// Reads from the descriptor. 0 at the end; negative with failure or over_limit set.
static ssize_t read_bytes(Input *input, uint8_t *out, size_t size)
{
    uint64_t left = input->max_bytes - input->read_bytes;
    if (left == 0) {
        input->over_limit = true;
        return -1;
    }
    size_t wanted = size < left ? size : (size_t)left;
    ssize_t count;
    do {
        if (input->size_bytes < 0)
            wait_for_bytes(input->fd);
        count = read(input->fd, out, wanted);
    } while (count < 0 && (errno == EINTR || errno == EAGAIN));
    if (count < 0)
        input->failure = errno;
    else
        input->read_bytes += (uint64_t)count;
    if (input->on_read)
        input->on_read(input->context);
    return count;
}

// ---- What FFmpeg calls

static int read_packet(void *opaque, uint8_t *buffer, int size)
{
    Input *input = opaque;
    size_t head_left = input->head_bytes - input->head_given;
    if (head_left) {
        size_t taken = (size_t)size < head_left ? (size_t)size : head_left;
        memcpy(buffer, input->head + input->head_given, taken);
        input->head_given += taken;
        return (int)taken;
    }
    ssize_t count = read_bytes(input, buffer, (size_t)size);
    if (count < 0)
        return input->over_limit ? AVERROR(EFBIG) : AVERROR(input->failure);
    return count ? (int)count : AVERROR_EOF;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    Input *input = opaque;
    if (whence & AVSEEK_SIZE)
        return input->size_bytes;
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0 ||
        offset > INT64_MAX - input->origin_bytes)
        return AVERROR(EINVAL); // FFmpeg's own layer turns the other kinds into this one
    input->head_given = input->head_bytes;
    off_t at = lseek(input->fd, input->origin_bytes + offset, SEEK_SET);
    return at < 0 ? AVERROR(errno) : at - input->origin_bytes;
}

static int read_gathered(void *opaque, uint8_t *buffer, int size)
{
    Input *input = opaque;
    size_t left = input->whole_bytes - input->whole_at;
    size_t taken = (size_t)size < left ? (size_t)size : left;
    if (taken == 0)
        return AVERROR_EOF;
    memcpy(buffer, input->whole + input->whole_at, taken);
    input->whole_at += taken;
    return (int)taken;
}

static int64_t seek_gathered(void *opaque, int64_t offset, int whence)
{
    Input *input = opaque;
    if (whence & AVSEEK_SIZE)
        return (int64_t)input->whole_bytes;
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    input->whole_at = (uint64_t)offset < input->whole_bytes ? (size_t)offset : input->whole_bytes;
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

static bool grow(Input *input, size_t *capacity)
{
    if (*capacity - input->whole_bytes >= GATHER_STEP_BYTES)
        return true;
    size_t larger = *capacity ? 2 * *capacity : 4 * (size_t)GATHER_STEP_BYTES;
    input->too_large = larger > GATHER_MAX_BYTES;
    uint8_t *grown = input->too_large ? NULL : av_realloc(input->whole, larger);
    if (!grown)
        return false;
    input->whole = grown;
    *capacity = larger;
    return true;
}

// Reads the whole pipe, or what the limit lets through.
static bool gather(Input *input)
{
    size_t capacity = 0;
    if (!grow(input, &capacity))
        return false;
    memcpy(input->whole, input->head, input->head_bytes);
    input->whole_bytes = input->head_bytes;
    for (;;) {
        if (!grow(input, &capacity))
            return false;
        ssize_t count = read_bytes(input, input->whole + input->whole_bytes, GATHER_STEP_BYTES);
        if (count <= 0)
            break;
        input->whole_bytes += (size_t)count;
    }
    input->seekable = true;
    return true;
}

bool input_open(Input *input)
{
    ssize_t count = 1;
    while (count > 0 && input->head_bytes < INPUT_HEAD_BYTES) {
        count = read_bytes(input, input->head + input->head_bytes,
                           INPUT_HEAD_BYTES - input->head_bytes);
        input->head_bytes += count > 0 ? (size_t)count : 0;
    }
    bool gathered = !input->seekable && needs_its_end(input->head, input->head_bytes);
    if (gathered && !gather(input))
        return false;
    uint8_t *buffer = av_malloc(AVIO_BUFFER_BYTES);
    if (!buffer)
        return false;
    input->avio = avio_alloc_context(buffer, AVIO_BUFFER_BYTES, 0, input,
                                     gathered ? read_gathered : read_packet, NULL,
                                     gathered          ? seek_gathered
                                     : input->seekable ? seek
                                                       : NULL);
    if (!input->avio) {
        av_free(buffer);
        return false;
    }
    input->avio->seekable = input->seekable ? AVIO_SEEKABLE_NORMAL : 0;
    return true;
}
