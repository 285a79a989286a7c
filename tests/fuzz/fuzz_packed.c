// Fuzzes the reader of packed files. The checksums of the header and the front are put right, or
// nothing behind them would ever be reached.
#include "packed_layout.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned seen; // keeps the compiler from leaving the reads out

static void require(bool truth)
{
    if (!truth)
        abort();
}

// Small inputs can reach the sections: the header stands at the front, and the page it fills is
// made up.
static size_t expand(const uint8_t *data, size_t size, uint8_t *file)
{
    const size_t head = size < 48 ? size : 48;
    memset(file, 0, LAYOUT_PAGE);
    memcpy(file, data, head);
    memcpy(file + LAYOUT_PAGE, data + head, size - head);
    return LAYOUT_PAGE + size - head;
}

static void put_right(uint8_t *file, size_t size)
{
    LayoutHeader header = {0};
    bool is_packed;
    const uint32_t crc = digest_crc32(0, file, 44);
    memcpy(file + 44, &crc, sizeof crc);
    if (!layout_header_decode(file, &header, &is_packed))
        return;
    LayoutFront front;
    header.file_bytes = size;
    layout_front(&header, &front);
    if (front.end <= size)
        header.front_crc = digest_crc32(0, file + LAYOUT_PAGE, front.end - LAYOUT_PAGE);
    layout_header_encode(&header, file);
}

static unsigned sum(const void *bytes, size_t length)
{
    unsigned total = 0;
    for (size_t i = 0; i < length; i++)
        total += ((const uint8_t *)bytes)[i];
    return total;
}

static unsigned use(const PackedFile *file)
{
    unsigned total = 0;
    for (size_t i = 0; i < packed_tensor_count(file); i++) {
        const PackedTensor *tensor = packed_tensor_at(file, i);
        require(packed_find(file, tensor->name, tensor->encoding) == tensor);
        total += sum(tensor->data, tensor->bytes);
        const size_t channels = (tensor->dims[0] + 15) / 16 * 16;
        if (tensor->sum)
            total += sum(tensor->sum, channels * 4) + sum(tensor->scale, channels * 4);
        packed_will_need(file, tensor);
    }
    for (size_t id = 0; id < packed_vocab_count(file); id++) {
        const char *bytes;
        size_t length;
        require(packed_vocab_token(file, id, &bytes, &length));
        total += sum(bytes, length);
    }
    const char *text;
    size_t length;
    int64_t number;
    packed_meta_json(file, &text, &length);
    total += sum(text, length);
    total += packed_meta_int(file, "n", &number) + packed_meta_text(file, "t", &text);
    (void)packed_verify(file, NULL, NULL, NULL, NULL);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(LAYOUT_PAGE + size);
    require(bytes);
    const size_t length = expand(data, size, bytes);
    put_right(bytes, length);
    char path[64];
    const int fd = memfd_create("packed", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    PackedFile *file = NULL;
    ScoutError error = {.message = ""};
    if (packed_open(path, &file, &error) == SCOUT_OK)
        seen += use(file);
    else
        require(!file && error.message[0] != '\0');
    packed_close(file);
    close(fd);
    free(bytes);
    return 0;
}
