// Voice activity of raw sound, for benches: vad_spans MODEL [name=value ...] FILE.f32 ...
// Options are VadOptions' fields ("onset=0.4"). Each file is 16 kHz mono little-endian f32; a line
// of JSON is printed for each, with the spans of speech in seconds and the time that it took.
#include "speech/vad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "kernels/cpu.h"

static const double RATE = 16000;

static bool set_option(VadOptions *options, const char *argument)
{
    const struct {
        const char *name;
        float *number;
        int *ms;
    } fields[] = {
        {"onset=", &options->onset, NULL},
        {"offset=", &options->offset, NULL},
        {"onset_ms=", NULL, &options->onset_ms},
        {"hold_ms=", NULL, &options->hold_ms},
        {"pad_before_ms=", NULL, &options->pad_before_ms},
        {"pad_after_ms=", NULL, &options->pad_after_ms},
        {"min_gap_ms=", NULL, &options->min_gap_ms},
        {"max_span_ms=", NULL, &options->max_span_ms},
    };
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        double value;
        if (!str_starts(argument, fields[i].name) ||
            !str_to_double(argument + strlen(fields[i].name), 0, 1e6, &value))
            continue;
        if (fields[i].number)
            *fields[i].number = (float)value;
        else
            *fields[i].ms = (int)value;
        return true;
    }
    return false;
}

static ScoutStatus print_span(void *context, const VadSpan *span)
{
    bool *const first = context;
    if (!span->speech)
        return SCOUT_OK;
    printf("%s[%.3f, %.3f, %.3f, %.3f]", *first ? "" : ", ", (double)span->start_samples / RATE,
           (double)span->end_samples / RATE, (double)span->probability_max,
           (double)span->probability_mean);
    *first = false;
    return SCOUT_OK;
}

static ScoutStatus run(const Silero *silero, const VadOptions *options, const char *path,
                       ScoutError *error)
{
    FileMap map;
    ScoutStatus status = file_map(path, &map, error);
    if (status != SCOUT_OK)
        return status;
    bool first = true;
    Vad *vad = NULL;
    const int64_t start_ns = clock_monotonic_ns();
    printf("{\"file\": \"%s\", \"speech\": [", path);
    status = vad_new(silero, options, print_span, &first, &vad, error);
    if (status == SCOUT_OK)
        status = vad_push(vad, (const float *)(const void *)map.data, map.size / sizeof(float));
    if (status == SCOUT_OK)
        status = vad_flush(vad);
    printf("], \"duration_s\": %.3f, \"ms\": %.2f}\n", (double)(map.size / sizeof(float)) / RATE,
           (double)(clock_monotonic_ns() - start_ns) / 1e6);
    vad_free(vad);
    file_unmap(&map);
    return status;
}

int main(int argc, char **argv)
{
    VadOptions options;
    vad_options_init(&options);
    int file = 2;
    while (file < argc && set_option(&options, argv[file]))
        file++;
    if (file >= argc) {
        fprintf(stderr, "usage: %s MODEL [name=value ...] FILE.f32 ...\n", argv[0]);
        return 2;
    }
    ScoutError error = {0};
    PackedFile *packed;
    Silero *silero = NULL;
    Kernels kernels;
    kernels_init(&kernels, cpu_detect());
    ScoutStatus status = packed_open(argv[1], &packed, &error);
    if (status == SCOUT_OK)
        status = silero_open(packed, &kernels, &silero, &error);
    for (; file < argc && status == SCOUT_OK; file++)
        status = run(silero, &options, argv[file], &error);
    silero_close(silero);
    if (status != SCOUT_OK)
        fprintf(stderr, "%s\n", error.message);
    return status == SCOUT_OK ? 0 : 1;
}
