// Descriptor 0: see input.h.
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

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

ssize_t input_read(Input *input, uint8_t *out, size_t size)
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

bool input_seek(Input *input, int64_t offset_bytes)
{
    if (!input->seekable || offset_bytes < 0 || offset_bytes > INT64_MAX - input->origin_bytes)
        return false;
    return lseek(input->fd, input->origin_bytes + offset_bytes, SEEK_SET) >= 0;
}

void input_read_head(Input *input)
{
    ssize_t count = 1;
    while (count > 0 && input->head_bytes < INPUT_HEAD_BYTES) {
        count = input_read(input, input->head + input->head_bytes,
                           INPUT_HEAD_BYTES - input->head_bytes);
        input->head_bytes += count > 0 ? (size_t)count : 0;
    }
}
