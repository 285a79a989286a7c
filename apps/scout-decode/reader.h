// Packets in, decoded frames out, over all the damage on the way.
#ifndef SCOUT_DECODE_READER_H
#define SCOUT_DECODE_READER_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

#include "source.h"

typedef struct Reader {
    Source *source;
    AVPacket *packet;
    AVFrame *frame;     // the current one
    unsigned lost;      // packets that could not be decoded since the frame before; caller resets
    bool paused;        // packets that stand for silence came since then; caller resets
    bool encrypted;     // a packet was
    bool gave_up;       // reading ended by an error and not by the end of the file
    int64_t skip_until; // packets before this timestamp are not decoded; AV_NOPTS_VALUE: none
    double gap_max_s;   // a longer gap is a jump of the clock
    bool started;       // there was a packet with a timestamp
    int64_t shift;      // added to timestamps, since the clock was restarted or has jumped
    int64_t reached;    // where the packets of the chosen stream have come to
    double end_s;       // where the packets of all streams end, by their timestamps
    uint64_t samples;   // decoded so far
    bool draining;
    unsigned failures; // reads failed in a row
    int64_t failed_at; // byte position of the last failure
    void (*on_packet)(void *context);
    void *context;
} Reader;

bool reader_init(Reader *reader, Source *source, double gap_max_s); // false: no memory

// Decodes the next frame; false at the end.
bool reader_next(Reader *reader);

// Goes to a packet at or before timestamp, in the stream's unit; false when the container cannot.
// skip_until is left to the caller.
bool reader_seek(Reader *reader, int64_t timestamp);

#endif
