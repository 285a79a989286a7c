// Live captions: see captions.h. The rewritten part is drawn as a whole, and taken off by going up
// the rows that were drawn and clearing to the end of the screen. It is never higher than the
// screen, since what has scrolled away cannot be rewritten.
#include "captions.h"

#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

enum {
    TEXT_BYTES = 1 << 16,
    OUT_BYTES = 1 << 20,
    HISTORY_BYTES = 1 << 16,
    COLUMNS_MIN = 8,
    ROWS_MIN = 2
};

#define DIM   "\033[2m"
#define PLAIN "\033[0m"

static const char *const LABEL_COLOURS[CAPTION_CHANNELS_MAX] = {"\033[36m", "\033[35m"};

// What stands in the rewritten part, or in a line of the history.
typedef struct Line {
    const char *label; // NULL: none
    const char *colour;
    const char *text;
    size_t length;
    size_t dim_from; // bytes before it are plain
} Line;

void captions_init(Captions *captions, const CaptionsOptions *options)
{
    *captions = (Captions){.options = *options};
    captions->options.columns = BASE_MAX(options->columns, (size_t)COLUMNS_MIN);
    captions->options.rows = BASE_MAX(options->rows, (size_t)ROWS_MIN);
    buffer_init(&captions->out, OUT_BYTES);
    buffer_init(&captions->status, TEXT_BYTES);
    buffer_init(&captions->history, HISTORY_BYTES);
    for (size_t c = 0; c < CAPTION_CHANNELS_MAX; c++) {
        buffer_init(&captions->live[c].text, TEXT_BYTES);
        buffer_init(&captions->open[c], TEXT_BYTES);
    }
}

void captions_done(Captions *captions)
{
    buffer_done(&captions->out);
    buffer_done(&captions->status);
    buffer_done(&captions->history);
    for (size_t c = 0; c < CAPTION_CHANNELS_MAX; c++) {
        buffer_done(&captions->live[c].text);
        buffer_done(&captions->open[c]);
    }
}

// ---- Text

// Appends text that cannot steer the terminal. Newlines stay. Returns how many bytes came of the
// first `part` bytes.
static size_t append_clean(Buffer *out, const char *text, size_t length, size_t part)
{
    const size_t begin = out->length;
    size_t of_part = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, length - at, &code);
        const bool control = (code < 0x20 && code != '\n') || (code >= 0x7F && code < 0xA0);
        // Marks that turn the direction of text round would reorder the line.
        const bool turns = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        if (code == 0xFFFD)
            (void)buffer_append_char(out, '?');
        else if (control)
            (void)buffer_append_char(out, ' ');
        else if (!turns)
            (void)buffer_append(out, text + at, taken);
        at += taken;
        if (at <= part)
            of_part = out->length - begin;
    }
    return of_part;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n';
}

// Text in the order in which it was told begins with what separates it from what was before; at the
// beginning of a line there is nothing to separate.
static size_t leading_blanks(const char *text, size_t length)
{
    size_t blanks = 0;
    while (blanks < length && is_blank(text[blanks]))
        blanks++;
    return blanks;
}

// Where the row may end: how many of its bytes, and where the next begins.
typedef struct Break {
    size_t end;
    size_t next;
} Break;

static Break behind_blanks(const char *text, size_t length, size_t end, size_t at)
{
    while (at < length && text[at] == ' ')
        at++;
    return (Break){end, at};
}

size_t captions_break(const char *text, size_t length, size_t columns, size_t *next)
{
    Break last = {0, 0}; // the best so far
    size_t used = 0;
    size_t at = 0;
    bool wide_before = false;
    while (at < length) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, length - at, &code);
        const size_t wide = utf8_columns(text + at, taken);
        if (code == '\n') {
            *next = at + taken;
            return at;
        }
        if (code == ' ' && (at == 0 || text[at - 1] != ' '))
            last = behind_blanks(text, length, at, at);
        else if (at > 0 && text[at - 1] != ' ' && (wide == 2 || (wide_before && wide > 0)))
            last = (Break){at, at};
        if (used + wide > columns && at > 0 && code != ' ') {
            if (last.end == 0)
                last = (Break){at, at}; // a word that is longer than the row
            *next = last.next;
            return last.end;
        }
        used += wide;
        at += taken;
        wide_before = wide == 2;
    }
    *next = length;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return length;
}

// ---- Rows

// The last column stays free: some terminals begin a new line there.
static size_t room_for(const Captions *captions, const Line *line)
{
    const size_t label = line->label ? strlen(line->label) + 2 : 0;
    const size_t columns = captions->options.columns - 1;
    return columns > label + 4 ? columns - label : 4;
}

static size_t count_rows(const Captions *captions, const Line *line)
{
    size_t rows = 1;
    size_t next = 0;
    for (size_t at = 0; at < line->length; at = next, rows++) {
        (void)captions_break(line->text + at, line->length - at, room_for(captions, line), &next);
        next += at;
        if (next >= line->length)
            break;
    }
    return rows;
}

static void write_label(Captions *captions, const Line *line, bool first)
{
    if (!line->label)
        return;
    const bool colour = captions->options.colour;
    if (!first) {
        (void)buffer_printf(&captions->out, "%*s", (int)strlen(line->label) + 2, "");
        return;
    }
    (void)buffer_printf(&captions->out, "%s%s:%s ", colour ? line->colour : "", line->label,
                        colour ? PLAIN : "");
}

// text[from, to) of a line.
static void write_row(Captions *captions, const Line *line, size_t from, size_t to)
{
    Buffer *out = &captions->out;
    const size_t turn = BASE_MIN(BASE_MAX(line->dim_from, from), to);
    (void)buffer_append(out, line->text + from, turn - from);
    if (turn == to)
        return;
    const bool colour = captions->options.colour;
    (void)buffer_append_text(out, colour ? DIM : "");
    (void)buffer_append(out, line->text + turn, to - turn);
    (void)buffer_append_text(out, colour ? PLAIN : "");
}

// All rows but the first `skip`; each begins a new line but the very first that is written. Returns
// how many were.
static size_t write_rows(Captions *captions, const Line *line, size_t skip, bool begun)
{
    size_t row = 0;
    size_t written = 0;
    size_t at = 0;
    do {
        size_t next = 0;
        const size_t end =
            captions_break(line->text + at, line->length - at, room_for(captions, line), &next);
        if (row >= skip) {
            if (begun || written > 0)
                (void)buffer_append_char(&captions->out, '\n');
            write_label(captions, line, row == 0);
            write_row(captions, line, at, at + end);
            written++;
        }
        row++;
        at += next;
    } while (at < line->length);
    return written;
}

// ---- The rewritten part

void captions_hide(Captions *captions)
{
    if (captions->drawn == 0)
        return;
    (void)buffer_append_char(&captions->out, '\r');
    if (captions->drawn > 1)
        (void)buffer_printf(&captions->out, "\033[%zuA", captions->drawn - 1);
    (void)buffer_append_text(&captions->out, "\033[J");
    captions->drawn = 0;
}

static Line line_of(const Captions *captions, size_t channel, const char *text, size_t length,
                    size_t dim_from)
{
    return (Line){.label = captions->options.labels[channel],
                  .colour = LABEL_COLOURS[channel],
                  .text = text,
                  .length = length,
                  .dim_from = dim_from};
}

// What a channel has open: finals that were not ended by a pause, and what is being said.
static bool open_line(const Captions *captions, size_t channel, Buffer *text, Line *line)
{
    const CaptionLive *live = &captions->live[channel];
    const Buffer *open = &captions->open[channel];
    buffer_clear(text);
    (void)buffer_append(text, buffer_text(open), open->length);
    const char *said = buffer_text(&live->text);
    const size_t blanks = open->length ? 0 : leading_blanks(said, live->text.length);
    (void)buffer_append(text, said + blanks, live->text.length - blanks);
    const size_t settled = live->settled_bytes > blanks ? live->settled_bytes - blanks : 0;
    *line = line_of(captions, channel, buffer_text(text), text->length, open->length + settled);
    return text->length > 0;
}

// One row: a status that does not fit is cut.
static void draw_status(Captions *captions)
{
    const Buffer *status = &captions->status;
    const char *text = buffer_text(status);
    size_t at = 0;
    size_t used = 0;
    while (at < status->length) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, status->length - at, &code);
        used += utf8_columns(text + at, taken);
        if (used > captions->options.columns - 1)
            break;
        at += taken;
    }
    if (captions->drawn > 0)
        (void)buffer_append_char(&captions->out, '\n');
    const Line line = {.text = text, .length = at};
    write_row(captions, &line, 0, at);
    captions->drawn++;
}

void captions_show(Captions *captions)
{
    if (!captions->options.live)
        return;
    captions_hide(captions);
    const bool status = captions->status.length > 0;
    size_t room = captions->options.rows - 1 - status;
    Buffer texts[CAPTION_CHANNELS_MAX];
    Line lines[CAPTION_CHANNELS_MAX];
    bool there[CAPTION_CHANNELS_MAX] = {false};
    for (size_t c = 0; c < captions->options.channels; c++) {
        buffer_init(&texts[c], 2 * TEXT_BYTES);
        there[c] = open_line(captions, c, &texts[c], &lines[c]);
    }
    for (size_t c = 0; c < captions->options.channels; c++) {
        // Of two long ones each gets its half.
        const size_t others = captions->options.channels - 1 - c;
        const size_t share = others && there[c + 1] ? BASE_MAX(room / 2, (size_t)1) : room;
        if (there[c] && share > 0) {
            const size_t rows = count_rows(captions, &lines[c]);
            const size_t skip = rows > share ? rows - share : 0;
            const size_t written = write_rows(captions, &lines[c], skip, captions->drawn > 0);
            captions->drawn += written;
            room -= BASE_MIN(written, room);
        }
    }
    if (status)
        draw_status(captions);
    for (size_t c = 0; c < captions->options.channels; c++)
        buffer_done(&texts[c]);
}

// ---- What stays

// A line is a letter for its kind (the channel, or n for a note), the text and a zero.
static void remember(Captions *captions, char kind, const char *text, size_t length)
{
    Buffer *history = &captions->history;
    if (!captions->options.live || length + 2 > HISTORY_BYTES / 2)
        return;
    while (history->length + length + 2 > HISTORY_BYTES)
        buffer_consume(history, strlen(history->data) + 1);
    (void)buffer_append_char(history, kind);
    (void)buffer_append(history, text, length);
    (void)buffer_append_char(history, '\0');
}

static Line line_of_kind(const Captions *captions, char kind, const char *text, size_t length)
{
    if (kind == 'n')
        return (Line){.text = text, .length = length};
    return line_of(captions, (size_t)(kind - '0'), text, length, length);
}

static void write_for_good(Captions *captions, char kind, const char *text, size_t length)
{
    captions_hide(captions);
    const Line line = line_of_kind(captions, kind, text, length);
    if (captions->options.live) {
        (void)write_rows(captions, &line, 0, false);
    } else {
        write_label(captions, &line, true);
        (void)buffer_append(&captions->out, text, length);
    }
    (void)buffer_append_char(&captions->out, '\n');
    remember(captions, kind, text, length);
}

void captions_partial(Captions *captions, size_t channel, const char *text, size_t settled_bytes)
{
    if (!captions->options.live)
        return;
    CaptionLive *live = &captions->live[channel];
    buffer_clear(&live->text);
    live->settled_bytes = append_clean(&live->text, text, strlen(text), settled_bytes);
    captions_show(captions);
}

static void close_line(Captions *captions, size_t channel)
{
    Buffer *open = &captions->open[channel];
    if (open->length > 0)
        write_for_good(captions, (char)('0' + channel), buffer_text(open), open->length);
    buffer_clear(open);
}

void captions_final(Captions *captions, size_t channel, const char *text, bool continues)
{
    Buffer *open = &captions->open[channel];
    CaptionLive *live = &captions->live[channel];
    buffer_clear(&live->text);
    live->settled_bytes = 0;
    const size_t length = strlen(text);
    // What never ends is put down now and then.
    if (open->length + length > TEXT_BYTES / 2)
        close_line(captions, channel);
    const size_t blanks = open->length ? 0 : leading_blanks(text, length);
    (void)append_clean(open, text + blanks, length - blanks, 0);
    if (!continues)
        close_line(captions, channel);
    captions_show(captions);
}

void captions_note(Captions *captions, const char *text)
{
    if (!captions->options.live)
        return;
    Buffer clean;
    buffer_init(&clean, TEXT_BYTES);
    (void)append_clean(&clean, text, strlen(text), 0);
    write_for_good(captions, 'n', buffer_text(&clean), clean.length);
    buffer_done(&clean);
    captions_show(captions);
}

void captions_status(Captions *captions, const char *text)
{
    const char *shown = text ? text : "";
    if (!captions->options.live || str_equal(shown, buffer_text(&captions->status)))
        return;
    buffer_clear(&captions->status);
    (void)append_clean(&captions->status, shown, strlen(shown), 0);
    captions_show(captions);
}

// Terminals differ in what they do with lines that no longer fit, so nothing of the screen is
// counted on: it is cleared, and as many of the last lines as fit are written again.
void captions_resize(Captions *captions, size_t columns, size_t rows)
{
    CaptionsOptions *options = &captions->options;
    columns = BASE_MAX(columns, (size_t)COLUMNS_MIN);
    rows = BASE_MAX(rows, (size_t)ROWS_MIN);
    if (!options->live || (columns == options->columns && rows == options->rows))
        return;
    const bool wider = columns != options->columns;
    options->columns = columns;
    options->rows = rows;
    if (!wider) {
        captions_show(captions);
        return;
    }
    (void)buffer_append_text(&captions->out, "\033[H\033[2J");
    captions->drawn = 0;
    const char *history = buffer_text(&captions->history);
    size_t from = captions->history.length;
    size_t room = rows / 2;
    while (from > 0) {
        size_t begin = from - 1;
        while (begin > 0 && history[begin - 1])
            begin--;
        const Line line = line_of_kind(captions, history[begin], history + begin + 1,
                                       strlen(history + begin + 1));
        const size_t needed = count_rows(captions, &line);
        if (needed > room)
            break;
        room -= needed;
        from = begin;
    }
    for (size_t at = from; at < captions->history.length;) {
        const size_t length = strlen(history + at + 1);
        const Line line = line_of_kind(captions, history[at], history + at + 1, length);
        (void)write_rows(captions, &line, 0, false);
        (void)buffer_append_char(&captions->out, '\n');
        at += length + 2;
    }
    captions_show(captions);
}

void captions_end(Captions *captions)
{
    buffer_clear(&captions->status);
    for (size_t c = 0; c < captions->options.channels; c++) {
        CaptionLive *live = &captions->live[c];
        if (live->text.length > 0) {
            Buffer said;
            buffer_init(&said, TEXT_BYTES);
            (void)buffer_append(&said, buffer_text(&live->text), live->text.length);
            captions_final(captions, c, buffer_text(&said), false);
            buffer_done(&said);
        }
        close_line(captions, c);
    }
    captions_hide(captions);
}
