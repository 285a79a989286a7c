// Puts records into the file and onto the disk, and tries again when the disk refuses them: what a
// journal's thread does, without the thread. Bytes are kept until they are synced, and never change
// once they have been made: a second attempt writes the same ones to the same place.
#ifndef JOURNAL_WRITER_H
#define JOURNAL_WRITER_H

#include "journal_queue.h"

#include "audio/journal_disk.h"
#include "base/buffer.h"

enum {
    // Half of JOURNAL_SYNC_MS: the other half is for the disk.
    JOURNAL_SYNC_AFTER_MS = JOURNAL_SYNC_MS / 2,
    JOURNAL_PENDING_BYTES = 512 * 1024, // no more pieces are taken, and it is time to sync
};

typedef struct JournalWriter {
    const JournalDisk *disk;
    const char *path; // borrowed
    JournalInfo info;
    int handle;         // -1: the file is not there yet
    bool folder_synced; // its entry is on disk
    uint64_t sequence;  // of the last record made
    uint64_t base;      // where pending begins in the file; what is before is synced
    Buffer pending;
    size_t written;       // of pending
    int64_t since_ns;     // when the oldest of pending was appended; INT64_MAX: nothing is pending
    uint64_t made_frames; // positions: in pending, written, synced
    uint64_t written_frames;
    uint64_t synced_frames;
    int failure; // errno of the last attempt; 0: it went well
    int64_t retry_ns;
} JournalWriter;

// A file that is still to be made. OUT_OF_MEMORY.
ScoutStatus journal_writer_init(JournalWriter *writer, const JournalDisk *disk, const char *path,
                                const JournalInfo *info, ScoutError *error);

// A file that is there: opened for writing, scanned, and cut behind its last whole record.
ScoutStatus journal_writer_reopen(JournalWriter *writer, const JournalDisk *disk, const char *path,
                                  ScoutError *error);
void journal_writer_done(JournalWriter *writer);

// Makes a record of the piece. Only while journal_writer_has_room.
void journal_writer_add(JournalWriter *writer, const JournalPiece *piece);
bool journal_writer_has_room(const JournalWriter *writer);

// When the next sync, or attempt, is due; INT64_MAX: nothing is to be done.
int64_t journal_writer_due_ns(const JournalWriter *writer);

// Writes what is pending, and syncs if that is due or sync_now. False, with failure and retry_ns
// set, when the disk refused; call again at retry_ns.
bool journal_writer_flush(JournalWriter *writer, int64_t now_ns, bool sync_now);

#endif
