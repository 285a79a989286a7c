// The formats: see writer.h. A table says what each does at the beginning, for a segment and at the
// end of an input.
#include "writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"
#include "cues.h"
#include "json_view.h"

enum { OUT_MAX_BYTES = 1 << 30, CLOCK_MAX = 32, MD_SECTION_S = 300 };

typedef struct Format {
    const char *extension;
    bool joins; // outputs of several inputs can follow each other
    void (*begin)(Writer *writer, const View *view);
    void (*segment)(Writer *writer, const View *view, const ScoutSegment *segment);
    void (*end)(Writer *writer, const View *view);
} Format;

const char *writer_trim(const char *text, size_t *length)
{
    text += strspn(text, " \t\r\n");
    *length = strlen(text);
    while (*length && strchr(" \t\r\n", text[*length - 1]))
        (*length)--;
    return text;
}

// Appends the trimmed text as one line.
static void put_line(Buffer *out, const char *text)
{
    size_t length;
    text = writer_trim(text, &length);
    for (size_t i = 0; i < length; i++)
        buffer_append_char(out, text[i] == '\n' || text[i] == '\r' ? ' ' : text[i]);
}

static bool is_blank(const ScoutSegment *segment)
{
    size_t length;
    writer_trim(segment->text, &length);
    return length == 0;
}

static long long to_ms(double seconds)
{
    return llround(seconds * 1000.0);
}

// "00:01:02" and the milliseconds behind a mark.
static const char *clock_text(long long ms, char mark, char out[CLOCK_MAX])
{
    (void)snprintf(out, CLOCK_MAX, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60,
                   ms / 1000 % 60, mark, ms % 1000);
    return out;
}

// "0:07.25", "1:02:03.40": for people.
static const char *short_clock(double seconds, char out[CLOCK_MAX])
{
    long long hundredths = llround(seconds * 100.0);
    long long minutes = hundredths / 6000;
    if (minutes < 60)
        (void)snprintf(out, CLOCK_MAX, "%lld:%02lld.%02lld", minutes, hundredths / 100 % 60,
                       hundredths % 100);
    else
        (void)snprintf(out, CLOCK_MAX, "%lld:%02lld:%02lld.%02lld", minutes / 60, minutes % 60,
                       hundredths / 100 % 60, hundredths % 100);
    return out;
}

// ------------------------------------------------------------------------------------------- text

static void dim(const Writer *writer, Buffer *out, const char *text)
{
    buffer_printf(out, writer->options.colour ? "\033[2m%s\033[0m" : "%s", text);
}

static void text_begin(Writer *writer, const View *view)
{
    if (writer->options.several)
        buffer_printf(&writer->out, "%s==> %s <==\n", writer->inputs ? "\n" : "", view->file);
}

// The segment's text, set in lines behind its times.
static void text_times(Writer *writer, const ScoutSegment *segment)
{
    Buffer *out = &writer->out;
    char from[CLOCK_MAX];
    char to[CLOCK_MAX];
    char times[CLOCK_MAX * 2 + 8];
    (void)snprintf(times, sizeof(times), "[%s - %s]", short_clock(segment->start_s, from),
                   short_clock(segment->end_s, to));
    buffer_printf(out, writer->options.colour ? "\033[36m%s\033[0m " : "%s ", times);
    size_t indent = strlen(times) + 2;
    size_t width = BASE_MAX(writer->options.columns, indent + 20) - indent;
    CueSplit split;
    if (!cues_begin(&split, segment, width, CUE_LINES_MAX)) {
        out->failed = true;
        return;
    }
    size_t column = 0;
    for (size_t i = 0; i < split.unit_count; i++) {
        const CueUnit *unit = &split.units[i];
        bool space = unit->space && column;
        if (column && column + space + unit->columns > width && !unit->stays) {
            buffer_printf(out, "\n%*s", (int)indent - 1, "");
            column = 0;
            space = false;
        }
        buffer_append_text(out, space || !column ? " " : "");
        buffer_append(out, unit->text, unit->length);
        column += space + unit->columns;
    }
    buffer_append_char(out, '\n');
    cues_end(&split);
}

// Each word behind its time, in lines.
static void text_words(Writer *writer, const ScoutSegment *segment)
{
    enum { WORD_INDENT = 4 };
    Buffer *out = &writer->out;
    size_t column = 0;
    for (size_t i = 0; i < segment->word_count; i++) {
        const ScoutWord *word = &segment->words[i];
        char time[CLOCK_MAX];
        short_clock(word->start_s, time);
        size_t length;
        const char *text = writer_trim(word->text, &length);
        size_t wide = strlen(time) + 1 + utf8_columns(text, length);
        if (column && column + 2 + wide > writer->options.columns) {
            buffer_append_char(out, '\n');
            column = 0;
        }
        buffer_printf(out, "%*s", column ? 2 : WORD_INDENT, "");
        column += (column ? 2 : WORD_INDENT) + wide;
        dim(writer, out, time);
        buffer_append_char(out, ' ');
        put_line(out, word->text);
    }
    if (segment->word_count)
        buffer_append_char(out, '\n');
}

static void text_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    if (is_blank(segment))
        return;
    if (writer->options.words) {
        text_times(writer, segment);
        text_words(writer, segment);
    } else {
        put_line(&writer->out, segment->text);
        buffer_append_char(&writer->out, '\n');
    }
}

// -------------------------------------------------------------------------------------- subtitles

static void vtt_text(Buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '&': buffer_append_text(out, "&amp;"); break;
        case '<': buffer_append_text(out, "&lt;"); break;
        case '>': buffer_append_text(out, "&gt;"); break;
        default: buffer_append_char(out, text[i]);
        }
    }
}

static void cue_text(Writer *writer, const CueSplit *split, const Cue *cue, long long start_ms,
                     long long end_ms)
{
    Buffer *out = &writer->out;
    bool vtt = writer->options.format == FORMAT_VTT;
    long long told_ms = start_ms;
    for (size_t i = 0, line = 0; i < cue->count; i++) {
        const CueUnit *unit = &split->units[cue->first + i];
        bool breaks = line + 1 < cue->line_count && cue->breaks[line + 1] == cue->first + i;
        if (breaks) {
            buffer_append_char(out, '\n');
            line++;
        } else if (i && unit->space) {
            buffer_append_char(out, ' ');
        }
        // A time inside the text lies inside the cue and after the one before (WebVTT, 6.4).
        long long ms = to_ms(unit->start_s);
        if (vtt && writer->options.words && ms > told_ms && ms < end_ms) {
            char clock[CLOCK_MAX];
            buffer_printf(out, "<%s>", clock_text(ms, '.', clock));
            told_ms = ms;
        }
        if (vtt)
            vtt_text(out, unit->text, unit->length);
        else
            buffer_append(out, unit->text, unit->length);
    }
}

static void put_cue(Writer *writer, const CueSplit *split, const Cue *cue)
{
    Buffer *out = &writer->out;
    bool vtt = writer->options.format == FORMAT_VTT;
    long long start_ms = BASE_MAX(to_ms(cue->start_s), to_ms(writer->cue_end_s));
    long long end_ms = BASE_MAX(to_ms(cue->end_s), start_ms + 1);
    char from[CLOCK_MAX];
    char to[CLOCK_MAX];
    writer->cues++;
    if (!vtt)
        buffer_printf(out, "%zu\n", writer->cues);
    buffer_printf(out, "%s --> %s\n", clock_text(start_ms, vtt ? '.' : ',', from),
                  clock_text(end_ms, vtt ? '.' : ',', to));
    cue_text(writer, split, cue, start_ms, end_ms);
    buffer_append_text(out, "\n\n");
    writer->cue_end_s = (double)end_ms / 1000.0;
}

static void subtitle_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    CueSplit split;
    if (!cues_begin(&split, segment, writer->options.max_line_width, writer->options.max_lines)) {
        writer->out.failed = true;
        return;
    }
    Cue cue;
    while (cues_next(&split, &cue)) {
        if (!writer->options.max_line_width) {
            // Not cut: the segment's own times.
            cue.start_s = segment->start_s;
            cue.end_s = segment->end_s;
        }
        put_cue(writer, &split, &cue);
    }
    cues_end(&split);
}

static void vtt_begin(Writer *writer, const View *view)
{
    (void)view;
    buffer_append_text(&writer->out, "WEBVTT\n\n");
}

// [mm:ss.xx]
static void lrc_clock(Buffer *out, double seconds, char open, char close)
{
    long long hundredths = llround(seconds * 100.0);
    buffer_printf(out, "%c%02lld:%02lld.%02lld%c", open, hundredths / 6000, hundredths / 100 % 60,
                  hundredths % 100, close);
}

static void lrc_begin(Writer *writer, const View *view)
{
    (void)view;
    buffer_append_text(&writer->out, "[re:scout]\n");
}

static void lrc_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    if (is_blank(segment))
        return;
    lrc_clock(&writer->out, segment->start_s, '[', ']');
    if (!writer->options.words || !segment->word_count) {
        put_line(&writer->out, segment->text);
    } else {
        for (size_t i = 0; i < segment->word_count; i++) {
            if (i && segment->words[i].text[0] == ' ')
                buffer_append_char(&writer->out, ' ');
            lrc_clock(&writer->out, segment->words[i].start_s, '<', '>');
            put_line(&writer->out, segment->words[i].text);
        }
    }
    buffer_append_char(&writer->out, '\n');
}

// ----------------------------------------------------------------------------------------- tables

static void tsv_begin(Writer *writer, const View *view)
{
    (void)view;
    buffer_append_text(&writer->out, "start\tend\ttext\n");
}

static void tsv_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    size_t length;
    const char *text = writer_trim(segment->text, &length);
    buffer_printf(&writer->out, "%lld\t%lld\t", to_ms(segment->start_s), to_ms(segment->end_s));
    for (size_t i = 0; i < length; i++)
        buffer_append_char(&writer->out, strchr("\t\n\r", text[i]) ? ' ' : text[i]);
    buffer_append_char(&writer->out, '\n');
}

static void csv_begin(Writer *writer, const View *view)
{
    (void)view;
    buffer_append_text(&writer->out, "start,end,text\r\n");
}

// RFC 4180: a field with a comma, a quote or a line end stands in quotes, its quotes doubled.
static void csv_field(Buffer *out, const char *text, size_t length)
{
    bool quote = false;
    for (size_t i = 0; i < length; i++)
        quote = quote || strchr(",\"\r\n", text[i]);
    buffer_append_text(out, quote ? "\"" : "");
    for (size_t i = 0; i < length; i++) {
        buffer_append_text(out, text[i] == '"' ? "\"" : "");
        buffer_append_char(out, text[i]);
    }
    buffer_append_text(out, quote ? "\"" : "");
}

static void csv_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    size_t length;
    const char *text = writer_trim(segment->text, &length);
    buffer_printf(&writer->out, "%.3f,%.3f,", segment->start_s, segment->end_s);
    csv_field(&writer->out, text, length);
    buffer_append_text(&writer->out, "\r\n");
}

// --------------------------------------------------------------------------------------- Markdown

// Letters that would be markup get a backslash (CommonMark, 2.4).
static void md_text(Buffer *out, const char *text)
{
    size_t length;
    text = writer_trim(text, &length);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool starts_block = i == 0 && strchr("+-=.)", c);
        if (c == '\n' || c == '\r')
            c = ' ';
        else if (strchr("\\`*_[]<>#|~", c) || starts_block)
            buffer_append_char(out, '\\');
        buffer_append_char(out, c);
    }
}

static void md_begin(Writer *writer, const View *view)
{
    buffer_append_text(&writer->out, writer->inputs ? "\n# " : "# ");
    md_text(&writer->out, view->file);
    buffer_append_text(&writer->out, "\n");
    writer->section_s = 0;
}

static void md_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    (void)view;
    if (is_blank(segment))
        return;
    long long start = (long long)segment->start_s;
    if (segment->start_s >= writer->section_s) {
        long long section = start / MD_SECTION_S * MD_SECTION_S;
        buffer_printf(&writer->out, "\n## %lld:%02lld:%02lld\n", section / 3600, section / 60 % 60,
                      section % 60);
        writer->section_s = (double)(section + MD_SECTION_S);
    }
    buffer_printf(&writer->out, "\n**%lld:%02lld:%02lld** ", start / 3600, start / 60 % 60,
                  start % 60);
    md_text(&writer->out, segment->text);
    buffer_append_char(&writer->out, '\n');
}

// ------------------------------------------------------------------------------------------- JSON

static void put_json(Writer *writer, json_t *value)
{
    bool lines = writer->options.format == FORMAT_JSONL;
    Buffer *out = &writer->out;
    if (!lines && writer->options.several)
        buffer_append_text(out, writer->inputs ? ",\n" : "[\n");
    if (!json_write(value, lines ? JSON_COMPACT : JSON_INDENT(2), out))
        out->failed = true;
    if (lines || !writer->options.several)
        buffer_append_char(out, '\n');
    json_decref(value);
}

static void json_end(Writer *writer, const View *view)
{
    put_json(writer, json_of_view(view));
}

static const Format table[FORMAT_COUNT] = {
    [FORMAT_TEXT] = {"txt", true, text_begin, text_segment, NULL},
    [FORMAT_SRT] = {"srt", false, NULL, subtitle_segment, NULL},
    [FORMAT_VTT] = {"vtt", false, vtt_begin, subtitle_segment, NULL},
    [FORMAT_JSON] = {"json", true, NULL, NULL, json_end},
    [FORMAT_JSONL] = {"jsonl", true, NULL, NULL, json_end},
    [FORMAT_TSV] = {"tsv", false, tsv_begin, tsv_segment, NULL},
    [FORMAT_CSV] = {"csv", false, csv_begin, csv_segment, NULL},
    [FORMAT_LRC] = {"lrc", false, lrc_begin, lrc_segment, NULL},
    [FORMAT_MD] = {"md", true, md_begin, md_segment, NULL},
};

const char *writer_extension(FormatId format)
{
    return table[format].extension;
}

bool writer_joins(FormatId format)
{
    return table[format].joins;
}

void writer_init(Writer *writer, const WriterOptions *options)
{
    *writer = (Writer){.options = *options};
    buffer_init(&writer->out, OUT_MAX_BYTES);
}

void writer_done(Writer *writer)
{
    buffer_done(&writer->out);
}

void writer_begin(Writer *writer, const View *view)
{
    const Format *format = &table[writer->options.format];
    writer->cues = 0;
    writer->cue_end_s = 0;
    if (format->begin)
        format->begin(writer, view);
}

void writer_segment(Writer *writer, const View *view, const ScoutSegment *segment)
{
    const Format *format = &table[writer->options.format];
    if (format->segment)
        format->segment(writer, view, segment);
}

void writer_end(Writer *writer, const View *view)
{
    const Format *format = &table[writer->options.format];
    if (format->end)
        format->end(writer, view);
    writer->inputs++;
}

void writer_failed(Writer *writer, const char *file, const char *message)
{
    FormatId format = writer->options.format;
    if (format == FORMAT_JSONL || (format == FORMAT_JSON && writer->options.several)) {
        put_json(writer, json_pack("{s:s, s:s}", "file", file, "error", message));
        writer->inputs++;
    }
}

void writer_close(Writer *writer)
{
    if (writer->options.format == FORMAT_JSON && writer->options.several)
        buffer_append_text(&writer->out, writer->inputs ? "\n]\n" : "[]\n");
}
