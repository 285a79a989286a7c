// Captures for a while and says what happened, a line each: for tests of capture with real devices.
//     capture_wav DRIVER DEVICE SECONDS OUT.wav [DRIVER DEVICE]
//     capture_wav --list [DRIVER]
// DRIVER may be "auto". With a second source the file has two channels. Each line begins with the
// time in ms since the beginning and the position in frames. SIGTERM stops as a user does.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/capture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"

enum { MOST = 3200, HEADER = 44 };

static const char *const EVENTS[] = {"none",    "started", "waiting",   "lost",
                                     "resumed", "device",  "suspended", "overrun",
                                     "muted",   "unmuted", "ended"};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static int fail(const ScoutError *error)
{
    (void)printf("error %d %s\n", (int)error->status, error->message);
    return 1;
}

static int list(const char *driver)
{
    AudioDevice *devices = NULL;
    size_t count = 0;
    ScoutError error = {0};
    if (audio_devices_list(driver, &devices, &count, &error))
        return fail(&error);
    for (size_t i = 0; i < count; i++)
        (void)printf("%s\t%s\t%s\t%s\t%s\n", devices[i].driver, devices[i].id,
                     devices[i].is_default ? "default" : "-",
                     devices[i].is_monitor ? "monitor" : "-", devices[i].name);
    mem_free(devices);
    return 0;
}

static void put_u32(FILE *file, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        (void)fputc((int)(value >> 8 * i & 0xFF), file);
}

static void write_header(FILE *file, int channels, uint32_t bytes)
{
    (void)fseek(file, 0, SEEK_SET);
    (void)fwrite("RIFF", 1, 4, file);
    put_u32(file, bytes + HEADER - 8);
    (void)fwrite("WAVEfmt ", 1, 8, file);
    put_u32(file, 16);
    put_u32(file, 1 | (uint32_t)channels << 16);
    put_u32(file, AUDIO_CAPTURE_RATE);
    put_u32(file, (uint32_t)(AUDIO_CAPTURE_RATE * 2 * channels));
    put_u32(file, (uint32_t)(2 * channels) | 16U << 16);
    (void)fwrite("data", 1, 4, file);
    put_u32(file, bytes);
}

static const char *driver_of(const char *name)
{
    return str_equal(name, "auto") ? NULL : name;
}

static int capture(AudioCaptureSet *set, int channels, double seconds, FILE *out)
{
    const int64_t begin_ns = clock_monotonic_ns();
    int16_t frames[MOST];
    AudioCaptureReport report = {0};
    uint32_t bytes = 0;
    bool stopped = false;
    int latency_ms = 0;
    while (report.state != AUDIO_CAPTURE_ENDED) {
        size_t count = 0;
        ScoutError error = {0};
        if (audio_capture_set_read(set, frames, (size_t)(MOST / channels), &count, 20, &report,
                                   &error))
            return fail(&error);
        const double now_s = clock_seconds_since(begin_ns);
        if (report.event != AUDIO_EVENT_NONE)
            (void)printf("%.0f %" PRIu64 " %d %s gap=%" PRId64 " count=%zu %s\n", now_s * 1000,
                         report.position, report.source, EVENTS[report.event], report.gap_ms, count,
                         report.message);
        (void)fflush(stdout);
        latency_ms = report.latency_ms > latency_ms ? report.latency_ms : latency_ms;
        bytes += (uint32_t)(count * sizeof *frames * (size_t)channels);
        (void)fwrite(frames, sizeof *frames, count * (size_t)channels, out);
        if (!stopped && (stop || now_s >= seconds)) {
            audio_capture_set_stop(set);
            stopped = true;
        }
    }
    write_header(out, channels, bytes);
    (void)printf("latency %d\n", latency_ms);
    return 0;
}

int main(int count, char **arguments)
{
    if (count >= 2 && str_equal(arguments[1], "--list"))
        return list(count > 2 ? driver_of(arguments[2]) : NULL);
    double seconds;
    if ((count != 5 && count != 7) || !str_to_double(arguments[3], 0, 1e6, &seconds))
        return 2;
    (void)signal(SIGTERM, on_signal);
    const int channels = count == 7 ? 2 : 1;
    const AudioCaptureOptions sources[2] = {
        {.driver = driver_of(arguments[1]), .device = arguments[2]},
        {.driver = count == 7 ? driver_of(arguments[5]) : NULL,
         .device = count == 7 ? arguments[6] : NULL},
    };
    ScoutError error = {0};
    AudioCaptureSet *set = NULL;
    FILE *out = fopen(arguments[4], "wb");
    if (!out)
        return 2;
    write_header(out, channels, 0);
    if (audio_capture_set_open(sources, (size_t)channels, &set, &error)) {
        (void)fclose(out);
        return fail(&error);
    }
    const int result = capture(set, channels, seconds, out);
    audio_capture_set_close(set);
    return fclose(out) == 0 ? result : 2;
}
