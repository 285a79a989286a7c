// FFmpeg's byte source: see input.h.
#include "input.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AVIO_BUFFER_BYTES = 64 * 1024 };

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

static void keep_head(Input *input, const uint8_t *bytes, size_t count)
{
    size_t room = INPUT_HEAD_BYTES - input->head_bytes;
    size_t kept = count < room ? count : room;
    memcpy(input->head + input->head_bytes, bytes, kept);
    input->head_bytes += kept;
}

static int read_packet(void *opaque, uint8_t *buffer, int size)
{
    Input *input = opaque;
    uint64_t left = input->max_bytes - input->read_bytes;
    if (left == 0) {
        input->over_limit = true;
        return AVERROR(EFBIG);
    }
    size_t wanted = (uint64_t)size < left ? (size_t)size : (size_t)left;
    ssize_t count;
    do {
        if (!input->seekable)
            wait_for_bytes(input->fd);
        count = read(input->fd, buffer, wanted);
    } while (count < 0 && (errno == EINTR || errno == EAGAIN));
    if (count < 0) {
        input->failure = errno;
        return AVERROR(input->failure);
    }
    input->at_end = count == 0;
    if (input->read_bytes < INPUT_HEAD_BYTES)
        keep_head(input, buffer, (size_t)count);
    input->read_bytes += (uint64_t)count;
    if (input->on_read)
        input->on_read(input->context);
    return count ? (int)count : AVERROR_EOF;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    Input *input = opaque;
    if (whence & AVSEEK_SIZE)
        return input->size_bytes >= 0 ? input->size_bytes : AVERROR(ENOSYS);
    whence &= ~AVSEEK_FORCE;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return AVERROR(EINVAL);
    if (whence == SEEK_SET && (offset < 0 || offset > INT64_MAX - input->origin_bytes))
        return AVERROR(EINVAL);
    off_t at = lseek(input->fd, whence == SEEK_SET ? input->origin_bytes + offset : offset, whence);
    return at < 0 ? AVERROR(errno) : at - input->origin_bytes;
}

bool input_open(Input *input)
{
    uint8_t *buffer = av_malloc(AVIO_BUFFER_BYTES);
    if (!buffer)
        return false;
    input->avio = avio_alloc_context(buffer, AVIO_BUFFER_BYTES, 0, input, read_packet, NULL,
                                     input->seekable ? seek : NULL);
    if (!input->avio) {
        av_free(buffer);
        return false;
    }
    input->avio->seekable = input->seekable ? AVIO_SEEKABLE_NORMAL : 0;
    return true;
}
