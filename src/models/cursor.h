// A place in a mapped file: every read is checked against the end.
#ifndef MODELS_CURSOR_H
#define MODELS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Cursor {
    const uint8_t *at;
    size_t left;
} Cursor;

// The next length bytes, or NULL when there are fewer.
static inline const uint8_t *cursor_take(Cursor *cursor, size_t length)
{
    if (length > cursor->left) {
        return NULL;
    }
    const uint8_t *taken = cursor->at;
    cursor->at += length;
    cursor->left -= length;
    return taken;
}

static inline bool cursor_read(Cursor *cursor, void *out, size_t length)
{
    const uint8_t *taken = cursor_take(cursor, length);
    if (!taken) {
        return false;
    }
    memcpy(out, taken, length);
    return true;
}

#endif
