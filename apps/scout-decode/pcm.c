// Packed samples to floats: see pcm.h.
#include "pcm.h"

#include <stdbool.h>

// Sign-extended.
static double s24(const uint8_t *in)
{
    uint32_t bits = (uint32_t)in[0] << 8 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 24;
    return (int32_t)bits;
}

void pcm_add(PcmFormat format, const uint8_t *plane, size_t at, size_t step, size_t count,
             double gain, float *out)
{
#define ADD(type, width, expression)                                                               \
    do {                                                                                           \
        const type *in = (const type *)(const void *)plane + at * (width);                         \
        for (size_t i = 0; i < count; i++, in += step * (width))                                   \
            out[i] += (float)((expression)*gain);                                                  \
    } while (0)
    switch (format) {
    case PCM_U8: ADD(uint8_t, 1, (*in - 128) / 128.0); break;
    case PCM_S16: ADD(int16_t, 1, *in / 32768.0); break;
    case PCM_S24: ADD(uint8_t, 3, s24(in) / 2147483648.0); break;
    case PCM_S32: ADD(int32_t, 1, *in / 2147483648.0); break;
    case PCM_S64: ADD(int64_t, 1, *in / 9223372036854775808.0); break;
    case PCM_F32: ADD(float, 1, (double)*in); break;
    case PCM_F64: ADD(double, 1, *in); break;
    }
#undef ADD
}

void pcm_choose_channels(int channels, int channel, int *begin, int *end)
{
    bool one = channel >= 1 && channel <= channels;
    *begin = one ? channel - 1 : 0;
    *end = one ? channel : channels;
}

void pcm_to_mono(PcmFormat format, const uint8_t *blocks, int channels, int channel, size_t count,
                 float *out)
{
    int begin;
    int end;
    pcm_choose_channels(channels, channel, &begin, &end);
    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    for (int c = begin; c < end; c++)
        pcm_add(format, blocks, (size_t)c, (size_t)channels, count, 1.0 / (end - begin), out);
}
