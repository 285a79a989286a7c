// The parent of scout-decode against a stand-in that does everything wrong that a child can do, and
// against files that are not there, not readable or not files.
#include "audio/decoder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/str.h"

enum { PIECE = 3000 };

static char folder[] = "/tmp/scout-decoder-XXXXXX";
static const char *fake; // the stand-in
static ScoutError error;

static void path_of(const char *name, char out[64])
{
    (void)snprintf(out, 64, "%s/%s", folder, name);
}

static void write_script(const char *path, const char *script)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(script, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static ScoutStatus open_script(const char *script, AudioDecoderOptions options,
                               AudioDecoder **decoder)
{
    char path[64];
    path_of("script.mp3", path);
    write_script(path, script);
    options.program = fake;
    error = (ScoutError){0};
    return audio_decoder_open(path, &options, decoder, &error);
}

static AudioDecoder *opened(const char *script)
{
    AudioDecoder *decoder = NULL;
    if (open_script(script, (AudioDecoderOptions){0}, &decoder))
        fail_msg("%s", error.message);
    return decoder;
}

// Reads all there is; returns the status that ended it, and the number of samples.
static ScoutStatus read_all(AudioDecoder *decoder, size_t piece, size_t *total)
{
    static float samples[PIECE];
    *total = 0;
    for (;;) {
        size_t count = 99;
        ScoutStatus status = audio_decoder_read(decoder, samples, piece, &count, &error);
        if (status || count == 0)
            return status;
        for (size_t i = 0; i < count; i++)
            assert_true(samples[i] == (float)((*total + i) % 1000) / 1000);
        *total += count;
    }
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void assert_says(const char *part)
{
    if (!strstr(error.message, part))
        fail_msg("'%s' is not in: %s", part, error.message);
    assert_null(strchr(error.message, '\n'));
    assert_null(strchr(error.message, '\x1b'));
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

// ---- All is well

static void test_reads_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 1000, PIECE};
    for (size_t i = 0; i < 4; i++) {
        AudioDecoder *decoder = opened("hello\ninfo\naudio 10000\naudio 1\nend 0\n");
        size_t total;
        assert_int_equal(read_all(decoder, pieces[i], &total), SCOUT_OK);
        assert_int_equal(total, 10001);
        size_t count = 1;
        float sample;
        assert_int_equal(audio_decoder_read(decoder, &sample, 1, &count, NULL), SCOUT_OK);
        assert_int_equal(count, 0);
        audio_decoder_close(decoder);
        assert_no_children();
    }
}

static void test_info_is_clean(void **state)
{
    (void)state;
    AudioDecoder *decoder = opened("hello\ninfo\nend 0\n");
    const AudioInfo *info = audio_decoder_info(decoder);
    assert_int_equal(info->sample_rate, 44100);
    assert_int_equal(info->channels, 2);
    assert_true(info->duration_s == 3.5);
    assert_string_equal(info->container, "fake [2J");
    assert_string_equal(info->codec, "none");
    audio_decoder_close(decoder);
}

static void test_problems_are_kept_up_to_a_number(void **state)
{
    (void)state;
    Buffer script;
    buffer_init(&script, 4096);
    (void)buffer_append_text(&script, "hello\ninfo\n");
    for (int i = 0; i < 50; i++)
        (void)buffer_append_text(&script, "problem\n");
    assert_true(buffer_append_text(&script, "audio 5\nend 1234\n"));
    AudioDecoder *decoder = opened(buffer_text(&script));
    buffer_done(&script);
    size_t samples;
    size_t count;
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &samples), SCOUT_OK);
    const AudioProblem *problems = audio_decoder_problems(decoder, &count, &total);
    assert_int_equal(count, AUDIO_PROBLEMS_MAX);
    assert_int_equal(total, 1234);
    assert_true(problems[0].at_s == 1.5);
    assert_false(problems[0].to_end);
    assert_string_equal(problems[31].message, "broken here");
    audio_decoder_close(decoder);
}

static void test_child_inherits_nothing(void **state)
{
    (void)state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
    AudioDecoder *decoder = opened("hello\nenvironment\ndescriptors\ninfo\naudio 1\nend 0\n");
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &total), SCOUT_OK);
    audio_decoder_close(decoder);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

static void test_closing_early_ends_the_child(void **state)
{
    (void)state;
    int before = count_descriptors();
    AudioDecoder *decoder = opened("hello\ninfo\nendless\n");
    float sample;
    size_t count;
    assert_int_equal(audio_decoder_read(decoder, &sample, 1, &count, NULL), SCOUT_OK);
    audio_decoder_close(decoder);
    audio_decoder_close(NULL);
    assert_no_children();
    assert_int_equal(count_descriptors(), before);
}

// ---- Files

static void test_missing_file(void **state)
{
    (void)state;
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = fake};
    assert_int_equal(audio_decoder_open("/nowhere/talk.mp3", &options, &decoder, &error),
                     SCOUT_ERROR_NOT_FOUND);
    assert_says("/nowhere/talk.mp3");
    assert_null(decoder);
}

static void test_folder_and_empty_file(void **state)
{
    (void)state;
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = fake};
    assert_int_equal(audio_decoder_open(folder, &options, &decoder, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_says("is a folder");
    assert_int_equal(open_script("", (AudioDecoderOptions){0}, &decoder), SCOUT_ERROR_FORMAT);
    assert_says("is empty");
}

static void test_forbidden_file(void **state)
{
    (void)state;
    char path[64];
    path_of("secret.wav", path);
    write_script(path, "hello\n");
    assert_int_equal(chmod(path, 0), 0);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = fake};
    ScoutStatus status = audio_decoder_open(path, &options, &decoder, &error);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, SCOUT_ERROR_PERMISSION);
    assert_says("secret.wav");
}

static void test_file_names_are_shown_clean(void **state)
{
    (void)state;
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = fake};
    assert_int_equal(audio_decoder_open("/no\n\x1b[31mwhere", &options, &decoder, &error),
                     SCOUT_ERROR_NOT_FOUND);
    assert_says("where");
}

// Of a long path the end is shown, whole characters of it.
static void test_long_file_names(void **state)
{
    (void)state;
    char path[1000];
    char deep[400];
    int length = snprintf(deep, sizeof deep, "%s/", folder);
    for (int i = 0; i < 100; i++)
        length += snprintf(deep + length, sizeof deep - (size_t)length, "\u00E4");
    assert_int_equal(mkdir(deep, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/%0200d.mp3", deep, 7);
    write_script(path, "hello\nerror -7\n");
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = fake};
    assert_int_equal(audio_decoder_open(path, &options, &decoder, &error), SCOUT_ERROR_FORMAT);
    assert_says("00007.mp3 is broken");
    assert_int_equal(strncmp(error.message, "\u2026\u00E4", 5), 0);
    assert_true(utf8_valid(error.message, strlen(error.message)));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(deep), 0);
}

static void test_options_out_of_range(void **state)
{
    (void)state;
    const AudioDecoderOptions bad[] = {
        {.start_s = -1},
        {.start_s = (double)NAN},
        {.end_s = (double)INFINITY},
        {.start_s = 5, .end_s = 4},
        {.channel = -1},
        {.max_seconds = -0.5},
        {.stall_timeout_ms = -10},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AudioDecoder *decoder = NULL;
        assert_int_equal(open_script("hello\n", bad[i], &decoder), SCOUT_ERROR_INVALID_ARGUMENT);
        assert_null(decoder);
    }
}

// ---- A child that fails

static void check_open_fails(const char *script, ScoutStatus status, const char *says)
{
    AudioDecoder *decoder = NULL;
    assert_int_equal(open_script(script, (AudioDecoderOptions){0}, &decoder), status);
    assert_null(decoder);
    assert_says(says);
    assert_says("script.mp3");
    assert_no_children();
}

static void test_no_program(void **state)
{
    (void)state;
    char path[64];
    path_of("script.mp3", path);
    write_script(path, "hello\n");
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.program = "/nowhere/scout-decode"};
    assert_int_equal(audio_decoder_open(path, &options, &decoder, &error), SCOUT_ERROR_CHILD);
    assert_says("/nowhere/scout-decode");
    assert_says("SCOUT_DECODE");
    options.program = folder;
    assert_int_equal(audio_decoder_open(path, &options, &decoder, &error), SCOUT_ERROR_CHILD);
}

static void test_errors_before_the_sound(void **state)
{
    (void)state;
    check_open_fails("hello\nerror -7\n", SCOUT_ERROR_FORMAT, "is broken");
    check_open_fails("hello\nerror -11\n", SCOUT_ERROR_CHILD, "is broken"); // not for it to say
    check_open_fails("hello\nsignal 11\n", SCOUT_ERROR_CHILD, "SIGSEGV");
    check_open_fails("hello\nsignal 31\n", SCOUT_ERROR_CHILD, "sandbox");
    check_open_fails("signal 9\n", SCOUT_ERROR_CHILD, "SIGKILL");
    check_open_fails("say libx.so: not found\nexit 127\n", SCOUT_ERROR_CHILD, "libx.so: not found");
    check_open_fails("exit 0\n", SCOUT_ERROR_CHILD, "too early");
    check_open_fails("quiet\nhang\n", SCOUT_ERROR_CHILD, "too early");
    check_open_fails("raw Hello world, I am cat\n", SCOUT_ERROR_CHILD, "right program");
    check_open_fails("raw SCDH\n", SCOUT_ERROR_CHILD, "too early"); // cut in the middle
    check_open_fails("version\n", SCOUT_ERROR_CHILD, "version 99");
    check_open_fails("info\n", SCOUT_ERROR_CHILD, "out of order");
}

static void check_read_fails(const char *script, size_t samples, ScoutStatus status,
                             const char *says)
{
    AudioDecoder *decoder = opened(script);
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &total), status);
    assert_int_equal(total, samples); // what came before is delivered
    assert_says(says);
    assert_int_equal(read_all(decoder, PIECE, &total), status); // and again
    assert_int_equal(total, 0);
    audio_decoder_close(decoder);
    assert_no_children();
}

static void test_errors_after_some_sound(void **state)
{
    (void)state;
    check_read_fails("hello\ninfo\naudio 9000\nsignal 11\n", 9000, SCOUT_ERROR_CHILD, "SIGSEGV");
    check_read_fails("hello\ninfo\naudio 9000\nsignal 6\n", 9000, SCOUT_ERROR_CHILD, "SIGABRT");
    check_read_fails("hello\ninfo\naudio 5\nexit 3\n", 5, SCOUT_ERROR_CHILD, "too early");
    check_read_fails("hello\ninfo\naudio 5\nerror -10\n", 5, SCOUT_ERROR_LIMIT, "is broken");
    check_read_fails("hello\ninfo\naudio 5\nmiscount\n", 5, SCOUT_ERROR_CHILD, "out of order");
    check_read_fails("hello\ninfo\naudio 5\nhello\n", 5, SCOUT_ERROR_CHILD, "out of order");
    check_read_fails("hello\ninfo\naudio 5\nraw garbage\n", 5, SCOUT_ERROR_CHILD, "right program");
}

static void test_samples_that_are_no_numbers(void **state)
{
    (void)state;
    AudioDecoder *decoder = opened("hello\ninfo\nnan 10\nend 0\n");
    float samples[20];
    size_t count;
    assert_int_equal(audio_decoder_read(decoder, samples, 20, &count, &error), SCOUT_OK);
    assert_int_equal(count, 10);
    for (size_t i = 0; i < count; i++)
        assert_true(samples[i] == 0);
    audio_decoder_close(decoder);
}

static void test_too_much_sound(void **state)
{
    (void)state;
    AudioDecoder *decoder = NULL;
    AudioDecoderOptions options = {.max_seconds = 2.5};
    assert_int_equal(open_script("hello\ninfo\nendless\n", options, &decoder), SCOUT_OK);
    size_t total;
    assert_int_equal(read_all(decoder, 64, &total), SCOUT_ERROR_LIMIT);
    assert_int_equal(total, 40000); // also the part of the last message that is within the limit
    audio_decoder_close(decoder);
    assert_no_children();
}

// ---- Time

static int64_t elapsed_ms(int64_t since_ns)
{
    return (clock_monotonic_ns() - since_ns) / 1000000;
}

static void test_hanging_child_is_stopped(void **state)
{
    (void)state;
    static const char *const scripts[] = {"hang\n", "hello\nhang\n",
                                          "hello\nprogress 5\nprogress 5\nhang\n", "quiet\nhang\n"};
    AudioDecoderOptions options = {.stall_timeout_ms = 300};
    for (size_t i = 0; i < 3; i++) {
        AudioDecoder *decoder = NULL;
        int64_t start = clock_monotonic_ns();
        assert_int_equal(open_script(scripts[i], options, &decoder), SCOUT_ERROR_TIMEOUT);
        assert_in_range(elapsed_ms(start), 300, 5000);
        assert_says("0.3 s");
        assert_no_children();
    }
    AudioDecoder *decoder = NULL;
    size_t total;
    options.stall_timeout_ms = 1500; // time for a slow machine to start it
    assert_int_equal(open_script("hello\ninfo\naudio 10\nhang\n", options, &decoder), SCOUT_OK);
    assert_int_equal(read_all(decoder, PIECE, &total), SCOUT_ERROR_TIMEOUT);
    assert_int_equal(total, 10);
    audio_decoder_close(decoder);
    assert_no_children();
}

static void test_progress_counts_only_when_it_is_news(void **state)
{
    (void)state;
    AudioDecoderOptions options = {.stall_timeout_ms = 1200};
    AudioDecoder *decoder = NULL;
    assert_int_equal(open_script("hello\nprogress 1\nsleep 700\nprogress 2\nsleep 700\nprogress 3\n"
                                 "sleep 700\ninfo\nend 0\n",
                                 options, &decoder),
                     SCOUT_OK);
    audio_decoder_close(decoder);
    assert_int_equal(open_script("hello\nprogress 1\nsleep 700\nprogress 1\nsleep 700\ninfo\n"
                                 "end 0\n",
                                 options, &decoder),
                     SCOUT_ERROR_TIMEOUT);
}

// The owner may take its time: only waiting for the child counts.
static void test_slow_owner_is_no_stall(void **state)
{
    (void)state;
    AudioDecoderOptions options = {.stall_timeout_ms = 1000};
    AudioDecoder *decoder = NULL;
    assert_int_equal(open_script("hello\ninfo\naudio 10\nend 0\n", options, &decoder), SCOUT_OK);
    clock_sleep_ms(1300);
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &total), SCOUT_OK);
    assert_int_equal(total, 10);
    audio_decoder_close(decoder);
}

static void *raise_soon(void *cancel)
{
    clock_sleep_ms(150);
    cancel_raise(cancel);
    return NULL;
}

static void check_cancel(const char *path, const char *script)
{
    Cancel cancel;
    cancel_init(&cancel);
    AudioDecoderOptions options = {.program = fake, .cancel = &cancel};
    AudioDecoder *decoder = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, raise_soon, &cancel), 0);
    int64_t start = clock_monotonic_ns();
    ScoutStatus status = script ? open_script(script, options, &decoder)
                                : audio_decoder_open(path, &options, &decoder, &error);
    if (!status) {
        size_t total;
        status = read_all(decoder, PIECE, &total);
    }
    assert_int_equal(status, SCOUT_ERROR_CANCELLED);
    assert_in_range(elapsed_ms(start), 100, 1000);
    assert_says("cancelled");
    audio_decoder_close(decoder);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_no_children();
}

static void test_cancel(void **state)
{
    (void)state;
    check_cancel(NULL, "hang\n");
    check_cancel(NULL, "hello\ninfo\nhang\n");
    check_cancel(NULL, "hello\ninfo\nendless\n");
}

static void test_cancel_before_the_start(void **state)
{
    (void)state;
    Cancel cancel;
    cancel_init(&cancel);
    cancel_raise(&cancel);
    AudioDecoderOptions options = {.cancel = &cancel};
    AudioDecoder *decoder = NULL;
    assert_int_equal(open_script("hello\ninfo\nend 0\n", options, &decoder), SCOUT_ERROR_CANCELLED);
}

// A FIFO that nobody writes to: neither opening nor reading it may be deaf.
static void test_cancel_at_a_fifo_without_writer(void **state)
{
    (void)state;
    char path[64];
    path_of("fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_cancel(path, NULL);
    assert_int_equal(unlink(path), 0);
}

// While the writer of a pipe is slow, the child is not to blame.
static void test_waiting_for_a_pipe_is_no_stall(void **state)
{
    (void)state;
    char path[64];
    path_of("fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        int fd = open(path, O_WRONLY);
        clock_sleep_ms(1200);
        static const char script[] = "hello\ninfo\naudio 10\nend 0\n";
        _exit(write(fd, script, sizeof script - 1) == sizeof script - 1 ? 0 : 1);
    }
    AudioDecoderOptions options = {.program = fake, .stall_timeout_ms = 500};
    AudioDecoder *decoder = NULL;
    if (audio_decoder_open(path, &options, &decoder, &error))
        fail_msg("%s", error.message);
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &total), SCOUT_OK);
    assert_int_equal(total, 10);
    audio_decoder_close(decoder);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_int_equal(unlink(path), 0);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_signals_do_not_disturb(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}; // without SA_RESTART
    struct sigaction before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    struct itimerval often = {.it_interval = {.tv_usec = 2000}, .it_value = {.tv_usec = 2000}};
    struct itimerval never = {0};
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    AudioDecoder *decoder =
        opened("hello\nsleep 50\ninfo\naudio 70000\nsleep 50\naudio 1\nend 0\n");
    size_t total;
    ScoutStatus status = read_all(decoder, 100, &total);
    audio_decoder_close(decoder);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(status, SCOUT_OK);
    assert_int_equal(total, 70001);
}

// ---- Surroundings

// A program whose standard descriptors are closed gets low numbers for its own: they must not be
// mixed up with the child's.
static void test_closed_standard_descriptors(void **state)
{
    (void)state;
    char path[64];
    path_of("script.mp3", path);
    write_script(path, "hello\ninfo\naudio 10\nend 0\n");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(0);
        (void)close(1);
        (void)close(2);
        AudioDecoderOptions options = {.program = fake};
        AudioDecoder *decoder = NULL;
        float samples[20];
        size_t count = 0;
        if (audio_decoder_open(path, &options, &decoder, NULL))
            _exit(1);
        bool ok = audio_decoder_read(decoder, samples, 20, &count, NULL) == SCOUT_OK && count == 10;
        audio_decoder_close(decoder);
        if (audio_decoder_open("-", &options, &decoder, NULL) == SCOUT_OK)
            _exit(2); // there is no standard input
        _exit(ok ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_standard_input(void **state)
{
    (void)state;
    int ends[2];
    int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    static const char script[] = "hello\ninfo\naudio 10\nend 0\n";
    assert_int_equal(write(ends[1], script, sizeof script - 1), sizeof script - 1);
    (void)close(ends[1]);
    (void)dup2(ends[0], STDIN_FILENO);
    (void)close(ends[0]);
    AudioDecoderOptions options = {.program = fake};
    AudioDecoder *decoder = NULL;
    size_t total = 0;
    ScoutStatus status = audio_decoder_open("-", &options, &decoder, &error);
    if (!status)
        status = read_all(decoder, PIECE, &total);
    audio_decoder_close(decoder);
    (void)dup2(before, STDIN_FILENO);
    (void)close(before);
    assert_int_equal(status, SCOUT_OK);
    assert_int_equal(total, 10);
}

static void *decode_often(void *argument)
{
    const char *path = argument;
    size_t failures = 0;
    for (int i = 0; i < 6; i++) {
        AudioDecoderOptions options = {.program = fake};
        AudioDecoder *decoder = NULL;
        if (audio_decoder_open(path, &options, &decoder, NULL)) {
            failures++;
            continue;
        }
        float samples[512];
        size_t count = 1;
        size_t total = 0;
        while (count && audio_decoder_read(decoder, samples, 512, &count, NULL) == SCOUT_OK)
            total += count;
        failures += total != 50000;
        audio_decoder_close(decoder);
    }
    return failures ? argument : NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    char path[64];
    path_of("script.mp3", path);
    write_script(path, "hello\ndescriptors\ninfo\naudio 50000\nend 0\n");
    int before = count_descriptors();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_often, path), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(count_descriptors(), before);
    assert_no_children();
}

static void test_children_are_not_needed_to_be_waited_for(void **state)
{
    (void)state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    AudioDecoder *decoder = opened("hello\ninfo\naudio 10\nsignal 11\n");
    size_t total;
    assert_int_equal(read_all(decoder, PIECE, &total), SCOUT_ERROR_CHILD);
    assert_int_equal(total, 10);
    audio_decoder_close(decoder);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static void test_probe(void **state)
{
    (void)state;
    AudioSandbox sandbox;
    audio_decoder_probe(fake, &sandbox);
    assert_true(sandbox.started && sandbox.seccomp && sandbox.limits);
    assert_int_equal(sandbox.landlock_abi, 3);
    assert_string_equal(sandbox.decoder_version, "fake 1.0");
    assert_string_equal(sandbox.problem, "");
    audio_decoder_probe("/nowhere/scout-decode", &sandbox);
    assert_false(sandbox.started);
    assert_non_null(strstr(sandbox.problem, "/nowhere/scout-decode"));
    audio_decoder_probe("/bin/true", &sandbox);
    assert_false(sandbox.started);
    assert_non_null(strstr(sandbox.problem, "too early"));
    assert_no_children();
}

static int make_folder(void **state)
{
    (void)state;
    closefrom(STDERR_FILENO + 1); // what the tests were started with is not the decoder's affair
    fake = getenv("FAKE_DECODER");
    return fake && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"script.mp3", "secret.wav", "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        path_of(names[i], path);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_in_pieces_of_any_size),
        cmocka_unit_test(test_info_is_clean),
        cmocka_unit_test(test_problems_are_kept_up_to_a_number),
        cmocka_unit_test(test_child_inherits_nothing),
        cmocka_unit_test(test_closing_early_ends_the_child),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_folder_and_empty_file),
        cmocka_unit_test(test_forbidden_file),
        cmocka_unit_test(test_file_names_are_shown_clean),
        cmocka_unit_test(test_long_file_names),
        cmocka_unit_test(test_options_out_of_range),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_errors_before_the_sound),
        cmocka_unit_test(test_errors_after_some_sound),
        cmocka_unit_test(test_samples_that_are_no_numbers),
        cmocka_unit_test(test_too_much_sound),
        cmocka_unit_test(test_hanging_child_is_stopped),
        cmocka_unit_test(test_progress_counts_only_when_it_is_news),
        cmocka_unit_test(test_slow_owner_is_no_stall),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_before_the_start),
        cmocka_unit_test(test_cancel_at_a_fifo_without_writer),
        cmocka_unit_test(test_waiting_for_a_pipe_is_no_stall),
        cmocka_unit_test(test_signals_do_not_disturb),
        cmocka_unit_test(test_closed_standard_descriptors),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_children_are_not_needed_to_be_waited_for),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
