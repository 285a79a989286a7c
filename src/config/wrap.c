// Text set in lines: see wrap.h.
#include "wrap.h"

#include "base/str.h"

#include <string.h>

static void new_line(Buffer *out, size_t indent)
{
    buffer_printf(out, "\n%*s", (int)indent, "");
}

static void wrap_line(Buffer *out, const char *line, size_t length, size_t column, size_t indent,
                      size_t width)
{
    if (*line == ' ') {
        buffer_append(out, line, length);
        return;
    }
    bool first = true;
    for (size_t at = 0; at < length;) {
        size_t word = strcspn(line + at, " \n");
        size_t columns = utf8_columns(line + at, word);
        if (!first && column + 1 + columns > width) {
            new_line(out, indent);
            column = indent;
        } else if (!first) {
            buffer_append_char(out, ' ');
            column++;
        }
        buffer_append(out, line + at, word);
        column += columns;
        first = false;
        at += word;
        at += strspn(line + at, " ");
    }
}

void wrap_text(Buffer *out, const char *text, size_t column, size_t indent, size_t width)
{
    for (;;) {
        size_t length = strcspn(text, "\n");
        wrap_line(out, text, length, column, indent, width);
        text += length;
        if (!*text)
            return;
        text++;
        if (*text == '\n')
            buffer_append_char(out, '\n');
        else
            new_line(out, indent);
        column = indent;
    }
}
