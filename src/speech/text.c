// Tokens to text: see text.h.
#include "text.h"

#include <zlib.h>

#include "base/memory.h"
#include "base/str.h"

bool text_append_valid(Buffer *out, const char *bytes, size_t length)
{
    static const char REPLACEMENT[] = "\xEF\xBF\xBD";
    size_t good = 0; // bytes at the front that wait to be copied
    size_t at = 0;
    while (at < length) {
        uint32_t code;
        size_t taken = utf8_decode(bytes + at, length - at, &code);
        bool malformed = taken == 1 && code == 0xFFFD;
        if (!malformed) {
            at += taken;
            continue;
        }
        buffer_append(out, bytes + good, at - good);
        buffer_append_text(out, REPLACEMENT);
        // The bytes that go on after a broken first byte belong to the same character.
        at++;
        while (at < length && ((unsigned char)bytes[at] & 0xC0) == 0x80)
            at++;
        good = at;
    }
    buffer_append(out, bytes + good, at - good);
    return !out->failed;
}

bool text_append_tokens(Buffer *out, const Bpe *bpe, const int32_t *tokens, size_t count,
                        Buffer *scratch)
{
    buffer_clear(scratch);
    if (!bpe_decode(bpe, tokens, count, scratch))
        return false;
    return text_append_valid(out, buffer_text(scratch), scratch->length);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void text_trim(const char **text, size_t *length)
{
    while (*length > 0 && is_space((*text)[*length - 1]))
        (*length)--;
    while (*length > 0 && is_space(**text)) {
        (*text)++;
        (*length)--;
    }
}

ScoutStatus text_compression_ratio(const char *text, size_t length, float *ratio, ScoutError *error)
{
    text_trim(&text, &length);
    uLongf packed_length = compressBound((uLong)length);
    Bytef *packed = mem_array(packed_length, 1);
    if (!packed)
        return error_no_memory(error);
    int result = compress(packed, &packed_length, (const Bytef *)text, (uLong)length);
    mem_free(packed);
    if (result != Z_OK)
        return error_no_memory(error);
    *ratio = (float)((double)length / (double)packed_length);
    return SCOUT_OK;
}

static bool is_letter_or_digit(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_repeats(const char *text, size_t length, size_t least, Buffer *scratch)
{
    buffer_clear(scratch);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_letter_or_digit(c))
            buffer_append_char(scratch, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    size_t count = scratch->length;
    for (size_t period = least; period * 2 <= count; period++) {
        size_t run = 0; // characters in a row that are those of one period before
        for (size_t i = period; i < count && run < period; i++)
            run = scratch->data[i] == scratch->data[i - period] ? run + 1 : 0;
        if (run >= period)
            return true;
    }
    return false;
}
