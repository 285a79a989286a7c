// The frames that scout-decode sends to its parent over a pipe: building them (the child) and
// taking them apart (the parent). No input or output happens here. docs/audio.md has the bytes.
//
// The child is not trusted: whoever controls the file may control the child. The reader therefore
// accepts only what the order of messages, the caps below and sane values allow.
#ifndef AUDIO_PROTOCOL_H
#define AUDIO_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    PROTOCOL_VERSION = 1,
    PROTOCOL_HEADER_BYTES = 8,
    PROTOCOL_AUDIO_SAMPLES_MAX = 4096, // in one message
    PROTOCOL_PAYLOAD_MAX = 4 * PROTOCOL_AUDIO_SAMPLES_MAX,
    PROTOCOL_FRAME_MAX = PROTOCOL_HEADER_BYTES + PROTOCOL_PAYLOAD_MAX,
    PROTOCOL_PROBLEMS_MAX = 256, // messages; what is beyond is only counted
    PROTOCOL_NAME_MAX = 64,      // with the final NUL, as all texts here
    PROTOCOL_VERSIONS_MAX = 128,
    PROTOCOL_PROBLEM_TEXT_MAX = 192,
    PROTOCOL_ERROR_TEXT_MAX = 512
};

typedef enum ProtocolType {
    PROTOCOL_HELLO = 'H',    // once, first
    PROTOCOL_INFO = 'I',     // once, after HELLO
    PROTOCOL_AUDIO = 'A',    // after INFO
    PROTOCOL_PROBLEM = 'P',  // after INFO
    PROTOCOL_PROGRESS = 'W', // after HELLO: still at work, though there is nothing to send
    PROTOCOL_END = 'E',      // last: the input was read to its end
    PROTOCOL_ERROR = 'X'     // last: it was not
} ProtocolType;

typedef struct ProtocolHello {
    bool seccomp;
    bool limits;
    int landlock_abi; // 0: none
    char versions[PROTOCOL_VERSIONS_MAX];
} ProtocolHello;

typedef struct ProtocolInfo {
    int sample_rate;
    int channels;
    double duration_s; // negative: unknown
    char container[PROTOCOL_NAME_MAX];
    char codec[PROTOCOL_NAME_MAX];
} ProtocolInfo;

typedef struct ProtocolProblem {
    double at_s;
    bool to_end;
    char text[PROTOCOL_PROBLEM_TEXT_MAX];
} ProtocolProblem;

typedef struct ProtocolProgress {
    uint64_t input_bytes;     // read so far
    uint64_t decoded_samples; // at the source's rate, skipped ones included
} ProtocolProgress;

typedef struct ProtocolEnd {
    uint64_t samples;  // of all AUDIO messages
    uint32_t problems; // sent or not
} ProtocolEnd;

typedef struct ProtocolError {
    ScoutStatus status;
    char text[PROTOCOL_ERROR_TEXT_MAX];
} ProtocolError;

// Each writes one whole frame and returns its length. Text is cut to what its message may hold.
size_t protocol_put_hello(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolHello *hello);
size_t protocol_put_info(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolInfo *info);
size_t protocol_put_audio(uint8_t out[PROTOCOL_FRAME_MAX], const float *samples, size_t count);
size_t protocol_put_problem(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolProblem *problem);
size_t protocol_put_progress(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolProgress *progress);
size_t protocol_put_end(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolEnd *end);
size_t protocol_put_error(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolError *error);

typedef struct ProtocolMessage {
    ProtocolType type;
    union {
        ProtocolHello hello;
        ProtocolInfo info;
        struct {
            const uint8_t *bytes; // borrowed from the input; protocol_get_samples decodes them
            size_t count;         // samples, 1 to PROTOCOL_AUDIO_SAMPLES_MAX
        } audio;
        ProtocolProblem problem;
        ProtocolProgress progress;
        ProtocolEnd end;
        ProtocolError error;
    };
} ProtocolMessage;

// What the reader remembers from message to message. Zeroed at the start.
typedef struct ProtocolReader {
    bool hello;
    bool info;
    bool finished; // END or ERROR came
    uint64_t samples;
    uint32_t problems;
} ProtocolReader;

// Takes the next message off the front of bytes. *used is its length, or 0 while it is incomplete
// (then message is untouched; an incomplete frame is never longer than PROTOCOL_FRAME_MAX). CHILD
// when the bytes are no message, or one that may not come now; reading must stop then.
ScoutStatus protocol_reader_next(ProtocolReader *reader, const uint8_t *bytes, size_t length,
                                 ProtocolMessage *message, size_t *used, ScoutError *error);

// Decodes count samples; what is not a number becomes 0, and all are clamped to [-1, 1].
void protocol_get_samples(const uint8_t *bytes, size_t count, float *samples);

// Makes foreign text fit to be shown: valid UTF-8, one line, no control or text-direction
// characters, cut at the end of a character. Always terminates out.
void protocol_clean_text(char *out, size_t size, const char *text, size_t length);

#endif
