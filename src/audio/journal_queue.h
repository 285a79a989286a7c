// What was appended to a journal and is not in its file yet: a list of pieces in order, with a
// limit. When the limit is reached the oldest frames make way for a note of how many they were. No
// lock: the journal has one.
#ifndef JOURNAL_QUEUE_H
#define JOURNAL_QUEUE_H

#include "audio/journal.h"

enum { JOURNAL_PIECE_BYTES = 16 * 1024 }; // of frames: what one damaged record costs at most

typedef struct JournalPiece {
    struct JournalPiece *next;
    uint32_t type;
    uint32_t channel;
    uint64_t position;
    uint64_t end;
    int64_t since_ns; // when its oldest byte was appended
    bool lost;        // a MARK for frames that made way; it has no bytes
    size_t capacity;
    size_t bytes;
    uint8_t data[]; // as in the file
} JournalPiece;

typedef struct JournalQueue {
    JournalPiece *first;
    JournalPiece *last;
    size_t limit_bytes;
    size_t bytes;       // allocated for all pieces
    size_t frame_bytes; // bytes of one frame
    uint64_t lost_frames;
} JournalQueue;

void journal_queue_done(JournalQueue *queue);

// Never fails: what finds no room is told as lost. False only when not even that could be noted,
// which takes a queue of nothing and no memory at all.
bool journal_queue_frames(JournalQueue *queue, uint64_t position, const int16_t *samples,
                          size_t frames, int64_t now_ns);

// piece has type, channel, position and end. False when there is no room.
bool journal_queue_json(JournalQueue *queue, const JournalPiece *piece, const char *json,
                        size_t bytes, int64_t now_ns);

// Takes the first piece out, or NULL; free it with mem_free.
JournalPiece *journal_queue_take(JournalQueue *queue);

#endif
