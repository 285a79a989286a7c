// Writes what was recognised in the format that was asked for, piece by piece as it comes. What is
// written lands in a buffer; the caller takes it from there. One owner thread.
#ifndef SCOUT_WRITER_H
#define SCOUT_WRITER_H

#include "base/buffer.h"
#include "table.h"
#include "view.h"

typedef struct WriterOptions {
    FormatId format;
    bool words;            // times of words, in the formats that can show them
    bool several;          // more than one input goes into the same output
    size_t max_line_width; // of subtitles, columns; 0: no limit
    size_t max_lines;      // of a subtitle
    size_t columns;        // of the terminal, for text with words
    bool colour;
} WriterOptions;

typedef struct Writer {
    WriterOptions options;
    Buffer out;       // check `failed` now and then
    size_t inputs;    // begun or failed so far
    size_t cues;      // subtitles written for this input
    double cue_end_s; // of the last one
    double section_s; // md: where the next heading is due
} Writer;

// How a format is called in file names: "txt", "srt".
const char *writer_extension(FormatId format);

// Whether outputs of several inputs can follow each other in one stream.
bool writer_joins(FormatId format);

void writer_init(Writer *writer, const WriterOptions *options);
void writer_done(Writer *writer);

void writer_begin(Writer *writer, const View *view);
void writer_segment(Writer *writer, const View *view, const ScoutSegment *segment);
void writer_end(Writer *writer, const View *view);

// An input that gave nothing; the formats for programs say so in their own words.
void writer_failed(Writer *writer, const char *file, const char *message);

// After the last input.
void writer_close(Writer *writer);

// The text of a segment without the spaces around it; *length of it.
const char *writer_trim(const char *text, size_t *length);

#endif
