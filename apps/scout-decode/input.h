// The file or pipe on descriptor 0: counted, capped, and the only one.
#ifndef SCOUT_DECODE_INPUT_H
#define SCOUT_DECODE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INPUT_HEAD_BYTES = 4096 };

typedef struct Input {
    int fd;
    bool seekable;        // a regular file
    int64_t origin_bytes; // where the descriptor stood: offset 0 from here on
    int64_t size_bytes;   // from there; -1: unknown
    uint64_t read_bytes;
    uint64_t max_bytes;
    bool over_limit;                // max_bytes was reached; reading stopped there
    int failure;                    // errno of the read that failed, or 0
    uint8_t head[INPUT_HEAD_BYTES]; // the first bytes
    size_t head_bytes;
    void (*on_read)(void *context); // called after every read
    void *context;
} Input;

// Before the sandbox: finds out what the descriptor is.
void input_init(Input *input, int fd, uint64_t max_bytes);

// Waits for the first bytes and keeps them in input->head. They come again only from a file, after
// a seek.
void input_read_head(Input *input);

// Reads at most size bytes. 0 at the end; negative with failure or over_limit set.
ssize_t input_read(Input *input, uint8_t *out, size_t size);

// Of a regular file: the next read begins at this offset. False when there is no such place.
bool input_seek(Input *input, int64_t offset_bytes);

#endif
