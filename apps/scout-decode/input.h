// The file or pipe on descriptor 0 as FFmpeg's byte source: counted, capped, and the only one.
#ifndef SCOUT_DECODE_INPUT_H
#define SCOUT_DECODE_INPUT_H

#include <libavformat/avio.h>
#include <stdbool.h>
#include <stdint.h>

enum { INPUT_HEAD_BYTES = 1024 };

typedef struct Input {
    int fd;
    bool seekable;
    int64_t origin_bytes; // where the descriptor stood: offset 0 for FFmpeg
    int64_t size_bytes;   // from there; -1: unknown
    uint64_t read_bytes;
    uint64_t max_bytes;
    bool over_limit;                // max_bytes was reached; reading stopped there
    bool at_end;                    // the last read found the end
    int failure;                    // errno of the read that failed, or 0
    uint8_t head[INPUT_HEAD_BYTES]; // the first bytes that were read
    size_t head_bytes;
    AVIOContext *avio;
    void (*on_read)(void *context); // called after every read
    void *context;
} Input;

// Before the sandbox: finds out what the descriptor is.
void input_init(Input *input, int fd, uint64_t max_bytes);

// Makes input->avio; false when memory is out. input must stay where it is.
bool input_open(Input *input);

#endif
