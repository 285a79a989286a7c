// Writing a replacement: see replace.h.
#include "replace.h"

#include "base/letter.h"
#include "base/str.h"

bool replace_may_write(const Marked *out, size_t length)
{
    return out->text.length + length <= REPLACE_WRITTEN_MAX;
}

void text_append_upper(Buffer *out, const char *text, size_t length)
{
    const TextView view = {text, length, true};
    uint32_t code = 0;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0; at += n) {
        char bytes[4];
        buffer_append(out, bytes, utf8_encode(letter_upper(code), bytes));
    }
}

typedef enum Shape { SHAPE_AS_WRITTEN, SHAPE_CAPITAL, SHAPE_CAPITALS } Shape;

// Of a text with at least two letters, all of them capitals; or with a capital first letter.
static Shape shape_of(const char *text, size_t length)
{
    const TextView view = {text, length, true};
    uint32_t code = 0;
    size_t upper = 0, lower = 0;
    bool first_upper = false;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0; at += n) {
        if (letter_is_upper(code) && upper + lower == 0)
            first_upper = true;
        upper += letter_is_upper(code);
        lower += letter_is_lower(code);
    }
    if (upper > 1 && lower == 0)
        return SHAPE_CAPITALS;
    return first_upper ? SHAPE_CAPITAL : SHAPE_AS_WRITTEN;
}

void replace_write(Marked *out, const char *from, size_t from_length, const char *to,
                   size_t to_length, bool keep_case)
{
    if (!keep_case) {
        marked_append(out, to, to_length, MARK_FIXED);
        return;
    }
    const Shape shape = shape_of(from, from_length);
    uint32_t code = 0;
    const size_t head = text_next((TextView){to, to_length, true}, 0, &code);
    const size_t capital = shape == SHAPE_CAPITALS ? to_length : shape == SHAPE_CAPITAL ? head : 0;
    Buffer upper;
    buffer_init(&upper, REPLACE_WRITTEN_MAX);
    text_append_upper(&upper, to, capital);
    out->text.failed |= upper.failed;
    marked_append(out, buffer_text(&upper), upper.length, 0);
    marked_append(out, to + capital, to_length - capital, 0);
    buffer_done(&upper);
}
