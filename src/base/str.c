// Text: see str.h.
#include "base/str.h"

#include "base/attributes.h"
#include "width_table.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD, LAST_CODE = 0x10FFFF, DISTANCE_MAX = 64 };

bool str_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
    while (*a && ascii_lower(*a) == ascii_lower(*b)) {
        a++;
        b++;
    }
    return ascii_lower(*a) == ascii_lower(*b);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

bool str_copy(char *out, size_t size, const char *text)
{
    if (size == 0)
        return false;
    size_t length = strnlen(text, size);
    bool whole = length < size;
    if (!whole)
        length = utf8_complete_prefix(text, size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
    return whole;
}

// C0, DEL, C1, and the two separators that break a line.
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

void str_make_line(char *text)
{
    size_t left = strlen(text);
    const char *from = text;
    char *to = text;
    while (left) {
        uint32_t code;
        size_t taken = utf8_decode(from, left, &code);
        if (is_control(code)) {
            *to++ = ' ';
        } else if (code == REPLACEMENT && taken == 1) {
            *to++ = '?';
        } else {
            memmove(to, from, taken);
            to += taken;
        }
        from += taken;
        left -= taken;
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        text++;
    return text;
}

static const char *skip_sign(const char *text)
{
    return *text == '+' || *text == '-' ? text + 1 : text;
}

bool str_to_int(const char *text, int64_t low, int64_t high, int64_t *out)
{
    const char *at = skip_sign(text);
    if (!is_digit(*at))
        return false;
    // Counted downwards, where there is room for INT64_MIN.
    bool negative = *text == '-';
    int64_t value = 0;
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *at - '0', &value))
            return false;
    }
    if (*at || (!negative && value == INT64_MIN))
        return false;
    if (!negative)
        value = -value;
    if (value < low || value > high)
        return false;
    *out = value;
    return true;
}

// [+-] digits [. digits] [e [+-] digits], with a digit on at least one side of the point.
static bool is_decimal(const char *text)
{
    const char *whole = skip_sign(text);
    const char *at = skip_digits(whole);
    size_t digits = (size_t)(at - whole);
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        digits += (size_t)(at - fraction);
    }
    if (digits == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        const char *exponent = skip_sign(at + 1);
        at = skip_digits(exponent);
        if (at == exponent)
            return false;
    }
    return *at == '\0';
}

// The "C" locale, made once and kept: strtod_l needs one, whatever setlocale was told.
static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

bool str_to_double(const char *text, double low, double high, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!is_decimal(text))
        return false;
    if (pthread_once(&once, make_c_locale) != 0 || !c_locale)
        return false;
    double value = strtod_l(text, NULL, c_locale);
    if (!isfinite(value) || !(value >= low && value <= high))
        return false;
    *out = value;
    return true;
}

// The last field of a time: digits, and perhaps a point with digits after it.
static bool parse_last_field(const char *text, double *seconds)
{
    const char *end = skip_digits(text);
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        if (end == fraction)
            return false;
    }
    return *end == '\0' && str_to_double(text, 0, DBL_MAX, seconds);
}

bool str_to_seconds(const char *text, double *out)
{
    enum { FIELDS_MAX = 3, FIRST_FIELD_END = 1000000000, OTHER_FIELD_END = 60 };
    double before = 0; // in the unit of the field at text
    for (int field = 1; field <= FIELDS_MAX; field++) {
        double field_end = field == 1 ? FIRST_FIELD_END : OTHER_FIELD_END;
        double value = 0;
        if (!is_digit(*text))
            return false;
        if (*skip_digits(text) != ':') {
            if (!parse_last_field(text, &value) || value >= field_end)
                return false;
            *out = before + value;
            return true;
        }
        for (; is_digit(*text); text++)
            value = value * 10 + (*text - '0');
        if (value >= field_end)
            return false;
        before = (before + value) * 60;
        text++;
    }
    return false;
}

// How a UTF-8 sequence that starts with lead goes on: its length, and the bounds of its second
// byte, which exclude overlong forms, surrogates and codes past U+10FFFF (Unicode, table 3-7).
typedef struct Utf8Form {
    unsigned length; // 0 when no character starts with this byte
    unsigned char second_low, second_high;
} Utf8Form;

static Utf8Form utf8_form(unsigned char lead)
{
    if (lead < 0x80)
        return (Utf8Form){1, 0, 0};
    if (lead < 0xC2 || lead > 0xF4)
        return (Utf8Form){0, 0, 0};
    if (lead < 0xE0)
        return (Utf8Form){2, 0x80, 0xBF};
    if (lead < 0xF0)
        return (Utf8Form){3, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    return (Utf8Form){4, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
}

// The bytes at text (at least one) that belong to the sequence its first byte starts.
static size_t utf8_matching(const char *text, size_t length, Utf8Form form)
{
    if (form.length < 2 || length < 2)
        return form.length ? 1 : 0;
    unsigned char second = (unsigned char)text[1];
    if (second < form.second_low || second > form.second_high)
        return 1;
    size_t matching = 2;
    while (matching < BASE_MIN(length, form.length) &&
           ((unsigned char)text[matching] & 0xC0) == 0x80)
        matching++;
    return matching;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *code)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    if (length == 0)
        return 0;
    Utf8Form form = utf8_form((unsigned char)*text);
    if (form.length == 0 || utf8_matching(text, length, form) < form.length) {
        *code = REPLACEMENT;
        return 1;
    }
    uint32_t value = (unsigned char)*text & lead_bits[form.length];
    for (size_t i = 1; i < form.length; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3F);
    *code = value;
    return form.length;
}

size_t utf8_encode(uint32_t code, char out[4])
{
    if (code > LAST_CODE || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    static const unsigned char lead_marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead_marks[length] | code);
    return length;
}

bool utf8_valid(const char *text, size_t length)
{
    while (length) {
        uint32_t code;
        size_t taken = utf8_decode(text, length, &code);
        if (code == REPLACEMENT && taken == 1)
            return false;
        text += taken;
        length -= taken;
    }
    return true;
}

size_t utf8_complete_prefix(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const char *start = text + length - back;
        if (((unsigned char)*start & 0xC0) == 0x80)
            continue;
        Utf8Form form = utf8_form((unsigned char)*start);
        bool unfinished = form.length > back && utf8_matching(start, back, form) == back;
        return unfinished ? length - back : length;
    }
    return length;
}

static bool in_ranges(const WidthRange *ranges, size_t count, uint32_t code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

size_t utf8_columns(const char *text, size_t length)
{
    size_t columns = 0;
    while (length) {
        uint32_t code;
        size_t taken = utf8_decode(text, length, &code);
        if (in_ranges(double_width, BASE_COUNT(double_width), code))
            columns += 2;
        else if (!is_control(code) && !in_ranges(zero_width, BASE_COUNT(zero_width), code))
            columns++;
        text += taken;
        length -= taken;
    }
    return columns;
}

// Decodes the characters of the first DISTANCE_MAX bytes; returns how many.
static size_t decode_short(const char *text, uint32_t codes[DISTANCE_MAX])
{
    size_t length = strnlen(text, DISTANCE_MAX);
    size_t count = 0;
    for (size_t at = 0; at < length; count++)
        at += utf8_decode(text + at, length - at, &codes[count]);
    return count;
}

size_t str_distance(const char *a, const char *b)
{
    uint32_t a_codes[DISTANCE_MAX];
    uint32_t b_codes[DISTANCE_MAX];
    size_t a_count = decode_short(a, a_codes);
    size_t b_count = decode_short(b, b_codes);
    // row[j] is the distance between the first i characters of a and the first j of b.
    size_t row[DISTANCE_MAX + 1];
    for (size_t j = 0; j <= b_count; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            size_t changed = diagonal + (a_codes[i - 1] != b_codes[j - 1]);
            diagonal = row[j];
            row[j] = BASE_MIN(changed, BASE_MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_count];
}
