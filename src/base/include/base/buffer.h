// A growing byte buffer with a cap given when it is made. One owner thread.
//
// The first failed append makes the buffer fail for good (`failed`), so a sequence of appends needs
// one check at its end.
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"

typedef struct Buffer {
    char *data; // NUL-terminated whenever length > 0; NULL before the first append
    size_t length;
    size_t capacity;
    size_t limit; // the largest length it may reach
    bool failed;
} Buffer;

void buffer_init(Buffer *buffer, size_t limit);
void buffer_done(Buffer *buffer);

// Empties it, keeps its memory and clears `failed`.
void buffer_clear(Buffer *buffer);

// All return false when memory or the limit is exhausted; the content stays as it was.
bool buffer_append(Buffer *buffer, const void *bytes, size_t length);
bool buffer_append_text(Buffer *buffer, const char *text);
bool buffer_append_char(Buffer *buffer, char c);
bool buffer_printf(Buffer *buffer, const char *format, ...) BASE_PRINTF(2, 3);

// Makes room for length more bytes and returns where they go, or NULL. Call buffer_commit with the
// number that was written.
void *buffer_reserve(Buffer *buffer, size_t length);
void buffer_commit(Buffer *buffer, size_t length);

// Drops the first length bytes.
void buffer_consume(Buffer *buffer, size_t length);

// The text, never NULL. Borrowed until the next change.
const char *buffer_text(const Buffer *buffer);

#endif
