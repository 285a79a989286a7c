// Samples as numbers of some width, packed one after the other.
#ifndef SCOUT_DECODE_PCM_H
#define SCOUT_DECODE_PCM_H

#include <stddef.h>
#include <stdint.h>

typedef enum PcmFormat {
    PCM_U8,
    PCM_S16, // all little-endian
    PCM_S24,
    PCM_S32,
    PCM_S64,
    PCM_F32,
    PCM_F64
} PcmFormat;

// Adds count samples, the first of which is number `at`, `step` samples apart, times gain, to out.
// [-1, 1] is full scale. plane is aligned for its samples.
void pcm_add(PcmFormat format, const uint8_t *plane, size_t at, size_t step, size_t count,
             double gain, float *out);

// Writes count samples of a packed recording to out. channel is 1-based; 0, or one that the
// recording does not have, takes the mean of all channels.
void pcm_to_mono(PcmFormat format, const uint8_t *blocks, int channels, int channel, size_t count,
                 float *out);

// The channels that this means, from *begin up to *end, counted from 0.
void pcm_choose_channels(int channels, int channel, int *begin, int *end);

#endif
