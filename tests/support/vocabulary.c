#include "support/vocabulary.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_MAX = 200000, CONTENT_MAX = 1 << 19, TOKENS_MAX = 60000, STORAGE_MAX = 1 << 20 };

// A vocabulary in the making.
typedef struct Making {
    char *storage;
    size_t used;
    const char **tokens;
    size_t *lengths;
    size_t count;
} Making;

static bool read_deflated(const char *name, uint8_t *content, size_t *length)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/reference/tokenizer/%s", TESTS_FOLDER, name);
    FILE *const file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    uint8_t *const deflated = malloc(FILE_MAX);
    const size_t bytes = deflated ? fread(deflated, 1, FILE_MAX, file) : 0;
    (void)fclose(file);
    uLongf room = CONTENT_MAX;
    const bool ok = bytes > 0 && uncompress(content, &room, deflated, (uLong)bytes) == Z_OK;
    free(deflated);
    *length = room;
    return ok;
}

static bool add_part(Making *making, const char *bytes, size_t length)
{
    if (making->used + length > STORAGE_MAX) {
        return false;
    }
    memcpy(making->storage + making->used, bytes, length);
    making->used += length;
    making->lengths[making->count] += length;
    return true;
}

static bool begin_token(Making *making)
{
    if (making->count >= TOKENS_MAX) {
        return false;
    }
    making->tokens[making->count] = making->storage + making->used;
    making->lengths[making->count] = 0;
    return true;
}

// 256 single bytes in the order of their ids, then pairs of ids, little-endian.
static bool read_merges(Making *making, const uint8_t *content, size_t length)
{
    bool ok = true;
    for (size_t i = 0; i < 256 && ok; i++) {
        ok = begin_token(making) && add_part(making, (const char *)content + i, 1);
        making->count++;
    }
    for (size_t at = 256; at + 4 <= length && ok; at += 4) {
        ok = begin_token(making);
        for (size_t half = 0; half < 4 && ok; half += 2) {
            const size_t id = content[at + half] | (size_t)content[at + half + 1] << 8;
            ok = id < making->count && add_part(making, making->tokens[id], making->lengths[id]);
        }
        making->count++;
    }
    return ok;
}

static bool read_lines(Making *making, const uint8_t *content, size_t length)
{
    bool ok = true;
    const char *at = (const char *)content;
    const char *const end = at + length;
    while (at < end && ok) {
        const char *const line_end = memchr(at, '\n', (size_t)(end - at));
        const char *const stop = line_end ? line_end : end;
        ok = begin_token(making) && add_part(making, at, (size_t)(stop - at));
        making->count++;
        at = stop + 1;
    }
    return ok;
}

bool vocabulary_load(const char *name, Vocabulary *vocabulary)
{
    Making making = {
        .storage = malloc(STORAGE_MAX),
        .tokens = calloc(TOKENS_MAX + 1, sizeof *making.tokens),
        .lengths = calloc(TOKENS_MAX + 1, sizeof *making.lengths),
    };
    uint8_t *const content = malloc(CONTENT_MAX);
    size_t length = 0;
    bool ok = making.storage && making.tokens && making.lengths && content &&
              read_deflated(name, content, &length) && length > 256;
    if (ok) {
        ok = strstr(name, "merges") ? read_merges(&making, content, length)
                                    : read_lines(&making, content, length);
    }
    free(content);
    *vocabulary = (Vocabulary){making.count, making.tokens, making.lengths, making.storage};
    if (!ok) {
        vocabulary_free(vocabulary);
    }
    return ok;
}

void vocabulary_free(Vocabulary *vocabulary)
{
    free(vocabulary->storage);
    free((void *)vocabulary->tokens);
    free((void *)(uintptr_t)vocabulary->lengths);
    *vocabulary = (Vocabulary){0};
}
