// Mixing: all sample formats, packed and planar, to the same mono.
#include "mix.h"

#include <libavutil/samplefmt.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 3, CHANNELS = 2 };

// Left is 0.5, -0.5, 0.25; right is the same shifted by one, 0 first.
static const double LEFT[COUNT] = {0.5, -0.5, 0.25};
static const double RIGHT[COUNT] = {0, 0.5, -0.5};

static void put(void *plane, size_t at, enum AVSampleFormat format, double value)
{
    switch (format) {
    case AV_SAMPLE_FMT_U8: ((uint8_t *)plane)[at] = (uint8_t)(128 + value * 128); break;
    case AV_SAMPLE_FMT_S16: ((int16_t *)plane)[at] = (int16_t)(value * 32768); break;
    case AV_SAMPLE_FMT_S32: ((int32_t *)plane)[at] = (int32_t)(value * 2147483648.0); break;
    case AV_SAMPLE_FMT_S64:
        ((int64_t *)plane)[at] = (int64_t)(value * 9223372036854775808.0);
        break;
    case AV_SAMPLE_FMT_FLT: ((float *)plane)[at] = (float)value; break;
    default: ((double *)plane)[at] = value; break;
    }
}

static AVFrame *make_frame(enum AVSampleFormat format)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = format;
    frame->nb_samples = COUNT;
    av_channel_layout_default(&frame->ch_layout, CHANNELS);
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    bool planar = av_sample_fmt_is_planar(format);
    enum AVSampleFormat packed = av_get_packed_sample_fmt(format);
    for (size_t i = 0; i < COUNT; i++) {
        put(frame->extended_data[0], planar ? i : 2 * i, packed, LEFT[i]);
        put(frame->extended_data[planar ? 1 : 0], planar ? i : 2 * i + 1, packed, RIGHT[i]);
    }
    return frame;
}

static void test_all_formats(void **state)
{
    (void)state;
    for (int format = AV_SAMPLE_FMT_U8; format < AV_SAMPLE_FMT_NB; format++) {
        AVFrame *frame = make_frame((enum AVSampleFormat)format);
        float out[COUNT];
        assert_true(mix_is_known(frame));
        mix_to_mono(frame, 0, 0, COUNT, out);
        for (int i = 0; i < COUNT; i++)
            assert_true(fabs((double)out[i] - (LEFT[i] + RIGHT[i]) / 2) < 1e-6);
        mix_to_mono(frame, 1, 0, COUNT, out);
        for (int i = 0; i < COUNT; i++)
            assert_true(fabs((double)out[i] - LEFT[i]) < 1e-6);
        mix_to_mono(frame, 2, 1, 2, out);
        for (int i = 0; i < 2; i++)
            assert_true(fabs((double)out[i] - RIGHT[i + 1]) < 1e-6);
        av_frame_free(&frame);
    }
}

static void test_missing_channel_is_the_mean(void **state)
{
    (void)state;
    AVFrame *frame = make_frame(AV_SAMPLE_FMT_FLT);
    float out[COUNT];
    mix_to_mono(frame, 9, 0, COUNT, out);
    assert_true(fabsf(out[0] - 0.25F) < 1e-6F);
    av_frame_free(&frame);
}

static void test_frames_without_sound_are_not_known(void **state)
{
    (void)state;
    AVFrame *frame = make_frame(AV_SAMPLE_FMT_S16P);
    frame->nb_samples = 0;
    assert_false(mix_is_known(frame));
    frame->nb_samples = COUNT;
    frame->format = AV_SAMPLE_FMT_NONE;
    assert_false(mix_is_known(frame));
    frame->format = 9999;
    assert_false(mix_is_known(frame));
    frame->format = AV_SAMPLE_FMT_S16P;
    uint8_t *plane = frame->extended_data[1];
    frame->extended_data[1] = NULL;
    assert_false(mix_is_known(frame));
    frame->extended_data[1] = plane;
    assert_true(mix_is_known(frame));
    av_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_formats),
        cmocka_unit_test(test_missing_channel_is_the_mean),
        cmocka_unit_test(test_frames_without_sound_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
