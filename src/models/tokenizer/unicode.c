// Character classes and folding by binary search in the generated tables.
#include "unicode.h"

#include "base/attributes.h"

#include "unicode_tables.h"

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
enum {
    HANGUL_FIRST = 0xAC00,
    HANGUL_COUNT = 11172,
    HANGUL_LEADING = 0x1100,
    HANGUL_VOWEL = 0x1161,
    HANGUL_VOWELS = 21,
    HANGUL_TRAILING = 0x11A7, // one before the first: no trailing consonant
    HANGUL_TRAILINGS = 28
};

static uint8_t kind_in(const UnicodeRange *ranges, size_t count, uint32_t code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && code >= ranges[low].first ? ranges[low].kind : 0;
}

UnicodeClass unicode_class(uint32_t code)
{
    return (UnicodeClass)kind_in(split_ranges, BASE_COUNT(split_ranges), code);
}

FoldKind unicode_fold_kind(uint32_t code)
{
    return (FoldKind)kind_in(fold_ranges, BASE_COUNT(fold_ranges), code);
}

static const UnicodeFold *find_fold(uint32_t code)
{
    size_t low = 0;
    size_t high = BASE_COUNT(folds);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (folds[middle].from < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < BASE_COUNT(folds) && folds[low].from == code ? &folds[low] : NULL;
}

static size_t fold_hangul(uint32_t syllable, uint32_t out[UNICODE_FOLD_MAX])
{
    const uint32_t trailing = syllable % HANGUL_TRAILINGS;
    const uint32_t pair = syllable / HANGUL_TRAILINGS;
    out[0] = HANGUL_LEADING + pair / HANGUL_VOWELS;
    out[1] = HANGUL_VOWEL + pair % HANGUL_VOWELS;
    out[2] = HANGUL_TRAILING + trailing;
    return trailing ? 3 : 2;
}

size_t unicode_fold(uint32_t code, uint32_t out[UNICODE_FOLD_MAX])
{
    if (code >= HANGUL_FIRST && code < HANGUL_FIRST + HANGUL_COUNT) {
        return fold_hangul(code - HANGUL_FIRST, out);
    }
    const UnicodeFold *const fold = find_fold(code);
    if (!fold) {
        out[0] = code;
        return 1;
    }
    size_t count = 0;
    while (count < UNICODE_FOLD_MAX && fold->to[count]) {
        out[count] = fold->to[count];
        count++;
    }
    return count;
}
