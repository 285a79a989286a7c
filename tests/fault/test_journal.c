// The journal when things go wrong for real: its process is killed, the disk is full, memory is
// out.
#include "audio/journal.h"

#include "base/clock.h"
#include "base/file.h"
#include "disk.h"
#include "fault.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_folder.h"

enum { RATE = 16000, STEP = RATE / 50, STEPS_MAX = 4096 };

static const char *const PATH = "journal";

static int16_t sample_at(uint64_t position)
{
    return (int16_t)(uint16_t)((position + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

static ScoutStatus append_step(Journal *journal, uint64_t position, ScoutError *error)
{
    int16_t samples[STEP];
    for (size_t i = 0; i < STEP; i++)
        samples[i] = sample_at(position + i);
    return journal_append_frames(journal, position, samples, STEP, error);
}

static ScoutStatus append_text(Journal *journal, uint64_t end, ScoutError *error)
{
    char json[64];
    int length = snprintf(json, sizeof json, "{\"n\":%llu}", (unsigned long long)end);
    ScoutStatus status =
        journal_append_text(journal, 0, end - STEP, end, json, (size_t)length, error);
    return status ? status : journal_append_settled(journal, 0, end, "{}", 2, error);
}

// What a reader finds; fails the test at anything that is not in order.
typedef struct Found {
    uint64_t frames, present, lost, last_text, texts, settled;
} Found;

static Found read_journal(void)
{
    JournalReader *reader = NULL;
    ScoutError error = {0};
    assert_int_equal(journal_open(PATH, NULL, &reader, &error), SCOUT_OK);
    Found found = {0};
    JournalRecord record;
    do {
        assert_int_equal(journal_next(reader, &record, &error), SCOUT_OK);
        if (record.type == JOURNAL_FRAMES) {
            assert_int_equal(record.position, found.frames);
            for (uint64_t p = record.position; p < record.end; p++)
                assert_int_equal(record.samples[p - record.position], sample_at(p));
            found.present += record.end - record.position;
            found.frames = record.end;
        } else if (record.type == JOURNAL_GAP) {
            assert_false(record.damaged);
            found.frames = record.end;
        } else if (record.type == JOURNAL_MARK) {
            found.lost += record.end - record.position;
        } else if (record.type == JOURNAL_TEXT) {
            char json[64];
            (void)snprintf(json, sizeof json, "{\"n\":%llu}", (unsigned long long)record.end);
            assert_string_equal(record.json, json);
            assert_true(record.end > found.last_text); // none twice, none before another
            found.last_text = record.end;
            found.texts++;
        } else if (record.type == JOURNAL_SETTLED) {
            assert_int_equal(record.position, found.last_text);
            found.settled = record.position;
        }
    } while (record.type != JOURNAL_NONE);
    journal_reader_free(reader);
    return found;
}

// --- Killed
// ---------------------------------------------------------------------------------------

typedef struct Shared {
    atomic_uint steps;                  // that were appended
    _Atomic int64_t when_ns[STEPS_MAX]; // each of them
} Shared;

static void capture(Shared *shared)
{
    Journal *journal = NULL;
    const JournalOptions options = {0};
    if (journal_create(PATH, &options, &journal, NULL) != SCOUT_OK)
        _exit(1);
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        const uint64_t position = (uint64_t)i * STEP;
        if (append_step(journal, position, NULL) != SCOUT_OK)
            _exit(1);
        if (i % 7 == 6 && append_text(journal, position + STEP, NULL) != SCOUT_OK)
            _exit(1);
        atomic_store(&shared->when_ns[i], clock_monotonic_ns());
        atomic_store(&shared->steps, i + 1);
        clock_sleep_ms(5); // four times as fast as sound passes
    }
    _exit(1);
}

static void kill_at(Shared *shared, int64_t after_ms)
{
    atomic_store(&shared->steps, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        capture(shared);
    while (atomic_load(&shared->steps) == 0)
        clock_sleep_ms(1);
    clock_sleep_ms(after_ms);
    const int64_t killed_ns = clock_monotonic_ns();
    assert_int_equal(kill(child, SIGKILL), 0);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);

    const Found found = read_journal();
    assert_int_equal(found.present, found.frames);
    // All that is older than 200 ms is there; more may be.
    const unsigned steps = atomic_load(&shared->steps);
    unsigned old = 0;
    while (old < steps && atomic_load(&shared->when_ns[old]) < killed_ns - 200 * 1000000)
        old++;
    assert_true(found.frames >= (uint64_t)old * STEP);
    assert_true(found.frames <= (uint64_t)(steps + 1) * STEP);
    assert_int_equal(found.texts, found.last_text / (7 * STEP));
    assert_true(found.last_text <= found.frames);
    assert_true(found.settled == found.last_text || found.settled + 7 * STEP == found.last_text);
}

// The journal that was left is gone on with.
static void go_on(void)
{
    Journal *journal = NULL;
    const JournalOptions options = {0};
    const Found before = read_journal();
    assert_int_equal(journal_reopen(PATH, &options, &journal, NULL), SCOUT_OK);
    assert_int_equal(append_step(journal, before.frames, NULL), SCOUT_OK);
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
    const Found after = read_journal();
    assert_int_equal(after.present, before.present + STEP);
    assert_int_equal(after.texts, before.texts);
    JournalSummary summary;
    assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
    assert_true(summary.clean);
    assert_int_equal(summary.stray_bytes, 0);
}

static void test_killed(void **state)
{
    (void)state;
    Shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    const int times = getenv("SCOUT_TEST_LONG") ? 200 : 20;
    for (int i = 0; i < times; i++) {
        kill_at(shared, (i * 37) % 300);
        go_on();
        assert_int_equal(unlink(PATH), 0);
    }
    assert_int_equal(munmap(shared, sizeof *shared), 0);
}

// --- No room
// ---------------------------------------------------------------------------------------

static void allow_bytes(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static JournalStatus wait_for(Journal *journal, JournalDiskState state)
{
    JournalStatus status;
    for (int i = 0; i < 500; i++) {
        journal_status(journal, &status);
        if (status.disk == state)
            return status;
        clock_sleep_ms(10);
    }
    fail();
    return status;
}

static const uint64_t FULL_STEPS = 150;

// The file reaches a limit in the middle of a record. Nothing is lost when there is room again.
static void test_room_comes_back(void **state)
{
    (void)state;
    Journal *journal = NULL;
    const JournalOptions options = {0};
    ScoutError error = {0};
    allow_bytes(50001);
    assert_int_equal(journal_create(PATH, &options, &journal, &error), SCOUT_OK);
    for (uint64_t i = 0; i < FULL_STEPS; i++)
        assert_int_equal(append_step(journal, i * STEP, &error), SCOUT_OK);
    JournalStatus status = wait_for(journal, JOURNAL_DISK_FULL);
    assert_int_equal(status.appended_frames, FULL_STEPS * STEP);
    assert_true(status.synced_frames < status.appended_frames);
    assert_true(status.held_bytes > 0);
    assert_non_null(strstr(status.problem, "in memory only"));
    assert_int_equal(journal_flush(journal, 10, NULL, &error), SCOUT_ERROR_NO_SPACE);
    allow_bytes(RLIM_INFINITY);
    assert_int_equal(journal_flush(journal, 10000, NULL, &error), SCOUT_OK);
    status = wait_for(journal, JOURNAL_DISK_GOOD);
    assert_string_equal(status.problem, "");
    assert_int_equal(status.lost_frames, 0);
    assert_int_equal(journal_close(journal, true, 10000, &error), SCOUT_OK);
    assert_int_equal(read_journal().present, FULL_STEPS * STEP);
}

// Not even the header finds room, and memory is for half a second. What is lost is told to the
// frame.
static void test_memory_full_too(void **state)
{
    (void)state;
    Journal *journal = NULL;
    const JournalOptions options = {.memory_bytes = 20000};
    ScoutError error = {0};
    allow_bytes(100);
    assert_int_equal(journal_create(PATH, &options, &journal, &error), SCOUT_OK);
    (void)wait_for(journal, JOURNAL_DISK_FULL);
    for (uint64_t i = 0; i < FULL_STEPS; i++)
        assert_int_equal(append_step(journal, i * STEP, &error), SCOUT_OK);
    JournalStatus status = wait_for(journal, JOURNAL_DISK_FULL);
    assert_true(status.lost_frames > FULL_STEPS * STEP / 2);
    assert_true(status.held_bytes <= 20000 + 4096 + 1024);
    allow_bytes(RLIM_INFINITY);
    assert_int_equal(journal_close(journal, true, 10000, &error), SCOUT_OK);
    const Found found = read_journal();
    assert_int_equal(found.lost, status.lost_frames);
    assert_int_equal(found.present + found.lost, FULL_STEPS * STEP);
    assert_int_equal(found.frames, FULL_STEPS * STEP);
}

// --- Call by call
// ---------------------------------------------------------------------------------------

static ScoutStatus use_journal(uint64_t *lost)
{
    (void)unlink(PATH);
    Journal *journal = NULL;
    const JournalOptions options = {0};
    ScoutStatus status = journal_create(PATH, &options, &journal, NULL);
    if (status)
        return status;
    for (uint64_t i = 0; !status && i < 3; i++)
        status = append_step(journal, i * STEP, NULL);
    if (!status)
        status = append_text(journal, 3 * STEP, NULL);
    JournalStatus now;
    journal_status(journal, &now);
    *lost = now.lost_frames;
    ScoutStatus closed = journal_close(journal, true, 20, NULL);
    return status ? status : closed;
}

// Whatever the disk refused: what is there is in order, and OK means that all is.
static ScoutStatus use_full_disk(void *context)
{
    (void)context;
    uint64_t lost = 0;
    ScoutStatus status = use_journal(&lost);
    disk_pause();
    JournalSummary summary;
    if (status == SCOUT_OK) {
        assert_int_equal(journal_summary(PATH, NULL, &summary, NULL), SCOUT_OK);
        assert_true(summary.clean);
        assert_int_equal(summary.present_frames, 3 * STEP);
        assert_int_equal(summary.texts, 1);
    } else if (journal_summary(PATH, NULL, &summary, NULL) == SCOUT_OK) {
        assert_int_equal(summary.frames, summary.present_frames);
    }
    disk_continue();
    return status;
}

static void test_full_from_each_call_on(void **state)
{
    (void)state;
    assert_in_range(disk_run_all(use_full_disk, NULL, 100), 4, 100);
}

// Frames for which there was no memory are told as lost.
static ScoutStatus use_little_memory(void *context)
{
    (void)context;
    uint64_t lost = 0;
    JournalSummary summary;
    ScoutStatus status = use_journal(&lost);
    if (!status)
        status = journal_summary(PATH, NULL, &summary, NULL);
    if (!status)
        assert_int_equal(summary.present_frames + lost, 3 * STEP);
    return status;
}

static void test_memory_fails(void **state)
{
    (void)state;
    assert_in_range(fault_run_all(use_little_memory, NULL, 200), 6, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_killed),          IN_FOLDER(test_room_comes_back),
        IN_FOLDER(test_memory_full_too), IN_FOLDER(test_full_from_each_call_on),
        IN_FOLDER(test_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
