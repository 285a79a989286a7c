// The page that utterances are written on, one after the other: what stands between two of them,
// spaces and doubled punctuation around commands, capitals, and what commands take back.
#ifndef SPEECH_POLISH_PAGE_H
#define SPEECH_POLISH_PAGE_H

#include "languages.h"
#include "marked.h"
#include "phrases.h"
#include "speech/polish.h"

enum {
    PAGE_KEPT_BYTES = 8192, // of the page's end: further back nothing can be taken back
    PAGE_STARTS_MAX = 256,  // utterances
    PAGE_SEEN_SLOTS = 1024
};

typedef struct Page {
    Buffer text;                    // the end of what stands on it
    size_t starts[PAGE_STARTS_MAX]; // where its utterances begin in text, ascending
    size_t start_count;
    Buffer taken;    // what was taken back last: comes back with "undo that"
    bool can_return; // nothing was written since
    bool by_command; // its last character was written by a command
    bool tight;      // nothing goes between it and what comes next
} Page;

bool page_init(Page *page);
void page_done(Page *page);
void page_clear(Page *page);
bool page_copy(Page *page, const Page *source); // false: out of memory

// What a stream has heard of words so far, for capitals: hashes, the newest in their slot.
typedef struct PageSeen {
    uint32_t small[PAGE_SEEN_SLOTS]; // written small
    uint32_t names[PAGE_SEEN_SLOTS]; // with a capital in the middle of a sentence
} PageSeen;

void page_seen_add(PageSeen *seen, const char *raw, size_t length);

// An utterance on its way to the page.
typedef struct PageWriter {
    const PolishLanguage *language; // may be NULL
    const Phrases *small_words;     // may be NULL
    const PageSeen *seen;
    bool commands; // text may hold commands, so punctuation waits for what follows it
    Page *page;
    Buffer *out; // the utterance's text
    PolishEvent *events;
    size_t event_count, join_bytes;
} PageWriter;

// Writes what is decided of the utterance to out and onto the page.
void page_write(PageWriter *writer, const Marked *text, bool ended);

// After an ended utterance, which began at own_start: notes where, and forgets the page's
// beginning.
void page_end_utterance(Page *page, size_t own_start);

#endif
