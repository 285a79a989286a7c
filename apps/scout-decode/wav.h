// WAV: what its header promises, which FFmpeg forgets when the file is shorter, and whether it is
// one that needs no FFmpeg. Only the beginning of a file is looked at.
#ifndef SCOUT_DECODE_WAV_H
#define SCOUT_DECODE_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pcm.h"

typedef struct WavClaim {
    uint64_t data_at;    // where the samples begin
    uint64_t data_bytes; // as the header says
    uint64_t bytes_per_s;
} WavClaim;

// Reads it from the first bytes of a file. False when that is no plain PCM in RIFF, or when the
// size is one of those that programs write while they do not know it yet.
bool wav_read_claim(const uint8_t *head, size_t length, WavClaim *claim);

// A recording that is exactly what its header says: one kind of sample, in whole blocks.
typedef struct WavPlain {
    WavClaim claim;
    PcmFormat format;
    const char *codec; // FFmpeg's name of it; static
    int rate;          // 1,000 to 768,000
    int channels;      // 1 to 32
    size_t block_bytes;
} WavPlain;

// False for whatever is the least bit unusual: that is FFmpeg's.
bool wav_read_plain(const uint8_t *head, size_t length, WavPlain *plain);

// Of the eight bytes that begin a chunk: its length, and whether it holds samples.
uint32_t wav_chunk_bytes(const uint8_t bytes[8]);
bool wav_is_data(const uint8_t bytes[8]);

// Whether the eight bytes can be the header of a chunk, so that the samples before it have ended.
bool wav_is_chunk(const uint8_t bytes[8]);

#endif
