// The parent's side of decoding: see decoder.h. Opens the file, starts scout-decode on it, and
// takes what comes over the pipe without trusting it.
#include "audio/decoder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/protocol.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "child.h"
#include "find.h"
#include "starter.h"

enum {
    DEFAULT_STALL_MS = 30000,
    POLL_MS = 50, // how late a cancel may be noticed
    EXIT_WAIT_MS = 1000,
    PROBE_WAIT_MS = 5000,
    CHANNEL_MAX = 1024,
    ARGUMENTS_MAX = 8,
    ARGUMENT_MAX = 64,
    EXTENSION_MAX = 9,
    NAME_MAX_BYTES = 320,
    BUFFER_BYTES = 2 * PROTOCOL_FRAME_MAX
};

static const double DEFAULT_SECONDS = 7 * 24 * 3600.0;
static const double SECONDS_MAX = 1e9;
static const uint64_t DEFAULT_BYTES = UINT64_C(1) << 40;

struct AudioDecoder {
    Child child;
    int waited_input; // a pipe that the child reads, to see whether it waits for its writer; or -1
    const Cancel *cancel;
    AudioStarter *starter; // may be NULL
    int64_t stall_ns;
    int64_t deadline_ns;   // when a child that goes on delivering nothing is given up
    uint64_t samples_left; // that the child may still send
    char name[NAME_MAX_BYTES];

    ProtocolReader reader;
    ProtocolHello hello;
    ProtocolProgress progress;
    AudioInfo info;
    AudioProblem problems[AUDIO_PROBLEMS_MAX];
    size_t problem_count; // kept
    size_t problem_total;

    bool finished;
    ScoutError failure; // why, when status is not OK

    const uint8_t *audio; // in buffer: of the last message, what is not yet read
    size_t audio_samples;
    size_t taken;  // bytes of buffer that were taken apart
    size_t filled; // bytes in buffer
    uint8_t buffer[BUFFER_BYTES];
};

// ---- Opening the input

static ScoutStatus open_standard_input(int *fd, ScoutError *error)
{
    if (isatty(STDIN_FILENO))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "standard input is a terminal: pipe an audio file into it");
    *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (*fd < 0)
        return error_set_errno(error, errno, "cannot read standard input");
    return SCOUT_OK;
}

static ScoutStatus fail_to_open(const char *path, int code, ScoutError *error)
{
    if (code == ENOENT || code == ENOTDIR)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "%s does not exist; check the name and the folder", path);
    if (code == EACCES || code == EPERM)
        return error_set(error, SCOUT_ERROR_PERMISSION,
                         "%s may not be read by this user; change its permissions or those of its "
                         "folder",
                         path);
    return error_set_errno(error, code, "%s cannot be opened", path);
}

// Without O_NONBLOCK the opening of a FIFO would wait for its writer, deaf to cancelling.
static ScoutStatus open_file(const char *path, int *fd, ScoutError *error)
{
    int low = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (low < 0)
        return fail_to_open(path, errno, error);
    *fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int code = errno;
    (void)close(low);
    if (*fd < 0)
        return fail_to_open(path, code, error);
    (void)fcntl(*fd, F_SETFL, 0);
    return SCOUT_OK;
}

// Sets *regular to whether it can be read at any place.
static ScoutStatus check_input(int fd, const char *name, bool *regular, ScoutError *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return error_set_errno(error, errno, "%s cannot be read", name);
    if (S_ISDIR(info.st_mode))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is a folder; give an audio or video file in it", name);
    if (S_ISREG(info.st_mode) && info.st_size == 0)
        return error_set(error, SCOUT_ERROR_FORMAT, "%s is empty", name);
    *regular = S_ISREG(info.st_mode);
    return SCOUT_OK;
}

// What messages call the file. Of a long path the end is kept: it tells more.
static void name_input(const char *path, char out[NAME_MAX_BYTES])
{
    static const char cut[] = "\u2026";
    const size_t room = NAME_MAX_BYTES - sizeof cut;
    size_t length = strlen(path);
    if (length <= room) {
        protocol_clean_text(out, NAME_MAX_BYTES, path, length);
        return;
    }
    const char *tail = path + length - room;
    while ((*tail & 0xC0) == 0x80) // not in the middle of a character
        tail++;
    (void)str_copy(out, NAME_MAX_BYTES, cut);
    protocol_clean_text(out + strlen(cut), NAME_MAX_BYTES - strlen(cut), tail, strlen(tail));
}

static ScoutStatus open_input(const char *path, AudioDecoder *decoder, int *fd, ScoutError *error)
{
    bool standard = str_equal(path, "-");
    name_input(standard ? "standard input" : path, decoder->name);
    int opened = -1;
    ScoutStatus status =
        standard ? open_standard_input(&opened, error) : open_file(path, &opened, error);
    if (status)
        return status;
    bool regular = true;
    status = check_input(opened, decoder->name, &regular, error);
    if (!status && !regular) {
        decoder->waited_input = fcntl(opened, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (decoder->waited_input < 0)
            status = error_set_errno(error, errno, "%s cannot be read", decoder->name);
    }
    if (status) {
        (void)close(opened);
        return status;
    }
    *fd = opened;
    return SCOUT_OK;
}

// ---- Starting the child

static bool seconds_are_valid(double seconds)
{
    return seconds >= 0 && seconds <= SECONDS_MAX; // false for NaN
}

static ScoutStatus check_options(const AudioDecoderOptions *options, ScoutError *error)
{
    if (!seconds_are_valid(options->start_s) || !seconds_are_valid(options->end_s) ||
        !seconds_are_valid(options->max_seconds))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "start, end and the limit must be seconds from 0 to %.0f", SECONDS_MAX);
    if (options->end_s > 0 && options->end_s < options->start_s)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the end (%.3f s) lies before the start (%.3f s)", options->end_s,
                         options->start_s);
    if (options->channel < 0 || options->channel > CHANNEL_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "channel %d: channels are counted from 1; 0 takes the mean of all",
                         options->channel);
    if (options->stall_timeout_ms < 0)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "a time-out cannot be negative");
    return SCOUT_OK;
}

// The extension of the file's name in lower case, or nothing if it is an unusual one.
static void find_extension(const char *path, char out[EXTENSION_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot ? strlen(dot + 1) : 0;
    out[0] = '\0';
    if (length == 0 || length >= EXTENSION_MAX)
        return;
    char lower[EXTENSION_MAX] = "";
    for (size_t i = 0; i < length; i++) {
        char c = dot[1 + i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (strspn(lower, "abcdefghijklmnopqrstuvwxyz0123456789") == length)
        memcpy(out, lower, length + 1);
}

static ScoutStatus start_child(const char *path, const AudioDecoderOptions *options, int input,
                               Child *child, ScoutError *error)
{
    char program[LIBRARY_PATH_MAX];
    char extension[EXTENSION_MAX];
    char words[6][ARGUMENT_MAX];
    find_extension(path, extension);
    double max_seconds = options->max_seconds > 0 ? options->max_seconds : DEFAULT_SECONDS;
    uint64_t max_bytes = options->max_bytes ? options->max_bytes : DEFAULT_BYTES;
    max_bytes = max_bytes < INT64_MAX ? max_bytes : INT64_MAX;
    (void)snprintf(words[0], ARGUMENT_MAX, "--start=%.9f", options->start_s);
    (void)snprintf(words[1], ARGUMENT_MAX, "--end=%.9f", options->end_s);
    (void)snprintf(words[2], ARGUMENT_MAX, "--channel=%d", options->channel);
    (void)snprintf(words[3], ARGUMENT_MAX, "--max-seconds=%.9f", max_seconds);
    (void)snprintf(words[4], ARGUMENT_MAX, "--max-bytes=%llu", (unsigned long long)max_bytes);
    (void)snprintf(words[5], ARGUMENT_MAX, "--extension=%s", extension);
    const char *arguments[ARGUMENTS_MAX] = {"scout-decode", words[0], words[1], words[2],
                                            words[3],       words[4], words[5], NULL};
    if (starter_request(options->starter, arguments, input, child))
        return SCOUT_OK;
    return child_start(decoder_find(options->program, program, sizeof program), arguments, input,
                       child, error);
}

// ---- Taking what it sends

// From here on every read gives this error.
static ScoutStatus finish_with(AudioDecoder *decoder, ScoutStatus status, const char *format, ...)
    BASE_PRINTF(3, 4);

static ScoutStatus finish_with(AudioDecoder *decoder, ScoutStatus status, const char *format, ...)
{
    char text[PROTOCOL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    decoder->finished = true;
    child_end(&decoder->child);
    return error_set(&decoder->failure, status, "%s %s", decoder->name, text);
}

static ScoutStatus finish_dead(AudioDecoder *decoder)
{
    char detail[CHILD_DETAIL_MAX];
    (void)child_wait(&decoder->child, EXIT_WAIT_MS);
    child_explain(&decoder->child, detail);
    return finish_with(decoder, SCOUT_ERROR_CHILD, "could not be decoded: %s", detail);
}

static ScoutStatus finish_cancelled(AudioDecoder *decoder)
{
    decoder->audio_samples = 0;
    return finish_with(decoder, SCOUT_ERROR_CANCELLED, "was not read to its end: cancelled");
}

static void allow_time(AudioDecoder *decoder)
{
    decoder->deadline_ns = clock_monotonic_ns() + decoder->stall_ns;
}

// A pipe with nothing in it and a writer that is still there: then the child waits with good
// reason.
static bool input_is_awaited(const AudioDecoder *decoder)
{
    struct pollfd input = {.fd = decoder->waited_input, .events = POLLIN};
    return decoder->waited_input >= 0 && poll(&input, 1, 0) == 0;
}

// Waits until the child has sent something or is gone.
static ScoutStatus wait_for_child(AudioDecoder *decoder)
{
    for (;;) {
        if (cancel_is_raised(decoder->cancel))
            return finish_cancelled(decoder);
        struct pollfd output = {.fd = decoder->child.output, .events = POLLIN};
        int ready = poll(&output, 1, POLL_MS);
        if (ready > 0)
            return SCOUT_OK;
        if (ready < 0 && errno != EINTR && errno != EAGAIN)
            return finish_with(decoder, SCOUT_ERROR_CHILD, "could not be decoded: poll failed");
        if (input_is_awaited(decoder))
            allow_time(decoder);
        else if (clock_monotonic_ns() >= decoder->deadline_ns)
            break;
    }
    return finish_with(decoder, SCOUT_ERROR_TIMEOUT,
                       "could not be decoded: the decoder delivered nothing for %.1f s and was "
                       "stopped; the file is probably damaged",
                       (double)decoder->stall_ns / 1e9);
}

// Reads what the pipe holds. Without `wait`, *more tells whether there was anything.
static ScoutStatus receive(AudioDecoder *decoder, bool wait, bool *more)
{
    memmove(decoder->buffer, decoder->buffer + decoder->taken, decoder->filled - decoder->taken);
    decoder->filled -= decoder->taken;
    decoder->taken = 0;
    for (;;) {
        ssize_t count = read(decoder->child.output, decoder->buffer + decoder->filled,
                             sizeof decoder->buffer - decoder->filled);
        if (count > 0) {
            decoder->filled += (size_t)count;
            *more = true;
            return SCOUT_OK;
        }
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0 || errno != EAGAIN)
            return finish_dead(decoder);
        *more = false;
        if (!wait)
            return SCOUT_OK;
        ScoutStatus status = wait_for_child(decoder);
        if (status)
            return status;
    }
}

static void take_info(AudioDecoder *decoder, const ProtocolInfo *info)
{
    decoder->info.sample_rate = info->sample_rate;
    decoder->info.channels = info->channels;
    decoder->info.duration_s = info->duration_s;
    (void)str_copy(decoder->info.container, sizeof decoder->info.container, info->container);
    (void)str_copy(decoder->info.codec, sizeof decoder->info.codec, info->codec);
}

static void take_problem(AudioDecoder *decoder, const ProtocolProblem *problem)
{
    decoder->problem_total++;
    if (decoder->problem_count == AUDIO_PROBLEMS_MAX)
        return;
    AudioProblem *kept = &decoder->problems[decoder->problem_count++];
    kept->at_s = problem->at_s;
    kept->to_end = problem->to_end;
    (void)str_copy(kept->message, sizeof kept->message, problem->text);
}

static ScoutStatus take_audio(AudioDecoder *decoder, const uint8_t *bytes, size_t count)
{
    decoder->audio = bytes;
    decoder->audio_samples = count;
    if (count <= decoder->samples_left) {
        decoder->samples_left -= count;
        return SCOUT_OK;
    }
    decoder->audio_samples = (size_t)decoder->samples_left;
    decoder->samples_left = 0;
    return finish_with(decoder, SCOUT_ERROR_LIMIT, "lasts longer than the limit allows");
}

// Only news counts as progress.
static void take_progress(AudioDecoder *decoder, const ProtocolProgress *progress)
{
    if (progress->input_bytes > decoder->progress.input_bytes ||
        progress->decoded_samples > decoder->progress.decoded_samples)
        allow_time(decoder);
    decoder->progress = *progress;
}

static ScoutStatus take_message(AudioDecoder *decoder, const ProtocolMessage *message)
{
    if (message->type == PROTOCOL_PROGRESS) {
        take_progress(decoder, &message->progress);
        return SCOUT_OK;
    }
    allow_time(decoder);
    switch (message->type) {
    case PROTOCOL_HELLO: decoder->hello = message->hello; return SCOUT_OK;
    case PROTOCOL_INFO: take_info(decoder, &message->info); return SCOUT_OK;
    case PROTOCOL_AUDIO: return take_audio(decoder, message->audio.bytes, message->audio.count);
    case PROTOCOL_PROBLEM: take_problem(decoder, &message->problem); return SCOUT_OK;
    case PROTOCOL_END:
        decoder->problem_total = message->end.problems;
        decoder->finished = true;
        child_end(&decoder->child);
        return SCOUT_OK;
    case PROTOCOL_ERROR:
        return finish_with(decoder, message->error.status, "%s", message->error.text);
    default: return SCOUT_OK;
    }
}

// Takes one message. Without `wait`, *more tells whether there was one.
static ScoutStatus next_message(AudioDecoder *decoder, bool wait, bool *more)
{
    for (;;) {
        ProtocolMessage message;
        size_t used = 0;
        ScoutError wrong;
        if (protocol_reader_next(&decoder->reader, decoder->buffer + decoder->taken,
                                 decoder->filled - decoder->taken, &message, &used, &wrong))
            return finish_with(decoder, SCOUT_ERROR_CHILD, "could not be decoded: %s",
                               wrong.message);
        decoder->taken += used;
        *more = true;
        if (used)
            return take_message(decoder, &message);
        ScoutStatus status = receive(decoder, wait, more);
        if (status || !*more)
            return status;
    }
}

// ---- The interface

static AudioDecoder *new_decoder(const AudioDecoderOptions *options)
{
    double max_seconds = options->max_seconds > 0 ? options->max_seconds : DEFAULT_SECONDS;
    int stall_ms = options->stall_timeout_ms > 0 ? options->stall_timeout_ms : DEFAULT_STALL_MS;
    AudioDecoder *decoder = mem_array(1, sizeof *decoder);
    if (!decoder)
        return NULL;
    decoder->child = CHILD_NONE;
    decoder->waited_input = -1;
    decoder->cancel = options->cancel;
    decoder->starter = options->starter;
    decoder->stall_ns = (int64_t)stall_ms * 1000000;
    decoder->samples_left = (uint64_t)llround(max_seconds * AUDIO_SAMPLE_RATE);
    return decoder;
}

static ScoutStatus open_decoder(AudioDecoder *decoder, const char *path,
                                const AudioDecoderOptions *options, ScoutError *error)
{
    int input = -1;
    ScoutStatus status = open_input(path, decoder, &input, error);
    if (status)
        return status;
    status = start_child(path, options, input, &decoder->child, error);
    (void)close(input);
    if (status)
        return status;
    allow_time(decoder);
    while (!decoder->reader.info && !decoder->finished) {
        bool more;
        if (cancel_is_raised(decoder->cancel))
            (void)finish_cancelled(decoder);
        else
            (void)next_message(decoder, true, &more);
    }
    if (decoder->finished && decoder->failure.status)
        return error_set(error, decoder->failure.status, "%s", decoder->failure.message);
    return SCOUT_OK;
}

ScoutStatus audio_decoder_open(const char *path, const AudioDecoderOptions *options,
                               AudioDecoder **decoder, ScoutError *error)
{
    static const AudioDecoderOptions defaults = {0};
    options = options ? options : &defaults;
    ScoutStatus status = check_options(options, error);
    if (status)
        return status;
    AudioDecoder *made = new_decoder(options);
    if (!made)
        return error_no_memory(error);
    status = open_decoder(made, path, options, error);
    if (status) {
        audio_decoder_close(made);
        return status;
    }
    *decoder = made;
    return SCOUT_OK;
}

void audio_decoder_close(AudioDecoder *decoder)
{
    if (!decoder)
        return;
    child_end(&decoder->child);
    if (decoder->waited_input >= 0)
        (void)close(decoder->waited_input);
    // A plain WAV needs no FFmpeg, and then the next input probably does not either.
    if (decoder->starter && decoder->reader.info && !str_equal(decoder->info.container, "wav"))
        audio_starter_begin(decoder->starter);
    mem_free(decoder);
}

const AudioInfo *audio_decoder_info(const AudioDecoder *decoder)
{
    return &decoder->info;
}

static size_t take_samples(AudioDecoder *decoder, float *samples, size_t capacity)
{
    size_t count = BASE_MIN(decoder->audio_samples, capacity);
    protocol_get_samples(decoder->audio, count, samples);
    decoder->audio += count * 4;
    decoder->audio_samples -= count;
    return count;
}

ScoutStatus audio_decoder_read(AudioDecoder *decoder, float *samples, size_t capacity,
                               size_t *count, ScoutError *error)
{
    size_t got = 0;
    allow_time(decoder);
    if (!decoder->finished && cancel_is_raised(decoder->cancel))
        (void)finish_cancelled(decoder);
    while (got < capacity) {
        if (decoder->audio_samples) {
            got += take_samples(decoder, samples + got, capacity - got);
            continue;
        }
        if (decoder->finished)
            break;
        bool more = true;
        if (next_message(decoder, got == 0, &more) == SCOUT_OK && !more)
            break;
    }
    // What came before a failure is delivered first; the failure stays for the next call.
    if (got == 0 && capacity && decoder->failure.status)
        return error_set(error, decoder->failure.status, "%s", decoder->failure.message);
    *count = got;
    return SCOUT_OK;
}

// What `scout doctor` says about a kernel that lacks a layer; empty when all are in force.
static const char *sandbox_weakness(const ProtocolHello *hello)
{
    if (!hello->seccomp)
        return "system calls are not filtered: this kernel lacks seccomp, or forbids it here";
    if (!hello->landlock_abi)
        return "files are not closed off by Landlock: this kernel lacks it (5.13 and later have "
               "it)";
    if (!hello->limits)
        return "the limits on memory and time could not be set";
    return "";
}

const AudioProblem *audio_decoder_problems(const AudioDecoder *decoder, size_t *count,
                                           size_t *total)
{
    *count = decoder->problem_count;
    if (total)
        *total = decoder->problem_total;
    return decoder->problems;
}

static void probe(AudioDecoder *decoder, const char *program, AudioSandbox *sandbox)
{
    static const char *const arguments[] = {"scout-decode", "--probe", NULL};
    ScoutError error = {0};
    char path[LIBRARY_PATH_MAX];
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0) {
        (void)error_set_errno(&error, errno, "/dev/null cannot be opened");
        (void)str_copy(sandbox->problem, sizeof sandbox->problem, error.message);
        return;
    }
    ScoutStatus status = child_start(decoder_find(program, path, sizeof path), arguments, input,
                                     &decoder->child, &error);
    (void)close(input);
    allow_time(decoder);
    while (!status && !decoder->reader.hello) {
        bool more;
        status = next_message(decoder, true, &more);
        error = decoder->failure;
    }
    if (status) {
        (void)str_copy(sandbox->problem, sizeof sandbox->problem, error.message);
        return;
    }
    sandbox->started = true;
    sandbox->seccomp = decoder->hello.seccomp;
    sandbox->limits = decoder->hello.limits;
    sandbox->landlock_abi = decoder->hello.landlock_abi;
    (void)str_copy(sandbox->decoder_version, sizeof sandbox->decoder_version,
                   decoder->hello.versions);
    (void)str_copy(sandbox->problem, sizeof sandbox->problem, sandbox_weakness(&decoder->hello));
}

void audio_decoder_probe(const char *program, AudioSandbox *sandbox)
{
    static const AudioDecoderOptions options = {.stall_timeout_ms = PROBE_WAIT_MS};
    *sandbox = (AudioSandbox){0};
    AudioDecoder *decoder = new_decoder(&options);
    if (!decoder) {
        (void)str_copy(sandbox->problem, sizeof sandbox->problem, "not enough memory");
        return;
    }
    (void)str_copy(decoder->name, sizeof decoder->name, "the sandbox's test");
    probe(decoder, program, sandbox);
    audio_decoder_close(decoder);
}
