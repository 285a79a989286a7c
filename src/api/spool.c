// Sound that waits: see spool.h. What is in memory is older than what is in the file.
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/memory.h"
#include <scout/speech.h>

enum {
    MEMORY_SAMPLES = 8 * SCOUT_SAMPLE_RATE,
    GIVE_BACK_BYTES = 4 << 20 // of the file, that were read, at once
};

struct Spool {
    uint64_t limit;
    int16_t *ring; // [MEMORY_SAMPLES]
    size_t first, held;
    char *folder;
    int file;               // -1: none yet
    uint64_t written, read; // samples of the file
    uint64_t given_back;    // bytes at its beginning that take no room any more
};

ScoutStatus spool_new(uint64_t limit, const char *folder, Spool **spool, ScoutError *error)
{
    Spool *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Spool){.limit = limit, .file = -1};
    const char *chosen = folder ? folder : getenv("TMPDIR");
    if (!chosen || !*chosen)
        chosen = "/var/tmp";
    made->ring = mem_array(MEMORY_SAMPLES, sizeof *made->ring);
    made->folder = mem_copy_text(chosen, strlen(chosen));
    if (!made->ring || !made->folder) {
        spool_free(made);
        return error_no_memory(error);
    }
    *spool = made;
    return SCOUT_OK;
}

void spool_free(Spool *spool)
{
    if (!spool)
        return;
    if (spool->file >= 0)
        (void)close(spool->file);
    mem_free(spool->ring);
    mem_free(spool->folder);
    mem_free(spool);
}

uint64_t spool_waiting(const Spool *spool)
{
    return spool->held + (spool->written - spool->read);
}

// ------------------------------------------------------------------------------------------- file

// Where the file system makes no file without a name, one is made and its name removed.
static ScoutStatus open_file(Spool *spool, ScoutError *error)
{
    if (spool->file >= 0)
        return SCOUT_OK;
    spool->file = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->file >= 0)
        return SCOUT_OK;
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/scout-XXXXXX", spool->folder);
    if (length > 0 && (size_t)length < sizeof path)
        spool->file = mkostemp(path, O_CLOEXEC);
    if (spool->file < 0)
        return error_set_errno(error, errno, "sound that waits cannot be kept in %s",
                               spool->folder);
    (void)unlink(path);
    return SCOUT_OK;
}

static ScoutStatus write_file(Spool *spool, const int16_t *samples, size_t count, ScoutError *error)
{
    ScoutStatus status = open_file(spool, error);
    const char *bytes = (const char *)samples;
    size_t left = count * sizeof *samples;
    off_t at = (off_t)(spool->written * sizeof *samples);
    while (status == SCOUT_OK && left > 0) {
        ssize_t done = pwrite(spool->file, bytes, left, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set_errno(error, done < 0 ? errno : ENOSPC,
                                   "sound that waits cannot be kept in %s", spool->folder);
        bytes += done;
        left -= (size_t)done;
        at += done;
    }
    if (status == SCOUT_OK)
        spool->written += count;
    return status;
}

// What was read needs no room any more. A listener that stays behind never comes to the end of the
// file; where the file system makes no holes, it then takes room for all that it has seen.
static void give_back(Spool *spool)
{
    const uint64_t done = spool->read * sizeof(int16_t);
    if (spool->read == spool->written && ftruncate(spool->file, 0) == 0) {
        spool->read = spool->written = spool->given_back = 0;
    } else if (done - spool->given_back >= GIVE_BACK_BYTES) {
        (void)fallocate(spool->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (off_t)spool->given_back, (off_t)(done - spool->given_back));
        spool->given_back = done;
    }
}

static ScoutStatus read_file(Spool *spool, int16_t *samples, size_t count, ScoutError *error)
{
    char *bytes = (char *)samples;
    size_t left = count * sizeof *samples;
    off_t at = (off_t)(spool->read * sizeof *samples);
    while (left > 0) {
        ssize_t done = pread(spool->file, bytes, left, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set_errno(error, done < 0 ? errno : EIO,
                                   "sound that waits in %s cannot be read", spool->folder);
        bytes += done;
        left -= (size_t)done;
        at += done;
    }
    spool->read += count;
    give_back(spool);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------ memory

static void write_ring(Spool *spool, const int16_t *samples, size_t count)
{
    while (count > 0) {
        const size_t at = (spool->first + spool->held) % MEMORY_SAMPLES;
        const size_t part = BASE_MIN(count, MEMORY_SAMPLES - at);
        memcpy(spool->ring + at, samples, part * sizeof *samples);
        spool->held += part;
        samples += part;
        count -= part;
    }
}

static void read_ring(Spool *spool, int16_t *samples, size_t count)
{
    while (count > 0) {
        const size_t part = BASE_MIN(count, MEMORY_SAMPLES - spool->first);
        memcpy(samples, spool->ring + spool->first, part * sizeof *samples);
        spool->first = (spool->first + part) % MEMORY_SAMPLES;
        spool->held -= part;
        samples += part;
        count -= part;
    }
}

ScoutStatus spool_write(Spool *spool, const int16_t *samples, size_t count, ScoutError *error)
{
    if (count > spool->limit - BASE_MIN(spool_waiting(spool), spool->limit))
        return error_set(
            error, SCOUT_ERROR_LIMIT,
            "more than %.0f s of sound wait to be listened to: the machine is too slow "
            "for it, or the limit too low",
            (double)spool->limit / SCOUT_SAMPLE_RATE);
    if (spool->written > spool->read || count > MEMORY_SAMPLES - spool->held)
        return write_file(spool, samples, count, error);
    write_ring(spool, samples, count);
    return SCOUT_OK;
}

ScoutStatus spool_read(Spool *spool, int16_t *samples, size_t most, size_t *count,
                       ScoutError *error)
{
    const size_t near = BASE_MIN(most, spool->held);
    read_ring(spool, samples, near);
    *count = near;
    const uint64_t rest = BASE_MIN((uint64_t)(most - near), spool->written - spool->read);
    if (rest == 0)
        return SCOUT_OK;
    ScoutStatus status = read_file(spool, samples + near, (size_t)rest, error);
    if (status == SCOUT_OK)
        *count += (size_t)rest;
    return status;
}
