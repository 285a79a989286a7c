// Decodes one file through audio/decoder.h and shows what came, for the tests in Python: raw f32
// samples to a file, and one line of JSON about the rest to standard output.
//
//     decode_dump FILE SAMPLES [start=S] [end=S] [channel=N] [max-seconds=S] [max-bytes=N]
//     [stall-ms=N]
#include "audio/decoder.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { PIECE_SAMPLES = 10000, EXIT_USAGE = 2 };

static bool parse(const char *word, AudioDecoderOptions *options)
{
    const char *value = strchr(word, '=');
    int64_t number = 0;
    if (!value)
        return false;
    value++;
    if (str_starts(word, "start="))
        return str_to_double(value, 0, 1e9, &options->start_s);
    if (str_starts(word, "end="))
        return str_to_double(value, 0, 1e9, &options->end_s);
    if (str_starts(word, "max-seconds="))
        return str_to_double(value, 0, 1e9, &options->max_seconds);
    if (!str_to_int(value, 0, INT64_MAX, &number))
        return false;
    if (str_starts(word, "max-bytes="))
        options->max_bytes = (uint64_t)number;
    else if (str_starts(word, "channel="))
        options->channel = (int)number;
    else if (str_starts(word, "stall-ms="))
        options->stall_timeout_ms = (int)number;
    else
        return false;
    return true;
}

static void print_text(const char *text)
{
    (void)putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
    (void)putchar('"');
}

static void print_error(const ScoutError *error)
{
    (void)printf(", \"status\": %d, \"error\": ", (int)error->status);
    print_text(error->message);
}

static void print_about(const AudioDecoder *decoder)
{
    const AudioInfo *info = audio_decoder_info(decoder);
    size_t count;
    size_t total;
    const AudioProblem *problems = audio_decoder_problems(decoder, &count, &total);
    (void)printf(", \"rate\": %d, \"channels\": %d, \"duration_s\": %.6f, \"container\": ",
                 info->sample_rate, info->channels, info->duration_s);
    print_text(info->container);
    (void)printf(", \"codec\": ");
    print_text(info->codec);
    (void)printf(", \"total\": %zu, \"problems\": [", total);
    for (size_t i = 0; i < count; i++) {
        (void)printf("%s{\"at_s\": %.6f, \"to_end\": %s, \"message\": ", i ? ", " : "",
                     problems[i].at_s, problems[i].to_end ? "true" : "false");
        print_text(problems[i].message);
        (void)printf("}");
    }
    (void)printf("]");
}

static bool copy(AudioDecoder *decoder, FILE *out, ScoutError *error)
{
    static float samples[PIECE_SAMPLES];
    size_t total = 0;
    size_t count = 1;
    ScoutStatus status = SCOUT_OK;
    while (!status && count) {
        status = audio_decoder_read(decoder, samples, PIECE_SAMPLES, &count, error);
        if (status || (count && fwrite(samples, sizeof *samples, count, out) != count))
            break;
        total += count;
    }
    (void)printf("\"samples\": %zu", total);
    return status == SCOUT_OK;
}

int main(int count, char **arguments)
{
    AudioDecoderOptions options = {0};
    bool understood = count >= 3;
    for (int i = 3; i < count; i++)
        understood = understood && parse(arguments[i], &options);
    FILE *out = understood ? fopen(arguments[2], "wb") : NULL;
    if (!out)
        return EXIT_USAGE;
    ScoutError error = {0};
    AudioDecoder *decoder = NULL;
    (void)printf("{");
    if (audio_decoder_open(arguments[1], &options, &decoder, &error)) {
        (void)printf("\"samples\": 0, \"opened\": false");
        print_error(&error);
    } else {
        bool whole = copy(decoder, out, &error);
        (void)printf(", \"opened\": true");
        print_about(decoder);
        if (!whole)
            print_error(&error);
        audio_decoder_close(decoder);
    }
    (void)printf("}\n");
    return fclose(out) == 0 ? 0 : 1;
}
