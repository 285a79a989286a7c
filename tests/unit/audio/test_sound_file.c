// Sound files, and journals made into them: frame n of the one is frame n of the other, in every
// format.
#include "audio/sound_file.h"

#include "audio/journal_export.h"
#include "base/file.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_folder.h"

enum { RATE = 16000, SECONDS = 6 };

static const double PI = 3.14159265358979323846;

// A tone that goes up and down, and a click in each second.
static int16_t signal_at(uint64_t position)
{
    const double t = (double)position / RATE;
    const double click = position % RATE < 160 ? 9000 * sin(2 * PI * 1000 * t) : 0;
    return (int16_t)(3000 * sin(2 * PI * (200 * t + 20 * sin(2 * PI * t))) + click);
}

static void make_journal(bool with_gap, uint32_t channels)
{
    Journal *journal = NULL;
    const JournalOptions options = {.channels = channels};
    assert_int_equal(journal_create("journal", &options, &journal, NULL), SCOUT_OK);
    for (uint64_t p = 0; p < SECONDS * RATE + 123; p += 160) {
        if (with_gap && p >= 2 * RATE && p < 3 * RATE)
            continue;
        int16_t samples[2 * 160];
        const size_t frames = (size_t)BASE_MIN(160, SECONDS * RATE + 123 - p);
        for (size_t i = 0; i < frames * channels; i++)
            samples[i] = signal_at(p + i / channels);
        assert_int_equal(journal_append_frames(journal, p, samples, frames, NULL), SCOUT_OK);
    }
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
}

static JournalExport job_of(SoundFormat format, const char *path)
{
    return (JournalExport){.journal = "journal", .sound = path, .format = format};
}

static size_t read_sound(const char *path, int16_t *samples, size_t size, uint32_t channels)
{
    SoundFile *file = NULL;
    assert_int_equal(sound_file_open(path, &file, NULL), SCOUT_OK);
    assert_int_equal(sound_file_info(file)->rate_hz, RATE);
    assert_int_equal(sound_file_info(file)->channels, channels);
    size_t done = 0;
    assert_int_equal(sound_file_read(file, samples, size, &done, NULL), SCOUT_OK);
    assert_int_equal(done, sound_file_info(file)->frames);
    sound_file_free(file);
    return done;
}

static void test_lossless(void **state)
{
    (void)state;
    static int16_t samples[2 * (SECONDS + 1) * RATE];
    for (uint32_t channels = 1; channels <= 2; channels++) {
        make_journal(true, channels);
        for (SoundFormat format = SOUND_FLAC; format <= SOUND_WAV; format += SOUND_WAV) {
            const JournalExport job = job_of(format, "sound");
            uint64_t frames = 0;
            assert_int_equal(journal_export(&job, &frames, NULL), SCOUT_OK);
            assert_int_equal(frames, SECONDS * RATE + 123);
            assert_int_equal(journal_verify(&job, NULL), SCOUT_OK);
            assert_int_equal(read_sound("sound", samples, (SECONDS + 1) * RATE, channels), frames);
            for (size_t i = 0; i < frames * channels; i++) {
                const uint64_t p = i / channels;
                const bool missing = p >= 2 * RATE && p < 3 * RATE;
                assert_int_equal(samples[i], missing ? 0 : signal_at(p));
            }
            assert_false(file_exists("sound.part"));
        }
        assert_int_equal(unlink("journal"), 0);
    }
}

// The lag at which the decoded samples are most like the recorded ones, around a place.
static int lag_at(const int16_t *samples, size_t place)
{
    double best = -1e300;
    int found = 0;
    for (int lag = -400; lag <= 400; lag++) {
        double sum = 0;
        for (size_t i = place; i < place + 800; i++)
            sum += (double)signal_at(i) * samples[(int64_t)i + lag];
        if (sum > best) {
            best = sum;
            found = lag;
        }
    }
    return found;
}

// What the encoder puts before the sound is taken off again, and what it adds at the end.
static void test_opus_positions(void **state)
{
    (void)state;
    make_journal(true, 1);
    const JournalExport job = job_of(SOUND_OPUS, "sound.opus");
    uint64_t frames = 0;
    assert_int_equal(journal_export(&job, &frames, NULL), SCOUT_OK);
    assert_int_equal(journal_verify(&job, NULL), SCOUT_OK);
    static int16_t samples[(SECONDS + 1) * RATE];
    assert_int_equal(read_sound("sound.opus", samples, BASE_COUNT(samples), 1), frames);
    assert_int_equal(frames, SECONDS * RATE + 123);
    for (size_t second = 1; second < SECONDS; second++)
        assert_true(second == 2 || abs(lag_at(samples, second * RATE)) <= 1);
    Buffer bytes;
    buffer_init(&bytes, 1 << 20);
    assert_int_equal(file_read("sound.opus", 1 << 20, &bytes, NULL), SCOUT_OK);
    SoundFile *file = NULL;
    size_t done = 0;
    assert_int_equal(sound_file_open("sound.opus", &file, NULL), SCOUT_OK);
    assert_int_equal(sound_file_seek(file, frames + 1, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sound_file_seek(file, 4 * RATE, NULL), SCOUT_OK);
    static int16_t again[RATE];
    assert_int_equal(sound_file_read(file, again, RATE, &done, NULL), SCOUT_OK);
    assert_int_equal(done, RATE);
    assert_true(abs(again[RATE / 2] - samples[4 * RATE + RATE / 2]) < 1000);
    sound_file_free(file);
    assert_in_range(bytes.length, SECONDS * 1000, SECONDS * 6000); // some 32 kbit/s
    buffer_done(&bytes);
}

static void test_a_changed_file_is_found(void **state)
{
    (void)state;
    make_journal(false, 1);
    const JournalExport job = job_of(SOUND_WAV, "sound.wav");
    assert_int_equal(journal_export(&job, NULL, NULL), SCOUT_OK);
    FILE *file = fopen("sound.wav", "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -RATE, SEEK_END), 0);
    assert_int_equal(fputc(0x55, file), 0x55);
    assert_int_equal(fclose(file), 0);
    ScoutError error = {0};
    assert_int_equal(journal_verify(&job, &error), SCOUT_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "the journal is kept"));
    assert_int_equal(truncate("sound.wav", 50000), 0);
    assert_true(journal_verify(&job, &error) != SCOUT_OK);
}

static void raise_it(void *context, double done)
{
    if (done > 0.5)
        cancel_raise(context);
}

// What is given up leaves nothing, and what had the name keeps it.
static void test_cancelled(void **state)
{
    (void)state;
    make_journal(false, 1);
    assert_int_equal(file_write("sound.flac", "old", 3, false, NULL), SCOUT_OK);
    Cancel cancel;
    cancel_init(&cancel);
    JournalExport job = job_of(SOUND_FLAC, "sound.flac");
    job.progress = raise_it;
    job.context = &cancel;
    job.cancel = &cancel;
    ScoutError error = {0};
    assert_int_equal(journal_export(&job, NULL, &error), SCOUT_ERROR_CANCELLED);
    assert_false(file_exists("sound.flac.part"));
    Buffer bytes;
    buffer_init(&bytes, 100);
    assert_int_equal(file_read("sound.flac", 100, &bytes, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&bytes), "old");
    buffer_done(&bytes);
}

static void test_no_room(void **state)
{
    (void)state;
    make_journal(false, 1);
    struct rlimit old, small = {0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 20000, .rlim_max = old.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (SoundFormat format = SOUND_FLAC; format <= SOUND_WAV; format++) {
        const JournalExport job = job_of(format, "sound");
        ScoutError error = {0};
        ScoutStatus status = journal_export(&job, NULL, &error);
        assert_true(status != SCOUT_OK && status != SCOUT_ERROR_CORRUPT);
        assert_non_null(strstr(error.message, "cannot write sound"));
        assert_false(file_exists("sound"));
        assert_false(file_exists("sound.part"));
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

// What a WAV's sizes cannot tell is an RF64; the rest is the plainest WAV there is.
static void test_large_wav(void **state)
{
    (void)state;
    const uint64_t limit = (UINT64_C(1) << 32) / 2;
    const SoundInfo infos[] = {{.rate_hz = RATE, .channels = 1, .frames = 100},
                               {.rate_hz = RATE, .channels = 1, .frames = limit}};
    static const char *const heads[] = {"RIFF", "RF64"};
    for (size_t i = 0; i < BASE_COUNT(infos); i++) {
        SoundFile *file = NULL;
        const int16_t samples[100] = {1, 2, 3};
        assert_int_equal(sound_file_create("x.wav", SOUND_WAV, &infos[i], &file, NULL), SCOUT_OK);
        assert_int_equal(sound_file_write(file, samples, 100, NULL), SCOUT_OK);
        assert_int_equal(sound_file_finish(file, NULL), SCOUT_OK);
        Buffer bytes;
        buffer_init(&bytes, 10000);
        assert_int_equal(file_read("x.wav", 10000, &bytes, NULL), SCOUT_OK);
        assert_memory_equal(bytes.data, heads[i], 4);
        if (i == 0)
            assert_int_equal(bytes.data[20], 1); // PCM
        buffer_done(&bytes);
    }
}

static void test_what_a_killed_writer_left(void **state)
{
    (void)state;
    assert_int_equal(file_write("sound.flac", "whole", 5, false, NULL), SCOUT_OK);
    assert_int_equal(file_write("sound.flac.part", "half", 4, false, NULL), SCOUT_OK);
    sound_file_clean("sound.flac");
    assert_true(file_exists("sound.flac"));
    assert_false(file_exists("sound.flac.part"));
    sound_file_clean("sound.flac"); // nothing is fine
}

static void test_others_than_sound(void **state)
{
    (void)state;
    const SoundInfo one = {.rate_hz = RATE, .channels = 1}, nine = {.rate_hz = RATE, .channels = 9};
    assert_int_equal(file_write("text", "no sound", 8, false, NULL), SCOUT_OK);
    SoundFile *file = NULL;
    ScoutError error = {0};
    assert_int_equal(sound_file_open("text", &file, &error), SCOUT_ERROR_FORMAT);
    assert_int_equal(sound_file_open("none", &file, &error), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(sound_file_create("no/folder/x", SOUND_WAV, &one, &file, &error),
                     SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(sound_file_create("x", SOUND_WAV, &nine, &file, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_lossless),
        IN_FOLDER(test_opus_positions),
        IN_FOLDER(test_a_changed_file_is_found),
        IN_FOLDER(test_cancelled),
        IN_FOLDER(test_no_room),
        IN_FOLDER(test_large_wav),
        IN_FOLDER(test_what_a_killed_writer_left),
        IN_FOLDER(test_others_than_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
