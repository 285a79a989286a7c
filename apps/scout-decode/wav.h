// What the header of a WAV file promises, which FFmpeg forgets when the file is shorter.
#ifndef SCOUT_DECODE_WAV_H
#define SCOUT_DECODE_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct WavClaim {
    uint64_t data_at;    // where the samples begin
    uint64_t data_bytes; // as the header says
    uint64_t bytes_per_s;
} WavClaim;

// Reads it from the first bytes of a file. False when that is no plain PCM in RIFF, or when the
// size is one of those that programs write while they do not know it yet.
bool wav_read_claim(const uint8_t *head, size_t length, WavClaim *claim);

// Whether the eight bytes can be the header of a chunk, so that the samples before it have ended.
bool wav_is_chunk(const uint8_t bytes[8]);

#endif
