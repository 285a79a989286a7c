// Subtitles: see cues.h.
#include "cues.h"

#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"

// Marks that may not begin a line.
static bool is_closing(uint32_t code)
{
    static const uint32_t marks[] = {'.',    ',',    '!',    '?',    ':',    ';',
                                     ')',    ']',    '}',    '%',    0x2019, 0x201D,
                                     0x2026, 0x3001, 0x3002, 0x300D, 0x300F, 0x3011,
                                     0xFF01, 0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F};
    for (size_t i = 0; i < BASE_COUNT(marks); i++) {
        if (marks[i] == code)
            return true;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// A place between two letters where a line may break without a space: beside a wide character.
static bool breaks_between(uint32_t before, uint32_t after)
{
    char text[4];
    return utf8_columns(text, utf8_encode(before, text)) == 2 ||
           utf8_columns(text, utf8_encode(after, text)) == 2;
}

typedef struct UnitList {
    CueUnit *units;
    size_t count, capacity;
    bool failed;
} UnitList;

static void add_unit(UnitList *list, CueUnit unit)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        CueUnit *units = mem_resize(list->units, capacity, sizeof(*units));
        if (!units) {
            list->failed = true;
            return;
        }
        list->units = units;
        list->capacity = capacity;
    }
    unit.columns = utf8_columns(unit.text, unit.length);
    list->units[list->count++] = unit;
}

// The length of the next piece of a word: up to a place where a line may break, and never wider
// than a line.
static size_t piece_length(const char *text, size_t length, size_t max_width)
{
    size_t at = 0;
    size_t columns = 0;
    uint32_t before = 0;
    while (at < length) {
        uint32_t code;
        size_t taken = utf8_decode(text + at, length - at, &code);
        size_t wide = utf8_columns(text + at, taken);
        if (at &&
            (columns + wide > max_width || (breaks_between(before, code) && !is_closing(code))))
            return at;
        columns += wide;
        before = code;
        at += taken;
    }
    return length;
}

// Cuts text at spaces and between wide characters. Time is shared out by columns.
static void cut_text(UnitList *list, const char *text, double start_s, double end_s,
                     size_t max_width)
{
    // The space before a word takes no time.
    const char *first = text + strspn(text, " \t\r\n");
    double total = (double)BASE_MAX(utf8_columns(first, strlen(first)), 1);
    double per_column_s = (end_s - start_s) / total;
    const char *at = text;
    while (*at && !list->failed) {
        bool space = is_space(*at);
        while (is_space(*at))
            at++;
        size_t length = 0;
        while (at[length] && !is_space(at[length]))
            length++;
        uint32_t first_code = 0;
        utf8_decode(at, length, &first_code);
        for (size_t done = 0; done < length;) {
            size_t piece = piece_length(at + done, length - done, max_width);
            double piece_start_s =
                start_s + per_column_s * (double)utf8_columns(first, (size_t)(at + done - first));
            double piece_s = per_column_s * (double)utf8_columns(at + done, piece);
            add_unit(list, (CueUnit){.text = at + done,
                                     .length = piece,
                                     .space = space && !done,
                                     .stays = !done && !space && is_closing(first_code),
                                     .start_s = piece_start_s,
                                     .end_s = piece_start_s + piece_s});
            done += piece;
        }
        at += length;
    }
}

bool cues_begin(CueSplit *split, const ScoutSegment *segment, size_t max_width, size_t max_lines)
{
    UnitList list = {0};
    size_t widest = max_width ? max_width : SIZE_MAX;
    for (size_t i = 0; i < segment->word_count; i++) {
        const ScoutWord *word = &segment->words[i];
        cut_text(&list, word->text, word->start_s, word->end_s, widest);
    }
    if (!segment->word_count)
        cut_text(&list, segment->text, segment->start_s, segment->end_s, widest);
    if (list.failed) {
        mem_free(list.units);
        return false;
    }
    if (list.count && !segment->word_count) {
        list.units[0].start_s = segment->start_s;
        list.units[list.count - 1].end_s = segment->end_s;
    }
    *split = (CueSplit){.units = list.units,
                        .unit_count = list.count,
                        .max_width = widest,
                        .max_lines = max_width ? BASE_MIN(max_lines, (size_t)CUE_LINES_MAX) : 1};
    return true;
}

void cues_end(CueSplit *split)
{
    mem_free(split->units);
    split->units = NULL;
}

// Fills lines from unit `first` on: returns the unit after the last that fits into `lines` lines of
// `width` columns, and where each line begins.
static size_t fill(const CueSplit *split, size_t first, size_t end, size_t width, size_t lines,
                   size_t breaks[CUE_LINES_MAX], size_t *line_count)
{
    size_t line = 0;
    size_t columns = 0;
    breaks[0] = first;
    size_t at = first;
    while (at < end) {
        // A unit and what has to stay with it.
        size_t next = at + 1;
        size_t wide = split->units[at].columns;
        while (next < end && split->units[next].stays && wide + split->units[next].columns <= width)
            wide += split->units[next++].columns;
        size_t needed = columns + (columns && split->units[at].space ? 1 : 0) + wide;
        if (columns && needed > width) {
            if (line + 1 == lines)
                break;
            breaks[++line] = at;
            columns = wide;
        } else {
            columns = needed;
        }
        at = next;
    }
    *line_count = line + 1;
    return at;
}

static bool ends_sentence(const CueUnit *unit)
{
    static const char *const marks[] = {".", "!", "?", "。", "！", "？", "…"};
    for (size_t i = 0; i < BASE_COUNT(marks); i++) {
        size_t length = strlen(marks[i]);
        if (unit->length >= length &&
            memcmp(unit->text + unit->length - length, marks[i], length) == 0)
            return true;
    }
    return false;
}

// A cue that cannot hold all that is left ends after a sentence rather than in its middle, if one
// ends in its second half.
static size_t choose_end(const CueSplit *split, size_t first, size_t end)
{
    if (end == split->unit_count)
        return end;
    for (size_t at = end; at > first + (end - first) / 2; at--) {
        if (ends_sentence(&split->units[at - 1]) && !split->units[at].stays)
            return at;
    }
    return end;
}

bool cues_next(CueSplit *split, Cue *cue)
{
    size_t first = split->next;
    if (first >= split->unit_count)
        return false;
    size_t lines;
    size_t end = fill(split, first, split->unit_count, split->max_width, split->max_lines,
                      cue->breaks, &lines);
    end = choose_end(split, first, end);
    (void)fill(split, first, end, split->max_width, split->max_lines, cue->breaks, &lines);
    // Balanced: the narrowest width that needs no more lines.
    size_t low = 1;
    size_t high = split->max_width;
    while (lines > 1 && low < high) {
        size_t width = low + (high - low) / 2;
        size_t needed;
        size_t reached = fill(split, first, end, width, lines, cue->breaks, &needed);
        if (reached == end)
            high = width;
        else
            low = width + 1;
    }
    (void)fill(split, first, end, high, lines, cue->breaks, &cue->line_count);
    cue->first = first;
    cue->count = end - first;
    cue->start_s = split->units[first].start_s;
    cue->end_s = split->units[end - 1].end_s;
    split->next = end;
    return true;
}
