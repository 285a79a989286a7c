// The list of containers: nothing on it opens other files, and lists of files are recognised.
#include "formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool allowed(const char *name)
{
    const AVInputFormat *format = av_find_input_format(name);
    return format && format_is_allowed(format);
}

static void test_recordings_are_allowed(void **state)
{
    (void)state;
    static const char *const names[] = {"wav", "flac", "mp3", "ogg", "mov",    "matroska", "asf",
                                        "aac", "aiff", "amr", "avi", "mpegts", "caf",      "w64"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(allowed(names[i]));
}

static void test_what_opens_other_things_is_not(void **state)
{
    (void)state;
    static const char *const names[] = {
        "hls", "dash",       "concat", "image2", "sdp", "rtsp",   "rtp",
        "imf", "libopenmpt", "libgme", "tty",    "srt", "mpjpeg", "webm_dash_manifest"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(allowed(names[i]));
}

// A demuxer that is no file reader (AVFMT_NOFILE opens what it likes) must never get on the list.
static void test_all_that_is_allowed_reads_what_it_is_given(void **state)
{
    (void)state;
    void *position = NULL;
    const AVInputFormat *format;
    int count = 0;
    while ((format = av_demuxer_iterate(&position)) != NULL) {
        if (!format_is_allowed(format))
            continue;
        count++;
        assert_false(format->flags & AVFMT_NOFILE);
    }
    assert_true(count > 60);
}

static bool is_playlist(const char *text, const char *extension)
{
    return format_is_playlist((const uint8_t *)text, strlen(text), extension);
}

static void test_playlists(void **state)
{
    (void)state;
    assert_true(is_playlist("#EXTM3U\n#EXTINF:1\nx.mp3\n", ""));
    assert_true(is_playlist("\xEF\xBB\xBF\r\n #extm3u\n", "txt"));
    assert_true(is_playlist("[playlist]\nFile1=x\n", ""));
    assert_true(is_playlist("ffconcat version 1.0\nfile x\n", ""));
    assert_true(is_playlist("<?xml version=\"1.0\"?>\n<MPD>", ""));
    assert_true(is_playlist("<?xml version=\"1.0\"?>\n<playlist version=\"1\">", ""));
    assert_true(is_playlist("/music/a.mp3\n", "m3u"));
    assert_true(is_playlist("FILE \"a.wav\" WAVE\n", "cue"));
    assert_true(is_playlist("<ASX version=\"3\">", ""));
}

static void test_recordings_are_no_playlists(void **state)
{
    (void)state;
    assert_false(is_playlist("RIFF....WAVE", "wav"));
    assert_false(is_playlist("dear diary", "txt"));
    assert_false(is_playlist("<?xml version=\"1.0\"?>\n<html>", ""));
    assert_false(is_playlist("", ""));
    assert_false(is_playlist("#EXT", ""));
    static const uint8_t mp3[] = {0xFF, 0xFB, 0x90, 0x00}; // named like a list, but sound
    assert_false(format_is_playlist(mp3, sizeof mp3, "m3u"));
}

static void test_seeking_is_exact_only_where_it_is(void **state)
{
    (void)state;
    const AVInputFormat *wav = av_find_input_format("wav");
    assert_true(format_seeks_exactly(wav, AV_CODEC_ID_PCM_S16LE));
    assert_false(format_seeks_exactly(wav, AV_CODEC_ID_ADPCM_MS));
    assert_true(format_has_clock(wav, AV_CODEC_ID_PCM_S16LE));
    assert_false(format_has_clock(wav, AV_CODEC_ID_ADPCM_MS));
    assert_true(format_seeks_exactly(av_find_input_format("mov"), AV_CODEC_ID_AAC));
    assert_false(format_seeks_exactly(av_find_input_format("mp3"), AV_CODEC_ID_MP3));
    assert_false(format_seeks_exactly(av_find_input_format("flac"), AV_CODEC_ID_FLAC));
    assert_true(format_has_clock(av_find_input_format("mp3"), AV_CODEC_ID_MP3));
    assert_true(format_is_raw_telephony(av_find_input_format("mulaw")));
    assert_false(format_is_raw_telephony(wav));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings_are_allowed),
        cmocka_unit_test(test_what_opens_other_things_is_not),
        cmocka_unit_test(test_all_that_is_allowed_reads_what_it_is_given),
        cmocka_unit_test(test_playlists),
        cmocka_unit_test(test_recordings_are_no_playlists),
        cmocka_unit_test(test_seeking_is_exact_only_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
