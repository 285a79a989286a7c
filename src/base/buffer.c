// The growing buffer: see buffer.h.
#include "base/buffer.h"

#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BUFFER_FIRST_BYTES = 64 };

void buffer_init(Buffer *buffer, size_t limit)
{
    // One byte is kept for the final NUL, and no object is larger than PTRDIFF_MAX.
    *buffer = (Buffer){.limit = BASE_MIN(limit, (size_t)PTRDIFF_MAX - 1)};
}

void buffer_done(Buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (Buffer){.limit = buffer->limit};
}

void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void *buffer_reserve(Buffer *buffer, size_t length)
{
    if (buffer->failed)
        return NULL;
    if (length > buffer->limit - buffer->length) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->length + length + 1;
    if (needed > buffer->capacity) {
        size_t doubled = BASE_MIN(buffer->capacity * 2, buffer->limit + 1);
        size_t capacity = BASE_MAX(BASE_MAX(needed, doubled), (size_t)BUFFER_FIRST_BYTES);
        char *data = mem_resize(buffer->data, capacity, 1);
        if (!data) {
            buffer->failed = true;
            return NULL;
        }
        data[buffer->length] = '\0';
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void buffer_commit(Buffer *buffer, size_t length)
{
    assert(length == 0 || length < buffer->capacity - buffer->length);
    buffer->length += length;
    if (buffer->data)
        buffer->data[buffer->length] = '\0';
}

bool buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0)
        return !buffer->failed;
    char *place = buffer_reserve(buffer, length);
    if (!place)
        return false;
    memcpy(place, bytes, length);
    buffer_commit(buffer, length);
    return true;
}

bool buffer_append_text(Buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

bool buffer_append_char(Buffer *buffer, char c)
{
    return buffer_append(buffer, &c, 1);
}

bool buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        buffer->failed = true;
    if (length <= 0)
        return !buffer->failed;
    char *place = buffer_reserve(buffer, (size_t)length);
    if (!place)
        return false;
    va_start(arguments, format);
    (void)vsnprintf(place, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer_commit(buffer, (size_t)length);
    return true;
}

void buffer_consume(Buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    if (length == 0)
        return;
    memmove(buffer->data, buffer->data + length, buffer->length - length + 1);
    buffer->length -= length;
}

const char *buffer_text(const Buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}
