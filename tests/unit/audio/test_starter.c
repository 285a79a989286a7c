// Decoders from a process that was started ahead: the same sound, each a process of its own in its
// own sandbox, and nothing lost when the starter fails. Runs the real scout-decode.
#include "audio/decoder.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { SAMPLES = 400000, PATH_BYTES = 64, PROCESSES_MAX = 8, WAIT_MS = 10000 };

static char folder[] = "/tmp/scout-starter-XXXXXX";
static char sound[PATH_BYTES];
static const char *program;

// ---- Files

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void put_name(uint8_t *out, const char *name)
{
    while (*name)
        *out++ = (uint8_t)*name++;
}

// A ramp in an AU file, which FFmpeg has to read.
static size_t make_sound(uint8_t *out)
{
    static const uint8_t header[24] = {'.', 's', 'n', 'd', 0, 0, 0,    24,   0xFF, 0xFF, 0xFF, 0xFF,
                                       0,   0,   0,   3,   0, 0, 0x3E, 0x80, 0,    0,    0,    1};
    memcpy(out, header, sizeof header);
    for (size_t i = 0; i < SAMPLES; i++) {
        out[sizeof header + 2 * i] = (uint8_t)(i >> 8 & 0x3F);
        out[sizeof header + 2 * i + 1] = (uint8_t)i;
    }
    return sizeof header + 2 * SAMPLES;
}

// The same as a plain WAV, which it has not.
static size_t make_wav(uint8_t *out)
{
    put_name(out, "RIFF....WAVEfmt ");
    put_u32(out + 16, 16);
    put_u32(out + 20, 1 | 1U << 16);
    put_u32(out + 24, 16000);
    put_u32(out + 28, 32000);
    put_u32(out + 32, 2 | 16U << 16);
    put_name(out + 36, "data");
    put_u32(out + 40, 2 * SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        out[44 + 2 * i] = (uint8_t)i;
        out[44 + 2 * i + 1] = (uint8_t)(i >> 8 & 0x3F);
    }
    return 44 + 2 * SAMPLES;
}

static void write_file(const char *path, const uint8_t *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

// ---- Processes

// This process's children; *count of them are in out.
static void find_children(pid_t out[PROCESSES_MAX], size_t *count)
{
    *count = 0;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    const struct dirent *entry;
    while ((entry = readdir(all)) != NULL) {
        char path[300];
        int pid;
        int parent;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *stat = fopen(path, "r");
        if (!stat)
            continue;
        if (fscanf(stat, "%d (%*[^)]) %*c %d", &pid, &parent) == 2 && parent == getpid() &&
            *count < PROCESSES_MAX)
            out[(*count)++] = pid;
        (void)fclose(stat);
    }
    (void)closedir(all);
}

static size_t count_children(void)
{
    pid_t children[PROCESSES_MAX];
    size_t count;
    find_children(children, &count);
    return count;
}

static pid_t only_child(void)
{
    pid_t children[PROCESSES_MAX];
    size_t count;
    find_children(children, &count);
    assert_int_equal(count, 1);
    return children[0];
}

// The number behind "name:" in /proc/PID/status.
static int status_of(pid_t pid, const char *name)
{
    char path[PATH_BYTES];
    char line[256];
    int value = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = atoi(line + strlen(name) + 1);
    }
    (void)fclose(status);
    return value;
}

static bool holds_open(pid_t pid, const char *path)
{
    bool found = false;
    for (int fd = 0; fd < 64 && !found; fd++) {
        char link[PATH_BYTES];
        char target[256] = "";
        (void)snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
        found = readlink(link, target, sizeof target - 1) > 0 && strcmp(target, path) == 0;
    }
    return found;
}

static bool is_gone_soon(pid_t pid)
{
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        clock_sleep_ms(10);
    }
    return false;
}

// ---- Decoding

static AudioStarter *new_starter(void)
{
    AudioStarter *starter = NULL;
    assert_int_equal(audio_starter_new(program, &starter, NULL), SCOUT_OK);
    assert_int_equal(count_children(), 0);
    return starter;
}

static AudioDecoder *open_sound(AudioStarter *starter, const char *path)
{
    const AudioDecoderOptions options = {.program = program, .starter = starter};
    AudioDecoder *decoder = NULL;
    ScoutError error;
    ScoutStatus status = audio_decoder_open(path, &options, &decoder, &error);
    if (status)
        print_message("%s\n", error.message);
    assert_int_equal(status, SCOUT_OK);
    return decoder;
}

static bool is_ramp(AudioDecoder *decoder)
{
    static _Thread_local float samples[SAMPLES + 1];
    size_t total = 0;
    size_t count = 1;
    while (count) {
        if (audio_decoder_read(decoder, samples + total, SAMPLES + 1 - total, &count, NULL))
            return false;
        total += count;
    }
    for (size_t i = 0; i < total; i++) {
        if (fabs((double)samples[i] - (double)(i & 0x3FFF) / 32768) > 1e-6)
            return false;
    }
    return total == SAMPLES;
}

static void decode_one(AudioStarter *starter)
{
    AudioDecoder *decoder = open_sound(starter, sound);
    assert_true(is_ramp(decoder));
    audio_decoder_close(decoder);
}

static void test_begins_after_the_first_that_needs_it(void **state)
{
    (void)state;
    AudioStarter *starter = new_starter();
    char wav[PATH_BYTES];
    static uint8_t bytes[2 * SAMPLES + 64];
    (void)snprintf(wav, sizeof wav, "%s/plain.wav", folder);
    write_file(wav, bytes, make_wav(bytes));
    AudioDecoder *decoder = open_sound(starter, wav);
    assert_true(is_ramp(decoder));
    audio_decoder_close(decoder);
    assert_int_equal(count_children(), 0);
    decode_one(starter);
    pid_t first = only_child();
    for (int i = 0; i < 5; i++)
        decode_one(starter);
    decoder = open_sound(starter, wav);
    assert_true(is_ramp(decoder));
    audio_decoder_close(decoder);
    assert_int_equal(only_child(), first);
    audio_starter_free(starter);
    assert_int_equal(count_children(), 0);
    (void)unlink(wav);
}

static void test_options_arrive(void **state)
{
    (void)state;
    AudioStarter *starter = new_starter();
    audio_starter_begin(starter);
    const AudioDecoderOptions options = {
        .program = program, .starter = starter, .start_s = 0.5, .end_s = 0.75};
    AudioDecoder *decoder = NULL;
    assert_int_equal(audio_decoder_open(sound, &options, &decoder, NULL), SCOUT_OK);
    float samples[8000];
    size_t count;
    assert_int_equal(audio_decoder_read(decoder, samples, 8000, &count, NULL), SCOUT_OK);
    assert_int_equal(count, 4000);
    assert_true(fabs((double)samples[0] - 8000.0 / 32768) < 1e-6);
    audio_decoder_close(decoder);
    audio_starter_free(starter);
}

// A decoder at work: it waits, since nobody takes what it sends.
static AudioDecoder *open_beside(AudioStarter *starter, pid_t process, pid_t *child)
{
    pid_t children[PROCESSES_MAX];
    size_t count;
    AudioDecoder *decoder = open_sound(starter, sound);
    find_children(children, &count);
    assert_int_equal(count, 2);
    *child = children[0] == process ? children[1] : children[0];
    return decoder;
}

static void test_each_is_alone_in_its_sandbox(void **state)
{
    (void)state;
    AudioStarter *starter = new_starter();
    audio_starter_begin(starter);
    pid_t process = only_child();
    pid_t child;
    AudioDecoder *decoder = open_beside(starter, process, &child);
    assert_int_equal(status_of(child, "Seccomp"), 2);
    assert_int_equal(status_of(child, "NoNewPrivs"), 1);
    assert_int_equal(status_of(process, "Seccomp"), status_of(getpid(), "Seccomp"));
    assert_int_equal(getpgid(child), child);
    assert_false(holds_open(process, sound));
    assert_true(is_ramp(decoder));
    audio_decoder_close(decoder);
    assert_int_equal(only_child(), process);
    audio_starter_free(starter);
}

static void test_a_crash_is_explained_and_costs_one_file(void **state)
{
    (void)state;
    static float samples[SAMPLES];
    AudioStarter *starter = new_starter();
    audio_starter_begin(starter);
    pid_t process = only_child();
    pid_t child;
    AudioDecoder *decoder = open_beside(starter, process, &child);
    assert_int_equal(kill(child, SIGTRAP), 0);
    ScoutError error = {0};
    ScoutStatus status = SCOUT_OK;
    for (size_t count = 1; !status && count;)
        status = audio_decoder_read(decoder, samples, SAMPLES, &count, &error);
    assert_int_equal(status, SCOUT_ERROR_CHILD);
    assert_non_null(strstr(error.message, "crashed (SIGTRAP)"));
    audio_decoder_close(decoder);
    decode_one(starter);
    assert_int_equal(only_child(), process);
    audio_starter_free(starter);
}

static void test_without_it_all_goes_on(void **state)
{
    (void)state;
    AudioStarter *starter = new_starter();
    audio_starter_begin(starter);
    assert_int_equal(kill(only_child(), SIGKILL), 0);
    decode_one(starter);
    decode_one(starter);
    assert_int_equal(count_children(), 0); // given up
    audio_starter_free(starter);

    AudioStarter *missing = NULL;
    assert_int_equal(audio_starter_new("/nowhere/scout-decode", &missing, NULL), SCOUT_OK);
    audio_starter_begin(missing);
    decode_one(missing);
    audio_starter_free(missing);

    AudioStarter *other = NULL;
    assert_int_equal(audio_starter_new("/bin/true", &other, NULL), SCOUT_OK);
    audio_starter_begin(other);
    decode_one(other);
    audio_starter_free(other);
    audio_starter_free(NULL);
}

static void test_ends_with_its_user(void **state)
{
    (void)state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t user = fork();
    if (user == 0) {
        AudioStarter *starter = NULL;
        pid_t children[PROCESSES_MAX] = {0};
        size_t count = 0;
        if (audio_starter_new(program, &starter, NULL) == SCOUT_OK) {
            audio_starter_begin(starter);
            find_children(children, &count);
        }
        _exit(count == 1 && write(told[1], children, sizeof *children) > 0 ? 0 : 1);
    }
    pid_t process = 0;
    int status;
    assert_int_equal(waitpid(user, &status, 0), user);
    assert_int_equal(status, 0);
    assert_int_equal(read(told[0], &process, sizeof process), sizeof process);
    assert_true(is_gone_soon(process));
    (void)close(told[0]);
    (void)close(told[1]);
}

static void *decode_some(void *context)
{
    bool good = true;
    for (int i = 0; i < 5; i++) {
        const AudioDecoderOptions options = {.program = program, .starter = context};
        AudioDecoder *decoder = NULL;
        good = audio_decoder_open(sound, &options, &decoder, NULL) == SCOUT_OK && good;
        good = decoder && is_ramp(decoder) && good;
        audio_decoder_close(decoder);
    }
    return good ? context : NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    AudioStarter *starter = new_starter();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_some, starter), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, starter);
    }
    (void)only_child();
    audio_starter_free(starter);
    assert_int_equal(count_children(), 0);
}

static int set_up(void **state)
{
    (void)state;
    static uint8_t bytes[2 * SAMPLES + 64];
    program = getenv("DECODER");
    if (!program || !mkdtemp(folder))
        return 1;
    (void)snprintf(sound, sizeof sound, "%s/sound.au", folder);
    write_file(sound, bytes, make_sound(bytes));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(sound);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_after_the_first_that_needs_it),
        cmocka_unit_test(test_options_arrive),
        cmocka_unit_test(test_each_is_alone_in_its_sandbox),
        cmocka_unit_test(test_a_crash_is_explained_and_costs_one_file),
        cmocka_unit_test(test_without_it_all_goes_on),
        cmocka_unit_test(test_ends_with_its_user),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
