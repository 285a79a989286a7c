// Sound that waits: what is put in comes out, in order, whether it waits in memory or in a file.
#include "spool.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <scout/speech.h>

#include "in_folder.h"

enum { RATE = SCOUT_SAMPLE_RATE, PIECE = 1600, MEMORY_S = 8 };

static const uint64_t DAY = (uint64_t)86400 * RATE;

// No two samples that lie near each other are equal.
static int16_t sample_at(uint64_t position)
{
    return (int16_t)(position * 40503 % 65521 - 32760);
}

static ScoutStatus put(Spool *spool, uint64_t position, size_t count, ScoutError *error)
{
    int16_t *samples = malloc(count * sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = sample_at(position + i);
    const ScoutStatus status = spool_write(spool, samples, count, error);
    free(samples);
    return status;
}

static size_t take(Spool *spool, uint64_t position, size_t most)
{
    int16_t *samples = malloc(most * sizeof *samples);
    assert_non_null(samples);
    size_t count = 0;
    assert_int_equal(spool_read(spool, samples, most, &count, NULL), SCOUT_OK);
    for (size_t i = 0; i < count; i++)
        if (samples[i] != sample_at(position + i))
            fail_msg("sample %zu after %llu is wrong", i, (unsigned long long)position);
    free(samples);
    return count;
}

static Spool *make(uint64_t limit)
{
    Spool *spool = NULL;
    assert_int_equal(spool_new(limit, ".", &spool, NULL), SCOUT_OK);
    return spool;
}

static size_t files_here(void)
{
    DIR *folder = opendir(".");
    assert_non_null(folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

// Room on the disk of the one open file that has no name.
static uint64_t room_of_the_file(void)
{
    uint64_t bytes = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct stat about;
        if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 0)
            bytes += (uint64_t)about.st_blocks * 512;
    }
    return bytes;
}

static void nothing_waits_at_first(void **state)
{
    (void)state;
    Spool *spool = make(DAY);
    assert_int_equal(spool_waiting(spool), 0);
    assert_int_equal(take(spool, 0, 100), 0);
    assert_int_equal(put(spool, 0, 0, NULL), SCOUT_OK);
    assert_int_equal(take(spool, 0, 100), 0);
    spool_free(spool);
    spool_free(NULL);
}

static void a_little_waits_in_memory(void **state)
{
    (void)state;
    Spool *spool = make(DAY);
    uint64_t in = 0, out = 0;
    // Round the ring several times.
    for (int i = 0; i < 300; i++) {
        assert_int_equal(put(spool, in, PIECE + 7, NULL), SCOUT_OK);
        in += PIECE + 7;
        out += take(spool, out, PIECE);
    }
    assert_int_equal(spool_waiting(spool), in - out);
    assert_int_equal(room_of_the_file(), 0);
    while (out < in)
        out += take(spool, out, PIECE);
    assert_int_equal(spool_waiting(spool), 0);
    spool_free(spool);
}

static void much_waits_in_a_file_in_order(void **state)
{
    (void)state;
    Spool *spool = make(DAY);
    uint64_t in = 0, out = 0;
    srand(1);
    for (int round = 0; round < 3; round++) {
        // Faster in than out, then the other way round, until nothing is left.
        for (int i = 0; i < 600; i++) {
            const size_t count = (size_t)rand() % 4000;
            assert_int_equal(put(spool, in, count, NULL), SCOUT_OK);
            in += count;
            out += take(spool, out, (size_t)rand() % 2000 + 1);
            assert_int_equal(spool_waiting(spool), in - out);
        }
        assert_true(in - out > (uint64_t)MEMORY_S * RATE && room_of_the_file() > 0);
        while (out < in)
            out += take(spool, out, (size_t)rand() % 9000 + 1);
        assert_int_equal(room_of_the_file(), 0);
    }
    assert_int_equal(files_here(), 0);
    spool_free(spool);
    assert_int_equal(files_here(), 0);
}

static void one_piece_may_be_longer_than_the_memory(void **state)
{
    (void)state;
    Spool *spool = make(DAY);
    const size_t count = (size_t)(MEMORY_S + 3) * RATE;
    assert_int_equal(put(spool, 0, 5, NULL), SCOUT_OK);
    assert_int_equal(put(spool, 5, count, NULL), SCOUT_OK);
    assert_int_equal(put(spool, 5 + count, 5, NULL), SCOUT_OK);
    assert_int_equal(take(spool, 0, count + 100), count + 10);
    spool_free(spool);
}

static bool makes_holes(void)
{
    FILE *file = fopen("holes", "w");
    assert_non_null(file);
    assert_int_equal(fputs("some", file) >= 0 && fflush(file) == 0, 1);
    const bool makes =
        fallocate(fileno(file), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4) == 0;
    (void)fclose(file);
    return makes;
}

// A listener that never quite catches up does not fill the disk with what was heard long ago.
static void what_was_read_takes_no_room(void **state)
{
    (void)state;
    if (!makes_holes())
        skip();
    Spool *spool = make(DAY);
    uint64_t in = 0, out = 0;
    const size_t second = RATE;
    for (int i = 0; i < 30; i++, in += second)
        assert_int_equal(put(spool, in, second, NULL), SCOUT_OK);
    const uint64_t before = room_of_the_file();
    for (int i = 0; i < 1000; i++, in += second) {
        assert_int_equal(put(spool, in, second, NULL), SCOUT_OK);
        out += take(spool, out, second);
    }
    assert_true(before > 0);
    assert_true(room_of_the_file() < before + 6000000);
    spool_free(spool);
}

static void too_much_is_refused_as_a_whole(void **state)
{
    (void)state;
    Spool *spool = make(2 * RATE);
    ScoutError error = {0};
    assert_int_equal(put(spool, 0, RATE, NULL), SCOUT_OK);
    assert_int_equal(put(spool, RATE, RATE + 1, &error), SCOUT_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "more than 2 s"));
    assert_int_equal(spool_waiting(spool), RATE);
    assert_int_equal(put(spool, RATE, RATE, NULL), SCOUT_OK);
    assert_int_equal(put(spool, 2 * RATE, 1, NULL), SCOUT_ERROR_LIMIT);
    assert_int_equal(take(spool, 0, 1), 1);
    assert_int_equal(put(spool, 2 * RATE, 1, NULL), SCOUT_OK);
    assert_int_equal(take(spool, 1, 3 * RATE), 2 * RATE);
    spool_free(spool);
}

static void a_full_disk_is_told_and_loses_nothing_else(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    Spool *spool = make(DAY);
    ScoutError error = {0};
    uint64_t in = 0;
    ScoutStatus status = SCOUT_OK;
    while (!status && in < DAY) {
        status = put(spool, in, PIECE, &error);
        in += status ? 0 : PIECE;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_not_equal(status, SCOUT_OK);
    assert_non_null(strstr(error.message, "sound that waits cannot be kept in ."));
    assert_int_equal(spool_waiting(spool), in);
    // There is room again: half a piece that lies in the file is not heard twice.
    assert_int_equal(put(spool, in, PIECE, NULL), SCOUT_OK);
    in += PIECE;
    assert_int_equal(take(spool, 0, (size_t)in + 1), in);
    spool_free(spool);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    Spool *spool = NULL;
    assert_int_equal(spool_new(DAY, "nowhere", &spool, NULL), SCOUT_OK);
    const size_t memory = (size_t)MEMORY_S * RATE;
    assert_int_equal(put(spool, 0, memory, NULL), SCOUT_OK);
    ScoutError error = {0};
    assert_int_equal(put(spool, memory, 1, &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "nowhere"));
    assert_int_equal(take(spool, 0, memory + 1), memory);
    spool_free(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(nothing_waits_at_first),
        IN_FOLDER(a_little_waits_in_memory),
        IN_FOLDER(much_waits_in_a_file_in_order),
        IN_FOLDER(one_piece_may_be_longer_than_the_memory),
        IN_FOLDER(what_was_read_takes_no_room),
        IN_FOLDER(too_much_is_refused_as_a_whole),
        IN_FOLDER(a_full_disk_is_told_and_loses_nothing_else),
        IN_FOLDER(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
