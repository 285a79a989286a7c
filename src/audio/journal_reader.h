// What the writer asks of a reader: where a journal that was left by somebody else ends.
#ifndef JOURNAL_READER_H
#define JOURNAL_READER_H

#include "audio/journal.h"

typedef struct JournalTail {
    uint64_t offset;   // after the last whole record
    uint64_t sequence; // its sequence number, 0 if there is none
    uint64_t frames;   // position after the last frame
    uint64_t size;     // of the file
    uint64_t stray_bytes;
    bool ended; // the last record is END
} JournalTail;

// Of what has been read: to be asked when journal_next has given JOURNAL_NONE.
void journal_reader_tail(const JournalReader *reader, JournalTail *tail);

#endif
