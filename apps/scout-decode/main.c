// scout-decode: any audio or video file on standard input to 16 kHz mono on standard output, in the
// frames of audio/protocol.h. libscout starts it; a person has no use for it. The sandbox is closed
// before anything of the input is decoded.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/str.h"
#include "decode.h"
#include "ffmpeg.h"
#include "plain.h"
#include "sandbox.h"
#include "starter.h"

enum {
    EXIT_USAGE = 2,
    EXIT_NO_FFMPEG = 5,
    MEMORY_BYTES = 1 << 30,
    CPU_BASE_S = 600,
    CPU_SHARE = 4
};

static const char USAGE[] =
    "scout-decode is started by scout: it reads a file on standard input and writes messages for\n"
    "a program to standard output. To transcribe a file, run: scout transcribe FILE\n";

typedef struct Options {
    DecodeOptions decode;
    int64_t max_bytes;
    bool probe; // only say what the sandbox is
} Options;

static const Options DEFAULTS = {
    .decode = {.max_seconds = 7 * 24 * 3600},
    .max_bytes = INT64_C(1) << 40,
};

static bool parse_extension(const char *text, char out[EXTENSION_MAX])
{
    size_t length = strlen(text);
    if (length >= EXTENSION_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") != length)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

static bool parse_option(const char *argument, Options *options)
{
    const double seconds_max = 1e9;
    const char *value = strchr(argument, '=');
    if (!value)
        return str_equal(argument, "--probe") && (options->probe = true);
    value++;
    int64_t number;
    if (str_starts(argument, "--start="))
        return str_to_double(value, 0, seconds_max, &options->decode.start_s);
    if (str_starts(argument, "--end="))
        return str_to_double(value, 0, seconds_max, &options->decode.end_s);
    if (str_starts(argument, "--max-seconds="))
        return str_to_double(value, 0, seconds_max, &options->decode.max_seconds);
    if (str_starts(argument, "--max-bytes="))
        return str_to_int(value, 1, INT64_MAX, &options->max_bytes);
    if (str_starts(argument, "--extension="))
        return parse_extension(value, options->decode.extension);
    if (!str_starts(argument, "--channel=") || !str_to_int(value, 0, 1024, &number))
        return false;
    options->decode.channel = (int)number;
    return true;
}

static void enter_sandbox(const Options *options, ProtocolHello *hello)
{
    SandboxLimits limits = {
        .memory_bytes = MEMORY_BYTES,
        .cpu_seconds = CPU_BASE_S + (uint64_t)options->decode.max_seconds / CPU_SHARE,
    };
    SandboxReport report = {0};
    sandbox_enter(&limits, &report);
    hello->seccomp = report.seccomp;
    hello->limits = report.limits;
    hello->landlock_abi = report.landlock_abi;
}

// ffmpeg is NULL when it is not loaded yet. Returns when it cannot be.
static int decode(const Options *options, const Ffmpeg *ffmpeg)
{
    static Output output;
    static Input input;
    static WavPlain wav;
    ProtocolHello hello = {0};
    bool loaded = ffmpeg;
    bool plain = false;
    sandbox_prepare();
    input_init(&input, STDIN_FILENO, (uint64_t)options->max_bytes);
    output_init(&output, STDOUT_FILENO);
    // Whether FFmpeg is needed shows in the first bytes, and it has to be loaded before the sandbox
    // is closed. All that is done to them here is to compare them with the header of a plain WAV.
    if (!loaded && !options->probe) {
        input_read_head(&input);
        plain = plain_is(&input, &options->decode, &wav);
    }
    if (!loaded && !plain)
        ffmpeg = ffmpeg_load(false);
    if (!ffmpeg && !plain)
        return EXIT_NO_FFMPEG;
    if (ffmpeg)
        ffmpeg->describe(hello.versions, sizeof hello.versions);
    enter_sandbox(options, &hello);
    output_hello(&output, &hello);
    if (loaded) {
        input_read_head(&input);
        plain = plain_is(&input, &options->decode, &wav);
    }
    if (plain)
        plain_decode(&wav, &options->decode, &input, &output);
    else if (!options->probe)
        ffmpeg->decode(&options->decode, &input, &output);
    // Not exit(): what libraries do at the end is not worth opening the sandbox for.
    _exit(0);
}

static int explain(void)
{
    (void)fputs(USAGE, stderr);
    return EXIT_USAGE;
}

// As one that starts others; in those this goes on.
static int serve(void)
{
    static StarterRequest request;
    Options options = DEFAULTS;
    const Ffmpeg *ffmpeg = ffmpeg_load(true);
    if (!ffmpeg)
        return EXIT_NO_FFMPEG;
    starter_serve(&request);
    for (int i = 0; i < request.count; i++) {
        if (!parse_option(request.words[i], &options))
            return explain();
    }
    return decode(&options, ffmpeg);
}

int main(int count, char **arguments)
{
    Options options = DEFAULTS;
    if (count == 2 && str_equal(arguments[1], "--starter"))
        return serve();
    bool understood = count > 1;
    for (int i = 1; i < count; i++)
        understood = understood && parse_option(arguments[i], &options);
    return understood && !isatty(STDOUT_FILENO) ? decode(&options, NULL) : explain();
}
