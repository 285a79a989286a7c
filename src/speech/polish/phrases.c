// Words and phrases, sorted by their first letter: see phrases.h.
#include "phrases.h"

#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/letter.h"
#include "base/str.h"

enum {
    CODES_BYTES_MAX = 64 << 20,
    ENTRIES_BYTES_MAX = 4 << 20,
    GAP_CHARACTERS_MAX = 4 // between two words
};

static const uint32_t GAP = UINT32_MAX; // in a phrase's codes

typedef struct Entry {
    uint32_t head; // the first character, folded
    uint32_t first, count;
    uint32_t id;
    uint8_t flags;
    bool word_begins, word_ends; // its ends are parts of words
} Entry;

static const Entry *entries_of(const Phrases *phrases)
{
    return (const Entry *)(const void *)phrases->entries.data;
}

static const uint32_t *codes_of(const Phrases *phrases)
{
    return (const uint32_t *)(const void *)phrases->codes.data;
}

void phrases_init(Phrases *phrases)
{
    *phrases = (Phrases){.count = 0};
    buffer_init(&phrases->codes, CODES_BYTES_MAX);
    buffer_init(&phrases->entries, ENTRIES_BYTES_MAX);
}

void phrases_done(Phrases *phrases)
{
    buffer_done(&phrases->codes);
    buffer_done(&phrases->entries);
}

static uint32_t fold(uint32_t code)
{
    return code == 0x2019 ? '\'' : letter_fold(code);
}

static bool in_gap(uint32_t code)
{
    return text_is_space(code) || code == ',' || code == '-' || code == 0x2026 ||
           (code >= 0x2010 && code <= 0x2014);
}

bool phrases_add(Phrases *phrases, const char *text, unsigned flags, uint32_t id)
{
    const TextView view = {text, strlen(text), true};
    Entry entry = {.first = (uint32_t)(phrases->codes.length / sizeof(uint32_t)),
                   .id = id,
                   .flags = (uint8_t)flags};
    uint32_t code = 0, last = 0;
    bool gap = false;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0; at += n) {
        if (!(flags & PHRASE_EXACT) && (text_is_space(code) || code == '-')) {
            gap = entry.count > 0;
            continue;
        }
        if (gap) {
            buffer_append(&phrases->codes, &GAP, sizeof GAP);
            entry.count++;
        }
        gap = false;
        const bool as_written = (flags & (PHRASE_EXACT | PHRASE_MATCH_CASE)) != 0;
        const uint32_t kept = as_written ? code : fold(code);
        if (entry.count == 0) {
            entry.head = fold(code);
            entry.word_begins = text_in_word(code);
        }
        last = code;
        buffer_append(&phrases->codes, &kept, sizeof kept);
        entry.count++;
    }
    entry.word_ends = text_in_word(last);
    if (flags & PHRASE_EXACT) {
        entry.word_begins = entry.word_ends = false;
        phrases->any_exact = true;
    }
    if (phrases->codes.failed || entry.count == 0 ||
        !buffer_append(&phrases->entries, &entry, sizeof entry))
        return false;
    phrases->count++;
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const Entry *a = left;
    const Entry *b = right;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

void phrases_sort(Phrases *phrases)
{
    if (phrases->count > 1)
        qsort(phrases->entries.data, phrases->count, sizeof(Entry), compare_entries);
}

static size_t first_with_head(const Phrases *phrases, uint32_t head)
{
    const Entry *entries = entries_of(phrases);
    size_t low = 0, high = phrases->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (entries[middle].head < head)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t skip_gap(TextView view, size_t at)
{
    uint32_t code = 0;
    for (size_t i = 0, n; i < GAP_CHARACTERS_MAX && (n = text_next(view, at, &code)) > 0; i++) {
        if (!in_gap(code))
            break;
        at += n;
    }
    return at;
}

static PhraseMatch match_end(const Entry *entry, TextView view, size_t *at)
{
    if (entry->flags & PHRASE_OPEN_END)
        *at = text_word_end(view, *at);
    if (!entry->word_ends)
        return PHRASE_FOUND;
    uint32_t code = 0;
    if (text_next(view, *at, &code) == 0)
        return view.ended ? PHRASE_FOUND : PHRASE_UNDECIDED;
    return text_in_word(code) ? PHRASE_NONE : PHRASE_FOUND;
}

static PhraseMatch match_entry(const Phrases *phrases, const Entry *entry, TextView view, size_t at,
                               size_t *end)
{
    const uint32_t *codes = codes_of(phrases) + entry->first;
    const PhraseMatch beyond = view.ended ? PHRASE_NONE : PHRASE_UNDECIDED;
    const bool as_written = (entry->flags & (PHRASE_EXACT | PHRASE_MATCH_CASE)) != 0;
    for (size_t i = 0; i < entry->count; i++) {
        uint32_t code = 0;
        if (codes[i] == GAP) {
            const size_t next = skip_gap(view, at);
            if (next == at && next < view.length)
                return PHRASE_NONE;
            at = next;
            continue;
        }
        const size_t n = text_next(view, at, &code);
        if (n == 0)
            return beyond;
        if ((as_written ? code : fold(code)) != codes[i])
            return PHRASE_NONE;
        at += n;
    }
    const PhraseMatch match = match_end(entry, view, &at);
    *end = at;
    return match;
}

PhraseMatch phrases_find(const Phrases *phrases, TextView view, size_t at, PhraseHit *hit)
{
    uint32_t code = 0, before = 0;
    if (phrases->count == 0 || text_next(view, at, &code) == 0)
        return PHRASE_NONE;
    const bool inside =
        text_in_word(code) && text_before(view, at, &before) > 0 && text_in_word(before);
    if (inside && !phrases->any_exact)
        return PHRASE_NONE;
    const Entry *entries = entries_of(phrases);
    const uint32_t head = fold(code);
    PhraseMatch best = PHRASE_NONE;
    for (size_t i = first_with_head(phrases, head); i < phrases->count && entries[i].head == head;
         i++) {
        size_t end = 0;
        if (inside && entries[i].word_begins)
            continue;
        const PhraseMatch match = match_entry(phrases, &entries[i], view, at, &end);
        if (match == PHRASE_UNDECIDED)
            return PHRASE_UNDECIDED;
        if (match == PHRASE_FOUND && (best == PHRASE_NONE || end > hit->end)) {
            *hit = (PhraseHit){entries[i].id, end};
            best = PHRASE_FOUND;
        }
    }
    return best;
}

bool phrases_have_word(const Phrases *phrases, TextView view, size_t at, size_t end)
{
    PhraseHit hit;
    const TextView word = {view.text, end, true};
    return phrases_find(phrases, word, at, &hit) == PHRASE_FOUND && hit.end == end;
}
