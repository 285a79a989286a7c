// English numbers in a text: see numbers.h.
#include "numbers.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/letter.h"
#include "base/str.h"

enum { RUN_WORDS_MAX = 48, WORD_BYTES_MAX = 16, DIGITS_MAX = 6 };

typedef enum Kind {
    KIND_UNIT,    // zero to nine; "oh" is a zero among digits
    KIND_TEEN,    // ten to nineteen
    KIND_TENS,    // twenty, ..., ninety
    KIND_HUNDRED, //
    KIND_SCALE,   // thousand, million, billion
    KIND_AND,     // of these the words only mean something between numbers
    KIND_POINT,
    KIND_PERCENT,
    KIND_A
} Kind;

typedef struct NumberWord {
    const char *text;
    Kind kind;
    bool ordinal;
    int64_t value;
} NumberWord;

// clang-format off
static const NumberWord number_words[] = {
    {"zero", KIND_UNIT, false, 0}, {"one", KIND_UNIT, false, 1}, {"two", KIND_UNIT, false, 2},
    {"three", KIND_UNIT, false, 3}, {"four", KIND_UNIT, false, 4}, {"five", KIND_UNIT, false, 5},
    {"six", KIND_UNIT, false, 6}, {"seven", KIND_UNIT, false, 7}, {"eight", KIND_UNIT, false, 8},
    {"nine", KIND_UNIT, false, 9}, {"ten", KIND_TEEN, false, 10},
    {"eleven", KIND_TEEN, false, 11}, {"twelve", KIND_TEEN, false, 12},
    {"thirteen", KIND_TEEN, false, 13}, {"fourteen", KIND_TEEN, false, 14},
    {"fifteen", KIND_TEEN, false, 15}, {"sixteen", KIND_TEEN, false, 16},
    {"seventeen", KIND_TEEN, false, 17}, {"eighteen", KIND_TEEN, false, 18},
    {"nineteen", KIND_TEEN, false, 19}, {"twenty", KIND_TENS, false, 20},
    {"thirty", KIND_TENS, false, 30}, {"forty", KIND_TENS, false, 40},
    {"fifty", KIND_TENS, false, 50}, {"sixty", KIND_TENS, false, 60},
    {"seventy", KIND_TENS, false, 70}, {"eighty", KIND_TENS, false, 80},
    {"ninety", KIND_TENS, false, 90}, {"hundred", KIND_HUNDRED, false, 100},
    {"thousand", KIND_SCALE, false, 1000}, {"million", KIND_SCALE, false, 1000000},
    {"billion", KIND_SCALE, false, 1000000000},
    {"first", KIND_UNIT, true, 1}, {"second", KIND_UNIT, true, 2}, {"third", KIND_UNIT, true, 3},
    {"fourth", KIND_UNIT, true, 4}, {"fifth", KIND_UNIT, true, 5}, {"sixth", KIND_UNIT, true, 6},
    {"seventh", KIND_UNIT, true, 7}, {"eighth", KIND_UNIT, true, 8},
    {"ninth", KIND_UNIT, true, 9}, {"tenth", KIND_TEEN, true, 10},
    {"eleventh", KIND_TEEN, true, 11}, {"twelfth", KIND_TEEN, true, 12},
    {"thirteenth", KIND_TEEN, true, 13}, {"fourteenth", KIND_TEEN, true, 14},
    {"fifteenth", KIND_TEEN, true, 15}, {"sixteenth", KIND_TEEN, true, 16},
    {"seventeenth", KIND_TEEN, true, 17}, {"eighteenth", KIND_TEEN, true, 18},
    {"nineteenth", KIND_TEEN, true, 19}, {"twentieth", KIND_TENS, true, 20},
    {"thirtieth", KIND_TENS, true, 30}, {"fortieth", KIND_TENS, true, 40},
    {"fiftieth", KIND_TENS, true, 50}, {"sixtieth", KIND_TENS, true, 60},
    {"seventieth", KIND_TENS, true, 70}, {"eightieth", KIND_TENS, true, 80},
    {"ninetieth", KIND_TENS, true, 90}, {"hundredth", KIND_HUNDRED, true, 100},
    {"thousandth", KIND_SCALE, true, 1000}, {"millionth", KIND_SCALE, true, 1000000},
    {"and", KIND_AND, false, 0}, {"point", KIND_POINT, false, 0}, {"oh", KIND_UNIT, false, -1},
    {"percent", KIND_PERCENT, false, 0}, {"a", KIND_A, false, 1},
};
// clang-format on

// A number word of the text.
typedef struct Token {
    const NumberWord *word;
    size_t first, end; // bytes
    bool hyphen;       // between the word before and it
} Token;

// Number words with one space or hyphen between.
typedef struct Run {
    Token tokens[RUN_WORDS_MAX];
    size_t count;
    bool open; // it may go on behind the text's end
} Run;

// What was read from a run's tokens at..end.
typedef struct Reading {
    size_t end;
    char text[48];
} Reading;

static const NumberWord *find_word(TextView view, size_t at, size_t end)
{
    char word[WORD_BYTES_MAX];
    if (end - at >= sizeof word)
        return NULL;
    memcpy(word, view.text + at, end - at);
    word[end - at] = '\0';
    for (size_t i = 0; i < BASE_COUNT(number_words); i++)
        if (str_equal_nocase(number_words[i].text, word))
            return &number_words[i];
    return NULL;
}

// The run that begins at `at`, where a word begins.
static void read_run(const Marked *text, TextView view, size_t at, Run *run)
{
    run->count = 0;
    run->open = false;
    bool hyphen = false;
    while (run->count < RUN_WORDS_MAX) {
        const size_t end = text_word_end(view, at);
        if (end == view.length && !view.ended) {
            run->open = true;
            return;
        }
        const NumberWord *word = find_word(view, at, end);
        if (!word || (marked_at(text, at) & (MARK_FIXED | MARK_ACTION)))
            return;
        run->tokens[run->count++] = (Token){word, at, end, hyphen};
        if (end == view.length)
            return;
        if (view.text[end] != ' ' && view.text[end] != '-')
            return;
        hyphen = view.text[end] == '-';
        at = end + 1;
    }
}

static Kind kind_at(const Run *run, size_t at)
{
    return at < run->count ? run->tokens[at].word->kind : KIND_A;
}

static bool is_ordinal(const Run *run, size_t at)
{
    return run->tokens[at].word->ordinal;
}

static bool is_digit(const Run *run, size_t at)
{
    return at < run->count && kind_at(run, at) == KIND_UNIT && !is_ordinal(run, at);
}

static int digit_at(const Run *run, size_t at)
{
    return (int)BASE_MAX(run->tokens[at].word->value, 0);
}

// Ten to ninety-nine, or one to nine; *at moves behind it, *ordinal when it is one. -1: none.
static int64_t read_small(const Run *run, size_t *at, bool *ordinal)
{
    const Kind kind = kind_at(run, *at);
    if (*at >= run->count || (kind != KIND_UNIT && kind != KIND_TEEN && kind != KIND_TENS))
        return -1;
    const Token *token = &run->tokens[(*at)++];
    int64_t value = token->word->value;
    *ordinal = token->word->ordinal;
    if (kind != KIND_TENS || *ordinal || kind_at(run, *at) != KIND_UNIT || *at >= run->count)
        return value;
    const Token *unit = &run->tokens[*at];
    // "twenty second" may be twenty of them.
    const bool second = unit->word->ordinal && unit->word->value == 2 && !unit->hyphen;
    if (unit->word->value < 1 || second)
        return value;
    *ordinal = unit->word->ordinal;
    (*at)++;
    return value + unit->word->value;
}

// "two hundred and five": at most three digits' worth.
static int64_t read_hundreds(const Run *run, size_t *at, bool *ordinal)
{
    int64_t value = -1;
    if (kind_at(run, *at) == KIND_A && *at + 1 < run->count &&
        (kind_at(run, *at + 1) == KIND_HUNDRED || kind_at(run, *at + 1) == KIND_SCALE)) {
        value = 1;
        (*at)++;
    } else {
        value = read_small(run, at, ordinal);
    }
    if (value < 1 || *ordinal || *at >= run->count || kind_at(run, *at) != KIND_HUNDRED)
        return value;
    *ordinal = is_ordinal(run, *at);
    value *= 100;
    (*at)++;
    if (*ordinal)
        return value;
    size_t next = *at + (*at < run->count && kind_at(run, *at) == KIND_AND);
    bool small_ordinal = false;
    const int64_t small = read_small(run, &next, &small_ordinal);
    if (small < 1)
        return value;
    *at = next;
    *ordinal = small_ordinal;
    return value + small;
}

// A whole number; *scale is set when it ends with million or billion and nothing behind.
static int64_t read_cardinal(const Run *run, size_t *at, bool *ordinal, const char **scale)
{
    int64_t total = 0, last_scale = INT64_MAX;
    const size_t first = *at;
    for (;;) {
        size_t next = *at;
        const bool and = next > first && next < run->count && kind_at(run, next) == KIND_AND &&
                         last_scale <= 1000000000;
        next += and;
        bool part_ordinal = false;
        const int64_t part = read_hundreds(run, &next, &part_ordinal);
        if (part < 0 || (total > 0 && (part == 0 || part >= last_scale)))
            return *at > first ? total : -1;
        const bool scaled = next < run->count && kind_at(run, next) == KIND_SCALE && part > 0 &&
                            !part_ordinal && run->tokens[next].word->value < last_scale;
        // "one hundred and two thousand": two thousand is of its own
        if (and&&scaled)
            return total;
        *at = next;
        *ordinal = part_ordinal;
        if (!scaled)
            return total + part;
        const NumberWord *word = run->tokens[next].word;
        last_scale = word->value;
        total += part * last_scale;
        *at = next + 1;
        *ordinal = word->ordinal;
        *scale =
            total == part * last_scale && last_scale > 1000 && !word->ordinal ? word->text : NULL;
        if (*ordinal)
            return total;
        size_t ahead = *at;
        bool ignored = false;
        if (ahead < run->count && kind_at(run, ahead) == KIND_AND)
            ahead++;
        if (read_hundreds(run, &ahead, &ignored) < 1)
            return total;
        *scale = NULL;
    }
}

// "five five five one two": at least three digits, one by one.
static bool read_digits(const Run *run, size_t at, Reading *reading)
{
    size_t count = 0;
    while (is_digit(run, at + count) && count + 1 < sizeof reading->text)
        count++;
    const bool more =
        kind_at(run, at + count) == KIND_HUNDRED || kind_at(run, at + count) == KIND_SCALE;
    if (count < 3 || (at + count < run->count && more))
        return false;
    for (size_t i = 0; i < count; i++)
        reading->text[i] = (char)('0' + digit_at(run, at + i));
    reading->text[count] = '\0';
    reading->end = at + count;
    return true;
}

// "nineteen eighty-four", "twenty oh five".
static bool read_year(const Run *run, size_t at, Reading *reading)
{
    bool ordinal = false;
    size_t next = at + 1;
    const int64_t century = at < run->count ? run->tokens[at].word->value : 0;
    if (kind_at(run, at) > KIND_TENS || is_ordinal(run, at) || century < 17 || century > 20)
        return false;
    int64_t year = -1;
    if (next + 1 < run->count && run->tokens[next].word->value == -1 && is_digit(run, next + 1)) {
        year = digit_at(run, next + 1);
        next += 2;
    } else {
        year = read_small(run, &next, &ordinal);
        if (year < 10 || ordinal)
            return false;
    }
    if (next < run->count &&
        (kind_at(run, next) == KIND_HUNDRED || kind_at(run, next) == KIND_SCALE))
        return false;
    (void)snprintf(reading->text, sizeof reading->text, "%d", (int)(century * 100 + year));
    reading->end = next;
    return true;
}

static void write_grouped(char *out, size_t size, int64_t value)
{
    if (value < 10000)
        (void)snprintf(out, size, "%d", (int)value);
    else if (value < 1000000)
        (void)snprintf(out, size, "%d,%03d", (int)(value / 1000), (int)(value % 1000));
    else if (value < 1000000000)
        (void)snprintf(out, size, "%d,%03d,%03d", (int)(value / 1000000),
                       (int)(value / 1000 % 1000), (int)(value % 1000));
    else
        (void)snprintf(out, size, "%d,%03d,%03d,%03d", (int)(value / 1000000000),
                       (int)(value / 1000000 % 1000), (int)(value / 1000 % 1000),
                       (int)(value % 1000));
}

static const char *ordinal_ending(int64_t value)
{
    if (value / 10 % 10 == 1)
        return "th";
    return value % 10 == 1 ? "st" : value % 10 == 2 ? "nd" : value % 10 == 3 ? "rd" : "th";
}

static void append_text(char *out, size_t size, const char *text)
{
    const size_t length = strlen(out);
    (void)str_copy(out + length, size - length, text);
}

// "point one four" behind a number.
static bool read_fraction(const Run *run, size_t *at, char *out, size_t size)
{
    if (*at >= run->count || kind_at(run, *at) != KIND_POINT || !is_digit(run, *at + 1))
        return false;
    append_text(out, size, ".");
    for ((*at)++; is_digit(run, *at); (*at)++) {
        const char digit[2] = {(char)('0' + digit_at(run, *at)), '\0'};
        append_text(out, size, digit);
    }
    return true;
}

static bool read_number(const Run *run, size_t at, Reading *reading)
{
    const size_t size = sizeof reading->text;
    if (read_digits(run, at, reading) || read_year(run, at, reading))
        return true;
    bool ordinal = false;
    const char *scale = NULL;
    reading->end = at;
    const int64_t value = read_cardinal(run, &reading->end, &ordinal, &scale);
    if (value < 0 || run->tokens[at].word->value < 0)
        return false;
    reading->text[0] = '\0';
    if (scale) {
        const int64_t unit = scale[0] == 'm' ? 1000000 : 1000000000;
        write_grouped(reading->text, size, value / unit);
        append_text(reading->text, size, " ");
        append_text(reading->text, size, scale);
        return true;
    }
    write_grouped(reading->text, size, value);
    if (ordinal) {
        append_text(reading->text, size, ordinal_ending(value));
        return value > 9;
    }
    const bool fraction = read_fraction(run, &reading->end, reading->text, size);
    const bool percent = reading->end < run->count && kind_at(run, reading->end) == KIND_PERCENT;
    if (percent) {
        append_text(reading->text, size, "%");
        reading->end++;
    }
    return value > 9 || fraction || percent;
}

// Writes the run; what is no number as it was heard. Returns where it ends in the text.
static size_t write_run(const Run *run, const Marked *text, size_t at, Marked *out)
{
    for (size_t i = 0; i < run->count;) {
        Reading reading;
        const Token *token = &run->tokens[i];
        marked_copy(out, text, at, token->first, 0);
        if (read_number(run, i, &reading) && reading.end > i) {
            marked_append(out, reading.text, strlen(reading.text), 0);
            i = reading.end;
            at = run->tokens[i - 1].end;
        } else {
            marked_copy(out, text, token->first, token->end, 0);
            at = token->end;
            i++;
        }
    }
    return at;
}

static bool word_begins(TextView view, size_t at)
{
    uint32_t code = 0;
    (void)text_next(view, at, &code);
    if (!text_in_word(code))
        return false;
    return text_before(view, at, &code) == 0 || !(text_in_word(code) || code == '\'');
}

void numbers_to_digits(const Marked *text, bool ended, Marked *out)
{
    const TextView view = marked_view(text, ended);
    Run run;
    for (size_t at = 0; at < view.length;) {
        if (word_begins(view, at)) {
            read_run(text, view, at, &run);
            if (run.open)
                return;
            if (run.count > 0) {
                at = write_run(&run, text, at, out);
                continue;
            }
        }
        uint32_t code = 0;
        const size_t next = at + text_next(view, at, &code);
        marked_copy(out, text, at, next, 0);
        at = next;
    }
}

// ----------------------------------------------------------------------------------------- words

static const char *word_of(Kind kind, int value)
{
    for (size_t i = 0; i < BASE_COUNT(number_words); i++)
        if (number_words[i].kind == kind && number_words[i].value == value &&
            !number_words[i].ordinal)
            return number_words[i].text;
    return "";
}

static void spell_small(char *out, size_t size, int value) // below 1000
{
    if (value >= 100) {
        append_text(out, size, word_of(KIND_UNIT, value / 100));
        append_text(out, size, " hundred");
        value %= 100;
        if (value > 0)
            append_text(out, size, " and ");
        else
            return;
    }
    if (value >= 20) {
        append_text(out, size, word_of(KIND_TENS, value / 10 * 10));
        if (value % 10 > 0)
            append_text(out, size, "-");
        value %= 10;
        if (value == 0)
            return;
    }
    append_text(out, size, word_of(value >= 10 ? KIND_TEEN : KIND_UNIT, value));
}

static void spell(char *out, size_t size, int value) // below 1,000,000
{
    if (value >= 1000) {
        spell_small(out, size, value / 1000);
        append_text(out, size, " thousand");
        value %= 1000;
        if (value == 0)
            return;
        append_text(out, size, value < 100 ? " and " : " ");
    }
    spell_small(out, size, value);
}

typedef enum Plain { PLAIN_NO, PLAIN_YES, PLAIN_LATER } Plain;

// Whether the digits at..end stand for a plain number: nothing is joined to them that makes them a
// date, a time, an amount or a name. One comma with three digits behind belongs to them.
static Plain plain_number(TextView view, size_t at, size_t *end, int *value)
{
    uint32_t code = 0;
    if (text_before(view, at, &code) > 0 && !text_is_space(code) && !text_is_opening(code))
        return PLAIN_NO;
    *value = 0;
    size_t digits = 0;
    size_t next = at;
    for (;; next++) {
        if (next == view.length)
            break;
        const char c = view.text[next];
        if (c >= '0' && c <= '9' && digits < DIGITS_MAX) {
            *value = *value * 10 + (c - '0');
            digits++;
        } else if (c != ',' || digits == 0 || digits > 3 || next != at + digits ||
                   next + 1 >= view.length || view.text[next + 1] < '0' ||
                   view.text[next + 1] > '9') {
            break;
        }
    }
    // What comes behind, and behind a mark, has to be known.
    if (view.length - next < 2 && !view.ended)
        return PLAIN_LATER;
    *end = next;
    const bool leading_zero = view.text[at] == '0' && digits > 1;
    const bool grouped = next - at > digits;
    if (leading_zero || (grouped && (next - at < 5 || view.text[next - 4] != ',')))
        return PLAIN_NO;
    if (next == view.length)
        return PLAIN_YES;
    (void)text_next(view, next, &code);
    if (text_is_space(code) || text_is_closing(code))
        return PLAIN_YES;
    if (!text_is_mark(code))
        return PLAIN_NO;
    size_t behind = next;
    behind += text_next(view, next, &code);
    if (text_next(view, behind, &code) == 0)
        return PLAIN_YES;
    return text_in_word(code) ? PLAIN_NO : PLAIN_YES;
}

void numbers_to_words(const Marked *text, bool ended, Marked *out)
{
    const TextView view = marked_view(text, ended);
    for (size_t at = 0; at < view.length;) {
        size_t end = at;
        int value = 0;
        const bool digit = view.text[at] >= '0' && view.text[at] <= '9' &&
                           !(marked_at(text, at) & (MARK_FIXED | MARK_ACTION));
        const Plain plain = digit ? plain_number(view, at, &end, &value) : PLAIN_NO;
        if (plain == PLAIN_LATER)
            return;
        if (plain == PLAIN_YES) {
            char words[160] = "";
            spell(words, sizeof words, value);
            marked_append(out, words, strlen(words), 0);
            at = end;
            continue;
        }
        uint32_t code = 0;
        const size_t next = at + text_next(view, at, &code);
        marked_copy(out, text, at, next, 0);
        at = next;
    }
}
