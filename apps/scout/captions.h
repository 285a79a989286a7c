// Live captions on a terminal: text that is final scrolls away upwards, and below it stands,
// rewritten in place, what is being said now: the settled part plain, the tentative part dim. What
// is to be written lands in a buffer; nothing is printed here. One owner thread.
#ifndef SCOUT_CAPTIONS_H
#define SCOUT_CAPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { CAPTION_CHANNELS_MAX = 2, CAPTION_LABEL_MAX = 16 };

typedef struct CaptionsOptions {
    bool live;       // the output is a terminal; else finals only, a line each
    bool colour;     // dim and coloured text
    size_t columns;  // of the terminal
    size_t rows;     // of the terminal
    size_t channels; // 1 or 2
    const char *labels[CAPTION_CHANNELS_MAX]; // before each line, "you"; NULL: none. Static storage
} CaptionsOptions;

typedef struct CaptionLive {
    Buffer text; // told so far
    size_t settled_bytes;
} CaptionLive;

typedef struct Captions {
    CaptionsOptions options;
    Buffer out; // check `failed` now and then
    CaptionLive live[CAPTION_CHANNELS_MAX];
    Buffer open[CAPTION_CHANNELS_MAX]; // finals of a speaker who went on without a pause
    Buffer status;                     // one dim line below; empty: none
    Buffer history;                    // the last finals, to draw them again
    size_t drawn;                      // rows of the part that is rewritten, as it stands
} Captions;

void captions_init(Captions *captions, const CaptionsOptions *options);
void captions_done(Captions *captions);

// The text of the utterance that is being spoken, of which settled_bytes do not change any more.
void captions_partial(Captions *captions, size_t channel, const char *text, size_t settled_bytes);

// Its last text, which may be empty. continues: the next utterance follows in the same line.
void captions_final(Captions *captions, size_t channel, const char *text, bool continues);

// A line that stays, for what happened to the sound; and the line at the bottom, NULL or "" for
// none.
void captions_note(Captions *captions, const char *text);
void captions_status(Captions *captions, const char *text);

// Takes the rewritten part off the screen, so that something else can be printed, and puts it back.
void captions_hide(Captions *captions);
void captions_show(Captions *captions);

// The terminal has another size: what is on it is drawn anew.
void captions_resize(Captions *captions, size_t columns, size_t rows);

// What is still open becomes final.
void captions_end(Captions *captions);

// Where to break a line of text that is to stand in `columns`: returns the bytes of the first row,
// without the blanks at its end, and sets *next to where the following row begins, `length` if
// there is none. At least one character is taken. Lines break at newlines, after blanks and beside
// wide characters.
size_t captions_break(const char *text, size_t length, size_t columns, size_t *next);

#endif
