// The GPT-2 split, written out: each alternative of its regular expression in turn.
#include "bpe_split.h"

#include "base/str.h"
#include "unicode.h"

// The class of the first character; *bytes is its length. length must not be 0.
static UnicodeClass class_of(const char *text, size_t length, size_t *bytes)
{
    uint32_t code;
    *bytes = utf8_decode(text, length, &code);
    return unicode_class(code);
}

// 's|'t|'re|'ve|'m|'ll|'d, or 0. Lower case only, and the plain apostrophe only.
static size_t contraction(const char *text, size_t length)
{
    if (length < 2 || text[0] != '\'') {
        return 0;
    }
    const char second = text[1];
    if (second == 's' || second == 't' || second == 'm' || second == 'd') {
        return 2;
    }
    const char third = length > 2 ? text[2] : '\0';
    if ((second == 'r' && third == 'e') || (second == 'v' && third == 'e') ||
        (second == 'l' && third == 'l')) {
        return 3;
    }
    return 0;
}

// The bytes of the characters of one class at the front; *last is the length of the last of them.
static size_t run_of(const char *text, size_t length, UnicodeClass wanted, size_t *last)
{
    size_t end = 0;
    while (end < length) {
        size_t bytes;
        if (class_of(text + end, length - end, &bytes) != wanted) {
            break;
        }
        end += bytes;
        *last = bytes;
    }
    return end;
}

size_t bpe_split_next(const char *text, size_t length)
{
    if (length == 0) {
        return 0;
    }
    const size_t short_form = contraction(text, length);
    if (short_form > 0) {
        return short_form;
    }
    size_t bytes;
    UnicodeClass class = class_of(text, length, &bytes);
    size_t space = 0;
    if (text[0] == ' ' && length > 1) {
        space = 1;
        class = class_of(text + 1, length - 1, &bytes);
    }
    size_t last = 0;
    if (class != UNICODE_SPACE) {
        return space + run_of(text + space, length - space, class, &last);
    }
    // White space leaves its last character to the word that follows, if that leaves any.
    const size_t end = run_of(text, length, UNICODE_SPACE, &last);
    return end == length || end == last ? end : end - last;
}
