// Word times: see words.h.
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

enum { SUBWORD_BYTES_MAX = 256 };

static const double MEDIAN_MAX_S = 0.7, POSITION_S = 0.02, SHORTEST_S = 0.02;

// The reference looks words up in these as substrings: an empty word is in all of them.
static const char PUNCTUATION[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
static const char OPENING[] = "\"'\xE2\x80\x9C\xC2\xBF([{-";
static const char CLOSING[] = "\"'.\xE3\x80\x82,\xEF\xBC\x8C!\xEF\xBC\x81?\xEF\xBC\x9F:\xEF\xBC\x9A"
                              "\xE2\x80\x9D)]}\xE3\x80\x81";
static const char SENTENCE_ENDS[] = ".\xE3\x80\x82!\xEF\xBC\x81?\xEF\xBC\x9F";

// The text of a few tokens; longer ones than fit are cut, which no comparison here minds.
typedef struct Subword {
    char text[SUBWORD_BYTES_MAX];
    size_t length;
    bool cut;
} Subword;

static void subword_clear(Subword *subword)
{
    subword->length = 0;
    subword->cut = false;
    subword->text[0] = '\0';
}

static void subword_append(Subword *subword, const Bpe *bpe, int32_t token)
{
    const char *bytes;
    size_t length;
    bpe_token_bytes(bpe, token, &bytes, &length);
    size_t room = SUBWORD_BYTES_MAX - 1 - subword->length;
    subword->cut = subword->cut || length > room;
    length = BASE_MIN(length, room);
    memcpy(subword->text + subword->length, bytes, length);
    subword->length += length;
    subword->text[subword->length] = '\0';
}

static Subword word_text(const Bpe *bpe, const int32_t *tokens, const Word *word)
{
    Subword text;
    subword_clear(&text);
    for (size_t i = word->first; i < word->end; i++)
        subword_append(&text, bpe, tokens[i]);
    return text;
}

static bool is_in(const char *text, const char *set)
{
    return strstr(set, text) != NULL;
}

// Without the spaces around it.
static Subword trimmed(const Subword *subword)
{
    Subword out = *subword;
    size_t start = strspn(out.text, " \t\n\r\v\f");
    memmove(out.text, out.text + start, out.length - start + 1);
    out.length -= start;
    while (out.length > 0 && strchr(" \t\n\r\v\f", out.text[out.length - 1]))
        out.text[--out.length] = '\0';
    return out;
}

static bool begins_word(const Subword *subword)
{
    if (subword->text[0] == ' ')
        return true;
    Subword bare = trimmed(subword);
    return !bare.cut && is_in(bare.text, PUNCTUATION);
}

size_t words_split(const Bpe *bpe, const int32_t *tokens, size_t count, bool spaces, Word *words)
{
    size_t filled = 0, first = 0;
    Subword subword;
    subword_clear(&subword);
    for (size_t i = 0; i < count; i++) {
        subword_append(&subword, bpe, tokens[i]);
        bool whole = utf8_complete_prefix(subword.text, subword.length) == subword.length;
        if (!whole && !subword.cut && i + 1 < count)
            continue; // a character goes on in the next token
        bool new_word = !spaces || filled == 0 || begins_word(&subword);
        if (new_word && filled < WORDS_MAX)
            words[filled++] = (Word){.first = first};
        words[filled - 1].end = i + 1;
        first = i + 1;
        subword_clear(&subword);
    }
    return filled;
}

bool words_language_has_spaces(const char *code)
{
    static const char *const WITHOUT[] = {"zh", "ja", "th", "lo", "my", "yue"};
    for (size_t i = 0; i < BASE_COUNT(WITHOUT); i++)
        if (str_equal(code, WITHOUT[i]))
            return false;
    return true;
}

void words_place(Word *words, size_t word_count, const size_t *starts, const float *probabilities)
{
    for (size_t w = 0; w < word_count; w++) {
        Word *word = &words[w];
        word->start_s = POSITION_S * (double)starts[word->first];
        word->end_s = POSITION_S * (double)starts[word->end];
        double sum = 0;
        for (size_t i = word->first; i < word->end; i++)
            sum += (double)probabilities[i];
        word->probability = (float)(sum / (double)(word->end - word->first));
    }
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double words_median_s(const Word *words, size_t count)
{
    double lengths[WORDS_MAX];
    size_t filled = 0;
    for (size_t i = 0; i < count; i++)
        if (words[i].end_s - words[i].start_s != 0)
            lengths[filled++] = words[i].end_s - words[i].start_s;
    if (filled == 0)
        return 0;
    qsort(lengths, filled, sizeof *lengths, compare_doubles);
    double middle = lengths[filled / 2];
    if (filled % 2 == 0)
        middle = (middle + lengths[filled / 2 - 1]) / 2;
    return BASE_MIN(middle, MEDIAN_MAX_S);
}

void words_cut_pauses(const Bpe *bpe, const int32_t *tokens, Word *words, size_t count,
                      double median_s)
{
    double longest_s = 2 * median_s;
    if (median_s <= 0)
        return;
    for (size_t i = 1; i < count; i++) {
        if (words[i].end_s - words[i].start_s <= longest_s)
            continue;
        Subword here = word_text(bpe, tokens, &words[i]);
        Subword before = word_text(bpe, tokens, &words[i - 1]);
        if (is_in(here.text, SENTENCE_ENDS))
            words[i].end_s = words[i].start_s + longest_s;
        else if (is_in(before.text, SENTENCE_ENDS))
            words[i].start_s = words[i].end_s - longest_s;
    }
}

static void join(Word *word, Word *part)
{
    word->first = BASE_MIN(word->first, part->first);
    word->end = BASE_MAX(word->end, part->end);
    part->joined = true;
}

void words_join_punctuation(const Bpe *bpe, const int32_t *tokens, Word *words, size_t count)
{
    size_t following = count - 1;
    for (size_t i = count; i-- > 1;) {
        Word *previous = &words[i - 1];
        Subword text = word_text(bpe, tokens, previous);
        Subword bare = trimmed(&text);
        if (text.text[0] == ' ' && is_in(bare.text, OPENING))
            join(&words[following], previous);
        else
            following = i - 1;
    }
    size_t previous = 0;
    for (size_t i = 1; i < count; i++) {
        if (words[i].joined)
            continue;
        Subword before = word_text(bpe, tokens, &words[previous]);
        Subword here = word_text(bpe, tokens, &words[i]);
        bool ends_with_space = before.length > 0 && before.text[before.length - 1] == ' ';
        if (!ends_with_space && !words[previous].joined && is_in(here.text, CLOSING))
            join(&words[previous], &words[i]);
        else
            previous = i;
    }
}

void words_fit_piece(Word *words, size_t count, double median_s, double last_speech_s,
                     double *start_s, double *end_s)
{
    if (count == 0)
        return;
    Word *first = &words[0], *second = count > 1 ? &words[1] : NULL, *last = &words[count - 1];
    double longest_s = 2 * median_s;
    // After a pause, neither the first nor the second word is longer than twice the typical one.
    if (first->end_s - last_speech_s > 4 * median_s &&
        (first->end_s - first->start_s > longest_s ||
         (second && second->end_s - first->start_s > 2 * longest_s))) {
        if (second && second->end_s - second->start_s > longest_s) {
            double boundary = BASE_MAX(second->end_s / 2, second->end_s - longest_s);
            first->end_s = second->start_s = boundary;
        }
        first->start_s = BASE_MAX(0.0, first->end_s - longest_s);
    }
    if (*start_s<first->end_s && * start_s - 0.5> first->start_s)
        first->start_s = BASE_MAX(0.0, BASE_MIN(first->end_s - median_s, *start_s));
    else
        *start_s = first->start_s;
    if (*end_s > last->start_s && *end_s + 0.5 < last->end_s)
        last->end_s = BASE_MAX(last->start_s + median_s, *end_s);
    else
        *end_s = last->end_s;
}

// The part of a word that lies in speech; one that lies in none goes to the nearest edge of it.
static void hold_in_speech(Word *word, const SpeechSpan *spans, size_t span_count)
{
    double start = -1, end = -1, nearest = spans[0].start_s, distance = 1e9;
    for (size_t i = 0; i < span_count; i++) {
        double low = BASE_MAX(word->start_s, spans[i].start_s);
        double high = BASE_MIN(word->end_s, spans[i].end_s);
        if (low < high) {
            start = start < 0 ? low : start;
            end = high;
        }
        double middle = (word->start_s + word->end_s) / 2;
        double edges[2] = {spans[i].start_s, spans[i].end_s};
        for (size_t e = 0; e < 2; e++) {
            double away = edges[e] > middle ? edges[e] - middle : middle - edges[e];
            if (away < distance) {
                distance = away;
                nearest = edges[e];
            }
        }
    }
    word->start_s = start < 0 ? nearest : start;
    word->end_s = start < 0 ? nearest : end;
}

void words_hold_inside(Word *words, size_t count, const SpeechSpan *spans, size_t span_count,
                       double low_s, double high_s)
{
    double least = BASE_MIN(SHORTEST_S, (high_s - low_s) / (double)BASE_MAX(count, (size_t)1));
    double at = low_s;
    for (size_t i = 0; i < count; i++) {
        Word *word = &words[i];
        if (span_count > 0)
            hold_in_speech(word, spans, span_count);
        double room_s = least * (double)(count - i); // for this word and those after it
        word->start_s = BASE_MAX(at, BASE_MIN(word->start_s, high_s - room_s));
        word->end_s = BASE_MAX(word->start_s + least, word->end_s);
        word->end_s = BASE_MIN(word->end_s, high_s - (room_s - least));
        at = word->end_s;
    }
}
