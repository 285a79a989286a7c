// The frame journal by its public face: what is appended comes back, in order, from a file that was
// closed, left, cut, scribbled over, or is still being written.
#include "audio/journal.h"

#include "audio/journal_disk.h"
#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_folder.h"

enum { STEP = 320 }; // 20 ms

static const char *const PATH = "journal";

// A sample that says where it belongs.
static int16_t sample_at(uint64_t position, uint32_t channel)
{
    uint64_t mixed = (position * 2 + channel + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return (int16_t)(uint16_t)(mixed >> 40);
}

static void append(Journal *journal, uint64_t position, size_t frames, uint32_t channels)
{
    int16_t samples[4 * STEP * 2];
    assert_true(frames <= BASE_COUNT(samples) / channels);
    for (size_t i = 0; i < frames; i++) {
        for (uint32_t c = 0; c < channels; c++)
            samples[i * channels + c] = sample_at(position + i, c);
    }
    assert_int_equal(journal_append_frames(journal, position, samples, frames, NULL), SCOUT_OK);
}

static Journal *create(uint32_t channels)
{
    Journal *journal = NULL;
    ScoutError error = {0};
    const JournalOptions options = {.channels = channels};
    assert_int_equal(journal_create(PATH, &options, &journal, &error), SCOUT_OK);
    return journal;
}

static void close_journal(Journal *journal, bool finished)
{
    ScoutError error = {0};
    assert_int_equal(journal_close(journal, finished, 10000, &error), SCOUT_OK);
}

static JournalReader *open_journal(void)
{
    JournalReader *reader = NULL;
    ScoutError error = {0};
    assert_int_equal(journal_open(PATH, NULL, &reader, &error), SCOUT_OK);
    return reader;
}

static JournalRecord next(JournalReader *reader)
{
    JournalRecord record;
    assert_int_equal(journal_next(reader, &record, NULL), SCOUT_OK);
    return record;
}

static void check_samples(const JournalRecord *record, uint32_t channels)
{
    for (uint64_t p = record->position; p < record->end; p++) {
        for (uint32_t c = 0; c < channels; c++)
            assert_int_equal(record->samples[(p - record->position) * channels + c],
                             sample_at(p, c));
    }
}

// Reads frames until a record of another type comes, and returns where they end.
static uint64_t read_frames(JournalReader *reader, uint64_t from, JournalRecord *other)
{
    for (;;) {
        *other = next(reader);
        if (other->type != JOURNAL_FRAMES)
            return from;
        assert_int_equal(other->position, from);
        check_samples(other, journal_info(reader)->channels);
        from = other->end;
    }
}

static size_t read_file(uint8_t *bytes, size_t size)
{
    FILE *file = fopen(PATH, "rb");
    assert_non_null(file);
    size_t got = fread(bytes, 1, size, file);
    assert_int_equal(fclose(file), 0);
    return got;
}

static void write_bytes(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(PATH, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    Journal *journal = create(2);
    for (uint64_t p = 0; p < 10 * STEP; p += STEP)
        append(journal, p, STEP, 2);
    static const char text[] = "{\"text\":\"hello\"}", odd[] = "{\"a\":\"bc\"}......";
    assert_int_equal(journal_append_text(journal, 1, 100, 2000, text, strlen(text), NULL),
                     SCOUT_OK);
    assert_int_equal(journal_append_skipped(journal, 0, 2000, 2500, odd, 16, NULL), SCOUT_OK);
    assert_int_equal(journal_append_mark(journal, 3200, 3200, "{}", 2, NULL), SCOUT_OK);
    assert_int_equal(journal_append_settled(journal, 1, 3000, "{\"s\":1}", 7, NULL), SCOUT_OK);
    append(journal, 10 * STEP, 7, 2);
    close_journal(journal, true);

    JournalReader *reader = open_journal();
    assert_int_equal(journal_info(reader)->channels, 2);
    assert_int_equal(journal_info(reader)->rate_hz, 16000);
    assert_true(llabs(journal_info(reader)->created_ms - clock_wall_ms()) < 60000);
    JournalRecord record;
    assert_int_equal(read_frames(reader, 0, &record), 10 * STEP);
    assert_int_equal(record.type, JOURNAL_TEXT);
    assert_int_equal(record.channel, 1);
    assert_int_equal(record.position, 100);
    assert_int_equal(record.end, 2000);
    assert_string_equal(record.json, text);
    record = next(reader);
    assert_int_equal(record.type, JOURNAL_SKIPPED);
    assert_int_equal(record.json_bytes, 16); // a payload that needs no padding ends with NUL, too
    assert_string_equal(record.json, "{\"a\":\"bc\"}......");
    record = next(reader);
    assert_int_equal(record.type, JOURNAL_MARK);
    record = next(reader);
    assert_int_equal(record.type, JOURNAL_SETTLED);
    assert_int_equal(record.position, 3000);
    assert_int_equal(read_frames(reader, 10 * STEP, &record), 10 * STEP + 7);
    assert_int_equal(record.type, JOURNAL_END);
    assert_int_equal(next(reader).type, JOURNAL_NONE);
    journal_reader_free(reader);

    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_true(summary.clean && summary.ended && !summary.live);
    assert_int_equal(summary.frames, 10 * STEP + 7);
    assert_int_equal(summary.present_frames, summary.frames);
    assert_int_equal(summary.texts, 1);
    assert_int_equal(summary.skipped, 1);
    assert_int_equal(summary.marks, 1);
    assert_int_equal(summary.gaps, 0);
    assert_int_equal(summary.settled_frames[0], 0);
    assert_int_equal(summary.settled_frames[1], 3000);
    assert_int_equal(summary.stray_bytes, 0);
}

static void test_frames_left_out_are_a_gap(void **state)
{
    (void)state;
    Journal *journal = create(1);
    append(journal, 0, STEP, 1);
    append(journal, 1000, STEP, 1);
    int16_t sample = 1;
    // Positions never go back.
    assert_int_equal(journal_append_frames(journal, 1000 + STEP - 1, &sample, 1, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    close_journal(journal, true);
    JournalReader *reader = open_journal();
    JournalRecord record;
    assert_int_equal(read_frames(reader, 0, &record), STEP);
    assert_int_equal(record.type, JOURNAL_GAP);
    assert_int_equal(record.position, STEP);
    assert_int_equal(record.end, 1000);
    assert_false(record.damaged);
    assert_int_equal(record.missing_records, 0);
    assert_int_equal(read_frames(reader, 1000, &record), 1000 + STEP);
    assert_int_equal(record.type, JOURNAL_END);
    journal_reader_free(reader);
    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_true(summary.clean);
    assert_int_equal(summary.present_frames, 2 * STEP);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    Journal *journal = NULL;
    ScoutError error = {0};
    const JournalOptions many = {.channels = 9}, slow = {.rate_hz = 7999}, plain = {0};
    assert_int_equal(journal_create(PATH, &many, &journal, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(journal_create(PATH, &slow, &journal, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(journal_create("no/such/folder/journal", &plain, &journal, &error),
                     SCOUT_ERROR_NOT_FOUND);
    assert_null(journal);
    assert_false(file_exists(PATH));

    journal = create(1);
    Journal *second = NULL;
    assert_int_equal(journal_create(PATH, &plain, &second, &error), SCOUT_ERROR_EXISTS);
    assert_int_equal(journal_append_text(journal, 1, 0, 0, "{}", 2, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(journal_append_text(journal, 0, 1, 0, "{}", 2, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    char *long_text = calloc(1, JOURNAL_JSON_BYTES_MAX + 1);
    assert_non_null(long_text);
    assert_int_equal(
        journal_append_mark(journal, 0, 0, long_text, JOURNAL_JSON_BYTES_MAX + 1, &error),
        SCOUT_ERROR_LIMIT);
    memset(long_text, 'x', JOURNAL_JSON_BYTES_MAX);
    assert_int_equal(journal_append_mark(journal, 0, 0, long_text, JOURNAL_JSON_BYTES_MAX, &error),
                     SCOUT_OK);
    close_journal(journal, false);
    JournalReader *reader = open_journal();
    JournalRecord record = next(reader);
    assert_int_equal(record.json_bytes, JOURNAL_JSON_BYTES_MAX);
    assert_string_equal(record.json, long_text);
    assert_int_equal(next(reader).type, JOURNAL_NONE);
    journal_reader_free(reader);
    free(long_text);
}

static void test_others_than_journals(void **state)
{
    (void)state;
    JournalReader *reader = NULL;
    ScoutError error = {0};
    assert_int_equal(journal_open(PATH, NULL, &reader, &error), SCOUT_ERROR_NOT_FOUND);
    static const uint8_t text[] = "this is no journal, and never was";
    write_bytes(text, sizeof text);
    assert_int_equal(journal_open(PATH, NULL, &reader, &error), SCOUT_ERROR_FORMAT);
    assert_string_equal(error.message, "journal: this is no journal of a recording");
    write_bytes(text, 0);
    assert_int_equal(journal_open(PATH, NULL, &reader, &error), SCOUT_ERROR_FORMAT);
    assert_int_equal(journal_open(".", NULL, &reader, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_null(reader);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(journal_open("pipe", NULL, &reader, &error), SCOUT_ERROR_INVALID_ARGUMENT);
}

// Within JOURNAL_SYNC_MS, and never by the caller's call.
static void test_synced_soon(void **state)
{
    (void)state;
    Journal *journal = create(1);
    JournalStatus status;
    int64_t worst_ns = 0;
    for (int i = 0; i < 40; i++) {
        int64_t before_ns = clock_monotonic_ns();
        append(journal, (uint64_t)i * STEP, STEP, 1);
        worst_ns = BASE_MAX(worst_ns, clock_monotonic_ns() - before_ns);
        clock_sleep_ms(5);
        journal_status(journal, &status);
        assert_true(status.synced_frames <= status.written_frames);
        assert_true(status.written_frames <= status.appended_frames);
        assert_int_equal(status.appended_frames, (uint64_t)(i + 1) * STEP);
    }
    for (int i = 0; i < 100 && status.synced_frames < status.appended_frames; i++) {
        clock_sleep_ms(20);
        journal_status(journal, &status);
    }
    assert_int_equal(status.synced_frames, 40 * STEP);
    assert_int_equal(status.held_bytes, 0);
    assert_int_equal(status.disk, JOURNAL_DISK_GOOD);
    assert_string_equal(status.problem, "");
    assert_true(status.free_bytes != UINT64_MAX && status.file_bytes > 40 * STEP * 2);
    close_journal(journal, true);
}

// --- A disk that hangs
// ---------------------------------------------------------------------------------------

static atomic_bool hangs, closed;

static int hanging_sync(void *context, int handle)
{
    while (atomic_load(&hangs))
        clock_sleep_ms(5);
    return journal_files.sync(context, handle);
}

static void watched_close(void *context, int handle)
{
    journal_files.close(context, handle);
    atomic_store(&closed, true);
}

// Whoever appends does not wait for it, nor does who closes for longer than he wants to.
static void test_a_disk_that_hangs(void **state)
{
    (void)state;
    JournalDisk disk = journal_files;
    disk.sync = hanging_sync;
    disk.close = watched_close;
    Journal *journal = NULL;
    assert_int_equal(journal_create(PATH, &(JournalOptions){.disk = &disk}, &journal, NULL),
                     SCOUT_OK);
    atomic_store(&hangs, true);
    JournalStatus status = {0};
    uint64_t position = 0;
    for (int i = 0; i < 600 && status.disk != JOURNAL_DISK_SLOW; i++, position += STEP) {
        append(journal, position, STEP, 1);
        journal_status(journal, &status);
        clock_sleep_ms(5);
    }
    assert_int_equal(status.disk, JOURNAL_DISK_SLOW);
    assert_non_null(strstr(status.problem, "does not answer"));
    assert_true(status.synced_frames < status.appended_frames);
    ScoutError error = {0};
    const int64_t before_ns = clock_monotonic_ns();
    assert_int_equal(journal_close(journal, true, 50, &error), SCOUT_ERROR_TIMEOUT);
    assert_true(clock_seconds_since(before_ns) < 5);
    assert_non_null(strstr(error.message, "are not on the disk"));
    // What is left behind ends when the disk comes back.
    atomic_store(&hangs, false);
    for (int i = 0; i < 1000 && !atomic_load(&closed); i++)
        clock_sleep_ms(5);
    assert_true(atomic_load(&closed));
}

static void test_followed_while_written(void **state)
{
    (void)state;
    Journal *journal = create(1);
    JournalReader *reader = open_journal();
    assert_int_equal(next(reader).type, JOURNAL_NONE);
    uint64_t seen = 0;
    for (uint64_t p = 0; p < 30 * STEP; p += STEP) {
        append(journal, p, STEP, 1);
        assert_int_equal(journal_flush(journal, -1, NULL, NULL), SCOUT_OK);
        JournalRecord record;
        seen = read_frames(reader, seen, &record);
        assert_int_equal(record.type, JOURNAL_NONE);
        assert_int_equal(seen, p + STEP);
    }
    assert_true(journal_is_live(PATH));
    close_journal(journal, true);
    assert_false(journal_is_live(PATH));
    assert_int_equal(next(reader).type, JOURNAL_END);
    journal_reader_free(reader);
}

static void test_goes_on_where_another_stopped(void **state)
{
    (void)state;
    Journal *journal = create(1);
    append(journal, 0, STEP, 1);
    Journal *second = NULL;
    const JournalOptions plain = {0};
    assert_int_equal(journal_reopen(PATH, &plain, &second, NULL), SCOUT_ERROR_BUSY);
    close_journal(journal, false);
    // A record that was torn by the end of its process.
    FILE *file = fopen(PATH, "ab");
    assert_non_null(file);
    assert_int_equal(fwrite("\xF5rec torn and more", 1, 18, file), 18);
    assert_int_equal(fclose(file), 0);

    assert_int_equal(journal_reopen(PATH, &plain, &journal, NULL), SCOUT_OK);
    JournalStatus status;
    journal_status(journal, &status);
    assert_int_equal(status.appended_frames, STEP);
    append(journal, STEP, STEP, 1);
    close_journal(journal, true);
    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_true(summary.clean);
    assert_int_equal(summary.present_frames, 2 * STEP);
    assert_int_equal(summary.gaps, 0);
    assert_int_equal(summary.stray_bytes, 0);

    // END is the last record, or it is none.
    assert_int_equal(journal_reopen(PATH, &plain, &journal, NULL), SCOUT_OK);
    append(journal, 2 * STEP, STEP, 1);
    close_journal(journal, false);
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_false(summary.ended);
    assert_int_equal(summary.present_frames, 3 * STEP);
}

// Makes a journal of records as they come: each is written before the next is appended.
static size_t make_records(uint8_t *bytes, size_t size, int count)
{
    Journal *journal = create(1);
    for (int i = 0; i < count; i++) {
        append(journal, (uint64_t)i * STEP, STEP, 1);
        assert_int_equal(journal_flush(journal, -1, NULL, NULL), SCOUT_OK);
    }
    close_journal(journal, true);
    return read_file(bytes, size);
}

enum { RECORD_BYTES = 40 + 2 * STEP + 8, HEADER_BYTES = 4096 };

// Every length a file can be cut to: all whole records come, and nothing else.
static void test_cut_anywhere(void **state)
{
    (void)state;
    static uint8_t bytes[16384];
    size_t size = make_records(bytes, sizeof bytes, 3);
    assert_int_equal(size, HEADER_BYTES + 3 * RECORD_BYTES + 56);
    for (size_t cut = HEADER_BYTES; cut <= size; cut += 3) {
        write_bytes(bytes, cut);
        JournalReader *reader = open_journal();
        JournalRecord record;
        uint64_t end = read_frames(reader, 0, &record);
        assert_int_equal(end, BASE_MIN((cut - HEADER_BYTES) / RECORD_BYTES, (size_t)3) * STEP);
        assert_int_equal(record.type, cut >= size ? JOURNAL_END : JOURNAL_NONE);
        journal_reader_free(reader);
    }
}

// Damage at every place: one record is missing, its place and length are told.
static void test_damaged_anywhere(void **state)
{
    (void)state;
    static uint8_t bytes[16384];
    size_t size = make_records(bytes, sizeof bytes, 3);
    for (size_t at = HEADER_BYTES; at < HEADER_BYTES + 3 * RECORD_BYTES; at++) {
        bytes[at] ^= 0x10;
        write_bytes(bytes, size);
        bytes[at] ^= 0x10;
        const uint64_t hurt = (at - HEADER_BYTES) / RECORD_BYTES;
        JournalReader *reader = open_journal();
        JournalRecord record;
        assert_int_equal(read_frames(reader, 0, &record), hurt * STEP);
        assert_int_equal(record.type, JOURNAL_GAP);
        assert_true(record.damaged);
        assert_int_equal(record.missing_records, 1);
        assert_int_equal(record.position, hurt * STEP);
        // Behind the last frames there is nothing that says how many they were.
        assert_int_equal(record.end, (hurt < 2 ? hurt + 1 : hurt) * STEP);
        assert_int_equal(read_frames(reader, record.end, &record), (hurt < 2 ? 3 : 2) * STEP);
        assert_int_equal(record.type, JOURNAL_END);
        journal_reader_free(reader);
        JournalSummary summary;
        assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
        assert_true(summary.ended && !summary.clean);
        assert_int_equal(summary.stray_bytes, RECORD_BYTES);
    }
}

// One copy of the header is enough.
static void test_damaged_header(void **state)
{
    (void)state;
    static uint8_t bytes[16384];
    size_t size = make_records(bytes, sizeof bytes, 1);
    memset(bytes, 0xAA, 512);
    write_bytes(bytes, size);
    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_int_equal(summary.present_frames, STEP);
    bytes[2048 + 20] ^= 1;
    write_bytes(bytes, size);
    ScoutError error = {0};
    assert_int_equal(journal_summary(PATH, NULL, &summary, &error), SCOUT_ERROR_CORRUPT);
    assert_string_equal(error.message, "journal: the journal's header is damaged");
}

// Blocks of another journal, or of this one at another place, are not taken for its own.
static void test_foreign_and_old_bytes(void **state)
{
    (void)state;
    static uint8_t first[16384], second[16384];
    size_t size = make_records(first, sizeof first, 3);
    assert_int_equal(unlink(PATH), 0);
    assert_int_equal(make_records(second, sizeof second, 3), size);
    memcpy(second + HEADER_BYTES + RECORD_BYTES, first + HEADER_BYTES + RECORD_BYTES, RECORD_BYTES);
    write_bytes(second, size);
    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_int_equal(summary.present_frames, 2 * STEP);
    assert_int_equal(summary.gaps, 1);
    // The first record again, where the second was: it is not given twice.
    memcpy(second + HEADER_BYTES + RECORD_BYTES, second + HEADER_BYTES, RECORD_BYTES);
    write_bytes(second, size);
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_int_equal(summary.present_frames, 2 * STEP);
    assert_int_equal(summary.missing_records, 1);
    assert_int_equal(summary.frames, 3 * STEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_everything_comes_back),
        IN_FOLDER(test_frames_left_out_are_a_gap),
        IN_FOLDER(test_arguments_are_checked),
        IN_FOLDER(test_others_than_journals),
        IN_FOLDER(test_synced_soon),
        IN_FOLDER(test_a_disk_that_hangs),
        IN_FOLDER(test_followed_while_written),
        IN_FOLDER(test_goes_on_where_another_stopped),
        IN_FOLDER(test_cut_anywhere),
        IN_FOLDER(test_damaged_anywhere),
        IN_FOLDER(test_damaged_header),
        IN_FOLDER(test_foreign_and_old_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
