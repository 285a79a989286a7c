// Text on its way through the steps of polishing, with a mark on each byte: what is settled about
// it and must not be touched by later steps.
#ifndef SPEECH_POLISH_MARKED_H
#define SPEECH_POLISH_MARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum {
    MARK_ACTION = 0x0F,  // a ScoutTextAction: what a command writes; 0: text
    MARK_FIRST = 0x10,   // the first byte of what a command writes
    MARK_FIXED = 0x20,   // written by a rule: neither command nor case change
    MARK_CAPITAL = 0x40, // a capital was deleted before it
    MARK_CLOSED = 0x80   // words were deleted before it: no space before a punctuation mark
};

typedef struct Marked {
    Buffer text;  // well-formed UTF-8; "\n" and "\t" are its only control characters
    Buffer marks; // one byte for each of text
} Marked;

// limit: bytes of text.
void marked_init(Marked *marked, size_t limit);
void marked_done(Marked *marked);
void marked_clear(Marked *marked);
bool marked_failed(const Marked *marked);

void marked_append(Marked *marked, const char *text, size_t length, uint8_t mark);

// Appends from..end of another, with its marks; `extra` is added to the mark of the first byte.
void marked_copy(Marked *marked, const Marked *source, size_t from, size_t end, uint8_t extra);

static inline uint8_t marked_at(const Marked *marked, size_t at)
{
    return (uint8_t)marked->marks.data[at];
}

// What a step reads: nothing follows if `ended`, anything may if not.
typedef struct TextView {
    const char *text;
    size_t length;
    bool ended;
} TextView;

TextView marked_view(const Marked *marked, bool ended);

// The character at `at`, and how many bytes it has; 0 at the end.
size_t text_next(TextView view, size_t at, uint32_t *code);

// The character before `at`; 0 bytes at the beginning.
size_t text_before(TextView view, size_t at, uint32_t *code);

bool text_in_word(uint32_t code); // of a script with spaces; so words can be told apart
size_t text_word_end(TextView view, size_t at);
size_t text_skip_spaces(TextView view, size_t at);

bool text_is_space(uint32_t code);        // any that stands between words, not "\n"
bool text_is_mark(uint32_t code);         // . , ; : ! ? and their like in other scripts
bool text_is_sentence_end(uint32_t code); // . ! ? and their like
bool text_is_opening(uint32_t code);      // ( [ { and opening quotes; not "
bool text_is_closing(uint32_t code);      // ) ] } and closing quotes; not "

#endif
