// The frame journal: one file that every captured frame and every final text is appended to as it
// comes, so that a process that is killed, or a machine that loses power, loses next to nothing.
// docs/journal-format.md has the bytes, docs/audio-journal.md how it is used.
//
// A position is a count of sample frames since the first one of the recording; text and sound share
// no other time. Samples are signed 16 bit, interleaved.
#ifndef AUDIO_JOURNAL_H
#define AUDIO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

enum {
    JOURNAL_ID_BYTES = 16,
    JOURNAL_RATE_MIN_HZ = 8000,
    JOURNAL_RATE_MAX_HZ = 192000,
    JOURNAL_CHANNELS_MAX = 8,
    JOURNAL_JSON_BYTES_MAX = 256 * 1024, // of a text, skipped span, mark or settled record
    JOURNAL_SYNC_MS = 200,               // no frame is unsynced for longer while the disk keeps up
    JOURNAL_RETRY_MS = 1000,             // between two attempts at a disk that does not take more
    JOURNAL_PROBLEM_BYTES = 256,
};

static const uint64_t JOURNAL_POSITION_MAX = UINT64_C(1) << 48; // 500 years
static const uint64_t JOURNAL_FILE_BYTES_MAX = UINT64_C(32) << 30;
static const size_t JOURNAL_MEMORY_BYTES = (size_t)256 << 20; // 2 h 20 min of one channel

typedef enum JournalType {
    JOURNAL_NONE = 0, // no record: the end, as far as the file goes now
    JOURNAL_FRAMES = 1,
    JOURNAL_TEXT = 2,    // a final text
    JOURNAL_SKIPPED = 3, // a span without text, with the scores that say why
    JOURNAL_MARK = 4,    // what happened: device lost, overrun, pause; "lost" is the journal's own
    JOURNAL_SETTLED = 5, // all text before this position is in the journal
    JOURNAL_END = 6,     // closed in peace
    JOURNAL_GAP = 256,   // not in the file: the reader's word for what is missing
} JournalType;

typedef struct JournalDisk JournalDisk; // audio/journal_disk.h: for tests

// --- Writing
// ---------------------------------------------------------------------------------------

typedef struct Journal Journal;

// Zeros are the defaults.
typedef struct JournalOptions {
    uint32_t rate_hz;    // 16000
    uint32_t channels;   // 1
    int64_t created_ms;  // wall time of the first frame, since 1970; 0: now
    size_t memory_bytes; // most that is held in memory while the disk takes nothing
    const JournalDisk *disk;
} JournalOptions;

typedef enum JournalDiskState {
    JOURNAL_DISK_GOOD,
    JOURNAL_DISK_SLOW,    // it has not answered for two seconds
    JOURNAL_DISK_FULL,    // no room: what comes is kept in memory, and written when there is room
    JOURNAL_DISK_FAILING, // the same, for every other error of the disk
} JournalDiskState;

// Positions are those of frames; each is at most the one before it.
typedef struct JournalStatus {
    uint64_t appended_frames; // position after the last frame that was appended
    uint64_t written_frames;  // ... that outlives this process
    uint64_t synced_frames;   // ... that outlives a loss of power
    uint64_t lost_frames;     // dropped because disk and memory were full, in all
    size_t held_bytes;        // in memory, not yet written
    uint64_t file_bytes;
    uint64_t free_bytes; // on the disk, at most some seconds ago; UINT64_MAX when not known
    JournalDiskState disk;
    char problem[JOURNAL_PROBLEM_BYTES]; // the sentence for a disk that is not good, else empty
} JournalStatus;

// Makes a new file (EXISTS when there is one), locks it and starts the thread that writes. Returns
// when the file is on disk, or after JOURNAL_RETRY_MS on a slow one. A disk that is full or failing
// is no error: see the status. Anything else is, such as a folder that is missing (NOT_FOUND) or
// must not be written (PERMISSION).
ScoutStatus journal_create(const char *path, const JournalOptions *options, Journal **journal,
                           ScoutError *error);

// Goes on with a journal that was left by a process which is gone: behind its last whole record;
// torn bytes after it are cut off. Rate, channels and created_ms are those of the file. BUSY while
// another process (or journal) writes it; FORMAT, CORRUPT as journal_open.
ScoutStatus journal_reopen(const char *path, const JournalOptions *options, Journal **journal,
                           ScoutError *error);

// The appends never wait for the disk: they copy into memory, which the journal's thread writes in
// the order of the calls. One thread at a time.
//
// position is the end of the frames so far or lies beyond it: what is between was never captured.
// INVALID_ARGUMENT when it lies before. When memory is full as well as the disk, the oldest frames
// that are not written yet make way, and a mark "lost" stands in their place; that is no error.
ScoutStatus journal_append_frames(Journal *journal, uint64_t position, const int16_t *samples,
                                  size_t frames, ScoutError *error);

// What concerns the frames [position, end) of a channel. json is one JSON object, of
// JOURNAL_JSON_BYTES_MAX at most (LIMIT); its bytes are copied, not looked at. OUT_OF_MEMORY when
// there is none left for it: nothing was appended then.
ScoutStatus journal_append_text(Journal *journal, uint32_t channel, uint64_t position, uint64_t end,
                                const char *json, size_t bytes, ScoutError *error);
ScoutStatus journal_append_skipped(Journal *journal, uint32_t channel, uint64_t position,
                                   uint64_t end, const char *json, size_t bytes, ScoutError *error);

// Something that happened at a position, or from there to end (equal where it has no length).
ScoutStatus journal_append_mark(Journal *journal, uint64_t position, uint64_t end, const char *json,
                                size_t bytes, ScoutError *error);

// Everything that will ever be said about the channel's frames before position has been appended;
// json holds what is needed to go on from there ("{}" where nothing is).
ScoutStatus journal_append_settled(Journal *journal, uint32_t channel, uint64_t position,
                                   const char *json, size_t bytes, ScoutError *error);

// Any thread.
void journal_status(Journal *journal, JournalStatus *status);

// Waits until all that was appended is synced. TIMEOUT after timeout_ms (0: looks once; negative:
// no limit), CANCELLED, or, while the disk takes nothing, NO_SPACE or IO at timeout_ms, with how
// much is in memory only.
ScoutStatus journal_flush(Journal *journal, int64_t timeout_ms, const Cancel *cancel,
                          ScoutError *error);

// Appends END if finished, flushes for timeout_ms at most, and frees the journal in any case. Not
// OK when something was still in memory only: the sentence says how much is lost.
ScoutStatus journal_close(Journal *journal, bool finished, int64_t timeout_ms, ScoutError *error);

// --- Reading
// ---------------------------------------------------------------------------------------

typedef struct JournalReader JournalReader;

typedef struct JournalInfo {
    uint32_t version;
    uint32_t rate_hz;
    uint32_t channels;
    int64_t created_ms;
    uint8_t id[JOURNAL_ID_BYTES];
} JournalInfo;

// Pointers are borrowed until the next call on the reader.
typedef struct JournalRecord {
    JournalType type;
    uint32_t channel;
    uint64_t sequence; // the first is 1, and each is greater than the one before
    uint64_t position; // frames [position, end)
    uint64_t end;
    const int16_t *samples; // FRAMES: (end - position) * channels of them
    const char *json;       // the others: NUL-terminated, in whatever form it was appended
    size_t json_bytes;
    // GAP: frames [position, end) are not in the journal (none of them when both are equal).
    // damaged: because records are missing, and with them perhaps texts; else they were never
    // captured, or lost to a full disk and memory, and a mark says which.
    bool damaged;
    uint64_t missing_records; // GAP: how many records are missing, as far as is known
} JournalRecord;

// FORMAT when it is no journal, UNSUPPORTED when it is of a later version, CORRUPT when both copies
// of its header are damaged.
ScoutStatus journal_open(const char *path, const JournalDisk *disk, JournalReader **reader,
                         ScoutError *error);
void journal_reader_free(JournalReader *reader);
const JournalInfo *journal_info(const JournalReader *reader);

// The next record, in order, each at most once, whatever the file holds; types that are not known
// here are left out. JOURNAL_NONE at the end: of a journal that is being written, the call may be
// made again later and goes on. Not OK only when the file cannot be read (IO).
ScoutStatus journal_next(JournalReader *reader, JournalRecord *record, ScoutError *error);

typedef struct JournalSummary {
    JournalInfo info;
    uint64_t frames;         // position after the last frame
    uint64_t present_frames; // of these, in the journal
    uint64_t texts, skipped, marks;
    uint64_t gaps; // GAP records
    uint64_t missing_records;
    uint64_t
        settled_frames[JOURNAL_CHANNELS_MAX]; // by channel; counted up to the first damage only
    bool clean;                               // ended by END, and nothing is missing
    bool ended;                               // ended by END
    bool live;                                // a process writes it now
    uint64_t file_bytes;
    uint64_t stray_bytes; // in no whole record
} JournalSummary;

ScoutStatus journal_summary(const char *path, const JournalDisk *disk, JournalSummary *summary,
                            ScoutError *error);

// Whether a living process writes the journal. False for a file that cannot be opened.
bool journal_is_live(const char *path);

#endif
