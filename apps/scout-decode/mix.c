// Conversion to mono floats: see mix.h.
#include "mix.h"

#include <libavutil/samplefmt.h>
#include <stddef.h>

bool mix_is_known(const AVFrame *frame)
{
    enum AVSampleFormat format = av_get_packed_sample_fmt(frame->format);
    int channels = frame->ch_layout.nb_channels;
    if (channels < 1 || frame->nb_samples < 1 || !frame->extended_data)
        return false;
    int planes = av_sample_fmt_is_planar(frame->format) ? channels : 1;
    for (int i = 0; i < planes; i++) {
        if (!frame->extended_data[i])
            return false;
    }
    return format == AV_SAMPLE_FMT_U8 || format == AV_SAMPLE_FMT_S16 ||
           format == AV_SAMPLE_FMT_S32 || format == AV_SAMPLE_FMT_S64 ||
           format == AV_SAMPLE_FMT_FLT || format == AV_SAMPLE_FMT_DBL;
}

// Adds count samples, `step` apart, times gain, to out.
static void add_channel(enum AVSampleFormat format, const uint8_t *plane, size_t at, size_t step,
                        int count, double gain, float *out)
{
#define ADD(type, expression)                                                                      \
    do {                                                                                           \
        const type *in = (const type *)(const void *)plane + at;                                   \
        for (int i = 0; i < count; i++, in += step)                                                \
            out[i] += (float)((expression)*gain);                                                  \
    } while (0)
    switch (format) {
    case AV_SAMPLE_FMT_U8: ADD(uint8_t, (*in - 128) / 128.0); break;
    case AV_SAMPLE_FMT_S16: ADD(int16_t, *in / 32768.0); break;
    case AV_SAMPLE_FMT_S32: ADD(int32_t, *in / 2147483648.0); break;
    case AV_SAMPLE_FMT_S64: ADD(int64_t, (double)*in / 9223372036854775808.0); break;
    case AV_SAMPLE_FMT_FLT: ADD(float, (double)*in); break;
    default: ADD(double, *in); break;
    }
#undef ADD
}

void mix_to_mono(const AVFrame *frame, int channel, int first, int count, float *out)
{
    enum AVSampleFormat format = av_get_packed_sample_fmt(frame->format);
    bool planar = av_sample_fmt_is_planar(frame->format);
    int channels = frame->ch_layout.nb_channels;
    bool one = channel >= 1 && channel <= channels;
    int begin = one ? channel - 1 : 0;
    int end = one ? channel : channels;
    for (int i = 0; i < count; i++)
        out[i] = 0;
    for (int c = begin; c < end; c++) {
        const uint8_t *plane = frame->extended_data[planar ? c : 0];
        size_t step = planar ? 1 : (size_t)channels;
        size_t at = (size_t)first * step + (planar ? 0 : (size_t)c);
        add_channel(format, plane, at, step, count, 1.0 / (end - begin), out);
    }
}
