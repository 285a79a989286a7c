// Characters by Unicode's tables: see base/letter.h.
#include "base/letter.h"

#include <stddef.h>

#include "base/attributes.h"
#include "letter_table.h"

static uint32_t convert(const CaseRange *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const CaseRange *range = &ranges[middle];
        if (code < range->first)
            high = middle;
        else if (code > range->last)
            low = middle + 1;
        else if ((code - range->first) % range->step == 0)
            return (uint32_t)((int32_t)code + range->difference);
        else
            return code;
    }
    return code;
}

bool letter_in_word(uint32_t code)
{
    if (code < 0x80)
        return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
               (code >= '0' && code <= '9') || code == '_';
    size_t low = 0, high = BASE_COUNT(word_ranges);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (code < word_ranges[middle].first)
            high = middle;
        else if (code > word_ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

uint32_t letter_lower(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return convert(lower_ranges, BASE_COUNT(lower_ranges), code);
}

uint32_t letter_upper(uint32_t code)
{
    if (code < 0x80)
        return code >= 'a' && code <= 'z' ? code - 32 : code;
    return convert(upper_ranges, BASE_COUNT(upper_ranges), code);
}

uint32_t letter_fold(uint32_t code)
{
    if (code < 0x80)
        return letter_lower(code);
    return letter_lower(letter_upper(code)); // both small sigmas, the long s
}

bool letter_is_upper(uint32_t code)
{
    return letter_lower(code) != code;
}

bool letter_is_lower(uint32_t code)
{
    return letter_upper(code) != code;
}

bool letter_has_no_spaces(uint32_t code)
{
    return (code >= 0xE00 && code <= 0x109F) || (code >= 0x1780 && code <= 0x17FF) ||
           (code >= 0x2E80 && code <= 0x312F) || (code >= 0x31A0 && code <= 0xA4CF) ||
           (code >= 0xF900 && code <= 0xFAFF) || (code >= 0xFE30 && code <= 0xFE4F) ||
           (code >= 0xFF01 && code <= 0xFF9F) || (code >= 0x20000 && code <= 0x3FFFF);
}
