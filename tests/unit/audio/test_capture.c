// One captured source: the null, raw and file drivers, positions, overruns, loss and return,
// muting, stopping, cancelling.
#include "audio/capture.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/clock.h"

enum { MOST = 4096, SECOND = AUDIO_CAPTURE_RATE };

static ScoutError error;

static AudioCapture *opened(const AudioCaptureOptions *options)
{
    AudioCapture *capture = NULL;
    error = (ScoutError){0};
    if (audio_capture_open(options, &capture, &error))
        fail_msg("%s", error.message);
    return capture;
}

// Reads until an event of the kind, at most 5 s; frames before it are counted.
static AudioCaptureReport await(AudioCapture *capture, AudioCaptureEvent event, uint64_t *frames)
{
    static int16_t block[MOST];
    const int64_t deadline = clock_monotonic_ns() + INT64_C(5000000000);
    AudioCaptureReport report = {0};
    while (clock_monotonic_ns() < deadline) {
        size_t count = 0;
        if (audio_capture_read(capture, block, MOST, &count, 100, &report, &error))
            fail_msg("%s", error.message);
        if (frames)
            *frames += count;
        if (report.event == event)
            return report;
    }
    fail_msg("no event %d came, the last was %d: %s", (int)event, (int)report.event,
             report.message);
    return report;
}

// ---- The null source

static int ramp(void *context, uint64_t position, int16_t *frames, int count)
{
    const uint64_t end = context ? *(const uint64_t *)context : UINT64_MAX;
    if (position >= end)
        return AUDIO_SCRIPT_END;
    for (int i = 0; i < count; i++)
        frames[i] = (int16_t)((position + (uint64_t)i) % 30000);
    return count;
}

static void test_a_fast_source_comes_whole_and_in_order(void **state)
{
    (void)state;
    uint64_t length = 100 * SECOND;
    AudioCapture *capture = opened(&(AudioCaptureOptions){
        .driver = "null", .fast = true, .null_script = ramp, .null_context = &length});
    static int16_t block[MOST];
    uint64_t got = 0;
    AudioCaptureReport report = {0};
    for (size_t most = 1; report.state != AUDIO_CAPTURE_ENDED; most = most * 7 % MOST + 1) {
        size_t count = 0;
        assert_int_equal(audio_capture_read(capture, block, most, &count, 1000, &report, &error),
                         0);
        assert_true(count <= most);
        assert_int_equal(report.position, got);
        assert_int_equal(report.gap_ms, 0);
        if (got == 0 && count > 0)
            assert_int_equal(report.event, AUDIO_EVENT_STARTED);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(block[i], (got + i) % 30000);
        got += count;
    }
    assert_int_equal(report.event, AUDIO_EVENT_ENDED);
    assert_string_equal(report.message, "");
    assert_int_equal(got, length);
    size_t count = 1;
    assert_int_equal(audio_capture_read(capture, block, MOST, &count, 1000, &report, &error), 0);
    assert_int_equal(count, 0);
    assert_int_equal(report.state, AUDIO_CAPTURE_ENDED);
    assert_int_equal(report.event, AUDIO_EVENT_NONE);
    audio_capture_close(capture);
}

static void test_a_source_in_real_time_keeps_pace_and_stops_with_its_tail(void **state)
{
    (void)state;
    const int64_t begin = clock_monotonic_ns();
    AudioCapture *capture = opened(&(AudioCaptureOptions){.driver = "null", .null_script = ramp});
    uint64_t frames = 0;
    AudioCaptureReport report = {0};
    static int16_t block[MOST];
    while (clock_seconds_since(begin) < 0.5) {
        size_t count = 0;
        assert_int_equal(audio_capture_read(capture, block, MOST, &count, 50, &report, &error), 0);
        frames += count;
        if (count)
            assert_true(report.captured_ns <= clock_monotonic_ns() && report.captured_ns >= begin);
    }
    clock_sleep_ms(100); // a consumer that is late
    const double stopped = clock_seconds_since(begin);
    audio_capture_stop(capture);
    report = await(capture, AUDIO_EVENT_ENDED, &frames);
    // All that was heard until the stop, and at most a few fragments more.
    assert_true(frames >= (uint64_t)((stopped - 0.06) * SECOND));
    assert_true(frames <= (uint64_t)((clock_seconds_since(begin) + 0.02) * SECOND));
    audio_capture_close(capture);
}

static void test_a_read_waits_no_longer_than_told_and_hears_a_cancel(void **state)
{
    (void)state;
    Cancel cancel;
    cancel_init(&cancel);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    AudioCapture *capture = opened(
        &(AudioCaptureOptions){.driver = "raw", .raw_descriptor = ends[0], .cancel = &cancel});
    int16_t block[16];
    size_t count = 1;
    AudioCaptureReport report;
    int64_t begin = clock_monotonic_ns();
    assert_int_equal(audio_capture_read(capture, block, 16, &count, 0, &report, &error), 0);
    assert_int_equal(audio_capture_read(capture, block, 16, &count, 50, &report, &error), 0);
    assert_int_equal(count, 0);
    assert_int_equal(report.state, AUDIO_CAPTURE_STARTING);
    assert_true(clock_seconds_since(begin) >= 0.045);
    assert_true(clock_seconds_since(begin) < 1);
    cancel_raise(&cancel);
    begin = clock_monotonic_ns();
    assert_int_equal(audio_capture_read(capture, block, 16, &count, 5000, &report, &error),
                     SCOUT_ERROR_CANCELLED);
    assert_true(clock_seconds_since(begin) < 1);
    audio_capture_close(capture);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

// Gives sound, is lost a while, comes back.
typedef struct Flaky {
    int64_t begin_ns;
    int64_t lost_from_ms;
    int64_t lost_to_ms;
} Flaky;

static int flaky(void *context, uint64_t position, int16_t *frames, int count)
{
    const Flaky *script = context;
    const int64_t ms = (clock_monotonic_ns() - script->begin_ns) / 1000000;
    if (ms >= script->lost_from_ms && ms < script->lost_to_ms)
        return AUDIO_SCRIPT_LOST;
    (void)ramp(NULL, position, frames, count);
    return count;
}

static void test_a_lost_device_is_told_and_taken_up_again(void **state)
{
    (void)state;
    Flaky script = {.begin_ns = clock_monotonic_ns(), .lost_from_ms = 200, .lost_to_ms = 700};
    AudioCapture *capture = opened(
        &(AudioCaptureOptions){.driver = "null", .null_script = flaky, .null_context = &script});
    uint64_t frames = 0;
    AudioCaptureReport report = await(capture, AUDIO_EVENT_LOST, &frames);
    assert_int_equal(report.state, AUDIO_CAPTURE_WAITING);
    assert_int_equal(report.status, SCOUT_ERROR_NOT_FOUND);
    assert_true(frames > 0 && frames <= SECOND * 3 / 10);
    const int64_t lost_ms = (clock_monotonic_ns() - script.begin_ns) / 1000000;
    assert_true(lost_ms < 1200);
    report = await(capture, AUDIO_EVENT_RESUMED, &frames);
    assert_int_equal(report.state, AUDIO_CAPTURE_RUNNING);
    assert_true(report.gap_ms >= 400 && report.gap_ms < 3000);
    assert_true(strstr(report.message, "is back after") != NULL);
    audio_capture_close(capture);
}

static void test_a_device_that_is_not_there_is_waited_for(void **state)
{
    (void)state;
    Flaky script = {.begin_ns = clock_monotonic_ns(), .lost_from_ms = 0, .lost_to_ms = 300};
    AudioCapture *capture = opened(
        &(AudioCaptureOptions){.driver = "null", .null_script = flaky, .null_context = &script});
    AudioCaptureReport report = await(capture, AUDIO_EVENT_WAITING, NULL);
    assert_int_equal(report.state, AUDIO_CAPTURE_WAITING);
    report = await(capture, AUDIO_EVENT_STARTED, NULL);
    assert_int_equal(report.gap_ms, 0);
    audio_capture_close(capture);
}

static int quiet_then_loud(void *context, uint64_t position, int16_t *frames, int count)
{
    (void)context;
    for (int i = 0; i < count; i++)
        frames[i] = position < 4 * SECOND || position > 6 * SECOND ? 0 : 5;
    return position < 8 * SECOND ? count : AUDIO_SCRIPT_END;
}

static void test_a_muted_microphone_is_hinted_at_once(void **state)
{
    (void)state;
    AudioCapture *capture = opened(
        &(AudioCaptureOptions){.driver = "null", .fast = true, .null_script = quiet_then_loud});
    static int16_t block[320];
    int muted = 0;
    int unmuted = 0;
    AudioCaptureReport report = {0};
    while (report.state != AUDIO_CAPTURE_ENDED) {
        size_t count = 0;
        assert_int_equal(audio_capture_read(capture, block, 320, &count, 1000, &report, &error), 0);
        if (report.event == AUDIO_EVENT_MUTED) {
            muted++;
            assert_true(report.position >= 3 * SECOND - SECOND / 10);
            assert_true(report.position <= 3 * SECOND + SECOND / 10);
        }
        if (report.event == AUDIO_EVENT_UNMUTED) {
            unmuted++;
            assert_true(report.position >= 4 * SECOND - SECOND / 10);
            assert_true(report.position <= 4 * SECOND + SECOND / 10);
        }
    }
    // The silence at the end is too short for a second hint.
    assert_int_equal(muted, 1);
    assert_int_equal(unmuted, 1);
    audio_capture_close(capture);
}

// ---- Two sources

static int loud(void *context, uint64_t position, int16_t *frames, int count)
{
    (void)position;
    const int16_t value = (int16_t) * (const int *)context;
    for (int i = 0; i < count; i++)
        frames[i] = value;
    return count;
}

// Reads for so long, or to the end; counts frames whose channels are those values, and events.
typedef struct Heard {
    uint64_t frames, first, second;
    int events[AUDIO_EVENT_ENDED + 1];
    int64_t gap_ms;
} Heard;

static Heard hear(AudioCaptureSet *set, double seconds, int first, int second)
{
    static int16_t block[2 * MOST];
    Heard heard = {0};
    uint64_t before = 0;
    AudioCaptureReport report = {0};
    const int64_t begin = clock_monotonic_ns();
    while (clock_seconds_since(begin) < seconds && report.state != AUDIO_CAPTURE_ENDED) {
        size_t count = 0;
        assert_int_equal(audio_capture_set_read(set, block, MOST, &count, 50, &report, &error), 0);
        if (heard.frames == 0)
            before = report.position;
        assert_int_equal(report.position, before + heard.frames);
        for (size_t i = 0; i < count; i++) {
            heard.first += block[2 * i] == first;
            heard.second += block[2 * i + 1] == second;
        }
        heard.frames += count;
        heard.events[report.event]++;
        heard.gap_ms += report.gap_ms;
    }
    return heard;
}

static void test_two_sources_are_two_channels(void **state)
{
    (void)state;
    int values[2] = {1000, -2000};
    const AudioCaptureOptions sources[2] = {
        {.driver = "null", .null_script = loud, .null_context = &values[0]},
        {.driver = "null", .null_script = loud, .null_context = &values[1]},
    };
    AudioCaptureSet *set = NULL;
    assert_int_equal(audio_capture_set_open(sources, 2, &set, &error), SCOUT_OK);
    Heard heard = hear(set, 1, values[0], values[1]);
    assert_in_range(heard.frames, 0.7 * SECOND, 1.1 * SECOND);
    // But for the moments at which one begins.
    assert_true(heard.first > heard.frames - SECOND / 10);
    assert_true(heard.second > heard.frames - SECOND / 10);
    assert_int_equal(heard.events[AUDIO_EVENT_STARTED], 2);
    audio_capture_set_stop(set);
    heard = hear(set, 3, values[0], values[1]);
    assert_int_equal(heard.events[AUDIO_EVENT_ENDED], 1);
    assert_int_equal(heard.events[AUDIO_EVENT_LOST], 0);
    audio_capture_set_close(set);
}

static void test_one_of_two_sources_goes_on(void **state)
{
    (void)state;
    int value = 1000;
    Flaky script = {.begin_ns = clock_monotonic_ns(), .lost_from_ms = 300, .lost_to_ms = 900};
    const AudioCaptureOptions sources[2] = {
        {.driver = "null", .null_script = flaky, .null_context = &script},
        {.driver = "null", .null_script = loud, .null_context = &value},
    };
    AudioCaptureSet *set = NULL;
    assert_int_equal(audio_capture_set_open(sources, 2, &set, &error), SCOUT_OK);
    const Heard heard = hear(set, 2.5, -1, value);
    assert_int_equal(heard.events[AUDIO_EVENT_LOST], 1);
    assert_int_equal(heard.events[AUDIO_EVENT_RESUMED], 1);
    assert_int_equal(heard.gap_ms, 0);
    assert_true(heard.frames > 2 * SECOND);
    assert_true(heard.second > heard.frames - SECOND / 10);
    audio_capture_set_close(set);
}

static void test_sets_of_none_or_too_many_are_refused(void **state)
{
    (void)state;
    const AudioCaptureOptions sources[3] = {
        {.driver = "null"}, {.driver = "null"}, {.driver = "null"}};
    AudioCaptureSet *set = NULL;
    assert_int_equal(audio_capture_set_open(sources, 0, &set, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(audio_capture_set_open(sources, 3, &set, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    const AudioCaptureOptions wrong[2] = {{.driver = "null"}, {.driver = "jack"}};
    assert_int_equal(audio_capture_set_open(wrong, 2, &set, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(set);
}

// ---- Raw samples

typedef struct Feeder {
    int descriptor;
    const uint8_t *bytes;
    size_t length;
    size_t piece;
} Feeder;

static void *feed_pipe(void *context)
{
    const Feeder *feeder = context;
    for (size_t at = 0; at < feeder->length;) {
        const size_t left = feeder->length - at;
        const ssize_t wrote = write(feeder->descriptor, feeder->bytes + at,
                                    left < feeder->piece ? left : feeder->piece);
        if (wrote <= 0)
            break;
        at += (size_t)wrote;
    }
    (void)close(feeder->descriptor);
    return NULL;
}

// Returns all frames of raw sound, and how it ended.
static size_t read_raw(const void *bytes, size_t length, size_t piece, AudioCaptureOptions options,
                       int16_t *out, size_t capacity, AudioCaptureReport *report)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Feeder feeder = {.descriptor = ends[1], .bytes = bytes, .length = length, .piece = piece};
    options.driver = "raw";
    options.raw_descriptor = ends[0];
    AudioCapture *capture = opened(&options);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, feed_pipe, &feeder), 0);
    size_t total = 0;
    *report = (AudioCaptureReport){0};
    while (report->state != AUDIO_CAPTURE_ENDED) {
        size_t count = 0;
        assert_true(total < capacity);
        assert_int_equal(audio_capture_read(capture, out + total, capacity - total, &count, 1000,
                                            report, &error),
                         0);
        assert_int_not_equal(report->event, AUDIO_EVENT_OVERRUN);
        total += count;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    audio_capture_close(capture);
    (void)close(ends[0]);
    return total;
}

enum { RAW_FRAMES = 50000 };

static void test_raw_sound_of_16_khz_comes_bit_by_bit(void **state)
{
    (void)state;
    static int16_t in[RAW_FRAMES];
    static int16_t out[RAW_FRAMES + 100];
    for (int i = 0; i < RAW_FRAMES; i++)
        in[i] = (int16_t)(i * 7919);
    AudioCaptureReport report;
    for (size_t piece = 1; piece < 100000; piece = piece * 37 + 4096) {
        const size_t got = read_raw(in, sizeof in, piece, (AudioCaptureOptions){0}, out,
                                    RAW_FRAMES + 100, &report);
        assert_int_equal(got, RAW_FRAMES);
        assert_memory_equal(in, out, sizeof in);
        assert_int_equal(report.status, SCOUT_OK);
        assert_string_equal(report.message, "");
    }
}

static void test_raw_formats_and_channels(void **state)
{
    (void)state;
    static int16_t out[RAW_FRAMES];
    AudioCaptureReport report;
    const int16_t stereo[] = {100, 200, -100, -300, 32767, 32767, -32768, -32768, 7, 8};
    size_t got = read_raw(stereo, sizeof stereo, 3, (AudioCaptureOptions){.raw_channels = 2}, out,
                          RAW_FRAMES, &report);
    const int16_t means[] = {150, -200, 32767, -32768, 8};
    assert_int_equal(got, 5);
    assert_memory_equal(out, means, sizeof means);

    const int32_t wide[] = {0x12345678, INT32_MIN, INT32_MAX, -65536};
    got = read_raw(wide, sizeof wide, 5, (AudioCaptureOptions){.raw_format = AUDIO_S32LE}, out,
                   RAW_FRAMES, &report);
    const int16_t narrow[] = {0x1234, -32768, 32767, -1};
    assert_int_equal(got, 4);
    assert_memory_equal(out, narrow, sizeof narrow);

    const float floats[] = {0.5F, -1, 1, 9, -9, (float)NAN, (float)INFINITY};
    got = read_raw(floats, sizeof floats, 64, (AudioCaptureOptions){.raw_format = AUDIO_F32LE}, out,
                   RAW_FRAMES, &report);
    const int16_t clipped[] = {16384, -32768, 32767, 32767, -32768, 0, 0};
    assert_int_equal(got, 7);
    assert_memory_equal(out, clipped, sizeof clipped);
}

// A tone keeps its pitch, its level and its length at every rate.
static void test_raw_rates(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000};
    static int16_t in[192000];
    static int16_t out[2 * SECOND];
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        const int rate = rates[r];
        for (int i = 0; i < rate; i++)
            in[i] = (int16_t)lrint(10000 * sin(2 * 3.14159265358979 * 1000 * i / rate));
        AudioCaptureReport report;
        const size_t got =
            read_raw(in, (size_t)rate * sizeof *in, 5000, (AudioCaptureOptions){.raw_rate = rate},
                     out, 2 * SECOND, &report);
        assert_int_equal(got, SECOND);
        for (int i = 1000; i < SECOND - 1000; i++) {
            const double should = 10000 * sin(2 * 3.14159265358979 * 1000 * i / SECOND);
            assert_true(fabs(out[i] - should) < 4);
        }
    }
}

static void test_raw_sound_that_ends_in_a_frame_is_said(void **state)
{
    (void)state;
    int16_t out[64];
    AudioCaptureReport report;
    const size_t got =
        read_raw("abcdefg", 7, 7, (AudioCaptureOptions){.raw_channels = 2}, out, 64, &report);
    assert_int_equal(got, 1);
    assert_non_null(strstr(report.message, "3 bytes of 4"));
}

static void test_a_late_reader_makes_the_writer_wait(void **state)
{
    (void)state;
    // More than is held, and a reader that begins late: nothing is lost.
    enum { LONG = 15 * SECOND };
    int16_t *in = calloc(LONG, sizeof *in);
    int16_t *out = calloc(LONG + 16, sizeof *out);
    assert_true(in && out);
    for (int i = 0; i < LONG; i++)
        in[i] = (int16_t)(i % 32000);
    AudioCaptureReport report;
    const size_t got =
        read_raw(in, LONG * sizeof *in, 65536, (AudioCaptureOptions){0}, out, LONG + 16, &report);
    assert_int_equal(got, LONG);
    assert_memory_equal(in, out, LONG * sizeof *in);
    free(in);
    free(out);
}

// ---- Files

static void test_a_file_comes_as_it_is(void **state)
{
    (void)state;
    char path[] = "/tmp/scout-capture-XXXXXX.wav";
    const int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    static const char script[] = "hello\ninfo\naudio 20000\nend\n";
    assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
    (void)close(fd);
    for (int fast = 0; fast < 2; fast++) {
        AudioCapture *capture =
            opened(&(AudioCaptureOptions){.driver = "file",
                                          .device = path,
                                          .fast = fast,
                                          .decoder = {.program = getenv("FAKE_DECODER")}});
        const int64_t begin = clock_monotonic_ns();
        static int16_t block[MOST];
        size_t total = 0;
        AudioCaptureReport report = {0};
        while (report.state != AUDIO_CAPTURE_ENDED) {
            size_t count = 0;
            assert_int_equal(
                audio_capture_read(capture, block, MOST, &count, 1000, &report, &error), 0);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(block[i], BASE_MIN(lrint((total + i) % 1000 * 32.768), 32767));
            total += count;
        }
        assert_int_equal(total, 20000);
        assert_true(fast || clock_seconds_since(begin) > 1.2);
        assert_int_equal(report.status, SCOUT_OK);
        audio_capture_close(capture);
    }
    (void)unlink(path);
}

static void test_what_cannot_be_opened_is_said_at_once(void **state)
{
    (void)state;
    AudioCapture *capture = NULL;
    const AudioCaptureOptions file = {.driver = "file", .device = "/nowhere/at/all.wav"};
    assert_int_equal(audio_capture_open(&file, &capture, &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nowhere/at/all.wav"));
    const AudioCaptureOptions unknown = {.driver = "jack"};
    assert_int_equal(audio_capture_open(&unknown, &capture, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "'jack'"));
    const AudioCaptureOptions rate = {.driver = "raw", .raw_rate = 7999};
    assert_int_equal(audio_capture_open(&rate, &capture, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    const AudioCaptureOptions channels = {.driver = "raw", .raw_channels = 33};
    assert_int_equal(audio_capture_open(&channels, &capture, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    const AudioCaptureOptions closed = {.driver = "raw", .raw_descriptor = 987};
    assert_int_equal(audio_capture_open(&closed, &capture, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    AudioDevice *devices = NULL;
    size_t count = 0;
    assert_int_equal(audio_devices_list("raw", &devices, &count, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(capture);
    assert_null(devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fast_source_comes_whole_and_in_order),
        cmocka_unit_test(test_a_source_in_real_time_keeps_pace_and_stops_with_its_tail),
        cmocka_unit_test(test_a_read_waits_no_longer_than_told_and_hears_a_cancel),
        cmocka_unit_test(test_a_lost_device_is_told_and_taken_up_again),
        cmocka_unit_test(test_a_device_that_is_not_there_is_waited_for),
        cmocka_unit_test(test_a_muted_microphone_is_hinted_at_once),
        cmocka_unit_test(test_two_sources_are_two_channels),
        cmocka_unit_test(test_one_of_two_sources_goes_on),
        cmocka_unit_test(test_sets_of_none_or_too_many_are_refused),
        cmocka_unit_test(test_raw_sound_of_16_khz_comes_bit_by_bit),
        cmocka_unit_test(test_raw_formats_and_channels),
        cmocka_unit_test(test_raw_rates),
        cmocka_unit_test(test_raw_sound_that_ends_in_a_frame_is_said),
        cmocka_unit_test(test_a_late_reader_makes_the_writer_wait),
        cmocka_unit_test(test_a_file_comes_as_it_is),
        cmocka_unit_test(test_what_cannot_be_opened_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
