// The opened file: its container, the best audio stream in it and that stream's decoder.
#ifndef SCOUT_DECODE_SOURCE_H
#define SCOUT_DECODE_SOURCE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

#include "audio/protocol.h"
#include "bytes.h"
#include "wav.h"

typedef struct Source {
    Input *input;
    Bytes bytes;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    int score; // how sure FFmpeg is of the container; AVPROBE_SCORE_RETRY and less is a guess
    bool has_video;
    bool has_wav_claim;
    WavClaim wav_claim;
    bool refused_file; // the demuxer asked for another file
} Source;

// Opens what input delivers. extension is that of the file's name, for the few formats that have no
// signature; may be empty. On failure failure says why, for a person. Nothing is ever freed: the
// process ends with the file.
bool source_open(Source *source, Input *input, const char *extension, ProtocolError *failure);

// Whether the stream is moving pictures, and not the cover of an album.
bool source_is_film(const AVStream *stream);

extern const char SOURCE_ENCRYPTED[]; // the sentence for a file with DRM

// The sentence for a file in which nothing was found.
void source_fail_unknown(ProtocolError *failure);

// What the container claims the chosen stream lasts, seconds; negative when it claims nothing.
// With `firm`, claims that FFmpeg has only guessed from the bit rate count as none.
double source_claimed_seconds(const Source *source, bool firm);

// Whether it is a container that marks its end, and has no such mark. To be asked when all was
// read.
bool source_lacks_end(const Source *source);

// sample_rate and channels are 0 when still unknown.
void source_describe(const Source *source, ProtocolInfo *info);

#endif
