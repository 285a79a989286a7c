// Text with marks, and the few questions about characters: see marked.h.
#include "marked.h"

#include <string.h>

#include "base/letter.h"
#include "base/str.h"

void marked_init(Marked *marked, size_t limit)
{
    buffer_init(&marked->text, limit);
    buffer_init(&marked->marks, limit);
}

void marked_done(Marked *marked)
{
    buffer_done(&marked->text);
    buffer_done(&marked->marks);
}

void marked_clear(Marked *marked)
{
    buffer_clear(&marked->text);
    buffer_clear(&marked->marks);
}

bool marked_failed(const Marked *marked)
{
    return marked->text.failed || marked->marks.failed;
}

void marked_append(Marked *marked, const char *text, size_t length, uint8_t mark)
{
    if (length == 0)
        return;
    void *marks = buffer_reserve(&marked->marks, length);
    if (!marks || !buffer_append(&marked->text, text, length))
        return;
    memset(marks, mark, length);
    buffer_commit(&marked->marks, length);
}

void marked_copy(Marked *marked, const Marked *source, size_t from, size_t end, uint8_t extra)
{
    if (from >= end)
        return;
    char *marks = buffer_reserve(&marked->marks, end - from);
    if (!marks || !buffer_append(&marked->text, source->text.data + from, end - from))
        return;
    memcpy(marks, source->marks.data + from, end - from);
    marks[0] = (char)((uint8_t)marks[0] | extra);
    buffer_commit(&marked->marks, end - from);
}

TextView marked_view(const Marked *marked, bool ended)
{
    return (TextView){buffer_text(&marked->text), marked->text.length, ended};
}

size_t text_next(TextView view, size_t at, uint32_t *code)
{
    if (at < view.length && (unsigned char)view.text[at] < 0x80) {
        *code = (unsigned char)view.text[at];
        return 1;
    }
    return utf8_decode(view.text + at, view.length - at, code);
}

size_t text_before(TextView view, size_t at, uint32_t *code)
{
    if (at == 0)
        return 0;
    size_t first = at - 1;
    while (first > 0 && at - first < 4 && ((unsigned char)view.text[first] & 0xC0) == 0x80)
        first--;
    (void)utf8_decode(view.text + first, at - first, code);
    return at - first;
}

bool text_in_word(uint32_t code)
{
    return letter_in_word(code) && !letter_has_no_spaces(code);
}

size_t text_word_end(TextView view, size_t at)
{
    uint32_t code = 0;
    for (size_t n; (n = text_next(view, at, &code)) > 0 && text_in_word(code);)
        at += n;
    return at;
}

size_t text_skip_spaces(TextView view, size_t at)
{
    uint32_t code = 0;
    for (size_t n; (n = text_next(view, at, &code)) > 0 && text_is_space(code);)
        at += n;
    return at;
}

bool text_is_space(uint32_t code)
{
    return code == ' ' || code == 0xA0 || code == 0x202F || code == 0x3000 || code == 0x2009;
}

bool text_is_mark(uint32_t code)
{
    switch (code) {
    case ',':
    case ';':
    case ':':
    case 0x2026: // horizontal ellipsis
    case 0x3001: // ideographic comma
    case 0xFF0C: // and full-width forms
    case 0xFF1A:
    case 0xFF1B:
    case 0x060C: // Arabic comma and semicolon
    case 0x061B: return true;
    default: return text_is_sentence_end(code);
    }
}

bool text_is_sentence_end(uint32_t code)
{
    switch (code) {
    case '.':
    case '!':
    case '?':
    case 0x3002: // ideographic full stop
    case 0xFF0E: // and full-width forms
    case 0xFF01:
    case 0xFF1F:
    case 0x061F: // Arabic question mark
    case 0x0964: // danda
        return true;
    default: return false;
    }
}

bool text_is_opening(uint32_t code)
{
    switch (code) {
    case '(':
    case '[':
    case '{':
    case 0xA1:   // inverted exclamation and question mark
    case 0xBF:   //
    case 0xAB:   // quotes
    case 0x2018: //
    case 0x201A:
    case 0x201C:
    case 0x201E:
    case 0x2039:
    case 0x3008: // brackets of East Asia
    case 0x300A:
    case 0x300C:
    case 0x300E:
    case 0x3010:
    case 0xFF08: return true;
    default: return false;
    }
}

bool text_is_closing(uint32_t code)
{
    switch (code) {
    case ')':
    case ']':
    case '}':
    case 0xBB:   // quotes
    case 0x2019: //
    case 0x201D:
    case 0x203A:
    case 0x3009: // brackets of East Asia
    case 0x300B:
    case 0x300D:
    case 0x300F:
    case 0x3011:
    case 0xFF09: return true;
    default: return false;
    }
}
