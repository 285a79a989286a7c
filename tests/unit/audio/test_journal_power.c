// Power is lost at random moments. A disk made of memory keeps a log of what the writer asked of
// it; of what was not synced at the moment of the loss, any blocks are there in any combination,
// others hold their old content, zeros or bytes of another journal, and the file has any of the
// lengths it had. Whatever comes of it: what was synced is there, nothing is doubled, and all is in
// order.
#include "audio/journal.h"

#include "audio/journal_disk.h"
#include "base/memory.h"

#include "journal_format.h"
#include "journal_queue.h"
#include "journal_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    BLOCK = 512,
    IMAGE_MAX = 4 << 20,
    OPERATIONS_MAX = 16384,
    STEP_MS = 20,
    RATE = 16000,
    RECORDS_MAX = 4096,
};

// --- Numbers that are the same in each run
// ---------------------------------------------------------------------------------------

static uint64_t state_of_chance;

static uint64_t chance(uint64_t below)
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return state_of_chance % below;
}

static int16_t sample_at(uint64_t position)
{
    return (int16_t)(uint16_t)((position + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

// --- The disk
// ---------------------------------------------------------------------------------------

typedef enum Kind { CREATED, WRITTEN, CUT, SYNCED, SYNC_FAILED, FOLDER_SYNCED } Kind;

typedef struct Operation {
    Kind kind;
    uint64_t offset; // CUT: the new length
    size_t length;
    uint8_t *bytes;
    uint64_t promised_frames; // what the writer said was synced when it began
} Operation;

typedef struct Disk {
    Operation operations[OPERATIONS_MAX];
    size_t count;
    uint64_t size;
    unsigned failures_in_a_hundred;
    const JournalWriter *writer;
    // What is read.
    const uint8_t *image;
    size_t image_size;
} Disk;

static Disk disk;

static Operation *note(Kind kind)
{
    assert_true(disk.count < OPERATIONS_MAX);
    Operation *operation = &disk.operations[disk.count++];
    *operation =
        (Operation){.kind = kind, .promised_frames = disk.writer ? disk.writer->synced_frames : 0};
    return operation;
}

static bool fails(void)
{
    return chance(100) < disk.failures_in_a_hundred;
}

static int disk_create(void *context, const char *path, int *handle)
{
    (void)context;
    (void)path;
    if (fails())
        return ENOSPC;
    (void)note(CREATED);
    *handle = 1;
    return 0;
}

static int disk_open(void *context, const char *path, bool writable, int *handle)
{
    (void)context;
    (void)path;
    (void)writable;
    *handle = 1;
    return 0;
}

static void disk_close(void *context, int handle)
{
    (void)context;
    (void)handle;
}

static int disk_size(void *context, int handle, uint64_t *bytes)
{
    (void)context;
    (void)handle;
    *bytes = disk.image_size;
    return 0;
}

static int disk_read(void *context, int handle, void *bytes, size_t length, uint64_t offset,
                     size_t *done)
{
    (void)context;
    (void)handle;
    size_t left = offset < disk.image_size ? disk.image_size - (size_t)offset : 0;
    *done = BASE_MIN(length, left);
    if (*done)
        memcpy(bytes, disk.image + offset, *done);
    return 0;
}

static int disk_write(void *context, int handle, const void *bytes, size_t length, uint64_t offset,
                      size_t *done)
{
    (void)context;
    (void)handle;
    if (fails())
        return chance(2) ? ENOSPC : EIO;
    size_t taken = disk.failures_in_a_hundred && chance(4) == 0 ? 1 + chance(length) : length;
    Operation *operation = note(WRITTEN);
    operation->offset = offset;
    operation->length = taken;
    operation->bytes = malloc(taken);
    assert_non_null(operation->bytes);
    memcpy(operation->bytes, bytes, taken);
    disk.size = BASE_MAX(disk.size, offset + taken);
    *done = taken;
    return 0;
}

static int disk_truncate(void *context, int handle, uint64_t bytes)
{
    (void)context;
    (void)handle;
    note(CUT)->offset = bytes;
    return 0;
}

static int disk_sync(void *context, int handle)
{
    (void)context;
    (void)handle;
    const bool failed = fails();
    (void)note(failed ? SYNC_FAILED : SYNCED);
    return failed ? EIO : 0;
}

static int disk_sync_folder(void *context, const char *path)
{
    (void)context;
    (void)path;
    if (fails())
        return EIO;
    (void)note(FOLDER_SYNCED);
    return 0;
}

static int disk_free(void *context, int handle, uint64_t *bytes)
{
    (void)context;
    (void)handle;
    (void)bytes;
    return ENOSYS;
}

static const JournalDisk simulated = {
    .create = disk_create,
    .open = disk_open,
    .close = disk_close,
    .size = disk_size,
    .read = disk_read,
    .write = disk_write,
    .truncate = disk_truncate,
    .sync = disk_sync,
    .sync_folder = disk_sync_folder,
    .free_bytes = disk_free,
};

// --- A recording
// ---------------------------------------------------------------------------------------

static char *text_at(uint64_t position, char *out, size_t size)
{
    (void)snprintf(out, size, "{\"text\":\"%" PRIu64 " %0*d\"}", position, (int)(position % 977),
                   0);
    return out;
}

static void take_all(JournalWriter *writer, JournalQueue *queue, int64_t now_ns)
{
    while (!writer->failure && queue->first && journal_writer_has_room(writer)) {
        JournalPiece *piece = journal_queue_take(queue);
        journal_writer_add(writer, piece);
        mem_free(piece);
    }
    if (!writer->failure || writer->retry_ns <= now_ns)
        (void)journal_writer_flush(writer, now_ns, false);
}

// Some seconds of sound with texts, on a disk that may be slow or refuse. Returns the frames.
static uint64_t record(unsigned steps, unsigned failures_in_a_hundred, size_t memory_bytes)
{
    JournalWriter writer;
    JournalInfo info = {.version = JOURNAL_VERSION, .rate_hz = RATE, .channels = 1};
    for (size_t i = 0; i < sizeof info.id; i++)
        info.id[i] = (uint8_t)chance(256);
    assert_int_equal(journal_writer_init(&writer, &simulated, "journal", &info, NULL), SCOUT_OK);
    disk.writer = &writer;
    disk.failures_in_a_hundred = failures_in_a_hundred;
    JournalQueue queue = {.limit_bytes = memory_bytes, .frame_bytes = sizeof(int16_t)};
    uint64_t position = 0;
    for (unsigned i = 0; i < steps; i++) {
        const int64_t now_ns = (int64_t)i * STEP_MS * 1000000;
        int16_t samples[RATE * STEP_MS / 1000];
        for (size_t s = 0; s < BASE_COUNT(samples); s++)
            samples[s] = sample_at(position + s);
        assert_true(journal_queue_frames(&queue, position, samples, BASE_COUNT(samples), now_ns));
        position += BASE_COUNT(samples);
        char json[1200];
        JournalPiece text = {.type = JOURNAL_TEXT, .position = position - 1, .end = position};
        if (chance(10) == 0) {
            (void)text_at(text.position, json, sizeof json);
            // Texts fill little memory up when the disk takes nothing for long: then it is said.
            assert_true(journal_queue_json(&queue, &text, json, strlen(json), now_ns) ||
                        memory_bytes < (size_t)1 << 20);
        }
        if (chance(3)) // else the disk is slow
            take_all(&writer, &queue, now_ns);
    }
    // The disk recovers: all is written in the end.
    disk.failures_in_a_hundred = 0;
    for (unsigned i = 0; queue.first || writer.pending.length; i++) {
        assert_true(i < 200);
        take_all(&writer, &queue, ((int64_t)steps + 50 * i) * STEP_MS * 1000000);
    }
    disk.writer = NULL;
    journal_writer_done(&writer);
    journal_queue_done(&queue);
    return position;
}

static void forget(void)
{
    for (size_t i = 0; i < disk.count; i++)
        free(disk.operations[i].bytes);
    disk = (Disk){0};
}

// --- The loss
// ---------------------------------------------------------------------------------------

static uint8_t durable[IMAGE_MAX], image[IMAGE_MAX], foreign[IMAGE_MAX];
static size_t durable_size, image_size, foreign_size;

static void apply(uint8_t *bytes, size_t *size, const Operation *operation)
{
    if (operation->kind == CUT) {
        *size = (size_t)operation->offset;
        return;
    }
    if (operation->kind != WRITTEN)
        return;
    size_t end = (size_t)operation->offset + operation->length;
    assert_true(end <= IMAGE_MAX);
    if (operation->offset > *size)
        memset(bytes + *size, 0, (size_t)operation->offset - *size);
    memcpy(bytes + operation->offset, operation->bytes, operation->length);
    *size = BASE_MAX(*size, end);
}

// Some of the blocks of a write.
static void apply_torn(uint8_t *bytes, const Operation *operation, unsigned kept_in_a_hundred)
{
    if (operation->kind != WRITTEN)
        return;
    size_t at = (size_t)operation->offset, end = at + operation->length;
    while (at < end) {
        size_t next = BASE_MIN((at / BLOCK + 1) * BLOCK, end);
        if (chance(100) < kept_in_a_hundred)
            memcpy(bytes + at, operation->bytes + (at - operation->offset), next - at);
        at = next;
    }
}

// The disk after a loss: synced up to `from`, with any part of the operations up to `to`.
static void lose_power(size_t from, size_t to)
{
    memcpy(image, durable, durable_size);
    image_size = durable_size;
    for (size_t i = from; i < to; i++) {
        // The length reaches the disk on its own.
        if (disk.operations[i].kind == WRITTEN && chance(3))
            image_size =
                BASE_MAX(image_size, (size_t)disk.operations[i].offset + disk.operations[i].length);
    }
    // What was never written: nothing, or what the blocks held before.
    if (image_size > durable_size) {
        if (chance(2) && image_size <= foreign_size)
            memcpy(image + durable_size, foreign + durable_size, image_size - durable_size);
        else
            memset(image + durable_size, 0, image_size - durable_size);
    }
    const unsigned kept = (unsigned)chance(101);
    for (size_t i = from; i < to; i++)
        apply_torn(image, &disk.operations[i], kept);
}

typedef struct Found {
    uint64_t sequences[RECORDS_MAX];
    size_t records;
    uint64_t frames; // position after the last one
    uint64_t present;
    uint64_t lost_since; // the last frame
    uint64_t lost;       // as marks tell, before the last frame
    uint64_t told;       // position up to which frames are there, or a mark says that they are lost
} Found;

static void check_frames(const JournalRecord *record, Found *found)
{
    found->lost += found->lost_since;
    found->lost_since = 0;
    assert_int_equal(record->position, found->frames);
    for (uint64_t p = record->position; p < record->end; p++)
        assert_int_equal(record->samples[p - record->position], sample_at(p));
    found->present += record->end - record->position;
}

// Reads all there is, and checks what holds for any journal.
static void read_all(const uint8_t *bytes, size_t size, Found *found)
{
    disk.image = bytes;
    disk.image_size = size;
    *found = (Found){0};
    JournalReader *reader = NULL;
    ScoutError error = {0};
    assert_int_equal(journal_open("journal", &simulated, &reader, &error), SCOUT_OK);
    for (;;) {
        JournalRecord record;
        assert_int_equal(journal_next(reader, &record, &error), SCOUT_OK);
        if (record.type == JOURNAL_NONE)
            break;
        char json[1200];
        if (record.type == JOURNAL_FRAMES)
            check_frames(&record, found);
        else if (record.type == JOURNAL_TEXT)
            assert_string_equal(record.json, text_at(record.position, json, sizeof json));
        if (record.type == JOURNAL_FRAMES || record.type == JOURNAL_GAP)
            found->frames = record.end;
        if (record.type == JOURNAL_MARK)
            found->lost_since += record.end - record.position;
        if (record.type == JOURNAL_FRAMES || record.type == JOURNAL_MARK)
            found->told = BASE_MAX(found->told, record.end);
        if (record.type == JOURNAL_GAP)
            continue;
        assert_true(found->records < RECORDS_MAX);
        assert_true(!found->records || found->sequences[found->records - 1] < record.sequence);
        found->sequences[found->records++] = record.sequence;
    }
    journal_reader_free(reader);
}

// What was synced is all there, and first.
static void check_loss(const Found *synced, uint64_t promised_frames)
{
    Found found;
    read_all(image, image_size, &found);
    assert_true(found.records >= synced->records);
    assert_memory_equal(found.sequences, synced->sequences,
                        synced->records * sizeof synced->sequences[0]);
    assert_true(found.present >= synced->present);
    assert_true(found.told >= promised_frames);
}

// Loses power at moments all along the log. Returns at how many.
static size_t lose_power_all_along(uint64_t frames)
{
    durable_size = 0;
    size_t from = 0, moments = 0;
    bool in_folder = false;
    Found synced = {0};
    for (size_t i = 0; i < disk.count; i++) {
        Operation *operation = &disk.operations[i];
        if (operation->kind == SYNCED || operation->kind == SYNC_FAILED) {
            // A sync that fails leaves any part of it on the disk, and forgets the rest.
            for (size_t k = from; k < i; k++) {
                if (operation->kind == SYNCED) {
                    apply(durable, &durable_size, &disk.operations[k]);
                } else if (disk.operations[k].kind == WRITTEN && chance(2)) {
                    free(disk.operations[k].bytes);
                    disk.operations[k] = (Operation){.kind = SYNC_FAILED};
                }
            }
            if (operation->kind == SYNCED) {
                from = i + 1;
                read_all(durable, durable_size, &synced);
            }
        }
        in_folder = in_folder || operation->kind == FOLDER_SYNCED;
        if (!in_folder) {
            assert_int_equal(operation->promised_frames, 0);
            continue;
        }
        if (chance(10)) {
            lose_power(from, i + 1);
            check_loss(&synced, operation->promised_frames);
            moments++;
        }
    }
    // All is there in the end, but what did not fit into memory: marks tell all of that.
    assert_int_equal(from, disk.count);
    assert_int_equal(synced.told, frames);
    assert_int_equal(synced.frames - synced.present, synced.lost);
    assert_int_equal(synced.sequences[synced.records - 1], synced.records);
    return moments;
}

static size_t run_many(unsigned scenarios, unsigned failures_in_a_hundred, size_t memory_bytes)
{
    size_t moments = 0;
    for (unsigned i = 0; i < scenarios; i++) {
        state_of_chance = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        (void)record(60 + (unsigned)chance(200), 0, (size_t)1 << 20);
        // The whole of another journal, whose blocks are used again.
        foreign_size = 0;
        for (size_t k = 0; k < disk.count; k++)
            apply(foreign, &foreign_size, &disk.operations[k]);
        forget();
        const unsigned longer = failures_in_a_hundred ? 1000 : 0; // it tries once a second
        const uint64_t frames =
            record(60 + longer + (unsigned)chance(200), failures_in_a_hundred, memory_bytes);
        moments += lose_power_all_along(frames);
        forget();
    }
    return moments;
}

static unsigned scenarios(void)
{
    return getenv("SCOUT_TEST_LONG") ? 200 : 20;
}

static void test_power_lost(void **state)
{
    (void)state;
    size_t moments = run_many(scenarios(), 0, (size_t)1 << 20);
    assert_true(moments > scenarios() * 50);
}

static void test_power_lost_on_a_failing_disk(void **state)
{
    (void)state;
    size_t moments = run_many(scenarios(), 15, (size_t)1 << 20);
    assert_true(moments > scenarios() * 20);
}

// Memory for little more than one second.
static void test_power_lost_with_little_memory(void **state)
{
    (void)state;
    size_t moments = run_many(scenarios(), 30, 40 << 10);
    assert_true(moments > scenarios() * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_lost),
        cmocka_unit_test(test_power_lost_on_a_failing_disk),
        cmocka_unit_test(test_power_lost_with_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
