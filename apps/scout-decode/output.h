// Everything the decoder says: protocol frames on descriptor 1. Audio is gathered into full frames
// first. If the reader is gone, SIGPIPE ends the process.
#ifndef SCOUT_DECODE_OUTPUT_H
#define SCOUT_DECODE_OUTPUT_H

#include <stdint.h>

#include "audio/protocol.h"

typedef struct Output {
    int fd;
    uint64_t samples;  // sent or gathered
    uint32_t problems; // sent or only counted
    int64_t last_ns;   // when something was sent last
    size_t gathered;
    float audio[PROTOCOL_AUDIO_SAMPLES_MAX];
    uint8_t frame[PROTOCOL_FRAME_MAX];
} Output;

void output_init(Output *output, int fd);

void output_hello(Output *output, const ProtocolHello *hello);
void output_info(Output *output, const ProtocolInfo *info);
void output_audio(Output *output, const float *samples, size_t count);
void output_problem(Output *output, const ProtocolProblem *problem);

// Says that work goes on, if nothing was said for a while.
void output_progress(Output *output, const ProtocolProgress *progress);

// One of these is the last thing said.
void output_end(Output *output);
void output_error(Output *output, const ProtocolError *error);

#endif
