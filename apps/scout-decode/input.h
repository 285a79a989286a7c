// The file or pipe on descriptor 0 as FFmpeg's byte source: counted, capped, and the only one.
#ifndef SCOUT_DECODE_INPUT_H
#define SCOUT_DECODE_INPUT_H

#include <libavformat/avio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_HEAD_BYTES = 1024 };

typedef struct Input {
    int fd;
    bool seekable;        // as FFmpeg sees it
    int64_t origin_bytes; // where the descriptor stood: offset 0 for FFmpeg
    int64_t size_bytes;   // from there; -1: unknown
    uint64_t read_bytes;
    uint64_t max_bytes;
    bool over_limit;                // max_bytes was reached; reading stopped there
    int failure;                    // errno of the read that failed, or 0
    uint8_t head[INPUT_HEAD_BYTES]; // the first bytes
    size_t head_bytes;
    size_t head_given; // of them, to FFmpeg
    bool too_large;    // to be gathered
    uint8_t *whole;    // all bytes of a pipe that had to be gathered first, or NULL
    size_t whole_bytes;
    size_t whole_at;
    AVIOContext *avio;
    void (*on_read)(void *context); // called after every read
    void *context;
} Input;

// Before the sandbox: finds out what the descriptor is.
void input_init(Input *input, int fd, uint64_t max_bytes);

// Reads the head and makes input->avio; false when memory is out or the pipe too_large. A pipe with
// a format whose index lies behind its sound is gathered in memory first. input must stay where it
// is.
bool input_open(Input *input);

#endif
