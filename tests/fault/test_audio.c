// Allocations of src/audio fail one by one: opening, reading and probing a decoder, resampling.
#include "audio/capture.h"
#include "audio/decoder.h"
#include "audio/resample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault.h"

static char script[] = "/tmp/scout-fault-audio-XXXXXX";

static ScoutStatus decode(void *context)
{
    (void)context;
    AudioDecoderOptions options = {.program = getenv("FAKE_DECODER")};
    AudioDecoder *decoder = NULL;
    ScoutStatus status = audio_decoder_open(script, &options, &decoder, NULL);
    assert_true(status == SCOUT_OK || !decoder);
    float samples[600];
    size_t count = 1;
    while (!status && count)
        status = audio_decoder_read(decoder, samples, 600, &count, NULL);
    audio_decoder_close(decoder);
    return status;
}

static ScoutStatus probe(void *context)
{
    (void)context;
    AudioSandbox sandbox;
    audio_decoder_probe(getenv("FAKE_DECODER"), &sandbox);
    assert_true(sandbox.started || sandbox.problem[0]);
    return sandbox.started ? SCOUT_OK : SCOUT_ERROR_OUT_OF_MEMORY;
}

static ScoutStatus resample(void *context)
{
    (void)context;
    Resampler *resampler = NULL;
    ScoutStatus status = resampler_new(44100, 16000, &resampler, NULL);
    assert_true(status == SCOUT_OK || !resampler);
    resampler_free(resampler);
    return status;
}

static int tone(void *context, uint64_t position, int16_t *frames, int count)
{
    (void)context;
    for (int i = 0; i < count; i++)
        frames[i] = (int16_t)(position + (uint64_t)i);
    return position < 16000 ? count : AUDIO_SCRIPT_END;
}

// A failure of the supervisor's thread is an event, which is waited out; one of the owner's ends
// it.
static ScoutStatus capture(void *context)
{
    const AudioCaptureOptions sources[2] = {
        {.driver = "null", .fast = true, .null_script = tone},
        {.driver = "file",
         .device = script,
         .fast = true,
         .decoder.program = getenv("FAKE_DECODER")},
    };
    const size_t count = *(const size_t *)context;
    AudioCaptureSet *set = NULL;
    ScoutStatus status = audio_capture_set_open(sources, count, &set, NULL);
    assert_true(status == SCOUT_OK || !set);
    AudioCaptureReport report = {0};
    int16_t frames[2 * 1600];
    while (!status && report.state != AUDIO_CAPTURE_ENDED) {
        size_t got = 0;
        status = audio_capture_set_read(set, frames, 1600, &got, 1000, &report, NULL);
        if (!status && report.event != AUDIO_EVENT_NONE && report.status)
            status = report.status;
    }
    audio_capture_set_close(set);
    return status;
}

static void test_allocations_of_capturing(void **state)
{
    (void)state;
    for (size_t sources = 1; sources <= 2; sources++)
        assert_true(fault_run_all(capture, &sources, 200) >= 1);
}

static void test_allocations_of_decoding(void **state)
{
    (void)state;
    assert_true(fault_run_all(decode, NULL, 100) >= 1);
    assert_true(fault_run_all(probe, NULL, 100) >= 1);
    assert_true(fault_run_all(resample, NULL, 100) >= 1);
}

static int make_script(void **state)
{
    (void)state;
    static const char text[] = "hello\ninfo\naudio 5000\nproblem\nend 1\n";
    int fd = mkstemp(script);
    bool written = fd >= 0 && write(fd, text, sizeof text - 1) == sizeof text - 1;
    return written && close(fd) == 0 && getenv("FAKE_DECODER") ? 0 : -1;
}

static int remove_script(void **state)
{
    (void)state;
    return unlink(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allocations_of_decoding),
                                       cmocka_unit_test(test_allocations_of_capturing)};
    return cmocka_run_group_tests(tests, make_script, remove_script);
}
