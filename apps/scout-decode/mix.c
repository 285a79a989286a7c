// Conversion to mono floats: see mix.h.
#include "mix.h"

#include <libavutil/samplefmt.h>
#include <stddef.h>

#include "pcm.h"

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

static PcmFormat pcm_format(enum AVSampleFormat packed)
{
    switch (packed) {
    case AV_SAMPLE_FMT_U8: return PCM_U8;
    case AV_SAMPLE_FMT_S16: return PCM_S16;
    case AV_SAMPLE_FMT_S32: return PCM_S32;
    case AV_SAMPLE_FMT_S64: return PCM_S64;
    case AV_SAMPLE_FMT_FLT: return PCM_F32;
    default: return PCM_F64;
    }
}

void mix_to_mono(const AVFrame *frame, int channel, int first, int count, float *out)
{
    PcmFormat format = pcm_format(av_get_packed_sample_fmt(frame->format));
    bool planar = av_sample_fmt_is_planar(frame->format);
    int channels = frame->ch_layout.nb_channels;
    int begin;
    int end;
    pcm_choose_channels(channels, channel, &begin, &end);
    for (int i = 0; i < count; i++)
        out[i] = 0;
    for (int c = begin; c < end; c++) {
        const uint8_t *plane = frame->extended_data[planar ? c : 0];
        size_t step = planar ? 1 : (size_t)channels;
        size_t at = (size_t)first * step + (planar ? 0 : (size_t)c);
        pcm_add(format, plane, at, step, (size_t)count, 1.0 / (end - begin), out);
    }
}
