// A stand-in for scout-decode that does what its input says, one word and its argument a line:
// everything that a broken or hostile child can do to its parent.
//
//     hello | info | audio COUNT | nan COUNT | problem | progress BYTES | end PROBLEMS |
//     miscount | error STATUS | raw TEXT | say TEXT | sleep MS | hang | signal NUMBER | exit CODE |
//     endless | version | environment | descriptors | quiet
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audio/protocol.h"
#include "base/clock.h"
#include "base/str.h"

static uint8_t frame[PROTOCOL_FRAME_MAX];
static uint64_t samples_sent;

static void put(size_t length)
{
    size_t at = 0;
    while (at < length) {
        ssize_t count = write(STDOUT_FILENO, frame + at, length - at);
        if (count <= 0)
            _exit(5);
        at += (size_t)count;
    }
}

static void say_hello(void)
{
    ProtocolHello hello = {
        .seccomp = true, .limits = true, .landlock_abi = 3, .versions = "fake 1.0"};
    put(protocol_put_hello(frame, &hello));
}

// A ramp that goes on from message to message, in thousandths, so that order can be checked.
static void send_audio(int64_t count, bool broken)
{
    static float samples[PROTOCOL_AUDIO_SAMPLES_MAX];
    while (count > 0) {
        size_t piece =
            count < PROTOCOL_AUDIO_SAMPLES_MAX ? (size_t)count : PROTOCOL_AUDIO_SAMPLES_MAX;
        for (size_t i = 0; i < piece; i++)
            samples[i] = broken ? NAN : (float)((samples_sent + i) % 1000) / 1000;
        put(protocol_put_audio(frame, samples, piece));
        samples_sent += piece;
        count -= (int64_t)piece;
    }
}

static void send_text(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout);
}

static void send_info(void)
{
    ProtocolInfo info = {.sample_rate = 44100,
                         .channels = 2,
                         .duration_s = 3.5,
                         .container = "fake\x1b[2J",
                         .codec = "none"};
    put(protocol_put_info(frame, &info));
}

static void check_descriptors(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            _exit(9);
    }
}

static void check_signals(void)
{
    struct sigaction action;
    sigset_t blocked;
    if (sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
        _exit(10);
    if (sigprocmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGTERM))
        _exit(11);
}

static void fall(int number)
{
    struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

// The words without an argument.
static bool obey_plain(const char *word)
{
    if (str_equal(word, "hello")) {
        say_hello();
    } else if (str_equal(word, "info")) {
        send_info();
    } else if (str_equal(word, "hang")) {
        for (;;)
            clock_sleep_ms(1000);
    } else if (str_equal(word, "endless")) {
        for (;;)
            send_audio(PROTOCOL_AUDIO_SAMPLES_MAX, false);
    } else if (str_equal(word, "problem")) {
        ProtocolProblem problem = {.at_s = 1.5, .text = "broken\nhere"};
        put(protocol_put_problem(frame, &problem));
    } else if (str_equal(word, "miscount")) {
        ProtocolEnd end = {.samples = samples_sent + 1};
        put(protocol_put_end(frame, &end));
    } else if (str_equal(word, "version")) {
        ProtocolHello hello = {0};
        size_t length = protocol_put_hello(frame, &hello);
        frame[PROTOCOL_HEADER_BYTES] = 99;
        put(length);
    } else if (str_equal(word, "environment")) {
        if (environ && environ[0])
            _exit(8);
    } else if (str_equal(word, "descriptors")) {
        check_descriptors();
        check_signals();
    } else if (str_equal(word, "quiet")) {
        (void)close(STDOUT_FILENO);
    } else {
        return false;
    }
    return true;
}

static void obey(const char *word, const char *text)
{
    int64_t number = 0;
    (void)str_to_int(text, INT32_MIN, INT64_MAX, &number);
    if (obey_plain(word))
        return;
    if (str_equal(word, "audio") || str_equal(word, "nan")) {
        send_audio(number, str_equal(word, "nan"));
    } else if (str_equal(word, "progress")) {
        ProtocolProgress progress = {.input_bytes = (uint64_t)number};
        put(protocol_put_progress(frame, &progress));
    } else if (str_equal(word, "end")) {
        ProtocolEnd end = {.samples = samples_sent, .problems = (uint32_t)number};
        put(protocol_put_end(frame, &end));
    } else if (str_equal(word, "error")) {
        ProtocolError error = {.status = (ScoutStatus)number, .text = "is broken\x07"};
        put(protocol_put_error(frame, &error));
    } else if (str_equal(word, "raw")) {
        send_text(text);
    } else if (str_equal(word, "say")) {
        (void)fprintf(stderr, "%s\n", text);
    } else if (str_equal(word, "sleep")) {
        clock_sleep_ms(number);
    } else if (str_equal(word, "signal")) {
        fall((int)number);
    } else if (str_equal(word, "exit")) {
        _exit((int)number);
    } else {
        _exit(6);
    }
}

int main(int count, char **arguments)
{
    if (count == 2 && str_equal(arguments[1], "--probe")) {
        say_hello();
        return 0;
    }
    // A FIFO without a writer reads as ended; scout-decode waits for one, too.
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    (void)poll(&input, 1, -1);
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *space = strchr(line, ' ');
        if (space)
            *space = '\0';
        obey(line, space ? space + 1 : "");
    }
    return 0;
}
