// Which containers are read at all, and what is said about those that are not.
#ifndef SCOUT_DECODE_FORMATS_H
#define SCOUT_DECODE_FORMATS_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stddef.h>

// Whether the demuxer is one of those that read a single file of sound or video. Everything else
// FFmpeg has (playlists, manifests, network streams, devices, pictures, modules) is refused.
bool format_is_allowed(const AVInputFormat *format);

// Whether seeking in it leads to frames whose timestamps can be trusted to the sample.
bool format_seeks_exactly(const AVInputFormat *format, enum AVCodecID codec);

// Whether its timestamps can be trusted at all. Those of compressed audio in WAV are guessed from
// the bit rate, and run away from the sound.
bool format_has_clock(const AVInputFormat *format, enum AVCodecID codec);

// Whether it is headerless A-law or mu-law, which is 8 kHz and not the 44.1 that FFmpeg supposes.
bool format_is_raw_telephony(const AVInputFormat *format);

// Whether the first bytes of the input, or the extension of its name, are those of a list that
// names other files.
bool format_is_playlist(const uint8_t *bytes, size_t length, const char *extension);

#endif
